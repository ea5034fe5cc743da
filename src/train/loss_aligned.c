#include "train/loss_aligned.h"

#include "core/mem.h"
#include "detect/decode.h"
#include "train/loss_batch.h"
#include "train/loss_terms.h"

#include <math.h>
#include <string.h>

enum { PART = 512 }; /* anchor points of one part of the sums */
enum { ITEM_BOX, ITEM_CLS, ITEM_DFL };

/* Targets of one or more branches: independent has one a branch, the others share. */
struct assignment {
    struct assign_config config;
    int source;                /* branch whose predictions it looks at */
    int *label;                /* (images, anchors) index into the image's labels, -1: background */
    float *score;              /* (images, anchors) */
    double sum, divisor;       /* of the scores; what the branch's terms are divided by */
    struct assign_trace trace; /* where the config asks for it */
};

struct source {
    struct ciou_box *boxes; /* (images, anchors) predicted boxes in pixels, made where needed */
    unsigned char *ready;   /* (images, anchors) */
};

struct aligned_loss {
    struct loss_config config;
    struct team *team;

    /* shape of the current batch */
    struct head_output shape;
    int images, anchors, bins, n_branches;
    int anchor_capacity, branch_capacity;
    size_t point_capacity;              /* images * anchors of the buffers below */
    float *x, *y;                       /* (anchors) anchor points, pixels */
    float *stride;                      /* (anchors) */
    struct source source[MAX_BRANCHES]; /* a branch */
    struct assignment assign[MAX_BRANCHES];
    int n_assign, of_branch[MAX_BRANCHES]; /* branch -> assignment */

    struct assign_label *labels; /* grouped by image */
    struct label_groups groups;
    int label_capacity;

    struct assign_scratch *scratch; /* one a thread */
    struct part_sums sums;

    const struct head_output *branches; /* of the running call */
};

enum status aligned_loss_create(const struct loss_config *config, struct team *team, struct aligned_loss **out)
{
    struct aligned_loss *l = mem_calloc(1, sizeof *l);
    *out = l;
    if (!l)
        return E_NOMEM;
    l->config = *config;
    l->team = team;
    l->scratch = mem_calloc((size_t)team_size(team), sizeof *l->scratch);
    return l->scratch ? OK : E_NOMEM;
}

static void free_points(struct aligned_loss *l)
{
    for (int b = 0; b < MAX_BRANCHES; b++) {
        mem_free(l->source[b].boxes);
        mem_free(l->source[b].ready);
        mem_free(l->assign[b].label);
        mem_free(l->assign[b].score);
        assign_trace_free(&l->assign[b].trace);
        l->source[b] = (struct source){0};
        l->assign[b].label = NULL;
        l->assign[b].score = NULL;
    }
    l->point_capacity = 0;
    l->branch_capacity = 0;
}

void aligned_loss_destroy(struct aligned_loss *l)
{
    if (!l)
        return;
    free_points(l);
    mem_free(l->x);
    mem_free(l->y);
    mem_free(l->stride);
    mem_free(l->labels);
    label_groups_free(&l->groups);
    part_sums_free(&l->sums);
    for (int i = 0; l->scratch && i < team_size(l->team); i++)
        assign_scratch_free(&l->scratch[i]);
    mem_free(l->scratch);
    mem_free(l);
}

/* --- the shape of a batch --- */

static enum status check_shape(const struct loss_config *c, const struct head_output *a)
{
    int box = a->channels - c->nc;
    if (box < 8 || box % 4 || box / 4 > DECODE_MAX_BINS)
        return fail(E_SHAPE, "the head has %d channels: 4*reg_max and %d classes are needed", a->channels, c->nc);
    int top_k = c->assigner.top_k;
    if (c->assign == ASSIGN_COARSE_TO_FINE)
        top_k = MAX(top_k, c->coarse_top_k);
    if (a->anchors < top_k)
        return fail(E_SHAPE, "the network has %d anchor points, fewer than the assigner's top-k %d", a->anchors, top_k);
    return OK;
}

