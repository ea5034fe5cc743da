/* Boxes and scores -> detections, in ONNX operators or by TensorRT's node. */
#include "export/onnx_head.h"

static const Onnx__TensorProto__DataType FLOAT = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;

static const char *float_constant(struct onnx_builder *b, const char *label, float x)
{
    return onnx_floats(b, label, &x, 0, NULL);
}

/* The largest class score of each row and its class (n, rows), and the scores with all others at 0: (n, nc, rows).
 * The first of equals is the best, as in detect/decode.h. */
struct best {
    const char *score, *class, *scores;
};

static struct best best_class(struct onnx_builder *b, const struct onnx_head *head, const char *scores)
{
    static const int64_t flat[] = {0, -1};
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
    return (struct best){onnx_reshape(b, head->name, onnx_out(score), flat, 2),
                         onnx_reshape(b, head->name, onnx_out(class), flat, 2), masked};
}

/* Rows that stay, (k, 3): image, class, row. */
static const char *select_boxes(struct onnx_builder *b, const struct onnx_head *head, const char *boxes,
                                const char *scores, const struct onnx_nms *rule)
{
    static const int64_t one[] = {1};
    const char *in[] = {boxes, scores, onnx_ints(b, head->name, &(int64_t){rule->max_det}, 1),
                        onnx_floats(b, head->name, &rule->iou, 1, one),
                        onnx_floats(b, head->name, &rule->conf, 1, one)};
    Onnx__NodeProto *n = onnx_add(b, &(struct onnx_op){"NonMaxSuppression", head->name, COUNT(in), in, NULL});
    onnx_set_int(b, n, "center_point_box", 1);
    return onnx_out(n);
}

/* Places (k) of the detections image by image, by falling score: of score - 2 image, in double precision, since scores
 * lie within 0 .. 1. */
static const char *order_of(struct onnx_builder *b, const char *name, const char *image, const char *score)
{
    const Onnx__TensorProto__DataType wide = ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE;
    const char *two = onnx_cast(b, name, float_constant(b, name, 2), wide);
    const char *shift = onnx_binary(b, "Mul", name, onnx_cast(b, name, image, wide), two);
    const char *in[] = {onnx_binary(b, "Sub", name, onnx_cast(b, name, score, wide), shift),
                        onnx_unary(b, "Shape", name, image)};
    return onnx_second(b, &(struct onnx_op){"TopK", name, COUNT(in), in, NULL});
}

/* 0, 1 ... count - 1; `count` is one integer. */
static const char *counted(struct onnx_builder *b, const char *name, const char *count)
{
    const char *in[] = {onnx_int(b, name, 0), count, onnx_int(b, name, 1)};
    return onnx_out(onnx_add(b, &(struct onnx_op){"Range", name, COUNT(in), in, NULL}));
}

static const char *first_dim(struct onnx_builder *b, const char *name, const char *x)
{
    return onnx_binary(b, "Gather", name, onnx_unary(b, "Shape", name, x), onnx_int(b, name, 0));
}

/* Which of the ordered detections are among the first max_det of their image: a detection's place less the number of
 * those of earlier images, which the sum of all earlier images' counts tells. */
static const char *within_limit(struct onnx_builder *b, const char *name, const char *boxes, const char *image,
                                int max_det)
{
    static const int64_t column[] = {-1, 1};
    const char *images = onnx_reshape(b, name, counted(b, name, first_dim(b, name, boxes)), column, 2);
    const char *same = onnx_cast(b, name, onnx_binary(b, "Equal", name, images, image), FLOAT); /* (n, k) */
    const char *ones = onnx_cast(b, name, onnx_binary(b, "Equal", name, image, image), FLOAT);
    const char *counts = onnx_binary(b, "MatMul", name, same, onnx_reshape(b, name, ones, column, 2)); /* (n, 1) */
    const char *in[] = {counts, onnx_int(b, name, 0)};
    Onnx__NodeProto *sum = onnx_add(b, &(struct onnx_op){"CumSum", name, COUNT(in), in, NULL});
    onnx_set_int(b, sum, "exclusive", 1);
    const char *before =
        onnx_reshape(b, name, onnx_binary(b, "Gather", name, onnx_out(sum), image), (int64_t[]){-1}, 1);
    const char *place = onnx_cast(b, name, counted(b, name, first_dim(b, name, image)), FLOAT);
    return onnx_binary(b, "Less", name, onnx_binary(b, "Sub", name, place, before),
                       float_constant(b, name, (float)max_det));
}

