/* Graph -> ONNX, one function a kind of node. */
#include "export/onnx.h"

#include "core/buf.h"
#include "export/onnx_head.h"
#include "formats/half.h"
#include "ops/nearest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct onnx_export {
    struct onnx_builder b;
    const struct graph *g;
    const float *params;
    const struct onnx_options *o;
    Onnx__TensorProto__DataType type; /* of weights and maps */
    struct extent *extents;           /* of the values, at o->h x o->w */
    const char **value, **param;      /* names; NULL: not yet in the file */
    const char *roi;                  /* Resize's empty input; NULL: not yet in the file */
};

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

static const char *param_name(struct onnx_export *e, int index)
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

static enum status check_half(const struct graph *g, const float *params)
{
    for (int i = 0; i < g->n_params; i++) {
        const float *x = params + g->params[i].first;
        for (size_t k = 0; k < g->params[i].count; k++) {
            if (!(fabsf(x[k]) < 65520)) /* rounds to infinity from there on */
                return fail(E_NUMERIC, "%s: %g is beyond 16-bit floats", g->params[i].name, (double)x[k]);
        }
    }
    return OK;
}

/* --- values that no node writes --- */

static const char *value_name(struct onnx_export *e, int v);

static const char *slice(struct onnx_export *e, const struct value *v)
{
    const char *parent = value_name(e, v->parent);
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
        in[n++] = value_name(e, whole ? e->g->values[v->parts[i]].parent : v->parts[i]);
        i += MAX(whole, 1);
    }
    return n == 1 ? in[0] : onnx_concat(&e->b, v->name, in, n, 1);
}

/* Slices and concats are made when they are first read; nodes stand in execution order. */
static const char *value_name(struct onnx_export *e, int v)
{
    const struct value *value = &e->g->values[v];
    if (!e->value[v])
        e->value[v] = value->parent >= 0 ? slice(e, value) : concat(e, value);
    return e->value[v];
}

/* --- nodes --- */

static const char *activate(struct onnx_export *e, const char *label, enum act act, const char *x)
{
    switch (act) {
    case ACT_SILU:
        return onnx_binary(&e->b, "Mul", label, x, onnx_unary(&e->b, "Sigmoid", label, x));
    case ACT_RELU:
        return onnx_unary(&e->b, "Relu", label, x);
    case ACT_NONE:
        break;
    }
    return x;
}

static const char *conv2d(struct onnx_export *e, const struct node *n)
{
    const struct conv_attr *a = &n->u.conv;
    const int64_t dilations[] = {a->dilation, a->dilation}, kernel[] = {a->kh, a->kw};
    const int64_t pads[] = {a->pad, a->pad, a->pad, a->pad}, strides[] = {a->stride, a->stride};
    const char *in[3] = {value_name(e, n->src[0]), param_name(e, a->weight)};
    if (a->bias >= 0)
        in[2] = param_name(e, a->bias);
    Onnx__NodeProto *conv = onnx_add(&e->b, &(struct onnx_op){"Conv", n->name, 2 + (a->bias >= 0), in, NULL});
    onnx_set_ints(&e->b, conv, "dilations", dilations, 2);
    onnx_set_int(&e->b, conv, "group", a->groups);
    onnx_set_ints(&e->b, conv, "kernel_shape", kernel, 2);
    onnx_set_ints(&e->b, conv, "pads", pads, 4);
    onnx_set_ints(&e->b, conv, "strides", strides, 2);
    const char *y = activate(e, n->name, a->act, onnx_out(conv));
    return a->residual ? onnx_binary(&e->b, "Add", n->name, value_name(e, n->src[1]), y) : y;
}

/* BN that no convolution could take in. */
static const char *bn_act(struct onnx_export *e, const struct node *n)
{
    const struct bn_act_attr *a = &n->u.bn_act;
    const char *sum = NULL;
    for (int i = 0; i < a->n_bn; i++) {
        const char *in[] = {value_name(e, n->src[i]), param_name(e, a->bn[i].gamma), param_name(e, a->bn[i].beta),
                            param_name(e, a->bn[i].mean), param_name(e, a->bn[i].var)};
        Onnx__NodeProto *bn = onnx_add(&e->b, &(struct onnx_op){"BatchNormalization", n->name, COUNT(in), in, NULL});
        onnx_set_float(&e->b, bn, "epsilon", BN_EPSILON);
        sum = sum ? onnx_binary(&e->b, "Add", n->name, sum, onnx_out(bn)) : onnx_out(bn);
    }
    sum = activate(e, n->name, a->act, sum);
    return a->residual ? onnx_binary(&e->b, "Add", n->name, value_name(e, n->src[n->n_src - 1]), sum) : sum;
}

