/* Graph -> C, one set of functions an op: <op>_c for each line of graph/ops.def. */
#include "export/c_export.h"
#include "kernels/bf16_inline.h"
#include "ops/byte_pool.h"
#include "ops/conv2d.h"

#include <math.h>
#include <string.h>

enum { PANEL = 16, LINE = 120 }; /* PANEL: as in c_parts/panels.c */

static const struct call *call_of(const struct c_export *e, int call)
{
    return &e->plan->calls[call];
}

static const char *source(const struct c_export *e, int call, int s)
{
    return e->region[call_of(e, call)->node->src[s]];
}

static const char *target(const struct c_export *e, int call)
{
    return e->region[call_of(e, call)->node->dst];
}

/* --- numbers --- */

/* Items of an array are written one after another; a line ends before it grows too long. */
struct list {
    FILE *out;
    int column;
};

static void list_text(struct list *l, const char *text, int length)
{
    if (l->column + length + 2 > LINE || !l->column) {
        fprintf(l->out, "%s    ", l->column ? "\n" : "");
        l->column = 4;
    } else {
        fputc(' ', l->out);
        l->column++;
    }
    fprintf(l->out, "%s,", text);
    l->column += length + 1;
}

static void list_float(struct list *l, float x)
{
    char text[32];
    list_text(l, text, snprintf(text, sizeof text, "%.9g", (double)x));
}

static void list_int(struct list *l, int x)
{
    char text[16];
    list_text(l, text, snprintf(text, sizeof text, "%d", x));
}

const char *c_float(float x, char buffer[C_FLOAT])
{
    snprintf(buffer, C_FLOAT, "%.9g", (double)x);
    const bool whole = !strpbrk(buffer, ".e");
    snprintf(buffer + strlen(buffer), 4, "%s", whole ? ".0f" : "f");
    return buffer;
}

void c_write_floats(struct c_export *e, const char *name, const char *comment, const float *x, size_t count)
{
    struct list l = {e->out, 0};
    fprintf(e->out, "static const float %s[] = {%s%s%s\n", name, comment ? " /* " : "", comment ? comment : "",
            comment ? " */" : "");
    for (size_t i = 0; i < count; i++)
        list_float(&l, x[i]);
    fputs("\n};\n", e->out);
    e->weights += count * sizeof *x;
}

/* --- convolution --- */

struct shape {
    int inputs, outputs, taps; /* of a group */
};

static struct shape shape_of(const struct call *c)
{
    const struct conv_attr *a = &c->node->u.conv;
    return (struct shape){c->src[0].c / a->groups, a->oc / a->groups, a->kh * a->kw};
}

static size_t words(size_t numbers, size_t per_word)
{
    return (numbers + per_word - 1) / per_word;
}

/* The input as what is multiplied, where it is something else. */
static enum status conv2d_plan(struct call *c)
{
    const enum conv_numbers numbers = conv2d_exact_numbers(c);
    const size_t pixels = (size_t)c->src[0].h * (size_t)c->src[0].w, channels = (size_t)c->src[0].c;
    if (c->src[0].element != ELEMENT_FLOAT || numbers == CONV_FLOATS)
        return OK;
    c->scratch_floats = pixels * words(channels, numbers == CONV_BYTES ? 4 : 1);
    return OK;
}

static enum status conv2d_need(struct c_export *e, int call)
{
    const struct call *c = call_of(e, call);
    const struct conv_attr *a = &c->node->u.conv;
    const enum conv_numbers numbers = conv2d_exact_numbers(c);
    const bool bytes = numbers == CONV_BYTES;
    e->converted[call] = c->scratch_floats > 0;
    e->act[a->act] = true;
    e->most_taps = MAX(e->most_taps, a->kh * a->kw);
    e->part[PART_PANELS] = true;
    e->part[PART_QUANTIZE] |= bytes && e->converted[call];
    e->part[PART_CONV_BYTES] |= bytes;
    e->part[PART_BYTE_PIXEL] |= bytes;
    e->part[PART_BYTE_OF] |= bytes;
    e->part[PART_ROUND] |= numbers == CONV_BF16;
    e->part[PART_CONV_SHORT] |= numbers == CONV_BF16;
    e->part[PART_FLOAT_TAPS] |= !bytes;
    e->part[PART_CONV] |= numbers == CONV_FLOATS;
    return OK;
}

