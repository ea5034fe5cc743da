#include "model/head.h"

#include "model/blocks.h"

#include <stdio.h>
#include <string.h>

static const struct head_class heads[] = {
    {"Detect", 1, false},     {"DDetect", 1, true},       {"DualDetect", 2, false},
    {"DualDDetect", 2, true}, {"TripleDetect", 3, false}, {"TripleDDetect", 3, true},
};

const struct head_class *head_find(const char *name)
{
    for (int i = 0; i < COUNT(heads); i++) {
        if (!strcmp(heads[i].name, name))
            return &heads[i];
    }
    return NULL;
}

const struct head_class *head_deployed(const struct head_class *head)
{
    return &heads[head->grouped ? 1 : 0];
}

const char *head_part_name(int branch, enum head_part part)
{
    static const char *const names[MAX_BRANCHES][3] = {
        {"cv2", "cv3", "dfl"}, {"cv4", "cv5", "dfl2"}, {"cv6", "cv7", "dfl3"}};
    return names[branch][part];
}

const char *cls_tower_name(enum cls_tower tower)
{
    static const char *const names[TOWER_COUNT] = {"plain", "light"};
    return names[tower];
}

void head_shape_init(struct head_shape *s)
{
    *s = (struct head_shape){FROM_FORMULA, FROM_FORMULA, FROM_FORMULA, FROM_FORMULA};
}

struct head_shape head_shape_merge(struct head_shape chosen, struct head_shape written)
{
    return (struct head_shape){
        .c_box = chosen.c_box == FROM_FORMULA ? written.c_box : chosen.c_box,
        .c_cls = chosen.c_cls == FROM_FORMULA ? written.c_cls : chosen.c_cls,
        .box_groups = chosen.box_groups == FROM_FORMULA ? written.box_groups : chosen.box_groups,
        .cls_tower = chosen.cls_tower == FROM_FORMULA ? written.cls_tower : chosen.cls_tower,
    };
}

void head_resolve(const struct head_class *head, int ch0, struct head_options *options, int branch)
{
    struct head_shape *shape = &options->shape[branch];
    const struct family *f = options->family;
    if (shape->c_box == FROM_FORMULA) {
        shape->c_box = MAX(MAX(ch0 / 4, 4 * options->reg_max), 16);
        if (head->grouped)
            shape->c_box = (shape->c_box + 3) / 4 * 4;
    }
    if (shape->c_cls == FROM_FORMULA)
        shape->c_cls = MAX(ch0, MIN(f->class_factor * options->nc, f->class_most));
    if (shape->box_groups == FROM_FORMULA)
        shape->box_groups = head->grouped ? 4 : 1;
    if (shape->cls_tower == FROM_FORMULA)
        shape->cls_tower = TOWER_PLAIN;
}

/* Conv 3x3, Conv 3x3, bare 1x1 with bias; the groups are those of the second and third. */
static int tower(struct builder *b, const char *name, int level, int x, int width, int groups, int c_out)
{
    struct window w3 = {.k = 3, .s = 1, .p = PAD_AUTO, .g = groups, .d = 1};
    struct window w1 = {.k = 1, .s = 1, .p = 0, .g = groups, .d = 1};
    size_t outer = builder_enter(b, name);
    size_t inner = builder_enter_number(b, level);
    int y = conv_bn_silu(b, "0", x, width, 3, 1);
    y = conv_bn_act(b, "1", y, width, w3, b->act, NO_RESIDUAL);
    y = conv_plain(b, "2", y, c_out, w1, true);
    builder_leave(b, inner);
    builder_leave(b, outer);
    return y;
}

/* Depth-wise 3x3 "0", then 1x1 to c channels "1". */
static int light_pair(struct builder *b, int number, int x, int c)
{
    struct window w3 = {.k = 3, .s = 1, .p = PAD_AUTO, .g = builder_channels(b, x), .d = 1};
    size_t mark = builder_enter_number(b, number);
    int y = conv_bn_act(b, "0", x, w3.g, w3, b->act, NO_RESIDUAL);
    y = conv_bn_silu(b, "1", y, c, 1, 1);
    builder_leave(b, mark);
    return y;
}

int light_tower(struct builder *b, int x, int c, int nc)
{
    struct window w1 = {.k = 1, .s = 1, .p = 0, .g = 1, .d = 1};
    int y = light_pair(b, 0, x, c);
    y = light_pair(b, 1, y, c);
    return conv_plain(b, "2", y, nc, w1, true);
}

static int class_tower(struct builder *b, const char *name, int level, int x, const struct head_shape *shape, int nc)
{
    if (shape->cls_tower == TOWER_PLAIN)
        return tower(b, name, level, x, shape->c_cls, 1, nc);
    size_t outer = builder_enter(b, name);
    size_t inner = builder_enter_number(b, level);
    int y = light_tower(b, x, shape->c_cls, nc);
    builder_leave(b, inner);
    builder_leave(b, outer);
    return y;
}

static void emit_branch(struct builder *b, int branch, const int *inputs, int n_levels,
                        const struct head_options *options)
{
    const struct head_shape *shape = &options->shape[branch];
    int box[MAX_LEVELS], cls[MAX_LEVELS];
    for (int l = 0; l < n_levels; l++)
        box[l] = tower(b, head_part_name(branch, HEAD_PART_BOX), l, inputs[l], shape->c_box, shape->box_groups,
                       4 * options->reg_max);
    for (int l = 0; l < n_levels; l++)
        cls[l] = class_tower(b, head_part_name(branch, HEAD_PART_CLS), l, inputs[l], shape, options->nc);

    struct branch *out = &b->graph->branch[branch];
    out->n_levels = n_levels;
    for (int l = 0; l < n_levels; l++) {
        char name[32];
        snprintf(name, sizeof name, "raw%d.%d", branch, l);
        out->level[l] = concat(b, name, (const int[]){box[l], cls[l]}, 2);
    }
}

void detect(struct builder *b, const char *name, const struct head_class *head, const int *inputs, int n_inputs,
            struct head_options *options)
{
    int n_levels = n_inputs / head->n_branches;
    if (!n_levels || n_inputs % head->n_branches || n_levels > MAX_LEVELS) {
        builder_fail(b, "%d inputs for %d branches; 1 to %d levels a branch are possible", n_inputs, head->n_branches,
                     MAX_LEVELS);
        return;
    }
    size_t mark = builder_enter(b, name);
    for (int i = 0; i < head->n_branches; i++) {
        const int *levels = inputs + i * n_levels;
        head_resolve(head, builder_channels(b, levels[0]), options, i);
        emit_branch(b, i, levels, n_levels, options);
    }
    for (int i = 0; i < head->n_branches && !b->failed; i++) {
        char leaf[32], text[BUILDER_NAME];
        snprintf(leaf, sizeof leaf, "%s.conv.weight", head_part_name(i, HEAD_PART_DFL));
        graph_param(b->graph, builder_join(b, leaf, text), PARAM_DFL, 4, (const int[]){1, options->reg_max, 1, 1});
    }
    b->graph->n_branches = head->n_branches;
    b->graph->head = (struct head){.kind = HEAD_DFL, .nc = options->nc, .reg_max = options->reg_max};
    builder_leave(b, mark);
}
