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

void head_resolve(const struct head_class *head, int ch0, int nc, int reg_max, struct head_shape *shape)
{
    if (shape->c_box == FROM_FORMULA) {
        shape->c_box = MAX(MAX(ch0 / 4, 4 * reg_max), 16);
        if (head->grouped)
            shape->c_box = (shape->c_box + 3) / 4 * 4;
    }
    if (shape->c_cls == FROM_FORMULA)
        shape->c_cls = MAX(ch0, MIN(2 * nc, 128));
    if (shape->box_groups == FROM_FORMULA)
        shape->box_groups = head->grouped ? 4 : 1;
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

static void emit_branch(struct builder *b, int branch, const int *inputs, int n_levels,
                        const struct head_options *options)
{
    const struct head_shape *shape = &options->shape[branch];
    int box[MAX_LEVELS], cls[MAX_LEVELS];
    for (int l = 0; l < n_levels; l++)
        box[l] = tower(b, head_part_name(branch, HEAD_BOX), l, inputs[l], shape->c_box, shape->box_groups,
                       4 * options->reg_max);
    for (int l = 0; l < n_levels; l++)
        cls[l] = tower(b, head_part_name(branch, HEAD_CLS), l, inputs[l], shape->c_cls, 1, options->nc);

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
        head_resolve(head, builder_channels(b, levels[0]), options->nc, options->reg_max, &options->shape[i]);
        emit_branch(b, i, levels, n_levels, options);
    }
    for (int i = 0; i < head->n_branches && !b->failed; i++) {
        char leaf[32], text[BUILDER_NAME];
        snprintf(leaf, sizeof leaf, "%s.conv.weight", head_part_name(i, HEAD_DFL));
        graph_param(b->graph, builder_join(b, leaf, text), PARAM_DFL, 4, (const int[]){1, options->reg_max, 1, 1});
    }
    b->graph->n_branches = head->n_branches;
    b->graph->nc = options->nc;
    b->graph->reg_max = options->reg_max;
    builder_leave(b, mark);
}