/* Calls put(context, oc, channel, tap) for each weight in the order in which panels want them; of bf16 pairs of
 * channels lie one after the other for all outputs of a panel, as single channels do. */
typedef void put_fn(void *context, int oc, int channel, int tap);

static void walk_panels(const struct call *c, put_fn *put, void *context)
{
    const struct shape s = shape_of(c);
    const int oc = c->node->u.conv.oc;
    for (int first = 0; first < oc;) {
        const int left = (first / s.outputs + 1) * s.outputs - first, n = MIN(left, PANEL);
        for (int tap = 0; tap < s.taps; tap++)
            for (int channel = 0; channel < s.inputs; channel++)
                for (int j = 0; j < n; j++)
                    put(context, first + j, channel, tap);
        first += n;
    }
}

struct weights_list {
    struct list list;
    const struct call *call;
    struct shape shape;
    const signed char *bytes; /* as the parameter lies; NULL: floats, or bf16 */
    bool bf16;
};

static void put_weight(void *context, int oc, int channel, int tap)
{
    struct weights_list *w = context;
    const size_t at = ((size_t)oc * (size_t)w->shape.inputs + (size_t)channel) * (size_t)w->shape.taps + (size_t)tap;
    if (w->bytes)
        list_int(&w->list, w->bytes[at]);
    else if (w->bf16)
        list_int(&w->list, bf16_of(w->call->param[0][at]));
    else
        list_float(&w->list, w->call->param[0][at]);
}

static void write_weights(struct c_export *e, int call, const signed char *bytes, bool bf16)
{
    const struct call *c = call_of(e, call);
    const struct conv_attr *a = &c->node->u.conv;
    const struct shape s = shape_of(c);
    struct weights_list w = {{e->out, 0}, c, s, bytes, bf16};
    const char *type = bytes ? "signed char" : bf16 ? "uint16_t" : "float";
    const size_t count = (size_t)a->oc * (size_t)s.inputs * (size_t)s.taps;
    fprintf(e->out, "static const %s %s_weights[] = { /* %d x %d x %d x %d */\n", type, e->call[call], a->oc, s.inputs,
            a->kh, a->kw);
    walk_panels(c, put_weight, &w);
    fputs("\n};\n", e->out);
    e->weights += count * (bytes ? 1 : bf16 ? 2 : 4);
}

static void write_floats_of(struct c_export *e, int call, const char *what, const float *x)
{
    char name[512];
    snprintf(name, sizeof name, "%s_%s", e->call[call], what);
    c_write_floats(e, name, NULL, x, (size_t)call_of(e, call)->node->u.conv.oc);
}

static const char *act_word(enum act act)
{
    static const char *const word[] = {
#define ACTIVATION(id, ...) [ACT_##id] = #id,
#include "kernels/act.def"
#undef ACTIVATION
    };
    return word[act];
}

static void write_window(struct c_export *e, int call, const char *type)
{
    const struct conv_attr *a = &call_of(e, call)->node->u.conv;
    fprintf(e->out, "static const struct %s %s = {{%d, %d, %d, %d, %d}, %d, %s, %s_weights, ", type, e->call[call],
            a->kh, a->kw, a->stride, a->pad, a->dilation, a->groups, act_word(a->act), e->call[call]);
}

static void write_finish(struct c_export *e, int call)
{
    const struct call *c = call_of(e, call);
    const struct conv_quant *to = &c->dst_quant, *more = &c->src_quant[1];
    const bool to_bytes = c->dst.element == ELEMENT_BYTE;
    const bool more_bytes = c->node->u.conv.residual && c->src[1].element == ELEMENT_BYTE;
    fprintf(e->out, "static const struct finish %s_finish = {%d, %d, %.9g, %d, %.9g, %d};\n", e->call[call], to_bytes,
            more_bytes, to_bytes ? (double)(1 / to->scale) : 0, to_bytes ? to->zero : 0,
            more_bytes ? (double)more->scale : 0, more_bytes ? more->zero : 0);
}

