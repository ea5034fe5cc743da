#include "support/golden_loss.h"

#include "core/mem.h"
#include "support/golden.h"
#include "train/anchor_candidates.h"
#include "train/loss.h"

#include <math.h>
#include <string.h>

/* --- assigner --- */

struct assigner_case {
    int images, anchors, n, nc;
    const float *scores, *boxes, *points, *gt_labels, *gt_boxes, *mask;
    const float *target_scores, *target_boxes, *target_labels, *fg;
    struct assign_config config;
};

static void given_box(void *context, int anchor, struct ciou_box *box)
{
    const float *boxes = context;
    ciou_box_init(box, boxes + 4 * (size_t)anchor);
}

static void compare_assigned(struct golden *g, const struct assigner_case *c, int image,
                             const struct assign_label *labels, const int *label, const float *score)
{
    for (int a = 0; a < c->anchors; a++) {
        size_t point = (size_t)image * (size_t)c->anchors + (size_t)a;
        const struct assign_label *mine = label[a] >= 0 ? &labels[label[a]] : NULL;
        bool positive = false;
        for (int k = 0; k < c->nc; k++) {
            float want = c->target_scores[point * (size_t)c->nc + (size_t)k];
            golden_compare_number(g, "target_scores", mine && mine->class == k ? score[a] : 0, want, 3e-6);
            positive |= want > 0;
        }
        if (!positive)
            continue;
        if (!mine || c->fg[point] == 0) {
            golden_fault(g, "anchor point %zu is not in the foreground", point);
            continue;
        }
        golden_compare_number(g, "target_labels", mine->class, c->target_labels[point], 0);
        for (size_t i = 0; i < 4; i++)
            golden_compare_number(g, "target_bboxes", mine->box.xyxy[i], c->target_boxes[4 * point + i], 0);
    }
}

static void assign_one(struct golden *g, const struct assigner_case *c, int image)
{
    size_t anchors = (size_t)c->anchors, base = (size_t)image * anchors, n = (size_t)c->n;
    float *x = arena_alloc(&g->arena, anchors, sizeof *x), *y = arena_alloc(&g->arena, anchors, sizeof *y);
    struct assign_label *labels = arena_alloc(&g->arena, n + 1, sizeof *labels);
    int *label = arena_alloc(&g->arena, anchors, sizeof *label);
    float *score = arena_alloc(&g->arena, anchors, sizeof *score);
    struct ciou_box *boxes = arena_alloc(&g->arena, anchors, sizeof *boxes);
    unsigned char *ready = arena_alloc(&g->arena, anchors, 1);
    struct assign_scratch scratch = {0};
    if (!x || !y || !labels || !label || !score || !boxes || !ready ||
        !golden_ok(g, assign_scratch_reserve(&scratch, c->anchors, c->n))) {
        golden_fault(g, "no memory");
        return;
    }
    for (size_t a = 0; a < anchors; a++) {
        x[a] = c->points[2 * a];
        y[a] = c->points[2 * a + 1];
    }
    for (size_t i = 0; i < n; i++) {
        size_t row = (size_t)image * n + i;
        labels[i].class = (int)c->gt_labels[row];
        labels[i].valid = c->mask[row] > 0;
        ciou_box_init(&labels[i].box, c->gt_boxes + 4 * row);
    }
    struct assign_image view = {.anchors = c->anchors,
                                .x = x,
                                .y = y,
                                .scores = c->scores + base * (size_t)c->nc,
                                .score_stride = (size_t)c->nc,
                                .boxes = boxes,
                                .ready = ready,
                                .decode = given_box,
                                .context = (void *)(c->boxes + 4 * base),
                                .labels = labels,
                                .n_labels = c->n};
    assign_run(&c->config, &view, &scratch, label, score);
    assign_scratch_free(&scratch);
    compare_assigned(g, c, image, labels, label, score);
}