/* Anchor points of the batch's levels: (column + 0.5, row + 0.5) * stride (SPEC 3). */
static enum status set_anchors(struct aligned_loss *l, const struct head_output *shape)
{
    bool same = l->anchors == shape->anchors && l->shape.n_levels == shape->n_levels &&
                !memcmp(l->shape.level, shape->level, (size_t)shape->n_levels * sizeof shape->level[0]);
    if (same)
        return OK;
    l->anchors = 0;
    if (shape->anchors > l->anchor_capacity) {
        size_t n = (size_t)shape->anchors;
        mem_free(l->x);
        mem_free(l->y);
        mem_free(l->stride);
        l->anchor_capacity = 0;
        l->x = mem_alloc(n, sizeof *l->x);
        l->y = mem_alloc(n, sizeof *l->y);
        l->stride = mem_alloc(n, sizeof *l->stride);
        if (!l->x || !l->y || !l->stride)
            return E_NOMEM;
        l->anchor_capacity = shape->anchors;
    }
    int a = 0;
    for (int i = 0; i < shape->n_levels; i++)
        for (int y = 0; y < shape->level[i].h; y++)
            for (int x = 0; x < shape->level[i].w; x++, a++) {
                float stride = (float)shape->level[i].stride;
                if (a >= shape->anchors)
                    return fail(E_SHAPE, "the head's levels hold more than its %d anchor points", shape->anchors);
                l->x[a] = ((float)x + 0.5f) * stride;
                l->y[a] = ((float)y + 0.5f) * stride;
                l->stride[a] = stride;
            }
    if (a != shape->anchors)
        return fail(E_SHAPE, "the head's levels hold %d anchor points, not %d", a, shape->anchors);
    l->shape = *shape;
    l->anchors = shape->anchors;
    return OK;
}

static enum status reserve_points(struct aligned_loss *l, size_t points, int n_branches)
{
    if (points <= l->point_capacity && n_branches <= l->branch_capacity)
        return OK;
    points = MAX(points, l->point_capacity);
    n_branches = MAX(n_branches, l->branch_capacity);
    free_points(l);
    for (int b = 0; b < n_branches; b++) {
        l->source[b].boxes = mem_alloc(points, sizeof *l->source[b].boxes);
        l->source[b].ready = mem_alloc(points, 1);
        l->assign[b].label = mem_alloc(points, sizeof *l->assign[b].label);
        l->assign[b].score = mem_alloc(points, sizeof *l->assign[b].score);
        if (!l->source[b].boxes || !l->source[b].ready || !l->assign[b].label || !l->assign[b].score) {
            free_points(l);
            return E_NOMEM;
        }
    }
    l->point_capacity = points;
    l->branch_capacity = n_branches;
    return OK;
}

static int parts_an_image(const struct aligned_loss *l)
{
    return (l->anchors + PART - 1) / PART;
}

/* --- labels --- */

/* SPEC 7.1: normalised rows -> pixel boxes, grouped by image in file order. */
static enum status set_labels(struct aligned_loss *l, const float *targets, int n)
{
    float height = (float)(l->shape.level[0].h * l->shape.level[0].stride);
    float width = (float)(l->shape.level[0].w * l->shape.level[0].stride);
    l->labels = mem_reserve(l->labels, &l->label_capacity, n, sizeof *l->labels);
    if (n && !l->labels)
        return E_NOMEM;
    TRY(label_groups_make(&l->groups, l->images, targets, n));
    for (int i = 0; i < n; i++) {
        const float *row = targets + 6 * (size_t)i;
        struct assign_label *label = &l->labels[label_groups_place(&l->groups, row)];
        float box[4];
        label_box(row, width, height, box);
        label->class = (int)row[1];
        label->valid = box[0] + box[1] + box[2] + box[3] > 0;
        ciou_box_init(&label->box, box);
    }
    return OK;
}

/* --- assignment --- */

static void set_assignments(struct aligned_loss *l, int n_branches)
{
    int main = n_branches - 1;
    l->n_assign = l->config.assign == ASSIGN_INDEPENDENT                        ? n_branches
                  : l->config.assign == ASSIGN_COARSE_TO_FINE && n_branches > 1 ? 2
                                                                                : 1;
    for (int k = 0; k < l->n_assign; k++) {
        l->assign[k].config = l->config.assigner;
        l->assign[k].source = l->config.assign == ASSIGN_INDEPENDENT ? k : main;
    }
    bool coarse = l->config.assign == ASSIGN_COARSE_TO_FINE;
    if (coarse && l->n_assign == 2)
        l->assign[1].config.top_k = l->config.coarse_top_k;
    for (int b = 0; b < n_branches; b++)
        l->of_branch[b] = l->config.assign == ASSIGN_INDEPENDENT ? b : coarse && b != main ? 1 : 0;
}

struct decode {
    const struct aligned_loss *loss;
    const float *logits; /* of the image */
    size_t stride;
};