static const char *pool(struct onnx_export *e, const struct node *n, const char *type)
{
    const struct pool_attr *a = &n->u.pool;
    const int64_t kernel[] = {a->k, a->k}, pads[] = {a->pad, a->pad, a->pad, a->pad},
                  strides[] = {a->stride, a->stride};
    const char *in[] = {value_name(e, n->src[0])};
    Onnx__NodeProto *p = onnx_add(&e->b, &(struct onnx_op){type, n->name, 1, in, NULL});
    onnx_set_ints(&e->b, p, "kernel_shape", kernel, 2);
    onnx_set_ints(&e->b, p, "pads", pads, 4);
    onnx_set_ints(&e->b, p, "strides", strides, 2);
    return onnx_out(p);
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

static bool is_multiple(struct extent big, struct extent small)
{
    return big.h % small.h == 0 && big.w % small.w == 0;
}

static const char *resize(struct onnx_export *e, const char *label, int v, struct extent out)
{
    struct extent in = e->extents[v];
    const char *x = value_name(e, v);
    if (in.h == out.h && in.w == out.w)
        return x;
    if (is_multiple(out, in))
        return enlarge(e, label, x, out.h / in.h, out.w / in.w);
    return pick(e, label, pick(e, label, x, 2, in.h, out.h), 3, in.w, out.w);
}

/* Sum from left to right, the target last (SPEC 2). */
static const char *fuse(struct onnx_export *e, const struct node *n)
{
    const char *sum = NULL;
    for (int i = 0; i < n->n_src; i++) {
        const char *x = resize(e, n->name, n->src[i], e->extents[n->dst]);
        sum = sum ? onnx_binary(&e->b, "Add", n->name, sum, x) : x;
    }
    return sum;
}

static const char *node(struct onnx_export *e, const struct node *n)
{
    switch (n->op) {
    case OP_CONV2D:
        return conv2d(e, n);
    case OP_BN_ACT:
        return bn_act(e, n);
    case OP_MAXPOOL:
        return pool(e, n, "MaxPool");
    case OP_AVGPOOL:
        return pool(e, n, "AveragePool");
    case OP_UPSAMPLE:
        return enlarge(e, n->name, value_name(e, n->src[0]), n->u.scale, n->u.scale);
    case OP_FUSE:
        return fuse(e, n);
    case OP_COPY:
    case OP_COUNT:
        break;
    }
    return value_name(e, n->src[0]);
}

/* --- head and interface --- */

static const char *as_float(struct onnx_export *e, const char *label, const char *x)
{
    const Onnx__TensorProto__DataType type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    return e->type == type ? x : onnx_cast(&e->b, label, x, type);
}

/* The vector 0, 1, 2 ... of the main branch; networks from elsewhere may come without it. */
static const char *dfl_vector(struct onnx_export *e)
{
    for (int i = 0; i < e->g->n_params; i++) {
        if (e->g->params[i].role == PARAM_DFL)
            return param_name(e, i);
    }
    float *bins = arena_alloc(&e->b.arena, (size_t)e->g->reg_max, sizeof *bins);
    if (!bins) {
        e->b.out_of_memory = true;
        return "";
    }
    for (int k = 0; k < e->g->reg_max; k++)
        bins[k] = (float)k;
    return onnx_floats(&e->b, "dfl", bins, 4, (int64_t[]){1, e->g->reg_max, 1, 1});
}

static void describe_head(struct onnx_export *e, struct onnx_head *head)
{
    const struct graph *g = e->g;
    const struct branch *main = &g->branch[g->n_branches - 1];
    *head = (struct onnx_head){.name = "head", .n = e->o->n, .nc = g->nc, .bins = g->reg_max};
    if (!e->o->raw)
        head->dfl = dfl_vector(e);
    head->n_levels = main->n_levels;
    for (int l = 0; l < main->n_levels; l++) {
        const struct value *v = &g->values[main->level[l]];
        struct extent extent = e->extents[main->level[l]];
        head->level[l].box = as_float(e, "head", value_name(e, v->parts[0]));
        head->level[l].cls = as_float(e, "head", value_name(e, v->parts[1]));
        head->level[l].h = extent.h;
        head->level[l].w = extent.w;
        head->level[l].stride = g->stride[l];
        head->anchors += extent.h * extent.w;
    }
    if (e->o->dynamic) {
        head->anchors = -1;
        head->n = e->o->nms ? 1 : -1;
    }
}

/* What Python prints for {0: 'person', 1: 'it''s'}: readers of the official export evaluate it. */
static enum status python_names(const struct onnx_options *o, int nc, struct buf *out)
{
    enum status rc = OK;
    TRY(buf_append(out, "{", 1));
    for (int k = 0; k < nc; k++) {
        const char *name = o->names[k];
        char quote = strchr(name, '\'') && !strchr(name, '"') ? '"' : '\'';
        TRY(buf_printf(out, "%s%d: %c", k ? ", " : "", k, quote));
        for (const char *c = name; *c; c++) {
            if ((unsigned char)*c < 32 || *c == 127)
                TRY(buf_printf(out, "\\x%02x", (unsigned char)*c));
            else
                TRY(buf_printf(out, "%s%c", *c == quote || *c == '\\' ? "\\" : "", *c));
        }
        TRY(buf_append(out, &quote, 1));
    }
    TRY(buf_append(out, "}", 1));
cleanup:
    return rc;
}

static enum status describe(struct onnx_export *e)
{
    enum status rc = OK;
    const struct graph *g = e->g;
    struct buf names = {0};
    char text[64];
    int stride = 0;
    for (int l = 0; l < g->branch[g->n_branches - 1].n_levels; l++)
        stride = MAX(stride, g->stride[l]);
    snprintf(text, sizeof text, "%d", stride);
    onnx_metadata(&e->b, "stride", text);
    TRY(python_names(e->o, g->nc, &names));
    onnx_metadata(&e->b, "names", names.data);
    snprintf(text, sizeof text, "[%d, %d]", e->o->h, e->o->w);
    onnx_metadata(&e->b, "imgsz", text);
    onnx_metadata(&e->b, "model", e->o->model);
cleanup:
    buf_free(&names);
    return rc;
}

static const Onnx__TensorProto__DataType FLOAT = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;

static void declare_input(struct onnx_export *e, int n)
{
    static const char *const symbols[] = {"batch", "", "height", "width"};
    const int64_t dims[] = {n, e->g->values[e->g->input].c, e->o->dynamic ? -1 : e->o->h, e->o->dynamic ? -1 : e->o->w};
    onnx_declare(&e->b, &e->b.inputs, "images", FLOAT, 4, dims, symbols);
}

static void build_decoded(struct onnx_export *e, const struct onnx_head *head)
{
    static const char *const symbols[] = {"batch", "", "anchors"}, *const detection_symbols[] = {"detections", ""};
    struct onnx_builder *b = &e->b;
    const struct onnx_decoded decoded = onnx_decode(b, head);
    const char *both[] = {decoded.box, decoded.scores};
    Onnx__NodeProto *output = onnx_add(b, &(struct onnx_op){"Concat", head->name, 2, both, "output0"});
    onnx_set_int(b, output, "axis", 1);
    const int64_t dims[] = {head->n, 4 + head->nc, head->anchors};
    onnx_declare(b, &b->outputs, "output0", FLOAT, 3, dims, symbols);
    if (e->o->nms) {
        const struct onnx_nms rule = {e->o->conf, e->o->iou, e->o->max_det};
        onnx_suppress(b, head, &decoded, &rule, "detections");
        onnx_declare(b, &b->outputs, "detections", FLOAT, 2, (int64_t[]){-1, 6}, detection_symbols);
    }
}

/* A map under a name of its own; it is a node's output already, so this costs a copy of nothing but the name. */
static void raw_output(struct onnx_export *e, const char *kind, int stride, const char *map, const int64_t dims[4])
{
    static const char *const symbols[] = {"batch", "", "rows", "columns"};
    char *name = arena_printf(&e->b.arena, "%s_%d", kind, stride);
    if (!name) {
        e->b.out_of_memory = true;
        return;
    }
    onnx_rename(&e->b, map, name);
    onnx_declare(&e->b, &e->b.outputs, name, FLOAT, 4, dims, symbols);
}

static void build_raw(struct onnx_export *e, const struct onnx_head *head)
{
    for (int l = 0; l < head->n_levels; l++) {
        int h = e->o->dynamic ? -1 : head->level[l].h, w = e->o->dynamic ? -1 : head->level[l].w;
        raw_output(e, "box", head->level[l].stride, head->level[l].box, (int64_t[]){head->n, 4 * head->bins, h, w});
        raw_output(e, "cls", head->level[l].stride, head->level[l].cls, (int64_t[]){head->n, head->nc, h, w});
    }
}

static void build(struct onnx_export *e)
{
    const struct graph *g = e->g;
    struct onnx_head head;
    e->value[g->input] = e->type != FLOAT ? onnx_cast(&e->b, "images", "images", e->type) : "images";
    for (int i = 0; i < g->n_nodes; i++)
        e->value[g->nodes[i].dst] = node(e, &g->nodes[i]);
    describe_head(e, &head);
    declare_input(e, head.n);
    if (e->o->raw)
        build_raw(e, &head);
    else
        build_decoded(e, &head);
}

/* --- the door --- */

/* Symbolic sizes: a resize must keep its ratio at every size. */
static enum status check_ratios(const struct onnx_export *e)
{
    enum status rc = OK;
    const struct graph *g = e->g;
    struct extent input = {2 * e->o->h, 2 * e->o->w};
    struct extent *doubled = mem_alloc((size_t)g->n_values, sizeof *doubled);
    if (!doubled)
        return E_NOMEM;
    TRY(graph_infer(g, &input, doubled));
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        struct extent out = e->extents[n->dst];
        for (int s = 0; n->op == OP_FUSE && s < n->n_src; s++) {
            struct extent in = e->extents[n->src[s]], in2 = doubled[n->src[s]], out2 = doubled[n->dst];
            if (is_multiple(out, in) && is_multiple(out2, in2) && out.h / in.h == out2.h / in2.h &&
                out.w / in.w == out2.w / in2.w)
                continue;
            rc = fail(E_UNSUPPORTED,
                      "%s: %dx%d is resized to %dx%d, which no ratio for all sizes describes; export "
                      "with a fixed size",
                      n->name, in.h, in.w, out.h, out.w);
            goto cleanup;
        }
    }
cleanup:
    mem_free(doubled);
    return rc;
}

