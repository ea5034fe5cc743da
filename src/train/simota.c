#include "train/simota.h"

#include "core/mem.h"
#include "detect/boxes.h"
#include "detect/decode.h"

#include <math.h>

#define IOU_WEIGHT  3.0    /* of the cost (SPEC-wild C.6) */
#define IOU_EPSILON 1e-8   /* within the logarithm of an IoU */
#define LEAST       1e-100 /* a probability's distance from 0 or 1: its logarithm stays a number */

struct simota_candidate {
    const float *logits; /* of its anchor box: x, y, w, h, objectness, classes */
    float xyxy[4];       /* predicted box in pixels */
    double object;       /* probability of an object, */
    double no_object;    /* and what it lacks of 1 */
    double background;   /* BCE of its classes with a target of 0 for all */
    int claims;          /* labels that want it */
    int claimant;        /* one of them */
};

/* What a label has seen of its candidates. */
struct best {
    int top_k, n_costs, n_ious;
    int candidate[SIMOTA_MAX_TOP_K];
    double cost[SIMOTA_MAX_TOP_K]; /* the least, rising */
    float iou[SIMOTA_MAX_TOP_K];   /* the largest, falling */
};

enum status simota_reserve(struct simota_scratch *s, int candidates)
{
    if (candidates <= s->capacity)
        return OK;
    simota_scratch_free(s);
    s->candidates = mem_alloc((size_t)candidates, sizeof *s->candidates);
    s->logit = mem_alloc((size_t)candidates, sizeof *s->logit);
    if (!s->candidates || !s->logit)
        return E_NOMEM;
    s->capacity = candidates;
    return OK;
}

void simota_scratch_free(struct simota_scratch *s)
{
    mem_free(s->candidates);
    mem_free(s->logit);
    *s = (struct simota_scratch){0};
}

/* --- predictions --- */

/* Sigmoid of x and what it lacks of 1; both have all their digits. */
static void probability(double x, double *p, double *lack)
{
    double e = exp(-fabs(x)), large = 1 / (1 + e), small = e * large;
    *p = x < 0 ? small : large;
    *lack = x < 0 ? large : small;
}

/* y = sqrt(class * object) and what it lacks of 1. */
static void class_probability(const struct simota_candidate *c, int class, double *y, double *lack)
{
    double p, rest;
    probability((double)c->logits[5 + class], &p, &rest);
    *y = sqrt(p * c->object);
    *lack = MAX((rest + p * c->no_object) / (1 + *y), LEAST);
}

/* The logit of y: what a class costs as background less what it costs as the label's. */
static double class_logit(const struct simota_candidate *c, int class)
{
    double y, lack;
    class_probability(c, class, &y, &lack);
    return log(MAX(y, LEAST)) - log(lack);
}

/* Sum of -ln(1 - y) over the classes, as the logarithm of their product, taken before it gets too small. */
static double background_cost(const struct simota_candidate *c, int nc)
{
    double cost = 0, product = 1, y, lack;
    for (int k = 0; k < nc; k++) {
        class_probability(c, k, &y, &lack);
        product *= lack;
        if (product < LEAST) {
            cost -= log(product);
            product = 1;
        }
    }
    return cost - log(product);
}

static void read_candidate(const struct simota_image *v, int level, const struct anchor_candidate *at,
                           struct simota_candidate *out)
{
    const struct head_output *o = v->head;
    const int nc = o->head->nc;
    size_t cell = (size_t)o->level[level].first + (size_t)at->y * (size_t)o->level[level].w + (size_t)at->x;
    const float *x =
        o->logits + (size_t)v->image * o->image_stride + cell * o->stride + (size_t)(at->anchor * (5 + nc));
    float box[4];
    anchor_box_decode(x, at->x, at->y, (float)o->level[level].stride, o->head->anchor[level][at->anchor], box);
    *out = (struct simota_candidate){.logits = x};
    box_cxcywh_to_xyxy(box, out->xyxy);
    probability((double)x[4], &out->object, &out->no_object);
    out->background = background_cost(out, nc);
}

/* --- choosing --- */