static void byte_constants(struct c_export *e, int call, float *scale, float *bias)
{
    const struct call *c = call_of(e, call);
    const struct shape s = shape_of(c);
    const int oc = c->node->u.conv.oc, ic = c->src[0].c;
    const size_t count = (size_t)s.inputs * (size_t)s.taps;
    signed char *bytes = mem_alloc((size_t)oc, count);
    if (!bytes) {
        e->rc = E_NOMEM;
        return;
    }
    for (int k = 0; k < oc; k++)
        conv2d_fold_bytes(c, k, bytes + (size_t)k * count, &scale[k], &bias[k]);
    write_weights(e, call, bytes, false);
    mem_free(bytes);
    write_floats_of(e, call, "scale", scale);
    write_floats_of(e, call, "bias", bias);
    struct list l = {e->out, 0};
    fprintf(e->out, "static const unsigned char %s_zeros[] = {\n", e->call[call]);
    for (int k = 0; k < ic; k++)
        list_int(&l, conv2d_zero_byte(c, k));
    fputs("\n};\n", e->out);
    e->weights += (size_t)ic;
    write_window(e, call, "byte_conv");
    fprintf(e->out, "%s_scale, %s_bias, %s_zeros};\n", e->call[call], e->call[call], e->call[call]);
    write_finish(e, call);
}

static void conv2d_constants(struct c_export *e, int call)
{
    const struct call *c = call_of(e, call);
    const size_t oc = (size_t)c->node->u.conv.oc;
    const enum conv_numbers numbers = conv2d_exact_numbers(c);
    float *scale = mem_calloc(oc, sizeof *scale), *bias = mem_calloc(oc, sizeof *bias);
    if (!scale || !bias) {
        e->rc = E_NOMEM;
    } else if (numbers == CONV_BYTES) {
        byte_constants(e, call, scale, bias);
    } else {
        if (c->param[1])
            memcpy(bias, c->param[1], oc * sizeof *bias);
        write_weights(e, call, NULL, numbers == CONV_BF16);
        write_floats_of(e, call, "bias", bias);
        write_window(e, call, numbers == CONV_BF16 ? "short_conv" : "conv");
        fprintf(e->out, "%s_bias};\n", e->call[call]);
    }
    mem_free(scale);
    mem_free(bias);
}

static void conv2d_statements(struct c_export *e, int call)
{
    const struct call *c = call_of(e, call);
    const struct conv_attr *a = &c->node->u.conv;
    const enum conv_numbers numbers = conv2d_exact_numbers(c);
    const char *name = e->call[call], *from = source(e, call, 0);
    char converted[512], added[512] = "0", factor[C_FLOAT];
    if (a->residual)
        snprintf(added, sizeof added, "&%s", source(e, call, 1));
    if (e->converted[call]) {
        snprintf(converted, sizeof converted, "%s_input", name);
        if (numbers == CONV_BYTES)
            fprintf(e->out, "    quantize(arena, &%s, &%s, %s, %d);\n", from, converted,
                    c_float(1 / a->quant.scale, factor), a->quant.zero);
        else
            fprintf(e->out, "    shorten(arena, &%s, &%s);\n", from, converted);
        from = converted;
    }
    if (numbers != CONV_BYTES) {
        fprintf(e->out, "    %s(arena, &%s, &%s, &%s, %s);\n", numbers == CONV_BF16 ? "conv_short" : "conv", from,
                target(e, call), name, added);
        return;
    }
    fprintf(e->out, "    conv_bytes(arena, &%s, &%s, &%s, %s, &%s_finish);\n", from, target(e, call), name, added,
            name);
}

static const struct c_op conv2d_c = {{.plan = conv2d_plan}, conv2d_need, conv2d_constants, conv2d_statements};

/* --- what has no 8-bit form --- */

static enum status only_floats(const struct c_export *e, int call)
{
    const struct call *c = call_of(e, call);
    bool floats = c->dst.element == ELEMENT_FLOAT;
    for (int s = 0; s < c->node->n_src; s++)
        floats &= c->src[s].element == ELEMENT_FLOAT;
    return floats ? OK : fail(E_UNSUPPORTED, "%s: no C is known for it on maps that are not of floats", c->node->name);
}

