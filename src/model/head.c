#include "model/head.h"

#include "model/blocks.h"

#include <stdio.h>
#include <string.h>

static const struct head_class heads[] = {
    {.name = "Detect", .n_branches = 1},
    {.name = "DDetect", .n_branches = 1, .grouped = true},
    {.name = "DualDetect", .n_branches = 2},
    {.name = "DualDDetect", .n_branches = 2, .grouped = true},
    {.name = "TripleDetect", .n_branches = 3},
    {.name = "TripleDDetect", .n_branches = 3, .grouped = true},
    {.name = "IDetect", .kind = HEAD_ANCHORS, .n_branches = 1, .implicit = true},
    {.name = "IAuxDetect", .kind = HEAD_ANCHORS, .n_branches = 2, .implicit = true, .lead_first = true},
};
static const struct head_class anchor_detect = {.name = "Detect", .kind = HEAD_ANCHORS, .n_branches = 1};

const struct head_class *head_find(const char *name)
{
    return head_find_row(name, 1);
}

const struct head_class *head_find_row(const char *name, int n_args)
{
    if (n_args > 1 && !strcmp(name, anchor_detect.name))
        return &anchor_detect;
    for (int i = 0; i < COUNT(heads); i++) {
        if (!strcmp(heads[i].name, name))
            return &heads[i];
    }
    return NULL;
}

const struct head_class *head_deployed(const struct head_class *head)
{
    return head->kind == HEAD_ANCHORS ? &anchor_detect : &heads[head->grouped ? 1 : 0];
}

int head_first_input(const struct head_class *head, int branch, int n_levels)
{
    return (head->lead_first ? head->n_branches - 1 - branch : branch) * n_levels;
}

const char *head_part_name(int branch, enum head_part part)
{
    static const char *const names[MAX_BRANCHES][3] = {
        {"cv2", "cv3", "dfl"}, {"cv4", "cv5", "dfl2"}, {"cv6", "cv7", "dfl3"}};
    return names[branch][part];
}

/* Length of the first element of `rest`, if a part of branch b of an anchor-free head is named so, else 0. */
static size_t part_length(const char *rest, int b, int *part)
{
    size_t length = strcspn(rest, ".");
    for (*part = HEAD_PART_BOX; *part <= HEAD_PART_DFL; ++*part) {
        const char *name = head_part_name(b, (enum head_part) * part);
        if (strlen(name) == length && !memcmp(name, rest, length))
            return length;
    }
    return 0;
}

int head_branch_of(enum head_kind kind, int n_branches, const char *rest)
{
    int part;
    if (kind == HEAD_ANCHORS) {
        bool main = !strncmp(rest, "m.", 2) || !strncmp(rest, "ia.", 3) || !strncmp(rest, "im.", 3);
        return main ? n_branches - 1 : !strncmp(rest, "m2.", 3) && n_branches > 1 ? 0 : -1;
    }
    for (int b = 0; b < n_branches; b++)
        if (part_length(rest, b, &part))
            return b;
    return -1;
}

/* The name of a part of branch `from` -> the same part's of branch `to`. */
static const char *move_name(enum head_kind kind, int from, int to, const char *rest, char *buffer, size_t size)
{
    int part, written = 0;
    if (kind == HEAD_ANCHORS) { /* a main branch is called the same everywhere, and deployed without its vectors */
        if (!strncmp(rest, "m.", 2))
            written = snprintf(buffer, size, "%s", rest);
    } else {
        size_t length = part_length(rest, from, &part);
        if (length)
            written = snprintf(buffer, size, "%s%s", head_part_name(to, (enum head_part)part), rest + length);
    }
    return written > 0 && (size_t)written < size ? buffer : NULL;
}

const char *head_deployed_name(enum head_kind kind, int n_branches, const char *rest, char *buffer, size_t size)
{
    return move_name(kind, n_branches - 1, 0, rest, buffer, size);
}

const char *head_main_name(enum head_kind kind, int n_branches, const char *rest, char *buffer, size_t size)
{
    return move_name(kind, 0, n_branches - 1, rest, buffer, size);
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

/* Fill what is FROM_FORMULA in a branch's shape; its first map has ch0 channels. */
static void resolve_shape(const struct head_class *head, int ch0, struct head_options *options, int branch)
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
    int y = conv_block(b, "0", x, width, 3, 1);
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
    y = conv_block(b, "1", y, c, 1, 1);
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

/* im * (m(x + ia) + b); the auxiliary branch has no implicit vectors. (Parameters come level by level, not in the order
 * of the official state_dict.) */
static void emit_anchor_branch(struct builder *b, int branch, const int *inputs, int n_levels, bool implicit_vectors,
                               int channels)
{
    struct branch *out = &b->graph->branch[branch];
    const struct window w1 = {.k = 1, .s = 1, .p = 0, .g = 1, .d = 1};
    const char *conv = branch == b->graph->n_branches - 1 ? "m" : "m2";
    char leaf[3][16];
    out->n_levels = n_levels;
    for (int l = 0; l < n_levels; l++) {
        int x = inputs[l];
        snprintf(leaf[0], sizeof leaf[0], "ia.%d", l);
        snprintf(leaf[1], sizeof leaf[1], "%s.%d", conv, l);
        snprintf(leaf[2], sizeof leaf[2], "im.%d", l);
        if (implicit_vectors)
            x = implicit(b, leaf[0], x, false);
        x = conv_plain(b, leaf[1], x, channels, w1, true);
        if (implicit_vectors)
            x = implicit(b, leaf[2], x, true);
        out->level[l] = x;
    }
}

static void detect_anchors(struct builder *b, const struct head_class *head, const int *inputs, int n_levels,
                           const struct head_options *options)
{
    struct head *out = &b->graph->head;
    if (options->anchor_levels != n_levels) {
        builder_fail(b, "anchors of %d levels for %d; the table's key `anchors` has a list of them, one a level",
                     options->anchor_levels, n_levels);
        return;
    }
    *out = (struct head){.kind = HEAD_ANCHORS, .nc = options->nc, .n_anchors = options->n_anchors};
    memcpy(out->anchor, options->anchor, sizeof out->anchor);
    for (int i = head->n_branches - 1; i >= 0; i--)
        emit_anchor_branch(b, i, inputs + head_first_input(head, i, n_levels), n_levels,
                           head->implicit && i == head->n_branches - 1, head_channels(out));
}

static void detect_dfl(struct builder *b, const struct head_class *head, const int *inputs, int n_levels,
                       struct head_options *options)
{
    for (int i = 0; i < head->n_branches; i++) {
        const int *levels = inputs + head_first_input(head, i, n_levels);
        resolve_shape(head, builder_channels(b, levels[0]), options, i);
        emit_branch(b, i, levels, n_levels, options);
    }
    for (int i = 0; i < head->n_branches && !b->failed; i++) {
        char leaf[32], text[BUILDER_NAME];
        snprintf(leaf, sizeof leaf, "%s.conv.weight", head_part_name(i, HEAD_PART_DFL));
        graph_param(b->graph, builder_join(b, leaf, text), PARAM_DFL, 4, (const int[]){1, options->reg_max, 1, 1});
    }
    b->graph->head = (struct head){.kind = HEAD_DFL, .nc = options->nc, .reg_max = options->reg_max};
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
    b->graph->n_branches = head->n_branches;
    if (head->kind == HEAD_ANCHORS)
        detect_anchors(b, head, inputs, n_levels, options);
    else
        detect_dfl(b, head, inputs, n_levels, options);
    builder_leave(b, mark);
}
