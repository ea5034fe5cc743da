#include "export/onnx_head.h"

#include <string.h>

static const Onnx__TensorProto__DataType FLOAT = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;

static const char *float_constant(struct onnx_builder *b, const char *label, float x)
{
    return onnx_floats(b, label, &x, 0, NULL);
}

/* --- anchor points (1, 2, anchors) and their strides --- */

struct grid {
    const char *points;
    const char *
        strides; /* (1, 4, anchors) where constant: OpenCV 4.6 multiplies with no smaller shape; else (1, 1, anchors) */
};

static struct grid constant_grid(struct onnx_builder *b, const struct onnx_head *head)
{
    int64_t a = 0, n = head->anchors, points[] = {1, 2, n}, strides[] = {1, 4, n};
    float *xy = arena_alloc(&b->arena, 2 * (size_t)n, sizeof *xy),
          *stride = arena_alloc(&b->arena, 4 * (size_t)n, sizeof *stride);
    if (!xy || !stride) {
        b->out_of_memory = true;
        return (struct grid){"", ""};
    }
    for (int l = 0; l < head->n_levels; l++) {
        for (int i = 0; i < head->level[l].h * head->level[l].w; i++, a++) {
            xy[a] = (float)(i % head->level[l].w) + 0.5f;
            xy[n + a] = (float)(i / head->level[l].w) + 0.5f;
            for (int k = 0; k < 4; k++)
                stride[k * n + a] = (float)head->level[l].stride;
        }
    }
    return (struct grid){onnx_floats(b, head->name, xy, 3, points), onnx_floats(b, head->name, stride, 3, strides)};
}

/* 0.5, 1.5, ... as many as axis `axis` of a map has places, in the shape `dims` (-1 where the places go). */
static const char *half_steps(struct onnx_builder *b, const struct onnx_head *head, const char *shape, int axis,
                              const int64_t dims[2])
{
    const char *count = onnx_binary(b, "Gather", head->name, shape, onnx_int(b, head->name, axis));
    const char *in[] = {float_constant(b, head->name, 0), onnx_cast(b, head->name, count, FLOAT),
                        float_constant(b, head->name, 1)};
    const char *steps = onnx_out(onnx_add(b, &(struct onnx_op){"Range", head->name, COUNT(in), in, NULL}));
    steps = onnx_binary(b, "Add", head->name, steps, float_constant(b, head->name, 0.5f));
    return onnx_reshape(b, head->name, steps, dims, 2);
}

