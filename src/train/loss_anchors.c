#include "train/loss_anchors.h"

#include "core/mem.h"
#include "detect/boxes.h"
#include "detect/decode.h"
#include "train/loss_batch.h"
#include "train/loss_terms.h"
#include "train/simota.h"

#include <math.h>
#include <string.h>

enum { ITEM_BOX, ITEM_OBJ, ITEM_CLS };

/* Logits of an anchor box: x, y, w, h, objectness, classes. */
enum { OBJECTNESS = 4, CLASSES = 5 };

/* Which labels the candidates of a batch answer for: one matching for the main branch, one for the others. */
struct matching {
    struct anchor_rule rule;
    struct anchor_candidates found[MAX_LEVELS]; /* of each level, in the order they are found */
    struct anchor_candidate *candidates;        /* the same grouped by image, then by level */
    int *owner;                                 /* a candidate: the target's row, or -1 */
    int *first;                                 /* (images * levels + 1) into candidates */
    int capacity, first_capacity;
    int positives[MAX_LEVELS]; /* candidates with an owner */
    /* Where the config asks for a trace, of each candidate: what loss_matching tells. */
    float *iou, *object[MAX_BRANCHES];
    int iou_capacity, object_capacity[MAX_BRANCHES];
};

/* Workspace of one thread. */
struct terms_scratch {
    float *object; /* (cells of a level, anchors) objectness targets; NO_TARGET between two parts */
    float *class;  /* (nc) gradient */
};
#define NO_TARGET (-1.0f)

struct anchor_loss {
    struct loss_config config;
    struct team *team;
    struct matching matching[2];

    struct simota_label *labels; /* in pixels, grouped by image */
    struct label_groups groups;
    int label_capacity;

    struct simota_scratch *simota; /* one a thread */
    struct terms_scratch *scratch; /* one a thread */
    int object_capacity;
    struct part_sums sums;

    /* the running call */
    const struct head_output *branches, *shape;
    const float *targets;
    int n_branches;
};

enum status anchor_loss_create(const struct loss_config *config, struct team *team, struct anchor_loss **out)
{
    size_t threads = (size_t)team_size(team);
    struct anchor_loss *l = mem_calloc(1, sizeof *l);
    *out = l;
    if (!l)
        return E_NOMEM;
    l->config = *config;
    l->team = team;
    l->matching[0].rule = (struct anchor_rule){config->anchors.most_ratio, config->anchors.reach};
    l->matching[1].rule = (struct anchor_rule){config->anchors.most_ratio, config->anchors.aux_reach};
    l->simota = mem_calloc(threads, sizeof *l->simota);
    l->scratch = mem_calloc(threads, sizeof *l->scratch);
    if (!l->simota || !l->scratch)
        return E_NOMEM;
    for (size_t i = 0; i < threads; i++)
        if (!(l->scratch[i].class = mem_alloc((size_t)config->nc, sizeof(float))))
            return E_NOMEM;
    return OK;
}

static void free_objects(struct anchor_loss *l)
{
    for (int i = 0; l->scratch && i < team_size(l->team); i++) {
        mem_free(l->scratch[i].object);
        l->scratch[i].object = NULL;
    }
    l->object_capacity = 0;
}

void anchor_loss_destroy(struct anchor_loss *l)
{
    if (!l)
        return;
    for (int m = 0; m < COUNT(l->matching); m++) {
        for (int level = 0; level < MAX_LEVELS; level++)
            anchor_candidates_free(&l->matching[m].found[level]);
        mem_free(l->matching[m].candidates);
        mem_free(l->matching[m].owner);
        mem_free(l->matching[m].first);
        mem_free(l->matching[m].iou);
        for (int b = 0; b < MAX_BRANCHES; b++)
            mem_free(l->matching[m].object[b]);
    }
    free_objects(l);
    for (int i = 0; i < team_size(l->team); i++) {
        if (l->simota)
            simota_scratch_free(&l->simota[i]);
        if (l->scratch)
            mem_free(l->scratch[i].class);
    }
    mem_free(l->simota);
    mem_free(l->scratch);
    mem_free(l->labels);
    label_groups_free(&l->groups);
    part_sums_free(&l->sums);
    mem_free(l);
}

/* --- the shape of a batch --- */

/* Weights of a level's objectness: three levels have their own (SPEC-wild C.7). */
static double balance_of(int level, int n_levels)
{
    static const double three[] = {4, 1, 0.4}, four[] = {4, 1, 0.25, 0.06};
    return n_levels == COUNT(three) ? three[level] : four[level];
}
enum { MOST_LEVELS = 4 };

