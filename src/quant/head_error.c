#include "quant/head_error.h"

#include "detect/decode.h"

#include <math.h>

size_t head_error_floats(const struct head_output *head, int nc)
{
    return (size_t)head->anchors * (size_t)(4 + nc);
}

void head_error_add(struct head_error *e, const struct head_output *head, int nc, const float *reference,
                    float *decoded)
{
    decode_image(head, 0, nc, decoded);
    for (int a = 0; a < head->anchors; a++) {
        const float *was = reference + (size_t)a * (size_t)(4 + nc), *is = decoded + (size_t)a * (size_t)(4 + nc);
        double best = 0, box = 0;
        for (int k = 4; k < 4 + nc; k++) {
            double p = (double)was[k], d = (double)is[k] - p;
            best = fmax(best, p);
            e->score += d * d;
            e->scores += p * p;
        }
        for (int k = 0; k < 4; k++) { /* cx, w by the width, cy, h by the height */
            double d = ((double)is[k] - (double)was[k]) / fmax((double)was[2 + k % 2], 1);
            box += d * d / 4;
        }
        e->box += best * best * box;
        e->weights += best * best;
    }
}

double head_error_value(const struct head_error *e)
{
    double score = e->scores > 0 ? e->score / e->scores : 0, box = e->weights > 0 ? e->box / e->weights : 0;
    return sqrt(score + box);
}