/* The same from the shapes that the maps turn out to have. */
static struct grid computed_grid(struct onnx_builder *b, const struct onnx_head *head)
{
    static const int64_t row[] = {1, -1}, column[] = {-1, 1}, flat[] = {1, 1, -1}, one[] = {1, 1, 1};
    const char *points[MAX_LEVELS], *strides[MAX_LEVELS];
    for (int l = 0; l < head->n_levels; l++) {
        const char *shape = onnx_unary(b, "Shape", head->name, head->level[l].cls);
        const char *extent = onnx_slice(b, head->name, shape, 0, 2, 2);
        const char *xy[2];
        for (int k = 0; k < 2; k++) {
            xy[k] = half_steps(b, head, shape, 3 - k, k ? column : row);
            xy[k] = onnx_binary(b, "Expand", head->name, xy[k], extent);
            xy[k] = onnx_reshape(b, head->name, xy[k], flat, 3);
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

/* Maps of all levels as one (n, c, anchors). */
static const char *join_levels(struct onnx_builder *b, const struct onnx_head *head, bool cls, int c)
{
    const char *flat[MAX_LEVELS];
    int64_t dims[] = {head->n < 0 ? 0 : head->n, c, -1}; /* 0: as it is */
    for (int l = 0; l < head->n_levels; l++)
        flat[l] = onnx_reshape(b, head->name, cls ? head->level[l].cls : head->level[l].box, dims, 3);
    return onnx_concat(b, head->name, flat, head->n_levels, 2);
}

/* Distances left, top, right, bottom (n, 4, anchors): expectation of the softmax over a side's bins. Softmax runs
 * over the last axis, where the definitions before and after opset 13 agree. */
static const char *expect(struct onnx_builder *b, const struct onnx_head *head, const char *logits)
{
    static const int64_t bins_last[] = {0, 3, 1, 2}, bins_second[] = {0, 3, 2, 1}, ones[] = {1, 1};
    int64_t n = head->n < 0 ? 0 : head->n, sides[] = {n, 4, head->bins, head->anchors};
    int64_t distances[] = {n, 4, head->anchors};
    const char *x = onnx_reshape(b, head->name, logits, sides, 4);
    x = onnx_transpose(b, head->name, x, bins_last, 4);
    Onnx__NodeProto *softmax = onnx_add(b, &(struct onnx_op){"Softmax", head->name, 1, &x, NULL});
    onnx_set_int(b, softmax, "axis", 3);
    const char *in[] = {onnx_transpose(b, head->name, onnx_out(softmax), bins_second, 4), head->dfl};
    Onnx__NodeProto *conv = onnx_add(b, &(struct onnx_op){"Conv", head->name, COUNT(in), in, NULL});
    onnx_set_ints(b, conv, "kernel_shape", ones, 2);
    return onnx_reshape(b, head->name, onnx_out(conv), distances, 3);
}

struct onnx_decoded onnx_decode(struct onnx_builder *b, const struct onnx_head *head)
{
    const char *name = head->name;
    struct grid grid = head->anchors < 0 ? computed_grid(b, head) : constant_grid(b, head);
    const char *ltrb = expect(b, head, join_levels(b, head, false, 4 * head->bins));
    const char *low = onnx_binary(b, "Sub", name, grid.points, onnx_slice(b, name, ltrb, 1, 0, 2));
    const char *high = onnx_binary(b, "Add", name, grid.points, onnx_slice(b, name, ltrb, 1, 2, 2));
    const char *sum = onnx_binary(b, "Add", name, low, high);
    const char *centre_size[] = {onnx_binary(b, "Div", name, sum, float_constant(b, name, 2)),
                                 onnx_binary(b, "Sub", name, high, low)};
    const char *box = onnx_binary(b, "Mul", name, onnx_concat(b, name, centre_size, 2, 1), grid.strides);
    return (struct onnx_decoded){box, onnx_unary(b, "Sigmoid", name, join_levels(b, head, true, head->nc))};
}

/* --- NMS --- */

/* The largest class score of each anchor point and its class, and the scores with all others at 0: (1, nc, anchors).
 * The first of equals is the best, as in detect/decode.h. */
struct best {
    const char *score, *class, *scores;
};

static struct best best_class(struct onnx_builder *b, const struct onnx_head *head, const char *scores)
{
    int64_t dims[] = {1, head->nc, 1}, axis = 1;
    Onnx__NodeProto *class = onnx_add(b, &(struct onnx_op){"ArgMax", head->name, 1, &scores, NULL});
    onnx_set_int(b, class, "axis", 1);
    Onnx__NodeProto *score = onnx_add(b, &(struct onnx_op){"ReduceMax", head->name, 1, &scores, NULL});
    onnx_set_ints(b, score, "axes", &axis, 1);
    int64_t *classes = arena_alloc(&b->arena, (size_t)head->nc, sizeof *classes);
    if (!classes) {
        b->out_of_memory = true;
        return (struct best){"", "", ""};
    }
    for (int k = 0; k < head->nc; k++)
        classes[k] = k;
    const char *all = onnx_reshape(b, head->name, onnx_ints(b, head->name, classes, head->nc), dims, 3);
    const char *in[] = {onnx_binary(b, "Equal", head->name, all, onnx_out(class)), scores,
                        float_constant(b, head->name, 0)};
    const char *masked = onnx_out(onnx_add(b, &(struct onnx_op){"Where", head->name, COUNT(in), in, NULL}));
    return (struct best){onnx_out(score), onnx_out(class), masked};
}

/* Indices (k) of the anchor points that stay. */
static const char *select_boxes(struct onnx_builder *b, const struct onnx_head *head, const char *boxes,
                                const char *scores, const struct onnx_nms *rule)
{
    static const int64_t flat[] = {-1}, one[] = {1};
    const char *in[] = {boxes, scores, onnx_ints(b, head->name, &(int64_t){rule->max_det}, 1),
                        onnx_floats(b, head->name, &rule->iou, 1, one),
                        onnx_floats(b, head->name, &rule->conf, 1, one)};
    Onnx__NodeProto *n = onnx_add(b, &(struct onnx_op){"NonMaxSuppression", head->name, COUNT(in), in, NULL});
    onnx_set_int(b, n, "center_point_box", 1);
    /* rows are image, class, box */
    return onnx_reshape(b, head->name, onnx_slice(b, head->name, onnx_out(n), 1, 2, 1), flat, 1);
}

/* The same indices by falling score, at most max_det. */
static const char *order_by_score(struct onnx_builder *b, const struct onnx_head *head, const char *score,
                                  const char *index, int max_det)
{
    static const int64_t zero[] = {0};
    const char *lengths[] = {onnx_unary(b, "Shape", head->name, index),
                             onnx_ints(b, head->name, &(int64_t){max_det}, 1)};
    const char *both = onnx_concat(b, head->name, lengths, 2, 0);
    Onnx__NodeProto *least = onnx_add(b, &(struct onnx_op){"ReduceMin", head->name, 1, &both, NULL});
    onnx_set_ints(b, least, "axes", zero, 1);
    const char *in[] = {onnx_binary(b, "Gather", head->name, score, index), onnx_out(least)};
    const char *order = onnx_second(b, &(struct onnx_op){"TopK", head->name, COUNT(in), in, NULL});
    return onnx_binary(b, "Gather", head->name, index, order);
}

void onnx_suppress(struct onnx_builder *b, const struct onnx_head *head, const struct onnx_decoded *in,
                   const struct onnx_nms *rule, const char *out)
{
    static const int64_t box_last[] = {0, 2, 1}, flat[] = {-1}, rows[] = {-1, 4}, column[] = {-1, 1};
    const char *name = head->name;
    struct best best = best_class(b, head, in->scores);
    const char *boxes = onnx_transpose(b, name, in->box, box_last, 3);
    const char *score = onnx_reshape(b, name, best.score, flat, 1), *class = onnx_reshape(b, name, best.class, flat, 1);
    const char *index = select_boxes(b, head, boxes, best.scores, rule);
    index = order_by_score(b, head, score, index, rule->max_det);

    const char *kept = onnx_binary(b, "Gather", name, onnx_reshape(b, name, boxes, rows, 2), index);
    const char *centre = onnx_slice(b, name, kept, 1, 0, 2), *size = onnx_slice(b, name, kept, 1, 2, 2);
    const char *half = onnx_binary(b, "Mul", name, size, float_constant(b, name, 0.5f));
    score = onnx_binary(b, "Gather", name, score, index);
    class = onnx_cast(b, name, onnx_binary(b, "Gather", name, class, index), FLOAT);
    const char *columns[] = {onnx_binary(b, "Sub", name, centre, half), onnx_binary(b, "Add", name, centre, half),
                             onnx_reshape(b, name, score, column, 2), onnx_reshape(b, name, class, column, 2)};
    Onnx__NodeProto *n = onnx_add(b, &(struct onnx_op){"Concat", name, COUNT(columns), columns, out});
    onnx_set_int(b, n, "axis", 1);
}