static enum status check_shape(const struct head_output *a)
{
    int cells = 0;
    if (a->n_levels > MOST_LEVELS)
        return fail(E_UNSUPPORTED, "the loss of anchor boxes has weights for up to %d levels, not %d", MOST_LEVELS,
                    a->n_levels);
    if (a->channels != head_channels(a->head))
        return fail(E_SHAPE, "the head has %d channels: %d boxes of 5 + %d are needed", a->channels, a->head->n_anchors,
                    a->head->nc);
    for (int l = 0; l < a->n_levels; l++) {
        if (a->level[l].first != cells)
            return fail(E_SHAPE, "level %d of the head begins at cell %d, not %d", l, a->level[l].first, cells);
        cells += a->level[l].h * a->level[l].w;
    }
    if (cells != a->anchors)
        return fail(E_SHAPE, "the head's levels hold %d cells, not %d", cells, a->anchors);
    return OK;
}

static enum status reserve_objects(struct anchor_loss *l, const struct head_output *a)
{
    int most = 0;
    for (int i = 0; i < a->n_levels; i++)
        most = MAX(most, a->level[i].h * a->level[i].w * a->head->n_anchors);
    if (most <= l->object_capacity)
        return OK;
    free_objects(l);
    for (int i = 0; i < team_size(l->team); i++) {
        float *object = l->scratch[i].object = mem_alloc((size_t)most, sizeof *object);
        if (!object)
            return E_NOMEM;
        for (int k = 0; k < most; k++)
            object[k] = NO_TARGET;
    }
    l->object_capacity = most;
    return OK;
}

/* --- labels --- */

/* Normalised rows -> pixel boxes, grouped by image in the order of the rows. */
static enum status set_labels(struct anchor_loss *l, const float *targets, int n)
{
    float height = (float)(l->shape->level[0].h * l->shape->level[0].stride);
    float width =
        l->config.anchors.height_for_both ? height : (float)(l->shape->level[0].w * l->shape->level[0].stride);
    l->labels = mem_reserve(l->labels, &l->label_capacity, n, sizeof *l->labels);
    if (n && !l->labels)
        return E_NOMEM;
    TRY(label_groups_make(&l->groups, l->shape->n, targets, n));
    for (int i = 0; i < n; i++) {
        const float *row = targets + 6 * (size_t)i;
        struct simota_label *label = &l->labels[label_groups_place(&l->groups, row)];
        label_box(row, width, height, label->xyxy);
        label->class = (int)row[1];
        label->target = i;
    }
    return OK;
}

/* --- matching --- */

static enum status reserve_candidates(struct matching *m, int candidates, int groups)
{
    if (candidates > m->capacity) {
        mem_free(m->candidates);
        mem_free(m->owner);
        m->capacity = 0;
        m->candidates = mem_alloc((size_t)candidates, sizeof *m->candidates);
        m->owner = mem_alloc((size_t)candidates, sizeof *m->owner);
        if (!m->candidates || !m->owner)
            return E_NOMEM;
        m->capacity = candidates;
    }
    m->first = mem_reserve(m->first, &m->first_capacity, groups + 1, sizeof *m->first);
    return m->first ? OK : E_NOMEM;
}

/* The candidates of all levels, grouped by image and level, which keeps their order. *most: of an image. */
static enum status find_candidates(struct anchor_loss *l, struct matching *m, const float *targets, int n, int *most)
{
    const struct head_output *shape = l->shape;
    const int levels = shape->n_levels, groups = shape->n * levels;
    size_t count = 0;
    for (int i = 0; i < levels; i++) {
        TRY(anchor_candidates_find(shape, i, &m->rule, targets, n, &m->found[i]));
        count += (size_t)m->found[i].count;
    }
    if (count > INT32_MAX)
        return fail(E_LIMIT, "the labels of a batch have %zu candidates, more than %d", count, INT32_MAX);
    TRY(reserve_candidates(m, (int)count, groups));
    memset(m->first, 0, ((size_t)groups + 1) * sizeof *m->first);
    for (int i = 0; i < levels; i++)
        for (int k = 0; k < m->found[i].count; k++)
            m->first[m->found[i].items[k].image * levels + i]++;
    int begin = 0;
    for (int g = 0; g <= groups; g++) { /* counts -> where the group's next one goes */
        int of_group = m->first[g];
        m->first[g] = begin;
        begin += of_group;
    }
    for (int i = 0; i < levels; i++)
        for (int k = 0; k < m->found[i].count; k++)
            m->candidates[m->first[m->found[i].items[k].image * levels + i]++] = m->found[i].items[k];
    memmove(m->first + 1, m->first, (size_t)groups * sizeof *m->first); /* each stands at the next one's begin */
    m->first[0] = 0;
    for (int i = 0; i < shape->n; i++)
        *most = MAX(*most, m->first[(i + 1) * levels] - m->first[i * levels]);
    return OK;
}

