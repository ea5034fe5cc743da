/* Graph -> ONNX, one function an op: write_<op> for each line of graph/ops.def. */
#include "export/onnx_nodes.h"

#include "formats/half.h"
#include "ops/byte_channel.h"
#include "ops/nearest.h"

#include <math.h>

/* --- parameters --- */

static const char *half_param(struct onnx_export *e, const struct param *p)
{
    uint16_t *half = arena_alloc(&e->b.arena, p->count, sizeof *half);
    if (!half) {
        e->b.out_of_memory = true;
        return "";
    }
    f32_to_f16_n(e->params + p->first, p->count, half);
    return onnx_borrow(&e->b, p->name, e->type, half, p->count * sizeof *half, p->rank, p->shape);
}

const char *onnx_param_name(struct onnx_export *e, int index)
{
    const struct param *p = &e->g->params[index];
    if (!e->param[index]) {
        bool half = e->type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT && p->role != PARAM_DFL;
        e->param[index] = half ? half_param(e, p)
                               : onnx_borrow(&e->b, p->name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, e->params + p->first,
                                             p->count * sizeof(float), p->rank, p->shape);
    }
    return e->param[index];
}

/* --- values that no node writes --- */

static const char *slice(struct onnx_export *e, const struct value *v)
{
    const char *parent = onnx_value_name(e, v->parent);
    return v->c == e->g->values[v->parent].c ? parent : onnx_slice(&e->b, v->name, parent, 1, v->first, v->c);
}

/* How many parts from `i` on are slices that lie side by side and make up their whole parent: 0 if they do not. */
static int whole_parent(const struct graph *g, const struct value *v, int i)
{
    int parent = g->values[v->parts[i]].parent, c = 0, k = i;
    for (; parent >= 0 && k < v->n_parts && c < g->values[parent].c; k++) {
        const struct value *part = &g->values[v->parts[k]];
        if (part->parent != parent || part->first != c)
            return 0;
        c += part->c;
    }
    return parent >= 0 && c == g->values[parent].c ? k - i : 0;
}

/* Halves that meet again are not cut first: ELAN's concat reads the map that was split. */
static const char *concat(struct onnx_export *e, const struct value *v)
{
    const char **in = arena_alloc(&e->b.arena, (size_t)v->n_parts, sizeof *in);
    int n = 0;
    if (!in) {
        e->b.out_of_memory = true;
        return "";
    }
    for (int i = 0; i < v->n_parts;) {
        int whole = whole_parent(e->g, v, i);
        in[n++] = onnx_value_name(e, whole ? e->g->values[v->parts[i]].parent : v->parts[i]);
        i += MAX(whole, 1);
    }
    return n == 1 ? in[0] : onnx_concat(&e->b, v->name, in, n, 1);
}

const char *onnx_value_name(struct onnx_export *e, int v)
{
    const struct value *value = &e->g->values[v];
    if (!e->value[v])
        e->value[v] = value->parent >= 0 ? slice(e, value) : concat(e, value);
    return e->value[v];
}

/* --- nodes --- */

static const char *dequantize(struct onnx_export *e, const char *label, const char *in[3], int axis)
{
    Onnx__NodeProto *n = onnx_add(&e->b, &(struct onnx_op){"DequantizeLinear", label, 3, in, NULL});
    if (axis >= 0)
        onnx_set_int(&e->b, n, "axis", axis);
    return onnx_out(n);
}

/* The input through 8 bits. */
static const char *byte_input(struct onnx_export *e, const struct node *n, const char *x)
{
    const struct conv_quant *q = &n->u.conv.quant;
    const uint8_t zero = (uint8_t)q->zero;
    const char *in[] = {x, onnx_floats(&e->b, n->name, &q->scale, 0, NULL),
                        onnx_constant(&e->b, n->name, ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, &zero, 1, 0, NULL)};
    in[0] = onnx_out(onnx_add(&e->b, &(struct onnx_op){"QuantizeLinear", n->name, COUNT(in), in, NULL}));
    return dequantize(e, n->name, in, -1);
}

/* Weights as signed integers with a scale for each output channel, and the bias as integers of 32 bits that count
 * (input's scale) x (weight's scale), where it fits into them; else it stays a float. */
struct byte_weights {
    int8_t *q;
    float *scale, *bias_scale;
    int32_t *bias, *zero;
    int8_t *weight_zero;
    bool bias_fits;
};

