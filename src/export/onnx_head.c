#include "export/onnx_head.h"

#include <string.h>

static const Onnx__TensorProto__DataType FLOAT = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;

static const char *float_constant(struct onnx_builder *b, const char *label, float x)
{
    return onnx_floats(b, label, &x, 0, NULL);
}

struct onnx_head_maps onnx_head_maps(enum head_kind kind)
{
    static const struct onnx_head_maps maps[HEAD_KINDS] = {
        [HEAD_DFL] = {2, {"box", "cls"}},
        [HEAD_ANCHORS] = {1, {"map"}},
    };
    return maps[kind];
}

int onnx_map_channels(const struct head *h, int k)
{
    if (h->kind == HEAD_ANCHORS)
        return head_channels(h);
    return k ? h->nc : 4 * h->reg_max;
}

/* --- places of the cells (1, 2, rows) and their strides ---
 * A row's place is where its box has its centre when nothing moves it: the middle of the cell, or, for an anchor head,
 * which counts from half a cell before to half a cell behind the next, half a cell before it. */

struct grid {
    const char *points;
    const char
        *strides; /* (1, 4, rows) where constant: OpenCV 4.6 multiplies with no smaller shape; else (1, 1, rows) */
};

static float offset_of(const struct onnx_head *head)
{
    return head->head->kind == HEAD_ANCHORS ? -0.5f : 0.5f;
}

static struct grid constant_grid(struct onnx_builder *b, const struct onnx_head *head)
{
    const int boxes = head_cell_boxes(head->head);
    int64_t a = 0, n = head->rows, points[] = {1, 2, n}, strides[] = {1, 4, n};
    float *xy = arena_alloc(&b->arena, 2 * (size_t)n, sizeof *xy),
          *stride = arena_alloc(&b->arena, 4 * (size_t)n, sizeof *stride);
    if (!xy || !stride) {
        b->out_of_memory = true;
        return (struct grid){"", ""};
    }
    for (int l = 0; l < head->n_levels; l++) {
        const int cells = head->level[l].h * head->level[l].w;
        for (int i = 0; i < boxes * cells; i++, a++) {
            xy[a] = (float)(i % cells % head->level[l].w) + offset_of(head);
            xy[n + a] = (float)(i % cells / head->level[l].w) + offset_of(head);
            for (int k = 0; k < 4; k++)
                stride[k * n + a] = (float)head->level[l].stride;
        }
    }
    return (struct grid){onnx_floats(b, head->name, xy, 3, points), onnx_floats(b, head->name, stride, 3, strides)};
}

/* The offset, one more ... as many as axis `axis` of a map has places, in the shape `dims` (-1 where the places go). */
static const char *places(struct onnx_builder *b, const struct onnx_head *head, const char *shape, int axis,
                          const int64_t dims[2])
{
    const char *count = onnx_binary(b, "Gather", head->name, shape, onnx_int(b, head->name, axis));
    const char *in[] = {float_constant(b, head->name, 0), onnx_cast(b, head->name, count, FLOAT),
                        float_constant(b, head->name, 1)};
    const char *steps = onnx_out(onnx_add(b, &(struct onnx_op){"Range", head->name, COUNT(in), in, NULL}));
    steps = onnx_binary(b, "Add", head->name, steps, float_constant(b, head->name, offset_of(head)));
    return onnx_reshape(b, head->name, steps, dims, 2);
}

/* x as often as a cell has boxes, one after another. */
static const char *for_each_box(struct onnx_builder *b, const struct onnx_head *head, const char *x)
{
    const char *copies[MAX_ANCHORS];
    const int boxes = head_cell_boxes(head->head);
    for (int i = 0; i < boxes; i++)
        copies[i] = x;
    return boxes == 1 ? x : onnx_concat(b, head->name, copies, boxes, 2);
}