/* A part is one image of one matching. */
static void match_part(void *context, int part, int thread)
{
    struct anchor_loss *l = context;
    struct matching *m = &l->matching[part / l->shape->n];
    const int image = part % l->shape->n, levels = l->shape->n_levels;
    const int *first = m->first + image * levels, begin = first[0];
    const struct simota_label *labels = l->labels + l->groups.first[image];
    const struct simota_image view = {.head = &l->branches[l->n_branches - 1],
                                      .image = image,
                                      .candidates = m->candidates + begin,
                                      .first = first,
                                      .labels = labels,
                                      .n_labels = l->groups.first[image + 1] - l->groups.first[image],
                                      .top_k = l->config.anchors.top_k,
                                      .iou = m->iou ? m->iou + begin : NULL};
    simota_run(&view, &l->simota[thread], m->owner + begin);
    for (int c = begin; c < first[levels]; c++)
        if (m->owner[c] >= 0)
            m->owner[c] = labels[m->owner[c]].target;
}

static enum status reserve_trace(struct matching *m, int n_branches, int groups)
{
    const int n = m->first[groups];
    m->iou = mem_reserve(m->iou, &m->iou_capacity, n, sizeof *m->iou);
    if (n && !m->iou)
        return E_NOMEM;
    for (int b = 0; b < n_branches; b++) {
        m->object[b] = mem_reserve(m->object[b], &m->object_capacity[b], n, sizeof *m->object[b]);
        if (n && !m->object[b])
            return E_NOMEM;
        for (int i = 0; i < n; i++)
            m->object[b][i] = 0;
    }
    return OK;
}

static enum status match(struct anchor_loss *l, const float *targets, int n)
{
    const int levels = l->shape->n_levels;
    const int matchings = l->n_branches > 1 ? 2 : 1;
    int most = 0;
    for (int k = 0; k < matchings; k++)
        TRY(find_candidates(l, &l->matching[k], targets, n, &most));
    for (int k = 0; l->config.trace && k < matchings; k++)
        TRY(reserve_trace(&l->matching[k], l->n_branches, l->shape->n * levels));
    for (int i = 0; i < team_size(l->team); i++)
        TRY(simota_reserve(&l->simota[i], most));
    team_run(l->team, matchings * l->shape->n, match_part, l);
    for (int k = 0; k < matchings; k++) {
        struct matching *m = &l->matching[k];
        memset(m->positives, 0, sizeof m->positives);
        for (int g = 0; g < l->shape->n * levels; g++)
            for (int c = m->first[g]; c < m->first[g + 1]; c++)
                m->positives[g % levels] += m->owner[c] >= 0;
    }
    return OK;
}

/* --- terms --- */

static const struct matching *matching_of(const struct anchor_loss *l, int branch)
{
    return &l->matching[branch == l->n_branches - 1 ? 0 : 1];
}

/* What the sums of a branch's level are multiplied by: gains, weights, means (SPEC-wild C.7). */
static void level_scale(const struct anchor_loss *l, int branch, int level, double scale[LOSS_ITEMS])
{
    const struct loss_config *c = &l->config;
    const struct head_output *o = l->shape;
    double weight = branch == l->n_branches - 1 ? c->main_weight : c->aux_weight;
    double positives = MAX(matching_of(l, branch)->positives[level], 1);
    double places = (double)o->n * o->level[level].h * o->level[level].w * o->head->n_anchors;
    scale[ITEM_BOX] = weight * c->box_gain / positives;
    scale[ITEM_OBJ] = weight * c->anchors.obj_gain * balance_of(level, o->n_levels) / places;
    scale[ITEM_CLS] = c->nc > 1 ? weight * c->cls_gain / (positives * c->nc) : 0;
}

