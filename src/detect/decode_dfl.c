/* The anchor-free head (SPEC 3): a side's distance is the expectation of a distribution over bins. */
#include "detect/boxes.h"
#include "detect/decode_kinds.h"
#include "kernels/math_inline.h"

#include <assert.h>

/* exp(logits - largest), with NaN kept: an expectation of garbage must not look like a distance. */
static inline void shifted_exp(const float *logits, int bins, float *dst)
{
    float top = logits[0];
    for (int k = 1; k < bins; k++)
        top = logits[k] > top ? logits[k] : top;
    for (int k = 0; k < bins; k++)
        dst[k] = exp_f32(logits[k] - top);
}

float dfl_expectation(const float *logits, int bins, float *softmax)
{
    float e[DECODE_MAX_BINS];
    assert(bins >= 1 && bins <= DECODE_MAX_BINS);
    shifted_exp(logits, bins, e);
    float sum = 0, moment = 0;
    for (int k = 0; k < bins; k++) {
        sum += e[k];
        moment += e[k] * (float)k;
    }
    if (softmax)
        for (int k = 0; k < bins; k++)
            softmax[k] = e[k] / sum;
    return moment / sum;
}

void dfl_backward(const float *softmax, int bins, float expectation, float d_expectation, float *d_logits)
{
    for (int k = 0; k < bins; k++)
        d_logits[k] += softmax[k] * ((float)k - expectation) * d_expectation;
}

/* cx, cy, w, h in input pixels, in the order of operations of SPEC 3. */
static void decode_box(const float *logits, int bins, float x, float y, float stride, float cxcywh[4])
{
    float ltrb[4], xyxy[4];
    for (int side = 0; side < 4; side++)
        ltrb[side] = dfl_expectation(logits + side * bins, bins, NULL);
    box_ltrb_to_xyxy(ltrb, x, y, xyxy);
    box_xyxy_to_cxcywh(xyxy, cxcywh);
    for (int i = 0; i < 4; i++)
        cxcywh[i] *= stride;
}

/* An integer OR, so that the compiler makes vectors of it. */
static bool any_above(const float *x, int n, float floor)
{
    int any = 0;
    for (int k = 0; k < n; k++)
        any |= x[k] > floor;
    return any;
}

static void decode_cell(const struct level_view *v, int cell, float *cxcywh)
{
    decode_box(v->logits + (size_t)cell * v->cell_stride, v->head->reg_max, (float)(cell % v->w) + 0.5f,
               (float)(cell / v->w) + 0.5f, v->stride, cxcywh);
}

static void dfl_decode(const struct level_view *v, float *rows)
{
    const int nc = v->head->nc;
    for (int i = 0; i < v->h * v->w; i++, rows += 4 + nc) {
        const float *cls = v->logits + (size_t)i * v->cell_stride + 4 * v->head->reg_max;
        decode_cell(v, i, rows);
        for (int k = 0; k < nc; k++)
            rows[4 + k] = sigmoid(cls[k]);
    }
}

static enum status dfl_scan(const struct candidate_scan *s, const struct level_view *v)
{
    const int nc = v->head->nc;
    const float *cls = v->logits + 4 * v->head->reg_max;
    for (int i = 0; i < v->h * v->w; i++, cls += v->cell_stride) {
        if (!any_above(cls, nc, s->floor))
            continue;
        if (candidates_reserve(s->to, nc) != OK)
            return E_NOMEM;
        if (!candidates_push(s, cls, 1, nc, true, 1))
            continue;
        float *box = candidates_add_box(s->to, v->first_row + i);
        decode_cell(v, i, box);
        box_cxcywh_to_xyxy(box, box);
    }
    return OK;
}

static float dfl_score(const struct head *h, const float *row, size_t stride, int k)
{
    (void)h;
    return row[(size_t)(4 + k) * stride];
}

const struct head_reader dfl_reader = {
    .class_offset = 7680, /* SPEC 12.1 */
    .val_iou = 0.7,
    .decode = dfl_decode,
    .scan = dfl_scan,
    .score = dfl_score,
};