static bool make_byte_weights(struct onnx_export *e, const struct conv_attr *a, struct byte_weights *w)
{
    struct arena *arena = &e->b.arena;
    const struct param *p = &e->g->params[a->weight];
    const size_t oc = (size_t)a->oc, per_channel = p->count / oc;
    *w = (struct byte_weights){.q = arena_alloc(arena, p->count, 1),
                               .scale = arena_alloc(arena, oc, sizeof(float)),
                               .bias_scale = arena_alloc(arena, oc, sizeof(float)),
                               .bias = arena_alloc(arena, oc, sizeof(int32_t)),
                               .zero = arena_alloc(arena, oc, sizeof(int32_t)),
                               .weight_zero = arena_alloc(arena, oc, 1),
                               .bias_fits = true};
    if (!w->q || !w->scale || !w->bias_scale || !w->bias || !w->zero || !w->weight_zero) {
        e->b.out_of_memory = true;
        return false;
    }
    for (size_t k = 0; k < oc; k++) {
        byte_channel(e->params + p->first + k * per_channel, per_channel, w->q + k * per_channel, &w->scale[k]);
        w->bias_scale[k] = w->scale[k] * a->quant.scale;
        const double bias =
            a->bias < 0 ? 0 : (double)e->params[e->g->params[a->bias].first + k] / (double)w->bias_scale[k];
        w->bias_fits &= fabs(bias) < INT32_MAX;
        w->bias[k] = fabs(bias) < INT32_MAX ? (int32_t)lrint(bias) : 0;
    }
    return true;
}

static void byte_parameters(struct onnx_export *e, const struct node *n, const char *in[3])
{
    const struct conv_attr *a = &n->u.conv;
    const struct param *p = &e->g->params[a->weight];
    const int64_t oc[] = {a->oc};
    const size_t count = (size_t)a->oc;
    const Onnx__TensorProto__DataType int8 = ONNX__TENSOR_PROTO__DATA_TYPE__INT8,
                                      int32 = ONNX__TENSOR_PROTO__DATA_TYPE__INT32;
    struct onnx_builder *b = &e->b;
    struct byte_weights w;
    if (!make_byte_weights(e, a, &w))
        return;
    const char *weight[] = {onnx_borrow(b, p->name, int8, w.q, p->count, p->rank, p->shape),
                            onnx_floats(b, n->name, w.scale, 1, oc),
                            onnx_constant(b, n->name, int8, w.weight_zero, count, 1, oc)};
    in[1] = dequantize(e, n->name, weight, 0);
    if (a->bias < 0)
        return;
    if (!w.bias_fits) {
        in[2] = onnx_param_name(e, a->bias);
        return;
    }
    const char *bias[] = {onnx_borrow(b, e->g->params[a->bias].name, int32, w.bias, count * sizeof *w.bias, 1, &a->oc),
                          onnx_floats(b, n->name, w.bias_scale, 1, oc),
                          onnx_constant(b, n->name, int32, w.zero, count * sizeof *w.zero, 1, oc)};
    in[2] = dequantize(e, n->name, bias, 0);
}

static const char *write_conv2d(struct onnx_export *e, const struct node *n)
{
    const struct conv_attr *a = &n->u.conv;
    const int64_t dilations[] = {a->dilation, a->dilation}, kernel[] = {a->kh, a->kw};
    const int64_t pads[] = {a->pad, a->pad, a->pad, a->pad}, strides[] = {a->stride, a->stride};
    const char *in[3] = {onnx_value_name(e, n->src[0]), "", ""};
    if (e->o->eight_bit && a->quant.on) {
        in[0] = byte_input(e, n, in[0]);
        byte_parameters(e, n, in);
    } else {
        in[1] = onnx_param_name(e, a->weight);
        in[2] = a->bias >= 0 ? onnx_param_name(e, a->bias) : "";
    }
    Onnx__NodeProto *conv = onnx_add(&e->b, &(struct onnx_op){"Conv", n->name, 2 + (a->bias >= 0), in, NULL});
    onnx_set_ints(&e->b, conv, "dilations", dilations, 2);
    onnx_set_int(&e->b, conv, "group", a->groups);
    onnx_set_ints(&e->b, conv, "kernel_shape", kernel, 2);
    onnx_set_ints(&e->b, conv, "pads", pads, 4);
    onnx_set_ints(&e->b, conv, "strides", strides, 2);
    const char *y = onnx_activation(e, n->name, a->act, onnx_out(conv));
    return a->residual ? onnx_binary(&e->b, "Add", n->name, onnx_value_name(e, n->src[1]), y) : y;
}