static void decode_box(void *context, int anchor, struct ciou_box *box)
{
    const struct decode *d = context;
    const struct aligned_loss *l = d->loss;
    float ltrb[4], xyxy[4], stride = l->stride[anchor];
    for (int side = 0; side < 4; side++)
        ltrb[side] = dfl_expectation(d->logits + (size_t)anchor * d->stride + side * l->bins, l->bins, NULL);
    box_ltrb_to_xyxy(ltrb, l->x[anchor] / stride, l->y[anchor] / stride, xyxy);
    for (int i = 0; i < 4; i++)
        xyxy[i] *= stride;
    ciou_box_init(box, xyxy);
}

/* A part is an image seen by one source branch; it makes all assignments from that source, which share boxes. */
static void assign_part(void *context, int part, int thread)
{
    struct aligned_loss *l = context;
    int image = part % l->images, source = l->assign[part / l->images].source;
    const struct head_output *out = &l->branches[source];
    size_t base = (size_t)image * (size_t)l->anchors;
    struct decode d = {.loss = l, .logits = out->logits + (size_t)image * out->image_stride, .stride = out->stride};
    struct assign_image view = {
        .anchors = l->anchors,
        .x = l->x,
        .y = l->y,
        .scores = d.logits + 4 * l->bins,
        .score_stride = out->stride,
        .logits = true,
        .boxes = l->source[source].boxes + base,
        .ready = l->source[source].ready + base,
        .decode = decode_box,
        .context = &d,
        .labels = l->labels + l->groups.first[image],
        .n_labels = l->groups.first[image + 1] - l->groups.first[image],
    };
    memset(view.ready, 0, (size_t)l->anchors);
    for (int k = 0; k < l->n_assign; k++) {
        struct assignment *a = &l->assign[k];
        view.trace = l->config.trace && image == 0 ? &a->trace : NULL;
        if (a->source == source)
            assign_run(&a->config, &view, &l->scratch[thread], a->label + base, a->score + base);
    }
}

static void assign_batch(struct aligned_loss *l)
{
    int sources = l->config.assign == ASSIGN_INDEPENDENT ? l->n_assign : 1;
    team_run(l->team, sources * l->images, assign_part, l);
    for (int k = 0; k < l->n_assign; k++) {
        struct assignment *a = &l->assign[k];
        size_t points = (size_t)l->images * (size_t)l->anchors;
        a->sum = 0;
        for (size_t i = 0; i < points; i++)
            a->sum += a->score[i];
        a->divisor = l->config.assign == ASSIGN_LEAD_UNFLOORED ? a->sum : MAX(a->sum, 1);
    }
}

/* --- terms --- */

/* The branch's weight over its sum of target scores (SPEC 7.3, 7.4). */
static double branch_scale(const struct aligned_loss *l, int branch)
{
    double weight = branch == l->n_branches - 1 ? l->config.main_weight : l->config.aux_weight;
    return weight / l->assign[l->of_branch[branch]].divisor;
}

static void positive_point(const struct aligned_loss *l, int branch, int image, int anchor,
                           const struct class_term *class, const struct box_term *box, double item[LOSS_ITEMS])
{
    const struct head_output *out = &l->branches[branch];
    const struct assignment *assign = &l->assign[l->of_branch[branch]];
    size_t point = (size_t)image * (size_t)l->anchors + (size_t)anchor;
    const struct assign_label *label = &l->labels[l->groups.first[image] + assign->label[point]];
    size_t row = (size_t)image * out->image_stride + (size_t)anchor * out->stride;
    const float *logits = out->logits + row;
    float *d_logits = out->d_logits ? out->d_logits + row : NULL;
    float weight = assign->score[point], stride = l->stride[anchor], target[4];
    int channel = 4 * l->bins + label->class;

    item[ITEM_CLS] += class_positive(class, logits[channel], weight, d_logits ? d_logits + channel : NULL);

    struct box_term term = *box;
    term.box_scale *= weight;
    term.dfl_scale *= weight;
    for (int i = 0; i < 4; i++)
        target[i] = label->box.xyxy[i] / stride;
    double value[2];
    box_positive(&term, logits, l->x[anchor] / stride, l->y[anchor] / stride, target, value, d_logits);
    item[ITEM_BOX] += value[0] * weight;
    item[ITEM_DFL] += value[1] * weight;
}