static enum status bn_act_need(struct c_export *e, int call)
{
    e->part[PART_NORMALISE] = true;
    e->act[call_of(e, call)->node->u.bn_act.act] = true;
    return only_floats(e, call);
}

static void bn_act_constants(struct c_export *e, int call)
{
    const struct call *c = call_of(e, call);
    const size_t channels = (size_t)c->dst.c;
    float *factor = mem_alloc(channels, sizeof *factor), *shift = mem_alloc(channels, sizeof *shift);
    for (int i = 0; factor && shift && i < c->node->u.bn_act.n_bn; i++) {
        float *const *p = c->param + 4 * i;
        char name[512];
        for (size_t k = 0; k < channels; k++) {
            factor[k] = p[0][k] / sqrtf(p[3][k] + BN_EPSILON);
            shift[k] = p[1][k] - p[2][k] * factor[k];
        }
        snprintf(name, sizeof name, "%s_factor_%d", e->call[call], i);
        c_write_floats(e, name, NULL, factor, channels);
        snprintf(name, sizeof name, "%s_shift_%d", e->call[call], i);
        c_write_floats(e, name, NULL, shift, channels);
    }
    if (!factor || !shift)
        e->rc = E_NOMEM;
    mem_free(factor);
    mem_free(shift);
}

static void bn_act_statements(struct c_export *e, int call)
{
    const struct call *c = call_of(e, call);
    const struct bn_act_attr *a = &c->node->u.bn_act;
    const char *name = e->call[call];
    for (int i = 0; i < a->n_bn; i++)
        fprintf(e->out, "    normalise(arena, &%s, &%s, %s_factor_%d, %s_shift_%d, %d);\n", source(e, call, i),
                target(e, call), name, i, name, i, i == 0);
    fprintf(e->out, "    activate_map(arena, &%s, %s, %s%s);\n", target(e, call), act_word(a->act),
            a->residual ? "&" : "", a->residual ? source(e, call, c->node->n_src - 1) : "0");
}

static const struct c_op bn_act_c = {{0}, bn_act_need, bn_act_constants, bn_act_statements};

/* --- pools, enlargement, copies: from floats to floats, or from bytes to bytes --- */

static enum status moves(struct c_export *e, int call, enum c_part floats, enum c_part bytes)
{
    const struct call *c = call_of(e, call);
    if (c->src[0].element == ELEMENT_BYTE && c->dst.element == ELEMENT_BYTE) {
        e->part[bytes] = e->part[PART_BYTE_PIXEL] = e->part[PART_BYTE_OF] = true;
        return OK;
    }
    e->part[floats] = true;
    return only_floats(e, call);
}

/* `arguments` are those between the maps and the scale. */
static void move_statement(struct c_export *e, int call, const char *function, const char *arguments)
{
    const struct call *c = call_of(e, call);
    const bool bytes = c->src[0].element == ELEMENT_BYTE;
    fprintf(e->out, "    %s%s(arena, &%s, &%s, %s", function, bytes ? "_bytes" : "", source(e, call, 0),
            target(e, call), arguments);
    if (bytes) {
        char factor[C_FLOAT], shift[C_FLOAT];
        const struct byte_scale s = byte_scale_of(c);
        fprintf(e->out, ", %s, %s", c_float(s.factor, factor), c_float(s.shift, shift));
    }
    fputs(");\n", e->out);
}

static enum status maxpool_need(struct c_export *e, int call)
{
    return moves(e, call, PART_MAX_POOL, PART_BYTE_MAX_POOL);
}

static void maxpool_statements(struct c_export *e, int call)
{
    const struct pool_attr *a = &call_of(e, call)->node->u.pool;
    char text[64];
    snprintf(text, sizeof text, "%d, %d, %d", a->k, a->stride, a->pad);
    move_statement(e, call, "max_pool", text);
}

static const struct c_op maxpool_c = {{0}, maxpool_need, NULL, maxpool_statements};

static enum status avgpool_need(struct c_export *e, int call)
{
    return moves(e, call, PART_MEAN_POOL, PART_BYTE_MEAN_POOL);
}