/* BN that no convolution could take in. */
static const char *write_bn_act(struct onnx_export *e, const struct node *n)
{
    const struct bn_act_attr *a = &n->u.bn_act;
    const char *sum = NULL;
    for (int i = 0; i < a->n_bn; i++) {
        const char *in[] = {onnx_value_name(e, n->src[i]), onnx_param_name(e, a->bn[i].gamma),
                            onnx_param_name(e, a->bn[i].beta), onnx_param_name(e, a->bn[i].mean),
                            onnx_param_name(e, a->bn[i].var)};
        Onnx__NodeProto *bn = onnx_add(&e->b, &(struct onnx_op){"BatchNormalization", n->name, COUNT(in), in, NULL});
        onnx_set_float(&e->b, bn, "epsilon", BN_EPSILON);
        sum = sum ? onnx_binary(&e->b, "Add", n->name, sum, onnx_out(bn)) : onnx_out(bn);
    }
    sum = onnx_activation(e, n->name, a->act, sum);
    return a->residual ? onnx_binary(&e->b, "Add", n->name, onnx_value_name(e, n->src[n->n_src - 1]), sum) : sum;
}

static const char *pool(struct onnx_export *e, const struct node *n, const char *type)
{
    const struct pool_attr *a = &n->u.pool;
    const int64_t kernel[] = {a->k, a->k}, pads[] = {a->pad, a->pad, a->pad, a->pad},
                  strides[] = {a->stride, a->stride};
    const char *in[] = {onnx_value_name(e, n->src[0])};
    Onnx__NodeProto *p = onnx_add(&e->b, &(struct onnx_op){type, n->name, 1, in, NULL});
    onnx_set_ints(&e->b, p, "kernel_shape", kernel, 2);
    onnx_set_ints(&e->b, p, "pads", pads, 4);
    onnx_set_ints(&e->b, p, "strides", strides, 2);
    return onnx_out(p);
}

static const char *write_maxpool(struct onnx_export *e, const struct node *n)
{
    return pool(e, n, "MaxPool");
}

static const char *write_avgpool(struct onnx_export *e, const struct node *n)
{
    return pool(e, n, "AveragePool");
}

/* dst(y, x) = src(y / rows, x / columns) */
static const char *enlarge(struct onnx_export *e, const char *label, const char *x, int rows, int columns)
{
    const float scales[] = {1, 1, (float)rows, (float)columns};
    const int64_t four[] = {4}, zero[] = {0};
    if (!e->roi)
        e->roi = onnx_floats(&e->b, "roi", NULL, 1, zero); /* opset 11 and 12 want it there, though it is not read */
    const char *in[] = {x, e->roi, onnx_floats(&e->b, label, scales, 1, four)};
    Onnx__NodeProto *n = onnx_add(&e->b, &(struct onnx_op){"Resize", label, COUNT(in), in, NULL});
    onnx_set_text(&e->b, n, "mode", "nearest");
    onnx_set_text(&e->b, n, "coordinate_transformation_mode", "asymmetric");
    onnx_set_text(&e->b, n, "nearest_mode", "floor");
    return onnx_out(n);
}

/* A ratio that is no integer is written as the rows (columns) that are read: what Resize does with it depends on the
 * runtime's rounding. */
static const char *pick(struct onnx_export *e, const char *label, const char *x, int axis, int in, int out)
{
    int64_t *from = arena_alloc(&e->b.arena, (size_t)out, sizeof *from);
    if (!from) {
        e->b.out_of_memory = true;
        return "";
    }
    for (int to = 0; to < out; to++)
        from[to] = nearest(to, in, out);
    const char *inputs[] = {x, onnx_ints(&e->b, label, from, out)};
    Onnx__NodeProto *n = onnx_add(&e->b, &(struct onnx_op){"Gather", label, 2, inputs, NULL});
    onnx_set_int(&e->b, n, "axis", axis);
    return onnx_out(n);
}

static bool is_multiple(struct extent large, struct extent small)
{
    return large.h % small.h == 0 && large.w % small.w == 0;
}