static double cost_of(const struct simota_candidate *c, double logit, float iou)
{
    double far = iou == 0 ? log(IOU_EPSILON) : log((double)iou + IOU_EPSILON); /* most pairs do not meet */
    double cost = c->background - logit - IOU_WEIGHT * far;
    return isnan(cost) ? INFINITY : cost;
}

/* Equal costs stay in the order of their candidates. */
static void keep_cost(struct best *b, int candidate, double cost)
{
    int i = b->n_costs;
    if (i == b->top_k && !(cost < b->cost[i - 1]))
        return;
    i = i < b->top_k ? b->n_costs++ : i - 1;
    for (; i > 0 && cost < b->cost[i - 1]; i--) {
        b->cost[i] = b->cost[i - 1];
        b->candidate[i] = b->candidate[i - 1];
    }
    b->cost[i] = cost;
    b->candidate[i] = candidate;
}

static void keep_iou(struct best *b, float iou)
{
    int i = b->n_ious;
    if (!(iou > 0) || (i == b->top_k && iou <= b->iou[i - 1]))
        return;
    i = i < b->top_k ? b->n_ious++ : i - 1;
    for (; i > 0 && iou > b->iou[i - 1]; i--)
        b->iou[i] = b->iou[i - 1];
    b->iou[i] = iou;
}

/* A label claims its cheapest candidates, as many as its best IoUs add up to. */
static void claim(const struct simota_image *v, const struct simota_scratch *s, int n, int label)
{
    struct best best = {.top_k = v->top_k};
    double sum = 0;
    for (int c = 0; c < n; c++) {
        float iou = box_iou(v->labels[label].xyxy, s->candidates[c].xyxy, 0);
        keep_iou(&best, iou);
        keep_cost(&best, c, cost_of(&s->candidates[c], s->logit[c], iou));
    }
    for (int i = 0; i < best.n_ious; i++)
        sum += (double)best.iou[i];
    int wanted = MIN(MAX((int)sum, 1), best.n_costs);
    for (int i = 0; i < wanted; i++) {
        struct simota_candidate *c = &s->candidates[best.candidate[i]];
        c->claims++;
        c->claimant = label;
    }
}

/* The label, of all of the image, to which a candidate costs the least. */
static int cheapest_label(const struct simota_image *v, const struct simota_candidate *c)
{
    double least = INFINITY;
    int label = 0;
    for (int g = 0; g < v->n_labels; g++) {
        float iou = box_iou(v->labels[g].xyxy, c->xyxy, 0);
        double cost = cost_of(c, class_logit(c, v->labels[g].class), iou);
        if (cost < least) {
            least = cost;
            label = g;
        }
    }
    return label;
}

static bool class_seen(const struct simota_image *v, int label)
{
    for (int g = 0; g < label; g++)
        if (v->labels[g].class == v->labels[label].class)
            return true;
    return false;
}

void simota_run(const struct simota_image *v, struct simota_scratch *s, int *owner)
{
    const int levels = v->head->n_levels, n = v->first[levels] - v->first[0];
    for (int l = 0; l < levels; l++)
        for (int c = v->first[l] - v->first[0]; c < v->first[l + 1] - v->first[0]; c++)
            read_candidate(v, l, &v->candidates[c], &s->candidates[c]);
    for (int first = 0; first < v->n_labels; first++) {
        if (class_seen(v, first))
            continue;
        const int class = v->labels[first].class;
        for (int c = 0; c < n; c++)
            s->logit[c] = class_logit(&s->candidates[c], class);
        for (int label = first; label < v->n_labels; label++)
            if (v->labels[label].class == class)
                claim(v, s, n, label);
    }
    for (int c = 0; c < n; c++) {
        const struct simota_candidate *one = &s->candidates[c];
        owner[c] = one->claims == 0 ? -1 : one->claims == 1 ? one->claimant : cheapest_label(v, one);
        if (v->iou)
            v->iou[c] = owner[c] < 0 ? 0 : box_iou(v->labels[owner[c]].xyxy, one->xyxy, 0);
    }
}
