#include "detect/decode.h"

#include "core/mem.h"
#include "detect/boxes.h"
#include "kernels/math_inline.h"

#include <assert.h>
#include <math.h>
#include <string.h>

float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

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

static int head_bins(const struct head_output *head, int nc)
{
    assert(nc > 0 && head->channels > nc && (head->channels - nc) % 4 == 0);
    return (head->channels - nc) / 4;
}

void decode_image(const struct head_output *head, int image, int nc, float *dst)
{
    int bins = head_bins(head, nc);
    const float *base = head->logits + (size_t)image * head->image_stride;
    for (int l = 0; l < head->n_levels; l++) {
        for (int i = 0; i < head->level[l].h * head->level[l].w; i++) {
            size_t a = (size_t)(head->level[l].first + i);
            const float *logits = base + a * head->stride;
            float *out = dst + a * (size_t)(4 + nc);
            decode_box(logits, bins, (float)(i % head->level[l].w) + 0.5f, (float)(i / head->level[l].w) + 0.5f,
                       (float)head->level[l].stride, out);
            for (int k = 0; k < nc; k++)
                out[4 + k] = sigmoid(logits[4 * bins + k]);
        }
    }
}

void candidates_free(struct candidates *c)
{
    mem_free(c->items);
    mem_free(c->boxes);
    memset(c, 0, sizeof(*c));
}

/* Room for one more box with `nc` classes. */
static enum status candidates_reserve(struct candidates *c, int nc)
{
    if (c->count + (size_t)nc > c->capacity) {
        size_t capacity = MAX(c->capacity * 2, c->count + (size_t)nc + 4096);
        void *items = mem_grow(c->items, c->count * sizeof(*c->items), capacity * sizeof(*c->items));
        if (!items)
            return E_NOMEM;
        c->items = items;
        c->capacity = capacity;
    }
    if (c->n_boxes == c->box_capacity) {
        size_t capacity = c->box_capacity * 2 + 1024;
        void *boxes = mem_grow(c->boxes, c->n_boxes * sizeof(*c->boxes), capacity * sizeof(*c->boxes));
        if (!boxes)
            return E_NOMEM;
        c->boxes = boxes;
        c->box_capacity = capacity;
    }
    return OK;
}

static bool allowed(const struct candidate_rule *rule, int class)
{
    return !rule->class_allowed || rule->class_allowed[class];
}

/* Push what the rule lets through of one anchor point; `score(x, k)` is inlined in both callers' loops. */
static bool push_classes(struct candidates *c, const float *scores, size_t stride, int nc, bool logits, float floor,
                         const struct candidate_rule *rule)
{
    size_t before = c->count;
    float best = rule->threshold;
    int best_class = -1;
    for (int k = 0; k < nc; k++) {
        float x = scores[(size_t)k * stride];
        if (!(x > floor))
            continue;
        float score = logits ? sigmoid(x) : x;
        if (rule->multi_label) {
            if (score > rule->threshold && allowed(rule, k))
                c->items[c->count++] = (struct candidate){score, k, (int)c->n_boxes};
        } else if (score > best) { /* strictly: the first of equals is the best class */
            best = score;
            best_class = k;
        }
    }
    if (best_class >= 0 && allowed(rule, best_class))
        c->items[c->count++] = (struct candidate){best, best_class, (int)c->n_boxes};
    return c->count > before;
}

/* A logit that no score above `threshold` lies under, even after the rounding of sigmoid() in single precision. */
static float logit_floor(float threshold)
{
    double p = (double)threshold * (1 - 1e-6);
    if (p <= 0)
        return -INFINITY;
    if (p >= 1)
        return INFINITY;
    return (float)(log(p / (1 - p)) - 1e-5);
}

/* An integer OR, so that the compiler makes vectors of it. */
static bool any_above(const float *x, int n, float floor)
{
    int any = 0;
    for (int k = 0; k < n; k++)
        any |= x[k] > floor;
    return any;
}

enum status candidates_from_head(struct candidates *c, const struct head_output *head, int image, int nc,
                                 const struct candidate_rule *rule)
{
    int bins = head_bins(head, nc);
    float floor = logit_floor(rule->threshold);
    const float *base = head->logits + (size_t)image * head->image_stride;
    c->count = c->n_boxes = 0;
    for (int l = 0; l < head->n_levels; l++) {
        int w = head->level[l].w;
        const float *logits = base + (size_t)head->level[l].first * head->stride;
        for (int i = 0; i < head->level[l].h * w; i++, logits += head->stride) {
            if (!any_above(logits + 4 * bins, nc, floor))
                continue;
            if (candidates_reserve(c, nc) != OK)
                return E_NOMEM;
            if (!push_classes(c, logits + 4 * bins, 1, nc, true, floor, rule))
                continue;
            float *box = c->boxes[c->n_boxes++];
            decode_box(logits, bins, (float)(i % w) + 0.5f, (float)(i / w) + 0.5f, (float)head->level[l].stride, box);
            box_cxcywh_to_xyxy(box, box);
        }
    }
    return OK;
}

enum status candidates_from_decoded(struct candidates *c, const float *decoded, int anchors, int nc,
                                    size_t anchor_stride, size_t channel_stride, const struct candidate_rule *rule)
{
    c->count = c->n_boxes = 0;
    for (int a = 0; a < anchors; a++) {
        const float *p = decoded + (size_t)a * anchor_stride;
        if (candidates_reserve(c, nc) != OK)
            return E_NOMEM;
        if (!push_classes(c, p + 4 * channel_stride, channel_stride, nc, false, rule->threshold, rule))
            continue;
        float cxcywh[4] = {p[0], p[channel_stride], p[2 * channel_stride], p[3 * channel_stride]};
        box_cxcywh_to_xyxy(cxcywh, c->boxes[c->n_boxes++]);
    }
    return OK;
}
