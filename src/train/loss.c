#include "train/loss.h"

#include "core/mem.h"
#include "train/loss_aligned.h"
#include "train/loss_anchors.h"
#include "train/simota.h"

#include <math.h>
#include <string.h>

/* One of the two is there: that of the head. */
struct loss {
    struct loss_config config;
    struct aligned_loss *aligned;
    struct anchor_loss *anchors;
};

/* --- configuration --- */

struct loss_config loss_config_default(int nc)
{
    return (struct loss_config){
        .head = HEAD_DFL,
        .nc = nc,
        .box_gain = 7.5,
        .cls_gain = 0.5,
        .dfl_gain = 1.5,
        .aux_weight = 0.25,
        .main_weight = 1,
        .cls_positive_weight = 1,
        .focal_gamma = 0,
        .assign = ASSIGN_INDEPENDENT,
        .assigner = {.top_k = 10, .alpha = 0.5f, .beta = 6},
        .coarse_top_k = 20,
    };
}

struct loss_config loss_config_of(const struct head *head, int n_branches)
{
    struct loss_config c = loss_config_default(head->nc);
    c.head = head->kind;
    if (head->kind == HEAD_ANCHORS) {
        c.box_gain = 0.05;
        c.cls_gain = 0.3;
        c.anchors = (struct anchor_loss_config){.obj_gain = 0.7,
                                                .obj_positive_weight = 1,
                                                .most_ratio = 4,
                                                .reach = CANDIDATE_NEAREST,
                                                .aux_reach = CANDIDATE_ALL,
                                                .top_k = n_branches > 1 ? 20 : 10};
    }
    return c;
}

void loss_scale_gains(struct loss_config *c, int n_levels, int img)
{
    if (c->head != HEAD_ANCHORS)
        return;
    double levels = 3.0 / n_levels, side = img / 640.0;
    c->box_gain *= levels;
    c->cls_gain *= levels * c->nc / 80;
    c->anchors.obj_gain *= levels * side * side;
}

const char *loss_item_name(enum head_kind head, int item)
{
    static const char *const names[HEAD_KINDS][LOSS_ITEMS] = {
        [HEAD_DFL] = {"box", "cls", "dfl"},
        [HEAD_ANCHORS] = {"box", "obj", "cls"},
    };
    return names[head][item];
}

static enum status check_gains(const double *gains, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(gains[i]) || gains[i] < 0)
            return fail(E_ARGUMENT, "a gain or weight of the loss is %g: zero or more is needed", gains[i]);
    return OK;
}

static enum status check_anchors(const struct anchor_loss_config *c)
{
    const double gains[] = {c->obj_gain, c->obj_positive_weight};
    TRY(check_gains(gains, COUNT(gains)));
    if (!(c->label_smoothing >= 0 && c->label_smoothing <= 1))
        return fail(E_ARGUMENT, "label smoothing %g is not in 0 to 1", c->label_smoothing);
    if (!(c->most_ratio >= 1))
        return fail(E_ARGUMENT, "anchor_t %g: the ratio of sides is one or more", (double)c->most_ratio);
    if (c->top_k < 1 || c->top_k > SIMOTA_MAX_TOP_K)
        return fail(E_ARGUMENT, "top-k %d of SimOTA is not in 1 to %d", c->top_k, SIMOTA_MAX_TOP_K);
    return OK;
}

static enum status check_config(const struct loss_config *c)
{
    const double gains[] = {
        c->box_gain, c->cls_gain, c->dfl_gain, c->aux_weight, c->main_weight, c->cls_positive_weight, c->focal_gamma};
    TRY(check_gains(gains, COUNT(gains)));
    if (c->nc < 1)
        return fail(E_ARGUMENT, "the loss needs one class or more, not %d", c->nc);
    if (c->head == HEAD_ANCHORS)
        TRY(check_anchors(&c->anchors));
    if (c->cls_loss == CLS_LOSS_VFL && c->head == HEAD_ANCHORS)
        return fail(E_ARGUMENT,
                    "varifocal loss is for heads whose class targets are scores; anchor heads have 0 and 1");
    if (c->cls_loss == CLS_LOSS_VFL && (c->focal_gamma != 0 || c->cls_positive_weight != 1))
        return fail(E_ARGUMENT,
                    "varifocal loss weighs positives and negatives itself: fl_gamma must be 0 and cls_pw 1, not %g and "
                    "%g",
                    c->focal_gamma, c->cls_positive_weight);
    const int top_k[] = {c->assigner.top_k, c->coarse_top_k};
    for (int i = 0; i < COUNT(top_k); i++)
        if (top_k[i] < 1 || top_k[i] > ASSIGN_MAX_TOP_K)
            return fail(E_ARGUMENT, "top-k %d of the assigner is not in 1 to %d", top_k[i], ASSIGN_MAX_TOP_K);
    if (!(c->assigner.alpha >= 0 && c->assigner.alpha < 100 && c->assigner.beta > 0 && c->assigner.beta < 100))
        return fail(E_ARGUMENT,
                    "assigner exponents alpha %g and beta %g: 0 <= alpha < 100 and 0 < beta < 100 are needed",
                    c->assigner.alpha, c->assigner.beta);
    return OK;
}