/* A part is up to PART anchor points of one image in one branch. */
static void terms_part(void *context, int part, int thread)
{
    (void)thread;
    struct aligned_loss *l = context;
    int pieces = parts_an_image(l);
    int branch = part / (l->images * pieces), image = part / pieces % l->images;
    int first = part % pieces * PART, n = MIN(l->anchors - first, PART);
    const struct head_output *out = &l->branches[branch];
    size_t row = (size_t)image * out->image_stride + (size_t)first * out->stride;
    int box_channels = 4 * l->bins;
    float *d_rows = out->d_logits ? out->d_logits + row : NULL;
    double scale = branch_scale(l, branch) * l->images; /* SPEC 7.4: total = items * images */
    struct class_term class = {.positive_weight = l->config.cls_positive_weight,
                               .focal_gamma = l->config.focal_gamma,
                               .scale = scale * l->config.cls_gain,
                               .varifocal = l->config.cls_loss == CLS_LOSS_VFL};
    struct box_term box = {
        .bins = l->bins, .box_scale = scale * l->config.box_gain, .dfl_scale = scale * l->config.dfl_gain};
    double *item = l->sums.item + LOSS_ITEMS * (size_t)part;

    for (int a = 0; d_rows && a < n; a++)
        memset(d_rows + (size_t)a * out->stride, 0, (size_t)box_channels * sizeof *d_rows);
    item[ITEM_BOX] = item[ITEM_DFL] = 0;
    item[ITEM_CLS] = class_zero(&class, out->logits + row + box_channels, out->stride,
                                d_rows ? d_rows + box_channels : NULL, out->stride, n, l->config.nc);
    const int *label = l->assign[l->of_branch[branch]].label + (size_t)image * (size_t)l->anchors;
    for (int a = first; a < first + n; a++)
        if (label[a] >= 0)
            positive_point(l, branch, image, a, &class, &box, item);
}

static void sum_terms(struct aligned_loss *l, struct loss_result *result)
{
    int parts_a_branch = l->images * parts_an_image(l);
    const double gain[LOSS_ITEMS] = {
        [ITEM_BOX] = l->config.box_gain, [ITEM_CLS] = l->config.cls_gain, [ITEM_DFL] = l->config.dfl_gain};
    *result = (struct loss_result){0};
    for (int b = 0; b < l->n_branches; b++) {
        double sum[LOSS_ITEMS] = {0};
        for (int part = b * parts_a_branch; part < (b + 1) * parts_a_branch; part++)
            for (int i = 0; i < LOSS_ITEMS; i++)
                sum[i] += l->sums.item[LOSS_ITEMS * (size_t)part + (size_t)i];
        for (int i = 0; i < LOSS_ITEMS; i++)
            result->item[i] += gain[i] * branch_scale(l, b) * sum[i];
    }
    for (int i = 0; i < LOSS_ITEMS; i++)
        result->total += result->item[i];
    result->total *= l->images;
}

enum status aligned_loss_run(struct aligned_loss *l, const struct head_output *branches, int n_branches,
                             const float *targets, int n_targets, struct loss_result *result)
{
    TRY(check_shape(&l->config, &branches[0]));
    TRY(set_anchors(l, &branches[0]));
    l->images = branches[0].n;
    l->bins = (branches[0].channels - l->config.nc) / 4;
    TRY(reserve_points(l, (size_t)l->images * (size_t)l->anchors, n_branches));
    l->n_branches = n_branches;
    TRY(part_sums_reserve(&l->sums, (size_t)n_branches * (size_t)l->images * (size_t)parts_an_image(l)));
    TRY(set_labels(l, targets, n_targets));
    int most = 0;
    for (int i = 0; i < l->images; i++)
        most = MAX(most, l->groups.first[i + 1] - l->groups.first[i]);
    for (int i = 0; i < team_size(l->team); i++)
        TRY(assign_scratch_reserve(&l->scratch[i], l->anchors, most));

    l->branches = branches;
    set_assignments(l, n_branches);
    for (int k = 0; l->config.trace && k < l->n_assign; k++)
        TRY(assign_trace_reserve(&l->assign[k].trace, l->anchors, l->groups.first[1], l->assign[k].config.top_k));
    assign_batch(l);
    team_run(l->team, n_branches * l->images * parts_an_image(l), terms_part, l);
    sum_terms(l, result);
    l->branches = NULL;
    return OK;
}

struct loss_assignment aligned_loss_assignment(const struct aligned_loss *l, int branch)
{
    const struct assignment *a = &l->assign[l->of_branch[branch]];
    return (struct loss_assignment){.label = a->label,
                                    .score = a->score,
                                    .labels = l->labels,
                                    .first = l->groups.first,
                                    .sum = a->sum,
                                    .divisor = a->divisor,
                                    .trace = l->config.trace ? &a->trace : NULL};
}
