#include "train/assigner.h"

#include "core/mem.h"
#include "detect/decode.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define IN_LABEL_EPSILON 1e-9f /* SPEC 8 step 2 */
#define METRIC_EPSILON   1e-9f /* SPEC 8 step 7 */

void assign_scratch_free(struct assign_scratch *s)
{
    mem_free(s->inside);
    mem_free(s->conflict);
    mem_free(s->overlap);
    mem_free(s->taken);
    mem_free(s->best);
    *s = (struct assign_scratch){0};
}

enum status assign_scratch_reserve(struct assign_scratch *s, int anchors, int labels)
{
    if (anchors <= s->anchors && labels <= s->labels)
        return OK;
    anchors = MAX(anchors, s->anchors);
    labels = MAX(labels, s->labels);
    assign_scratch_free(s);
    s->inside = mem_alloc((size_t)anchors + 8, 1); /* is read in words of eight */
    s->conflict = mem_alloc((size_t)anchors, 1);
    s->overlap = mem_alloc((size_t)anchors, sizeof *s->overlap);
    s->taken = mem_alloc((size_t)anchors, sizeof *s->taken);
    s->best = mem_alloc((size_t)labels, 2 * sizeof *s->best);
    if (!s->inside || !s->conflict || !s->overlap || !s->taken || !s->best) {
        assign_scratch_free(s);
        return E_NOMEM;
    }
    s->anchors = anchors;
    s->labels = labels;
    return OK;
}

void assign_trace_free(struct assign_trace *t)
{
    mem_free(t->metric);
    mem_free(t->claims);
    mem_free(t->contested);
    mem_free(t->overlap);
    *t = (struct assign_trace){0};
}

enum status assign_trace_reserve(struct assign_trace *t, int anchors, int labels, int top_k)
{
    if ((long)labels * top_k > INT32_MAX)
        return fail(E_LIMIT, "%d labels with %d candidates each are more than can be listed", labels, top_k);
    if (anchors > t->anchors) {
        assign_trace_free(t);
        t->metric = mem_alloc((size_t)anchors, sizeof *t->metric);
        t->contested = mem_alloc((size_t)anchors, 1);
        t->overlap = mem_alloc((size_t)anchors, sizeof *t->overlap);
        if (!t->metric || !t->contested || !t->overlap)
            return E_NOMEM;
        t->anchors = anchors;
    }
    t->claims = mem_reserve(t->claims, &t->claim_capacity, labels * top_k, sizeof *t->claims);
    return t->claims || !labels ? OK : E_NOMEM;
}

/* One anchor point seen by one label. */
struct anchor_match {
    int anchor;
    float metric, overlap;
};

/* The usual exponents without powf: x^0.5, x^1, x^6 ... */
static float power(float x, float exponent)
{
    if (exponent == 0.5f)
        return sqrtf(x);
    if (exponent == 1)
        return x;
    if (exponent == 6)
        return (x * x * x) * (x * x * x);
    return powf(x, exponent);
}

static struct anchor_match match_of(const struct assign_config *config, const struct assign_image *image, int g,
                                    int anchor)
{
    const struct assign_label *label = &image->labels[g];
    struct ciou_box *box = &image->boxes[anchor];
    if (!image->ready[anchor]) {
        image->decode(image->context, anchor, box);
        image->ready[anchor] = 1;
    }
    struct anchor_match m = {.anchor = anchor};
    float overlap = ciou_of(&label->box, box);
    if (!(overlap > 0))
        return m;
    float score = image->scores[(size_t)anchor * image->score_stride + (size_t)label->class];
    if (image->logits)
        score = sigmoid(score);
    m.overlap = overlap;
    m.metric = power(score, config->alpha) * power(overlap, config->beta);
    return m;
}

static bool is_inside(const struct assign_image *image, const float *box, int a)
{
    float left = image->x[a] - box[0], top = image->y[a] - box[1];
    float right = box[2] - image->x[a], bottom = box[3] - image->y[a];
    return MIN(MIN(left, top), MIN(right, bottom)) > IN_LABEL_EPSILON;
}

static void mark_inside(const struct assign_image *image, const float *box, unsigned char *inside)
{
    for (int a = 0; a < image->anchors; a++)
        inside[a] = is_inside(image, box, a);
    memset(inside + image->anchors, 0, 8);
}

/* The top_k matches of positive metric inside label g, best first, equal ones by anchor index. */
static int best_matches(const struct assign_config *config, const struct assign_image *image, int g,
                        const unsigned char *inside, struct anchor_match *best)
{
    int n = 0;
    for (int base = 0; base < image->anchors; base += 8) {
        uint64_t any;
        memcpy(&any, inside + base, 8);
        if (!any)
            continue;
        for (int a = base; a < base + 8; a++) {
            if (!inside[a])
                continue;
            struct anchor_match m = match_of(config, image, g, a);
            if (image->trace)
                image->trace->metric[a] = MAX(image->trace->metric[a], m.metric);
            if (!(m.metric > 0) || (n == config->top_k && m.metric <= best[n - 1].metric))
                continue;
            int at = n < config->top_k ? n++ : n - 1;
            for (; at > 0 && best[at - 1].metric < m.metric; at--)
                best[at] = best[at - 1];
            best[at] = m;
        }
    }
    return n;
}