/* --- life --- */

enum status loss_create(const struct loss_config *config, struct team *team, struct loss **out)
{
    *out = NULL;
    TRY(check_config(config));
    struct loss *l = mem_calloc(1, sizeof *l);
    if (!l)
        return E_NOMEM;
    l->config = *config;
    enum status rc = config->head == HEAD_ANCHORS ? anchor_loss_create(config, team, &l->anchors)
                                                  : aligned_loss_create(config, team, &l->aligned);
    if (rc != OK) {
        loss_destroy(l);
        return rc;
    }
    *out = l;
    return OK;
}

void loss_destroy(struct loss *l)
{
    if (!l)
        return;
    aligned_loss_destroy(l->aligned);
    anchor_loss_destroy(l->anchors);
    mem_free(l);
}

/* --- a batch --- */

static enum status check_branches(const struct loss_config *c, const struct head_output *branches, int n)
{
    const struct head_output *a = &branches[0];
    if (n < 1 || n > MAX_BRANCHES)
        return fail(E_SHAPE, "a loss of %d branches: 1 to %d are possible", n, MAX_BRANCHES);
    if (a->head->kind != c->head || a->head->nc != c->nc)
        return fail(E_SHAPE, "the loss was made for a head of another kind or number of classes");
    if (a->channels != head_channels(a->head))
        return fail(E_SHAPE, "the head has %d channels, %d are needed", a->channels, head_channels(a->head));
    if (a->n < 1 || a->n_levels < 1 || a->n_levels > MAX_LEVELS)
        return fail(E_SHAPE, "the head has %d images of %d levels", a->n, a->n_levels);
    for (int i = 1; i < n; i++) {
        const struct head_output *b = &branches[i];
        bool same = b->n == a->n && b->anchors == a->anchors && b->channels == a->channels &&
                    b->n_levels == a->n_levels && !memcmp(b->level, a->level, (size_t)a->n_levels * sizeof a->level[0]);
        if (!same)
            return fail(E_SHAPE, "head branches 0 and %d differ in shape", i);
    }
    return OK;
}

static enum status check_targets(const float *targets, int n, int images, int nc)
{
    for (int i = 0; i < n; i++) {
        const float *row = targets + 6 * (size_t)i;
        for (int k = 0; k < 6; k++)
            if (!isfinite(row[k]))
                return fail(E_ARGUMENT, "target %d holds a value that is not finite", i);
        if (!(row[0] >= 0 && row[0] < (float)images))
            return fail(E_ARGUMENT, "target %d names image %g of %d", i, row[0], images);
        if (!(row[1] >= 0 && row[1] < (float)nc))
            return fail(E_ARGUMENT, "target %d names class %g of %d", i, row[1], nc);
    }
    return OK;
}

enum status loss_run(struct loss *l, const struct head_output *branches, int n_branches, const float *targets,
                     int n_targets, struct loss_result *result)
{
    TRY(check_branches(&l->config, branches, n_branches));
    TRY(check_targets(targets, n_targets, branches[0].n, l->config.nc));
    return l->anchors ? anchor_loss_run(l->anchors, branches, n_branches, targets, n_targets, result)
                      : aligned_loss_run(l->aligned, branches, n_branches, targets, n_targets, result);
}

struct loss_assignment loss_get_assignment(const struct loss *l, int branch)
{
    return aligned_loss_assignment(l->aligned, branch);
}

struct loss_matching loss_get_matching(const struct loss *l, int branch)
{
    return anchor_loss_matching(l->anchors, branch);
}