static void avgpool_statements(struct c_export *e, int call)
{
    const struct pool_attr *a = &call_of(e, call)->node->u.pool;
    char text[64];
    snprintf(text, sizeof text, "%d, %d", a->k, a->stride);
    move_statement(e, call, "mean_pool", text);
}

static const struct c_op avgpool_c = {{0}, avgpool_need, NULL, avgpool_statements};

static enum status enlarge_need(struct c_export *e, int call)
{
    return moves(e, call, PART_ENLARGE, PART_BYTE_ENLARGE);
}

static void upsample_statements(struct c_export *e, int call)
{
    char text[16];
    snprintf(text, sizeof text, "%d", call_of(e, call)->node->u.scale);
    move_statement(e, call, "enlarge", text);
}

static const struct c_op upsample_c = {{0}, enlarge_need, NULL, upsample_statements};

static void copy_statements(struct c_export *e, int call)
{
    move_statement(e, call, "enlarge", "1");
}

static const struct c_op copy_c = {{0}, enlarge_need, NULL, copy_statements};

/* --- the rest --- */

static enum status fuse_need(struct c_export *e, int call)
{
    e->part[PART_FUSE] = true;
    return only_floats(e, call);
}

static void fuse_statements(struct c_export *e, int call)
{
    for (int s = 0; s < call_of(e, call)->node->n_src; s++)
        fprintf(e->out, "    add_resized(arena, &%s, &%s, %d);\n", source(e, call, s), target(e, call), s == 0);
}

static const struct c_op fuse_c = {{0}, fuse_need, NULL, fuse_statements};

static enum status gelu_need(struct c_export *e, int call)
{
    e->part[PART_GELU] = true;
    return only_floats(e, call);
}

static void gelu_statements(struct c_export *e, int call)
{
    fprintf(e->out, "    gelu(arena, &%s, &%s);\n", source(e, call, 0), target(e, call));
}

static const struct c_op gelu_c = {{0}, gelu_need, NULL, gelu_statements};

static enum status act_need(struct c_export *e, int call)
{
    e->part[PART_ACT] = true;
    e->act[call_of(e, call)->node->u.act] = true;
    return only_floats(e, call);
}

static void act_statements(struct c_export *e, int call)
{
    fprintf(e->out, "    activate_copy(arena, &%s, &%s, %s);\n", source(e, call, 0), target(e, call),
            act_word(call_of(e, call)->node->u.act));
}

static const struct c_op act_c = {{0}, act_need, NULL, act_statements};

static enum status reorg_need(struct c_export *e, int call)
{
    e->part[PART_REORG] = true;
    return only_floats(e, call);
}

static void reorg_statements(struct c_export *e, int call)
{
    fprintf(e->out, "    reorg(arena, &%s, &%s);\n", source(e, call, 0), target(e, call));
}

static const struct c_op reorg_c = {{0}, reorg_need, NULL, reorg_statements};

static enum status implicit_need(struct c_export *e, int call)
{
    e->part[PART_IMPLICIT] = true;
    return only_floats(e, call);
}

static void implicit_constants(struct c_export *e, int call)
{
    char name[512];
    snprintf(name, sizeof name, "%s_vector", e->call[call]);
    c_write_floats(e, name, NULL, call_of(e, call)->param[0], (size_t)call_of(e, call)->dst.c);
}

static void implicit_statements(struct c_export *e, int call)
{
    fprintf(e->out, "    implicit(arena, &%s, &%s, %s_vector, %d);\n", source(e, call, 0), target(e, call),
            e->call[call], call_of(e, call)->node->u.implicit.multiplies);
}

static const struct c_op implicit_c = {{0}, implicit_need, implicit_constants, implicit_statements};

/* --- the tables --- */

const struct c_op *const c_ops[OP_COUNT] = {
#define OP(upper, lower) [OP_##upper] = &lower##_c,
#include "graph/ops.def"
#undef OP
};

const struct backend c_backend = {
    .name = "C source",
    .ops =
        {
#define OP(upper, lower) [OP_##upper] = &lower##_c.impl,
#include "graph/ops.def"
#undef OP
        },
};