/* A label with fewer than top_k positive metrics fills up with points of metric 0, lowest index first, wherever
 * they lie; those inside it become claims of score 0 (SPEC 8, ties). */
static int fill_matches(const struct assign_config *config, const struct assign_image *image, int g,
                        const unsigned char *inside, struct anchor_match *best, int n)
{
    int positive = n;
    for (int a = 0, missing = config->top_k - n; missing > 0; a++) {
        bool listed = false;
        for (int i = 0; i < positive && !listed; i++)
            listed = best[i].anchor == a;
        if (listed)
            continue;
        missing--;
        if (inside[a])
            best[n++] = match_of(config, image, g, a);
    }
    return n;
}

/* The same where the label may not hold the point. */
static struct anchor_match rival_match(const struct assign_config *config, const struct assign_image *image, int g,
                                       int anchor)
{
    const struct assign_label *label = &image->labels[g];
    if (config->inside && !(label->valid && is_inside(image, label->box.xyxy, anchor)))
        return (struct anchor_match){.anchor = anchor};
    return match_of(config, image, g, anchor);
}

/* SPEC 8 step 5. */
static void resolve_conflict(const struct assign_config *config, const struct assign_image *image, int anchor,
                             struct assign_scratch *s, int *label, float *metric)
{
    struct anchor_match winner = rival_match(config, image, 0, anchor);
    label[anchor] = 0;
    for (int g = 1; g < image->n_labels; g++) {
        struct anchor_match m = rival_match(config, image, g, anchor);
        if (m.overlap > winner.overlap) {
            winner = m;
            label[anchor] = g;
        }
    }
    metric[anchor] = winner.metric;
    s->overlap[anchor] = winner.overlap;
}

static void trace_claim(struct assign_trace *t, int g, const struct anchor_match *m)
{
    assert(t->n_claims < t->claim_capacity);
    t->claims[t->n_claims++] = (struct assign_claim){g, m->anchor, m->metric, m->overlap};
}

static void trace_begin(struct assign_trace *t, int anchors)
{
    memset(t->metric, 0, sizeof *t->metric * (size_t)anchors);
    memset(t->overlap, 0, sizeof *t->overlap * (size_t)anchors);
    t->n_claims = 0;
}

static void trace_end(struct assign_trace *t, const struct assign_scratch *s, int anchors, int taken)
{
    memcpy(t->contested, s->conflict, (size_t)anchors);
    for (int i = 0; i < taken; i++)
        t->overlap[s->taken[i]] = s->overlap[s->taken[i]];
}

/* SPEC 8 steps 1 to 4: the claims of all labels. Returns the number of points in s->taken. */
static int claim(const struct assign_config *config, const struct assign_image *image, struct assign_scratch *s,
                 int *label, float *metric)
{
    struct anchor_match best[ASSIGN_MAX_TOP_K];
    int taken = 0;
    for (int g = 0; g < image->n_labels; g++) {
        if (!image->labels[g].valid)
            continue;
        mark_inside(image, image->labels[g].box.xyxy, s->inside);
        int n = best_matches(config, image, g, s->inside, best);
        n = fill_matches(config, image, g, s->inside, best, n);
        for (int i = 0; i < n; i++) {
            int a = best[i].anchor;
            if (image->trace)
                trace_claim(image->trace, g, &best[i]);
            if (label[a] >= 0) {
                s->conflict[a] = 1;
                continue;
            }
            label[a] = g;
            metric[a] = best[i].metric;
            s->overlap[a] = best[i].overlap;
            s->taken[taken++] = a;
        }
    }
    return taken;
}

/* SPEC 8 step 7: metrics become target scores. */
static void normalise(const struct assign_image *image, struct assign_scratch *s, int taken, const int *label,
                      float *score)
{
    memset(s->best, 0, 2 * sizeof *s->best * (size_t)image->n_labels);
    for (int i = 0; i < taken; i++) {
        int a = s->taken[i];
        float *best = s->best + 2 * (size_t)label[a];
        best[0] = MAX(best[0], score[a]);
        best[1] = MAX(best[1], s->overlap[a]);
    }
    for (int i = 0; i < taken; i++) {
        int a = s->taken[i];
        const float *best = s->best + 2 * (size_t)label[a];
        score[a] = score[a] * best[1] / (best[0] + METRIC_EPSILON);
    }
}

void assign_run(const struct assign_config *config, const struct assign_image *image, struct assign_scratch *s,
                int *label, float *score)
{
    assert(config->top_k >= 1 && config->top_k <= ASSIGN_MAX_TOP_K && config->top_k <= image->anchors);
    assert(image->anchors <= s->anchors && image->n_labels <= s->labels);
    for (int a = 0; a < image->anchors; a++)
        label[a] = -1;
    memset(score, 0, sizeof *score * (size_t)image->anchors);
    memset(s->conflict, 0, (size_t)image->anchors);

    if (image->trace)
        trace_begin(image->trace, image->anchors);
    int taken = claim(config, image, s, label, score);
    for (int i = 0; i < taken; i++)
        if (s->conflict[s->taken[i]])
            resolve_conflict(config, image, s->taken[i], s, label, score);
    normalise(image, s, taken, label, score);
    if (image->trace)
        trace_end(image->trace, s, image->anchors, taken);
}