static enum status check_head(const struct graph *g)
{
    if (!g->n_branches || g->n_inputs != 1)
        return fail(E_UNSUPPORTED, "only a network with one image in and a detection head can be exported");
    const struct branch *main = &g->branch[g->n_branches - 1];
    for (int l = 0; l < main->n_levels; l++) {
        const struct value *v = &g->values[main->level[l]];
        if (v->n_parts != 2 || g->values[v->parts[0]].c != 4 * g->reg_max || g->values[v->parts[1]].c != g->nc)
            return fail(E_UNSUPPORTED, "%s: a head level is box logits and class logits", v->name);
    }
    return OK;
}

static enum status check(const struct onnx_export *e)
{
    enum status rc = OK;
    const struct onnx_options *o = e->o;
    TRY(check_head(e->g));
    if (o->opset < ONNX_OPSET_FIRST || o->opset > ONNX_OPSET_LAST)
        return fail(E_ARGUMENT, "opset %d: %d to %d are known", o->opset, ONNX_OPSET_FIRST, ONNX_OPSET_LAST);
    if (o->nms && o->raw)
        return fail(E_ARGUMENT, "NMS needs the decoded output, not the raw one");
    if (o->nms && o->n != 1)
        return fail(E_ARGUMENT, "NMS gives one list of detections: it needs a batch of 1");
    for (int l = 0; l < e->g->branch[e->g->n_branches - 1].n_levels; l++) {
        if (o->h % e->g->stride[l] || o->w % e->g->stride[l])
            return fail(E_ARGUMENT, "%dx%d is no multiple of the stride %d", o->h, o->w, e->g->stride[l]);
    }
    TRY(graph_infer(e->g, &(struct extent){o->h, o->w}, e->extents));
    if (o->dynamic)
        TRY(check_ratios(e));
    if (o->half)
        TRY(check_half(e->g, e->params));
cleanup:
    return rc;
}

enum status onnx_write(const char *path, const struct graph *graph, const float *params,
                       const struct onnx_options *options)
{
    enum status rc = OK;
    struct onnx_export e = {.g = graph, .params = params, .o = options};
    e.type = options->half ? ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    onnx_builder_init(&e.b, options->opset);
    e.extents = mem_alloc((size_t)graph->n_values, sizeof *e.extents);
    e.value = mem_calloc((size_t)graph->n_values, sizeof *e.value);
    e.param = mem_calloc((size_t)graph->n_params, sizeof *e.param);
    if (!e.extents || !e.value || !e.param) {
        rc = E_NOMEM;
        goto cleanup;
    }
    TRY(check(&e));
    build(&e);
    TRY(describe(&e));
    TRY(onnx_builder_write(&e.b, options->model, path));
cleanup:
    onnx_builder_free(&e.b);
    mem_free(e.extents);
    mem_free(e.value);
    mem_free(e.param);
    return rc;
}