/* The same from the shapes that the maps turn out to have. */
static struct grid computed_grid(struct onnx_builder *b, const struct onnx_head *head)
{
    static const int64_t row[] = {1, -1}, column[] = {-1, 1}, flat[] = {1, 1, -1}, one[] = {1, 1, 1};
    const int last = onnx_head_maps(head->head->kind).n - 1;
    const char *points[MAX_LEVELS], *strides[MAX_LEVELS];
    for (int l = 0; l < head->n_levels; l++) {
        const char *shape = onnx_unary(b, "Shape", head->name, head->level[l].map[last]);
        const char *extent = onnx_slice(b, head->name, shape, 0, 2, 2);
        const char *xy[2];
        for (int k = 0; k < 2; k++) {
            xy[k] = places(b, head, shape, 3 - k, k ? column : row);
            xy[k] = onnx_binary(b, "Expand", head->name, xy[k], extent);
            xy[k] = onnx_reshape(b, head->name, xy[k], flat, 3);
            xy[k] = for_each_box(b, head, xy[k]);
        }
        points[l] = onnx_concat(b, head->name, xy, 2, 1);
        float stride = (float)head->level[l].stride;
        strides[l] = onnx_binary(b, "Expand", head->name, onnx_floats(b, head->name, &stride, 3, one),
                                 onnx_unary(b, "Shape", head->name, xy[0]));
    }
    return (struct grid){onnx_concat(b, head->name, points, head->n_levels, 2),
                         onnx_concat(b, head->name, strides, head->n_levels, 2)};
}

/* --- decode --- */

/* Raw maps k of all levels as one (n, c, cells). */
static const char *join_levels(struct onnx_builder *b, const struct onnx_head *head, int k)
{
    const char *flat[MAX_LEVELS];
    int64_t dims[] = {head->n < 0 ? 0 : head->n, onnx_map_channels(head->head, k), -1}; /* 0: as it is */
    for (int l = 0; l < head->n_levels; l++)
        flat[l] = onnx_reshape(b, head->name, head->level[l].map[k], dims, 3);
    return onnx_concat(b, head->name, flat, head->n_levels, 2);
}

/* Distances left, top, right, bottom (n, 4, rows): expectation of the softmax over a side's bins. Softmax runs
 * over the last axis, where the definitions before and after opset 13 agree. */
static const char *expect(struct onnx_builder *b, const struct onnx_head *head, const char *logits)
{
    static const int64_t bins_last[] = {0, 3, 1, 2}, bins_second[] = {0, 3, 2, 1}, ones[] = {1, 1};
    int64_t n = head->n < 0 ? 0 : head->n, sides[] = {n, 4, head->head->reg_max, head->rows};
    int64_t distances[] = {n, 4, head->rows};
    const char *x = onnx_reshape(b, head->name, logits, sides, 4);
    x = onnx_transpose(b, head->name, x, bins_last, 4);
    Onnx__NodeProto *softmax = onnx_add(b, &(struct onnx_op){"Softmax", head->name, 1, &x, NULL});
    onnx_set_int(b, softmax, "axis", 3);
    const char *in[] = {onnx_transpose(b, head->name, onnx_out(softmax), bins_second, 4), head->dfl};
    Onnx__NodeProto *conv = onnx_add(b, &(struct onnx_op){"Conv", head->name, COUNT(in), in, NULL});
    onnx_set_ints(b, conv, "kernel_shape", ones, 2);
    return onnx_reshape(b, head->name, onnx_out(conv), distances, 3);
}

static struct onnx_decoded decode_dfl(struct onnx_builder *b, const struct onnx_head *head, struct grid grid)
{
    const char *name = head->name;
    const char *ltrb = expect(b, head, join_levels(b, head, 0));
    const char *low = onnx_binary(b, "Sub", name, grid.points, onnx_slice(b, name, ltrb, 1, 0, 2));
    const char *high = onnx_binary(b, "Add", name, grid.points, onnx_slice(b, name, ltrb, 1, 2, 2));
    const char *sum = onnx_binary(b, "Add", name, low, high);
    const char *centre_size[] = {onnx_binary(b, "Div", name, sum, float_constant(b, name, 2)),
                                 onnx_binary(b, "Sub", name, high, low)};
    const char *box = onnx_binary(b, "Mul", name, onnx_concat(b, name, centre_size, 2, 1), grid.strides);
    return (struct onnx_decoded){box, onnx_unary(b, "Sigmoid", name, join_levels(b, head, 1))};
}

/* --- anchors --- */

