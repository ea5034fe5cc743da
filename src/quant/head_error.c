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
            double p = (double)was[k], q = (double)is[k];
            best = fmax(best, p);
            e->score += fmax(p, q) * fabs(q - p);
            e->scores += p * p;
        }
        for (int k = 0; k < 4; k++) /* cx, w by the width, cy, h by the height */
            box += fabs((double)is[k] - (double)was[k]) / fmax((double)was[2 + k % 2], 1) / 4;
        e->box += best * best * box;
        e->boxes += best * best;
    }
}

double head_error_value(const struct head_error *e)
{
    return (e->scores > 0 ? e->score / e->scores : 0) + (e->boxes > 0 ? e->box / e->boxes : 0);
}