int golden_assigner(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    if (!golden_open(&g, path))
        return golden_close(&g, message, size, worst);
    struct assigner_case c = {.scores = golden_f32(&g, "pd_scores", NULL),
                              .boxes = golden_f32(&g, "pd_bboxes", NULL),
                              .points = golden_f32(&g, "anc_points", NULL),
                              .gt_labels = golden_f32(&g, "gt_labels", NULL),
                              .gt_boxes = golden_f32(&g, "gt_bboxes", NULL),
                              .mask = golden_f32(&g, "mask_gt", NULL),
                              .target_scores = golden_f32(&g, "target_scores", NULL),
                              .target_boxes = golden_f32(&g, "target_bboxes", NULL),
                              .target_labels = golden_f32(&g, "target_labels", NULL),
                              .fg = golden_f32(&g, "fg_mask", NULL),
                              .config = {.top_k = golden_int(&g, "topk"),
                                         .alpha = (float)golden_number(&g, "alpha"),
                                         .beta = (float)golden_number(&g, "beta")}};
    if (g.faults)
        return golden_close(&g, message, size, worst);
    const struct safetensor *scores = golden_tensor(&g, "pd_scores");
    c.images = (int)scores->shape[0];
    c.anchors = (int)scores->shape[1];
    c.nc = (int)scores->shape[2];
    c.n = (int)golden_tensor(&g, "gt_labels")->shape[1];
    for (int i = 0; i < c.images; i++)
        assign_one(&g, &c, i);
    return golden_close(&g, message, size, worst);
}

/* --- loss --- */

enum { PAD = 3 }; /* lanes after the channels, which nobody may touch */
#define CANARY 12345.0f

/* Place of element (image, channel, pixel) of a level in a head's output. */
static size_t place(const struct head_output *out, int level, size_t image, size_t channel, size_t pixel)
{
    return image * out->image_stride + ((size_t)out->level[level].first + pixel) * out->stride + channel;
}

static size_t level_pixels(const struct head_output *out, int level)
{
    return (size_t)out->level[level].h * (size_t)out->level[level].w;
}

/* feat<b>.<l> [B, channels, H, W] -> the layout of a head's output (graph/net.h). */
static bool build_branch(struct golden *g, int b, const struct head *head, struct head_output *out)
{
    const float *maps[MAX_LEVELS];
    const json_t *strides = golden_json(g, "strides");
    *out = (struct head_output){.head = head, .n_levels = (int)json_array_size(strides)};
    if (out->n_levels < 1 || out->n_levels > MAX_LEVELS) {
        golden_fault(g, "%d strides", out->n_levels);
        return false;
    }
    for (int l = 0; l < out->n_levels; l++) {
        const char *name = golden_name(g, "feat%d.%d", b, l);
        const struct safetensor *t = golden_tensor(g, name);
        maps[l] = golden_f32(g, name, NULL);
        if (!maps[l])
            return false;
        out->n = (int)t->shape[0];
        out->channels = (int)t->shape[1];
        out->level[l].h = (int)t->shape[2];
        out->level[l].w = (int)t->shape[3];
        out->level[l].stride = (int)json_number_value(json_array_get(strides, (size_t)l));
        out->level[l].first = out->anchors;
        out->anchors += out->level[l].h * out->level[l].w;
    }
    out->stride = (size_t)out->channels + PAD;
    out->image_stride = out->stride * (size_t)out->anchors + 7;
    size_t n = out->image_stride * (size_t)out->n;
    out->logits = arena_alloc(&g->arena, n, sizeof(float));
    out->d_logits = arena_alloc(&g->arena, n, sizeof(float));
    if (!out->logits || !out->d_logits) {
        golden_fault(g, "no memory");
        return false;
    }
    for (size_t i = 0; i < n; i++)
        out->logits[i] = out->d_logits[i] = CANARY;
    for (int l = 0; l < out->n_levels; l++) {
        size_t pixels = level_pixels(out, l), channels = (size_t)out->channels;
        for (size_t i = 0; i < (size_t)out->n * channels * pixels; i++)
            out->logits[place(out, l, i / (channels * pixels), i / pixels % channels, i % pixels)] = maps[l][i];
    }
    return true;
}