/* (n, boxes * values, h, w) of each level -> (n, values, rows), all with the first anchor before the second. */
static const char *join_boxes(struct onnx_builder *b, const struct onnx_head *head)
{
    static const int64_t values_first[] = {0, 2, 1, 3};
    const char *flat[MAX_LEVELS];
    const int64_t n = head->n < 0 ? 0 : head->n, values = 5 + head->nc;
    const int64_t split[] = {n, head->head->n_anchors, values, -1}, joined[] = {n, values, -1};
    for (int l = 0; l < head->n_levels; l++) {
        const char *x = onnx_reshape(b, head->name, head->level[l].map[0], split, 4);
        flat[l] = onnx_reshape(b, head->name, onnx_transpose(b, head->name, x, values_first, 4), joined, 3);
    }
    return onnx_concat(b, head->name, flat, head->n_levels, 2);
}

/* Sizes of the rows' anchors in cells, (1, 2, rows). */
static const char *constant_sizes(struct onnx_builder *b, const struct onnx_head *head)
{
    const int64_t n = head->rows, dims[] = {1, 2, n};
    float *size = arena_alloc(&b->arena, 2 * (size_t)n, sizeof *size);
    int64_t a = 0;
    if (!size) {
        b->out_of_memory = true;
        return "";
    }
    for (int l = 0; l < head->n_levels; l++)
        for (int i = 0; i < head->head->n_anchors; i++)
            for (int cell = 0; cell < head->level[l].h * head->level[l].w; cell++, a++)
                for (int k = 0; k < 2; k++)
                    size[k * n + a] = head->head->anchor[l][i][k] / (float)head->level[l].stride;
    return onnx_floats(b, head->name, size, 3, dims);
}

static const char *computed_sizes(struct onnx_builder *b, const struct onnx_head *head)
{
    static const int64_t pair[] = {1, 2, 1}, flat[] = {1, 1, -1};
    const char *size[MAX_LEVELS * MAX_ANCHORS];
    int n = 0;
    for (int l = 0; l < head->n_levels; l++) {
        const char *shape = onnx_unary(b, "Shape", head->name, head->level[l].map[0]);
        const char *extent = onnx_slice(b, head->name, shape, 0, 2, 2);
        const char *zeros = onnx_binary(b, "Expand", head->name, float_constant(b, head->name, 0), extent);
        zeros = onnx_reshape(b, head->name, zeros, flat, 3); /* (1, 1, cells) */
        for (int i = 0; i < head->head->n_anchors; i++) {
            float wh[2];
            for (int k = 0; k < 2; k++)
                wh[k] = head->head->anchor[l][i][k] / (float)head->level[l].stride;
            size[n++] = onnx_binary(b, "Add", head->name, onnx_floats(b, head->name, wh, 3, pair), zeros);
        }
    }
    return onnx_concat(b, head->name, size, n, 2);
}

/* cx = (2 s - 0.5 + column) stride, w = (2 s)^2 anchor; a class counts by its objectness, and alone not at all. */
static struct onnx_decoded decode_anchors(struct onnx_builder *b, const struct onnx_head *head, struct grid grid)
{
    const char *name = head->name, *sizes = head->rows < 0 ? computed_sizes(b, head) : constant_sizes(b, head);
    const char *s = onnx_unary(b, "Sigmoid", name, join_boxes(b, head));
    const char *twice = onnx_binary(b, "Mul", name, onnx_slice(b, name, s, 1, 0, 4), float_constant(b, name, 2));
    const char *size = onnx_slice(b, name, twice, 1, 2, 2);
    size = onnx_binary(b, "Mul", name, onnx_binary(b, "Mul", name, size, size), sizes);
    const char *centre_size[] = {onnx_binary(b, "Add", name, onnx_slice(b, name, twice, 1, 0, 2), grid.points), size};
    const char *box = onnx_binary(b, "Mul", name, onnx_concat(b, name, centre_size, 2, 1), grid.strides);
    const char *objectness = onnx_slice(b, name, s, 1, 4, 1);
    if (head->nc == 1)
        return (struct onnx_decoded){box, objectness};
    return (struct onnx_decoded){box, onnx_binary(b, "Mul", name, onnx_slice(b, name, s, 1, 5, head->nc), objectness)};
}

struct onnx_decoded onnx_decode(struct onnx_builder *b, const struct onnx_head *head)
{
    static struct onnx_decoded (*const decode[HEAD_KINDS])(struct onnx_builder *, const struct onnx_head *,
                                                           struct grid) = {
        [HEAD_DFL] = decode_dfl,
        [HEAD_ANCHORS] = decode_anchors,
    };
    return decode[head->head->kind](b, head, head->rows < 0 ? computed_grid(b, head) : constant_grid(b, head));
}
