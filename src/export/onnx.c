/* Graph -> ONNX: the nodes (onnx_nodes.c), the head (onnx_head.c) and the interface around them. */
#include "export/onnx.h"

#include "core/buf.h"
#include "export/onnx_head.h"
#include "export/onnx_nodes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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
            return onnx_param_name(e, i);
    }
    float *bins = arena_alloc(&e->b.arena, (size_t)e->g->head.reg_max, sizeof *bins);
    if (!bins) {
        e->b.out_of_memory = true;
        return "";
    }
    for (int k = 0; k < e->g->head.reg_max; k++)
        bins[k] = (float)k;
    return onnx_floats(&e->b, "dfl", bins, 4, (int64_t[]){1, e->g->head.reg_max, 1, 1});
}

/* Raw map k of a level: a part of it, where there are several. */
static int raw_value(const struct graph *g, int level, int k)
{
    const int v = g->branch[g->n_branches - 1].level[level];
    return onnx_head_maps(g->head.kind).n > 1 ? g->values[v].parts[k] : v;
}

static void describe_head(struct onnx_export *e, struct onnx_head *head)
{
    const struct graph *g = e->g;
    const struct branch *main = &g->branch[g->n_branches - 1];
    *head = (struct onnx_head){.name = "head", .head = &g->head, .n = e->o->n, .nc = g->head.nc};
    if (!e->o->raw && g->head.kind == HEAD_DFL)
        head->dfl = dfl_vector(e);
    head->n_levels = main->n_levels;
    for (int l = 0; l < main->n_levels; l++) {
        struct extent extent = e->extents[main->level[l]];
        for (int k = 0; k < onnx_head_maps(g->head.kind).n; k++)
            head->level[l].map[k] = as_float(e, "head", onnx_value_name(e, raw_value(g, l, k)));
        head->level[l].h = extent.h;
        head->level[l].w = extent.w;
        head->level[l].stride = g->stride[l];
        head->rows += extent.h * extent.w * head_cell_boxes(&g->head);
    }
    if (e->o->dynamic) {
        head->rows = -1;
        head->n = -1;
    }
}

/* What Python prints for {0: 'person', 1: 'it''s'}: readers of the official export evaluate it. */
static enum status python_names(const struct onnx_options *o, int nc, struct buf *out)
{
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
    return OK;
}