/* One level of an image in a branch. */
struct terms {
    const struct anchor_loss *l;
    const struct head_output *out;
    int branch, level;
    size_t row; /* of its first cell, in floats */
    struct class_term object, class;
    double box_scale;
    struct terms_scratch *scratch;
    double *item;
};

/* Place of a candidate's objectness target among those of its level. */
static size_t object_place(const struct terms *t, const struct anchor_candidate *c)
{
    return (size_t)((c->y * t->out->level[t->level].w + c->x) * t->out->head->n_anchors + c->anchor);
}

/* And of its logits among the branch's floats. */
static size_t logits_place(const struct terms *t, const struct anchor_candidate *c)
{
    size_t cell = (size_t)(c->y * t->out->level[t->level].w + c->x);
    return t->row + cell * t->out->stride + (size_t)(c->anchor * (CLASSES + t->out->head->nc));
}

/* 1 - CIoU of a matched box; returns CIoU. d (may be NULL) gets the gradient added: a box can be matched twice. */
static float box_value(const struct terms *t, const struct anchor_candidate *c, const float *target, const float *x,
                       float *d)
{
    const int w = t->out->level[t->level].w, h = t->out->level[t->level].h;
    const float stride = (float)t->out->level[t->level].stride, *anchor = t->out->head->anchor[t->level][c->anchor];
    const float want[4] = {target[2] * (float)w - (float)c->x, target[3] * (float)h - (float)c->y, target[4] * (float)w,
                           target[5] * (float)h};
    float s[4], box[4], want_xyxy[4], xyxy[4], d_xyxy[4];
    for (int i = 0; i < 4; i++)
        s[i] = sigmoid(x[i]);
    for (int i = 0; i < 2; i++) {
        box[i] = 2 * s[i] - 0.5f;
        box[2 + i] = 4 * s[2 + i] * s[2 + i] * (anchor[i] / stride);
    }
    box_cxcywh_to_xyxy(box, xyxy);
    box_cxcywh_to_xyxy(want, want_xyxy);
    float ciou = box_ciou_gradient(xyxy, want_xyxy, BOX_EPSILON, d_xyxy);
    t->item[ITEM_BOX] += 1.0 - (double)ciou;
    for (int i = 0; d && i < 2; i++) {
        float d_centre = d_xyxy[i] + d_xyxy[2 + i], d_size = (d_xyxy[2 + i] - d_xyxy[i]) / 2;
        d[i] -= (float)t->box_scale * d_centre * 2 * s[i] * (1 - s[i]);
        d[2 + i] -= (float)t->box_scale * d_size * 2 * box[2 + i] * (1 - s[2 + i]);
    }
    return ciou;
}

static void class_value_of(const struct terms *t, int class, const float *x, float *d)
{
    const int nc = t->l->config.nc;
    const double smoothing = t->l->config.anchors.label_smoothing, yes = 1 - smoothing / 2, no = smoothing / 2;
    float *gradient = t->scratch->class;
    t->item[ITEM_CLS] += class_zero(&t->class, x, (size_t)nc, gradient, (size_t)nc, 1, nc);
    for (int k = no > 0 ? 0 : class; k < (no > 0 ? nc : class + 1); k++)
        t->item[ITEM_CLS] += class_positive(&t->class, x[k], (float)(k == class ? yes : no), &gradient[k]);
    for (int k = 0; d && k < nc; k++)
        d[k] += gradient[k];
}

/* The candidates that answer for a label: boxes, classes, and the targets of objectness, where the later of two labels
 * at one place wins. */
static void matched(const struct terms *t, const struct matching *m, int group)
{
    const struct anchor_loss *l = t->l;
    float *d_logits = t->out->d_logits;
    for (int i = m->first[group]; i < m->first[group + 1]; i++) {
        const struct anchor_candidate *c = &m->candidates[i];
        if (m->owner[i] < 0)
            continue;
        const float *target = l->targets + 6 * (size_t)m->owner[i];
        size_t place = logits_place(t, c);
        const float *x = t->out->logits + place;
        float *d = d_logits ? d_logits + place : NULL;
        float ciou = box_value(t, c, target, x, d);
        if (l->config.nc > 1)
            class_value_of(t, (int)target[1], x + CLASSES, d ? d + CLASSES : NULL);
        t->scratch->object[object_place(t, c)] = ciou < 0 ? 0 : ciou;
        if (m->object[t->branch])
            m->object[t->branch][i] = ciou < 0 ? 0 : ciou;
    }
    for (int i = m->first[group]; i < m->first[group + 1]; i++) {
        float *want = &t->scratch->object[object_place(t, &m->candidates[i])];
        size_t place = logits_place(t, &m->candidates[i]) + OBJECTNESS;
        if (*want == NO_TARGET)
            continue;
        t->item[ITEM_OBJ] +=
            class_positive(&t->object, t->out->logits[place], *want, d_logits ? d_logits + place : NULL);
        *want = NO_TARGET;
    }
}