/* In a file for all sizes a resize must keep its ratio. */
static enum status check_ratio(const struct onnx_export *e, const char *label, int v, int dst)
{
    struct extent in = e->extents[v], in2 = e->doubled[v], out = e->extents[dst], out2 = e->doubled[dst];
    if (is_multiple(out, in) && is_multiple(out2, in2) && out.h / in.h == out2.h / in2.h &&
        out.w / in.w == out2.w / in2.w)
        return OK;
    return fail(E_UNSUPPORTED,
                "%s: %dx%d is resized to %dx%d, which no ratio for all sizes describes; export with a fixed size",
                label, in.h, in.w, out.h, out.w);
}

/* Value v in the size of dst, nearest. */
static const char *resize(struct onnx_export *e, const char *label, int v, int dst)
{
    struct extent in = e->extents[v], out = e->extents[dst];
    const char *x = onnx_value_name(e, v);
    if (e->doubled && e->rc == OK)
        e->rc = check_ratio(e, label, v, dst);
    if (in.h == out.h && in.w == out.w)
        return x;
    if (is_multiple(out, in))
        return enlarge(e, label, x, out.h / in.h, out.w / in.w);
    return pick(e, label, pick(e, label, x, 2, in.h, out.h), 3, in.w, out.w);
}

/* Sum from left to right, the target last (SPEC 2). */
static const char *write_fuse(struct onnx_export *e, const struct node *n)
{
    const char *sum = NULL;
    for (int i = 0; i < n->n_src; i++) {
        const char *x = resize(e, n->name, n->src[i], n->dst);
        sum = sum ? onnx_binary(&e->b, "Add", n->name, sum, x) : x;
    }
    return sum;
}

static const char *write_upsample(struct onnx_export *e, const struct node *n)
{
    return enlarge(e, n->name, onnx_value_name(e, n->src[0]), n->u.scale, n->u.scale);
}

/* x (1 + erf(x / sqrt(2))) / 2: Gelu itself is an operator only from opset 20 on. */
static const char *write_gelu(struct onnx_export *e, const struct node *n)
{
    struct onnx_builder *b = &e->b;
    const char *x = onnx_value_name(e, n->src[0]);
    const char *scaled = onnx_binary(b, "Mul", n->name, x, onnx_number(b, n->name, e->type, 0.70710678f));
    const char *sum =
        onnx_binary(b, "Add", n->name, onnx_unary(b, "Erf", n->name, scaled), onnx_number(b, n->name, e->type, 1));
    return onnx_binary(b, "Mul", n->name, onnx_binary(b, "Mul", n->name, x, sum),
                       onnx_number(b, n->name, e->type, 0.5f));
}

/* An activation alone. */
static const char *write_act(struct onnx_export *e, const struct node *n)
{
    return onnx_activation(e, n->name, n->u.act, onnx_value_name(e, n->src[0]));
}

/* Every second row from row `y` on, and column from column `x` on. */
static const char *every_second(struct onnx_export *e, const char *label, const char *map, int y, int x)
{
    const int64_t first[] = {y, x}, end[] = {INT32_MAX, INT32_MAX}, axes[] = {2, 3}, steps[] = {2, 2};
    const char *in[] = {map, onnx_ints(&e->b, label, first, 2), onnx_ints(&e->b, label, end, 2),
                        onnx_ints(&e->b, label, axes, 2), onnx_ints(&e->b, label, steps, 2)};
    return onnx_out(onnx_add(&e->b, &(struct onnx_op){"Slice", label, COUNT(in), in, NULL}));
}

static const char *write_reorg(struct onnx_export *e, const struct node *n)
{
    const char *map = onnx_value_name(e, n->src[0]), *part[4];
    for (int k = 0; k < 4; k++)
        part[k] = every_second(e, n->name, map, k % 2, k / 2);
    return onnx_concat(&e->b, n->name, part, 4, 1);
}

/* An implicit vector that no convolution could take in. */
static const char *write_implicit(struct onnx_export *e, const struct node *n)
{
    return onnx_binary(&e->b, n->u.implicit.multiplies ? "Mul" : "Add", n->name, onnx_value_name(e, n->src[0]),
                       onnx_param_name(e, n->u.implicit.vector));
}

/* ONNX has no places in memory: a copy is the value itself. */
static const char *write_copy(struct onnx_export *e, const struct node *n)
{
    return onnx_value_name(e, n->src[0]);
}

/* --- the table --- */

const char *onnx_node(struct onnx_export *e, const struct node *n)
{
    static const char *(*const write[OP_COUNT])(struct onnx_export *, const struct node *) = {
#define OP(upper, lower) [OP_##upper] = write_##lower,
#include "graph/ops.def"
#undef OP
    };
    return write[n->op](e, n);
}