/* The keys that the Ultralytics package writes, which other runtimes look for, and the network's name. */
static enum status describe(struct onnx_export *e)
{
    enum status rc = OK;
    const struct graph *g = e->g;
    struct buf names = {0};
    char text[128];
    int stride = 0;
    for (int l = 0; l < g->branch[g->n_branches - 1].n_levels; l++)
        stride = MAX(stride, g->stride[l]);
    snprintf(text, sizeof text, "%d", stride);
    onnx_metadata(&e->b, "stride", text);
    TRY_CLEAN(python_names(e->o, g->head.nc, &names));
    onnx_metadata(&e->b, "names", names.data);
    snprintf(text, sizeof text, "[%d, %d]", e->o->h, e->o->w);
    onnx_metadata(&e->b, "imgsz", text);
    onnx_metadata(&e->b, "model", e->o->model);
    onnx_metadata(&e->b, "task", "detect");
    snprintf(text, sizeof text, "%d", e->o->n);
    onnx_metadata(&e->b, "batch", text);
    onnx_metadata(&e->b, "author", "yolo9");
    onnx_metadata(&e->b, "license", "that of the weights");
    if (e->o->version)
        onnx_metadata(&e->b, "version", e->o->version);
    snprintf(text, sizeof text, "%s, %d classes", e->o->model, g->head.nc);
    onnx_metadata(&e->b, "description", text);
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

static void build_output(struct onnx_export *e, const struct onnx_head *head, const struct onnx_decoded *decoded)
{
    static const char *const symbols[] = {"batch", "", "anchors"};
    const char *both[] = {decoded->box, decoded->scores};
    Onnx__NodeProto *output = onnx_add(&e->b, &(struct onnx_op){"Concat", head->name, 2, both, "output0"});
    onnx_set_int(&e->b, output, "axis", 1);
    const int64_t dims[] = {head->n, 4 + head->nc, head->rows};
    onnx_declare(&e->b, &e->b.outputs, "output0", FLOAT, 3, dims, symbols);
}

static void build_efficient(struct onnx_export *e, const struct onnx_head *head, const struct onnx_decoded *decoded,
                            const struct onnx_nms *rule)
{
    static const char *const symbols[] = {"batch", "", ""};
    const Onnx__TensorProto__DataType number = ONNX__TENSOR_PROTO__DATA_TYPE__INT32;
    struct onnx_list *outputs = &e->b.outputs;
    onnx_suppress_efficient(&e->b, head, decoded, rule);
    onnx_declare(&e->b, outputs, "num_dets", number, 2, (int64_t[]){head->n, 1}, symbols);
    onnx_declare(&e->b, outputs, "det_boxes", FLOAT, 3, (int64_t[]){head->n, rule->max_det, 4}, symbols);
    onnx_declare(&e->b, outputs, "det_scores", FLOAT, 2, (int64_t[]){head->n, rule->max_det}, symbols);
    onnx_declare(&e->b, outputs, "det_classes", number, 2, (int64_t[]){head->n, rule->max_det}, symbols);
}

static void build_decoded(struct onnx_export *e, const struct onnx_head *head)
{
    static const char *const symbols[] = {"detections", ""};
    const struct onnx_decoded decoded = onnx_decode(&e->b, head);
    const struct onnx_nms rule = {e->o->conf, e->o->iou, e->o->max_det};
    if (e->o->nms == NMS_EFFICIENT) {
        build_efficient(e, head, &decoded, &rule);
        return;
    }
    if (e->o->nms == NMS_ONNX) {
        onnx_suppress(&e->b, head, &decoded, &rule, "detections");
        onnx_declare(&e->b, &e->b.outputs, "detections", FLOAT, 2, (int64_t[]){-1, ONNX_DETECTION}, symbols);
    }
    build_output(e, head, &decoded);
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
    const struct onnx_head_maps maps = onnx_head_maps(head->head->kind);
    for (int l = 0; l < head->n_levels; l++) {
        int h = e->o->dynamic ? -1 : head->level[l].h, w = e->o->dynamic ? -1 : head->level[l].w;
        for (int k = 0; k < maps.n; k++)
            raw_output(e, maps.name[k], head->level[l].stride, head->level[l].map[k],
                       (int64_t[]){head->n, onnx_map_channels(head->head, k), h, w});
    }
}

static void build(struct onnx_export *e)
{
    const struct graph *g = e->g;
    struct onnx_head head;
    e->value[g->input] = e->type != FLOAT ? onnx_cast(&e->b, "images", "images", e->type) : "images";
    for (int i = 0; i < g->n_nodes; i++)
        e->value[g->nodes[i].dst] = onnx_node(e, &g->nodes[i]);
    describe_head(e, &head);
    declare_input(e, head.n);
    if (e->o->raw)
        build_raw(e, &head);
    else
        build_decoded(e, &head);
}

/* --- the door --- */

/* Sizes of all maps, for symbolic ones also at twice the size. */
static enum status infer_sizes(struct onnx_export *e)
{
    const struct graph *g = e->g;
    TRY(graph_infer(g, &(struct extent){e->o->h, e->o->w}, e->extents));
    if (!e->o->dynamic)
        return OK;
    e->doubled = mem_alloc((size_t)g->n_values, sizeof *e->doubled);
    return e->doubled ? graph_infer(g, &(struct extent){2 * e->o->h, 2 * e->o->w}, e->doubled) : E_NOMEM;
}

static enum status check_head(const struct graph *g)
{
    if (!g->n_branches || g->n_inputs != 1)
        return fail(E_UNSUPPORTED, "only a network with one image in and a detection head can be exported");
    const struct branch *main = &g->branch[g->n_branches - 1];
    const struct onnx_head_maps maps = onnx_head_maps(g->head.kind);
    for (int l = 0; l < main->n_levels; l++) {
        const struct value *v = &g->values[main->level[l]];
        bool fits = maps.n > 1 ? v->n_parts == maps.n : true;
        for (int k = 0; fits && k < maps.n; k++)
            fits = g->values[raw_value(g, l, k)].c == onnx_map_channels(&g->head, k);
        if (!fits)
            return fail(E_UNSUPPORTED, "%s: a head level that is not made of %s logits", v->name,
                        maps.n > 1 ? "box and class" : "its boxes'");
    }
    return OK;
}

static enum status check(struct onnx_export *e)
{
    const struct onnx_options *o = e->o;
    TRY(check_head(e->g));
    if (o->opset < ONNX_OPSET_FIRST || o->opset > ONNX_OPSET_LAST)
        return fail(E_ARGUMENT, "opset %d: %d to %d are known", o->opset, ONNX_OPSET_FIRST, ONNX_OPSET_LAST);
    if (o->nms && o->raw)
        return fail(E_ARGUMENT, "NMS needs the decoded output, not the raw one");
    if (o->eight_bit && (o->opset < ONNX_OPSET_EIGHT_BIT || o->half))
        return fail(E_ARGUMENT, "8-bit weights need opset %d and no 16-bit floats", ONNX_OPSET_EIGHT_BIT);
    for (int l = 0; l < e->g->branch[e->g->n_branches - 1].n_levels; l++) {
        if (o->h % e->g->stride[l] || o->w % e->g->stride[l])
            return fail(E_ARGUMENT, "%dx%d is no multiple of the stride %d", o->h, o->w, e->g->stride[l]);
    }
    TRY(infer_sizes(e));
    if (o->half)
        TRY(check_half(e->g, e->params));
    return OK;
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
    TRY_CLEAN(check(&e));
    build(&e);
    TRY_CLEAN(e.rc);
    TRY_CLEAN(describe(&e));
    TRY_CLEAN(onnx_builder_write(&e.b, options->model, path));
cleanup:
    onnx_builder_free(&e.b);
    mem_free(e.extents);
    mem_free(e.doubled);
    mem_free(e.value);
    mem_free(e.param);
    return rc;
}