/* A part is one level of one image in one branch. */
static void terms_part(void *context, int part, int thread)
{
    struct anchor_loss *l = context;
    const int levels = l->shape->n_levels, groups = l->shape->n * levels;
    const int branch = part / groups, group = part % groups, level = group % levels;
    const struct head_output *out = &l->branches[branch];
    const int cells = out->level[level].h * out->level[level].w;
    double scale[LOSS_ITEMS];
    level_scale(l, branch, level, scale);
    for (int i = 0; i < LOSS_ITEMS; i++)
        scale[i] *= l->shape->n; /* total = items * images */
    const struct terms t = {
        .l = l,
        .out = out,
        .branch = branch,
        .level = level,
        .row = (size_t)(group / levels) * out->image_stride + (size_t)out->level[level].first * out->stride,
        .object = {l->config.anchors.obj_positive_weight, l->config.focal_gamma, scale[ITEM_OBJ]},
        .class = {l->config.cls_positive_weight, l->config.focal_gamma, scale[ITEM_CLS]},
        .box_scale = scale[ITEM_BOX],
        .scratch = &l->scratch[thread],
        .item = l->sums.item + LOSS_ITEMS * (size_t)part,
    };
    float *d_rows = out->d_logits ? out->d_logits + t.row : NULL;
    for (int i = 0; i < LOSS_ITEMS; i++)
        t.item[i] = 0;
    for (int c = 0; d_rows && c < cells; c++)
        memset(d_rows + (size_t)c * out->stride, 0, (size_t)out->channels * sizeof *d_rows);
    for (int a = 0; a < out->head->n_anchors; a++) {
        size_t channel = (size_t)(a * (CLASSES + out->head->nc) + OBJECTNESS);
        t.item[ITEM_OBJ] += class_zero(&t.object, out->logits + t.row + channel, out->stride,
                                       d_rows ? d_rows + channel : NULL, out->stride, cells, 1);
    }
    matched(&t, matching_of(l, branch), group);
}

static void sum_terms(struct anchor_loss *l, struct loss_result *result)
{
    const int levels = l->shape->n_levels, groups = l->shape->n * levels;
    *result = (struct loss_result){0};
    for (int b = 0; b < l->n_branches; b++)
        for (int level = 0; level < levels; level++) {
            double sum[LOSS_ITEMS] = {0}, scale[LOSS_ITEMS];
            for (int part = b * groups + level; part < (b + 1) * groups; part += levels)
                for (int i = 0; i < LOSS_ITEMS; i++)
                    sum[i] += l->sums.item[LOSS_ITEMS * (size_t)part + (size_t)i];
            level_scale(l, b, level, scale);
            for (int i = 0; i < LOSS_ITEMS; i++)
                result->item[i] += scale[i] * sum[i];
        }
    for (int i = 0; i < LOSS_ITEMS; i++)
        result->total += result->item[i];
    result->total *= l->shape->n;
}

enum status anchor_loss_run(struct anchor_loss *l, const struct head_output *branches, int n_branches,
                            const float *targets, int n_targets, struct loss_result *result)
{
    TRY(check_shape(&branches[0]));
    l->branches = branches;
    l->shape = &branches[0];
    l->n_branches = n_branches;
    l->targets = targets;
    TRY(reserve_objects(l, l->shape));
    TRY(part_sums_reserve(&l->sums, (size_t)n_branches * (size_t)l->shape->n * (size_t)l->shape->n_levels));
    TRY(set_labels(l, targets, n_targets));
    TRY(match(l, targets, n_targets));
    team_run(l->team, n_branches * l->shape->n * l->shape->n_levels, terms_part, l);
    sum_terms(l, result);
    return OK;
}

struct loss_matching anchor_loss_matching(const struct anchor_loss *l, int branch)
{
    const struct matching *m = matching_of(l, branch);
    return (struct loss_matching){
        .candidates = m->candidates, .first = m->first, .owner = m->owner, .iou = m->iou, .object = m->object[branch]};
}