static void compare_gradients(struct golden *g, int b, const struct head_output *out)
{
    for (int l = 0; l < out->n_levels; l++) {
        size_t pixels = level_pixels(out, l), channels = (size_t)out->channels, count;
        const char *name = golden_name(g, "grad%d.%d", b, l);
        const float *stored = golden_f32(g, name, &count);
        float *mine = arena_alloc(&g->arena, (size_t)out->n * channels * pixels, sizeof *mine);
        if (!stored || !mine)
            return;
        for (size_t i = 0; i < (size_t)out->n * channels * pixels; i++)
            mine[i] = out->d_logits[place(out, l, i / (channels * pixels), i / pixels % channels, i % pixels)];
        golden_compare_within(g, name, mine, (size_t)out->n * channels * pixels,
                              golden_tolerance(g, name, 1e-5, golden_max_abs(stored, count), 1e-6));
    }
    for (size_t i = 0; i < (size_t)out->n; i++)
        for (size_t a = 0; a < (size_t)out->anchors; a++)
            for (size_t k = 0; k < PAD; k++)
                if (out->d_logits[i * out->image_stride + a * out->stride + (size_t)out->channels + k] != CANARY)
                    golden_fault(g, "a padding lane of branch %d was written", b);
}

/* assign<b>/...: scores and boxes are stored for few classes only; boxes are the assigner's, in pixels. */
static void compare_assignment(struct golden *g, int b, const struct head_output *out, int nc,
                               const struct loss_assignment *mine)
{
    size_t n_boxes;
    const float *sum = golden_f32(g, golden_name(g, "assign%d/target_scores_sum", b), NULL);
    const float *fg = golden_f32(g, golden_name(g, "assign%d/fg_mask", b), NULL);
    if (!sum || !fg)
        return;
    golden_compare_number(g, "target_scores_sum", mine->sum, sum[0], 1e-5 * fabs((double)sum[0]) + 1e-6);
    if (!golden_has(g, golden_name(g, "assign%d/target_scores", b)))
        return;
    const float *scores = golden_f32(g, golden_name(g, "assign%d/target_scores", b), NULL);
    const float *boxes = golden_f32(g, golden_name(g, "assign%d/target_bboxes", b), &n_boxes);
    if (!scores || !boxes)
        return;
    double box_tolerance = 1e-6 * golden_max_abs(boxes, n_boxes);
    for (size_t point = 0; point < (size_t)out->n * (size_t)out->anchors; point++) {
        const struct assign_label *label = NULL;
        if (mine->label[point] >= 0)
            label = &mine->labels[mine->first[point / (size_t)out->anchors] + mine->label[point]];
        bool positive = false;
        for (size_t k = 0; k < (size_t)nc; k++) {
            float want = scores[point * (size_t)nc + k];
            golden_compare_number(g, "target_scores", label && label->class == (int)k ? mine->score[point] : 0, want,
                                  2e-5);
            positive |= want > 0;
        }
        if (!positive)
            continue;
        if (!label || fg[point] == 0)
            golden_fault(g, "anchor point %zu of branch %d is not in the foreground", point, b);
        for (size_t i = 0; label && i < 4; i++)
            golden_compare_number(g, "target_bboxes", label->box.xyxy[i], boxes[4 * point + i], box_tolerance);
    }
}

