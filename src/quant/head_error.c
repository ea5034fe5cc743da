#include "quant/head_error.h"

#include "detect/decode.h"

#include <math.h>

size_t head_error_floats(const struct head_output *out)
{
    return (size_t)head_rows(out) * (size_t)head_row_width(out->head);
}

void head_error_add(struct head_error *e, const struct head_output *out, const float *reference, float *decoded)
{
    const size_t width = (size_t)head_row_width(out->head);
    decode_image(out, 0, decoded);
    for (int a = 0; a < head_rows(out); a++) {
        const float *was = reference + (size_t)a * width, *is = decoded + (size_t)a * width;
        double best = 0, box = 0;
        for (int k = 0; k < out->head->nc; k++) {
            double p = (double)head_row_score(out->head, was, k), q = (double)head_row_score(out->head, is, k);
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