void onnx_suppress(struct onnx_builder *b, const struct onnx_head *head, const struct onnx_decoded *in,
                   const struct onnx_nms *rule, const char *out)
{
    static const int64_t box_last[] = {0, 2, 1}, flat[] = {-1}, column[] = {-1, 1};
    const char *name = head->name;
    const struct best best = best_class(b, head, in->scores);
    const char *boxes = onnx_transpose(b, name, in->box, box_last, 3);
    const char *chosen = select_boxes(b, head, boxes, best.scores, rule);
    const char *pair[] = {onnx_slice(b, name, chosen, 1, 0, 1), onnx_slice(b, name, chosen, 1, 2, 1)};
    const char *places = onnx_concat(b, name, pair, 2, 1); /* image, row */
    const char *score = onnx_binary(b, "GatherND", name, best.score, places);
    const char *order = order_of(b, name, onnx_reshape(b, name, pair[0], flat, 1), score);

    places = onnx_binary(b, "Gather", name, places, order);
    score = onnx_binary(b, "Gather", name, score, order);
    const char *class = onnx_cast(b, name, onnx_binary(b, "GatherND", name, best.class, places), FLOAT);
    const char *kept = onnx_binary(b, "GatherND", name, boxes, places);
    const char *image = onnx_reshape(b, name, onnx_slice(b, name, places, 1, 0, 1), flat, 1);
    const char *centre = onnx_slice(b, name, kept, 1, 0, 2), *size = onnx_slice(b, name, kept, 1, 2, 2);
    const char *half = onnx_binary(b, "Mul", name, size, float_constant(b, name, 0.5f));
    const char *columns[] = {onnx_reshape(b, name, onnx_cast(b, name, image, FLOAT), column, 2),
                             onnx_binary(b, "Sub", name, centre, half), onnx_binary(b, "Add", name, centre, half),
                             onnx_reshape(b, name, class, column, 2), onnx_reshape(b, name, score, column, 2)};
    const char *all[] = {onnx_concat(b, name, columns, COUNT(columns), 1),
                         within_limit(b, name, boxes, image, rule->max_det)};
    Onnx__NodeProto *n = onnx_add(b, &(struct onnx_op){"Compress", name, COUNT(all), all, out});
    onnx_set_int(b, n, "axis", 0);
}

void onnx_suppress_efficient(struct onnx_builder *b, const struct onnx_head *head, const struct onnx_decoded *in,
                             const struct onnx_nms *rule)
{
    static const int64_t last[] = {0, 2, 1};
    const char *both[] = {onnx_transpose(b, head->name, in->box, last, 3),
                          onnx_transpose(b, head->name, in->scores, last, 3)};
    static const char *const outputs[] = {"num_dets", "det_boxes", "det_scores", "det_classes"};
    Onnx__NodeProto *n =
        onnx_add_many(b, &(struct onnx_op){"EfficientNMS_TRT", head->name, 2, both, NULL}, outputs, COUNT(outputs));
    onnx_set_domain(b, n, "TRT");
    onnx_set_int(b, n, "background_class", -1); /* none */
    onnx_set_int(b, n, "box_coding", 1);        /* centre and size */
    onnx_set_float(b, n, "iou_threshold", rule->iou);
    onnx_set_int(b, n, "max_output_boxes", rule->max_det);
    onnx_set_text(b, n, "plugin_version", "1");
    onnx_set_int(b, n, "score_activation", 0); /* they are probabilities already */
    onnx_set_float(b, n, "score_threshold", rule->conf);
}