/* A number in a JSON object of the metadata, where it may stand as text. */
static double member(struct golden *g, const char *key, const char *name, double otherwise)
{
    const json_t *value = json_object_get(golden_json(g, key), name);
    if (json_is_string(value))
        return strtod(json_string_value(value), NULL);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static struct loss_config config_of(struct golden *g)
{
    struct loss_config c = loss_config_default(golden_int(g, "nc"));
    c.cls_positive_weight = member(g, "hyp", "cls_pw", c.cls_positive_weight);
    c.box_gain = member(g, "hyp", "box", c.box_gain);
    c.cls_gain = member(g, "hyp", "cls", c.cls_gain);
    c.dfl_gain = member(g, "hyp", "dfl", c.dfl_gain);
    c.focal_gamma = member(g, "hyp", "fl_gamma", c.focal_gamma);
    c.assigner.top_k = (int)member(g, "env", "YOLOM", c.assigner.top_k);
    c.assigner.alpha = (float)member(g, "env", "YOLOA", (double)c.assigner.alpha);
    c.assigner.beta = (float)member(g, "env", "YOLOB", (double)c.assigner.beta);
    if (!strcmp(golden_text(g, "kind"), "dual_lh"))
        c.assign = ASSIGN_LEAD_UNFLOORED;
    c.assigner.inside = !strcmp(golden_text(g, "kind"), "single_v8");
    return c;
}

static void compare_loss(struct golden *g, const struct loss *loss, const struct head_output *branches, int n, int nc,
                         const struct loss_result *result)
{
    const float *total = golden_f32(g, "loss", NULL), *items = golden_f32(g, "items", NULL);
    if (!total || !items)
        return;
    golden_compare_number(g, "loss", result->total, total[0],
                          golden_tolerance(g, "loss", 1e-5, fabs((double)total[0]), 1e-6));
    for (size_t i = 0; i < LOSS_ITEMS; i++)
        golden_compare_number(g, "items", result->item[i], items[i],
                              golden_tolerance(g, "loss", 1e-5, fabs((double)items[i]), 1e-6));
    for (int b = 0; b < n; b++) {
        struct loss_assignment assignment = loss_get_assignment(loss, b);
        if (b == 0 || golden_has(g, golden_name(g, "assign%d/fg_mask", b))) /* dual_lh stores the shared one once */
            compare_assignment(g, b, &branches[b], nc, &assignment);
        compare_gradients(g, b, &branches[b]);
    }
}

static void run_loss(struct golden *g, int n)
{
    struct head_output branches[MAX_BRANCHES];
    struct head head = {.kind = HEAD_DFL, .nc = golden_int(g, "nc")};
    const struct safetensor *map = golden_tensor(g, "feat0.0");
    head.reg_max = map ? ((int)map->shape[1] - head.nc) / 4 : 0;
    for (int b = 0; b < n; b++)
        if (!build_branch(g, b, &head, &branches[b]))
            return;
    size_t count;
    const float *targets = golden_f32(g, "targets", &count);
    struct loss_config config = config_of(g);
    struct loss *loss;
    struct loss_result result;
    if (!targets || !golden_ok(g, loss_create(&config, golden_team(), &loss)))
        return;
    if (golden_ok(g, loss_run(loss, branches, n, targets, (int)(count / 6), &result)))
        compare_loss(g, loss, branches, n, config.nc, &result);
    loss_destroy(loss);
}

int golden_loss(const char *path, char *message, size_t size, double *worst)
{
    static const struct {
        const char *kind;
        int branches;
    } kinds[] = {{"single", 1}, {"dual", 2}, {"triple", 3}, {"dual_lh", 2}, {"single_v8", 1}};
    struct golden g;
    if (golden_open(&g, path))
        for (int i = 0; i < COUNT(kinds); i++)
            if (!strcmp(golden_text(&g, "kind"), kinds[i].kind))
                run_loss(&g, kinds[i].branches);
    return golden_close(&g, message, size, worst);
}

/* --- anchor heads: kinds ota and aux_ota --- */

/* anchors_grid: a list a level of widths and heights in cells. */
static void read_anchors(struct golden *g, struct head *head)
{
    const json_t *levels = golden_json(g, "anchors_grid"), *strides = golden_json(g, "strides");
    for (size_t l = 0; l < json_array_size(levels) && l < MAX_LEVELS; l++) {
        const json_t *list = json_array_get(levels, l);
        double stride = json_number_value(json_array_get(strides, l));
        head->n_anchors = (int)json_array_size(list) / 2;
        for (size_t i = 0; i < json_array_size(list) && i < 2 * (size_t)MAX_ANCHORS; i++)
            head->anchor[l][i / 2][i % 2] = (float)(json_number_value(json_array_get(list, i)) * stride);
    }
}

/* Rows (image, anchor, y, x, target). */
struct place_list {
    double *rows;
    size_t n;
};

static void add_place(struct place_list *list, const struct anchor_candidate *c, int target)
{
    const double row[] = {c->image, c->anchor, c->y, c->x, target};
    memcpy(list->rows + COUNT(row) * list->n++, row, sizeof row);
}

static void compare_places(struct golden *g, const char *name, const struct place_list *mine)
{
    size_t count;
    const double *stored = golden_f64(g, name, &count);
    if (!stored)
        return;
    if (count != 5 * mine->n)
        golden_fault(g, "%s has %zu rows, should have %zu", name, mine->n, count / 5);
    for (size_t i = 0; i < count && i < 5 * mine->n; i++)
        if (mine->rows[i] != stored[i]) {
            golden_fault(g, "%s: row %zu has %g, should have %g", name, i / 5, mine->rows[i], stored[i]);
            return;
        }
}

/* cand<suffix>/<level> and match<suffix>/<level>, both in order. */
static void compare_matching(struct golden *g, const struct head_output *shape, float reach, const char *suffix,
                             const struct loss_matching *mine)
{
    size_t count;
    const float *targets = golden_f32(g, "targets", &count);
    const struct anchor_rule rule = {(float)member(g, "hyp", "anchor_t", 4), reach};
    struct anchor_candidates found = {0};
    for (int l = 0; l < shape->n_levels && targets; l++) {
        if (!golden_ok(g, anchor_candidates_find(shape, l, &rule, targets, (int)(count / 6), &found)))
            break;
        struct place_list cand = {arena_alloc(&g->arena, 5 * (size_t)found.count + 1, sizeof(double)), 0};
        struct place_list match = {arena_alloc(&g->arena, 5 * (size_t)found.count + 1, sizeof(double)), 0};
        for (int i = 0; i < found.count; i++)
            add_place(&cand, &found.items[i], found.items[i].target);
        for (int image = 0; image < shape->n; image++) {
            const int *first = mine->first + image * shape->n_levels + l;
            for (int i = first[0]; i < first[1]; i++)
                if (mine->owner[i] >= 0)
                    add_place(&match, &mine->candidates[i], mine->owner[i]);
        }
        compare_places(g, golden_name(g, "cand%s/%d", suffix, l), &cand);
        compare_places(g, golden_name(g, "match%s/%d", suffix, l), &match);
    }
    anchor_candidates_free(&found);
}

static struct loss_config anchor_config_of(struct golden *g, const struct head *head, int branches)
{
    struct loss_config c = loss_config_of(head, branches);
    c.box_gain = member(g, "hyp", "box", 0);
    c.cls_gain = member(g, "hyp", "cls", 0);
    c.cls_positive_weight = member(g, "hyp", "cls_pw", 1);
    c.focal_gamma = member(g, "hyp", "fl_gamma", 0);
    c.anchors.obj_gain = member(g, "hyp", "obj", 0);
    c.anchors.obj_positive_weight = member(g, "hyp", "obj_pw", 1);
    c.anchors.label_smoothing = member(g, "hyp", "label_smoothing", 0);
    c.anchors.most_ratio = (float)member(g, "hyp", "anchor_t", 4);
    c.anchors.height_for_both = true; /* cases ota_rect */
    return c;
}

/* The kit's map 0 is the main one, which is the last branch here. */
static void run_anchor_loss(struct golden *g, int n)
{
    struct head head = {.kind = HEAD_ANCHORS, .nc = golden_int(g, "nc")};
    struct head_output branches[MAX_BRANCHES];
    read_anchors(g, &head);
    for (int b = 0; b < n; b++)
        if (!build_branch(g, b, &head, &branches[n - 1 - b]))
            return;
    size_t count;
    const float *targets = golden_f32(g, "targets", &count), *total = golden_f32(g, "loss", NULL);
    const float *items = golden_f32(g, "items", NULL);
    struct loss_config config = anchor_config_of(g, &head, n);
    struct loss *loss;
    struct loss_result result;
    if (!targets || !total || !items || !golden_ok(g, loss_create(&config, golden_team(), &loss)))
        return;
    if (golden_ok(g, loss_run(loss, branches, n, targets, (int)(count / 6), &result))) {
        double sum = 0;
        golden_compare_number(g, "loss", result.total, total[0],
                              golden_tolerance(g, "loss", 1e-5, fabs((double)total[0]), 1e-6));
        for (int i = 0; i < LOSS_ITEMS; sum += result.item[i++])
            golden_compare_number(g, "items", result.item[i], items[i],
                                  golden_tolerance(g, "loss", 1e-5, fabs((double)items[i]), 1e-6));
        golden_compare_number(g, "items", sum, items[LOSS_ITEMS],
                              golden_tolerance(g, "loss", 1e-5, fabs((double)items[LOSS_ITEMS]), 1e-6));
        for (int b = 0; b < n; b++) {
            struct loss_matching matching = loss_get_matching(loss, n - 1 - b);
            compare_matching(g, branches, b ? config.anchors.aux_reach : config.anchors.reach, b ? "_aux" : "",
                             &matching);
            compare_gradients(g, b, &branches[n - 1 - b]);
        }
    }
    loss_destroy(loss);
}

int golden_anchor_loss(const char *path, char *message, size_t size, double *worst)
{
    struct golden g;
    if (golden_open(&g, path))
        run_anchor_loss(&g, strcmp(golden_text(&g, "kind"), "aux_ota") == 0 ? 2 : 1);
    return golden_close(&g, message, size, worst);
}
