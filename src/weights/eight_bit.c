#include "weights/eight_bit.h"

#include "graph/op_rules.h"
#include "ops/byte_channel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 512, COMPANIONS = 3 };

static const char *const companion_leaf[COMPANIONS] = {"weight_scale", "input_scale", "input_zero_point"};

bool eight_bit_companion(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (int i = 0; dot && i < COMPANIONS; i++) {
        if (!strcmp(dot + 1, companion_leaf[i]))
            return true;
    }
    return false;
}

/* "model.0.conv.weight" -> "model.0.conv.input_scale" */
static const char *companion_name(const char *weight, int which, char *buffer)
{
    const char *dot = strrchr(weight, '.');
    size_t stem = dot ? (size_t)(dot + 1 - weight) : 0;
    snprintf(buffer, NAME_SIZE, "%.*s%s", (int)stem, weight, companion_leaf[which]);
    return buffer;
}

/* --- reading --- */

/* A companion tensor of `count` values (rank 1) or a single one (rank 0). */
static enum status read_companion(const struct checkpoint *c, const char *weight, int which, enum dtype dtype,
                                  size_t count, float *values)
{
    char name[NAME_SIZE];
    const struct checkpoint_tensor *t = checkpoint_find(c->model, companion_name(weight, which, name));
    int rank = which == 0 ? 1 : 0;
    if (!t)
        return fail(E_FORMAT, "%s: %s is in 8 bits, but %s is missing", c->path, weight, name);
    if (t->dtype != dtype)
        return fail(E_FORMAT, "%s: %s is of type %s, not %s", c->path, name, dtype_name(t->dtype), dtype_name(dtype));
    if (t->rank != rank || t->count != count)
        return fail(E_SHAPE, "%s: %s has %zu values in %d dimensions, not %zu in %d", c->path, name, t->count, t->rank,
                    count, rank);
    checkpoint_read_f32(t, values);
    for (size_t i = 0; dtype == DTYPE_F32 && i < count; i++) {
        if (!(isfinite(values[i]) && values[i] > 0))
            return fail(E_NUMERIC, "%s: %s holds %g: a scale is finite and above zero", c->path, name,
                        (double)values[i]);
    }
    return OK;
}

static enum status read_conv(const struct checkpoint *c, struct weights *w, struct conv_attr *conv)
{
    enum status rc = OK;
    const struct param *p = &w->deployed.params[conv->weight];
    size_t oc = (size_t)conv->oc, per_channel = p->count / oc;
    float *values = w->deployed_params + p->first, input_scale, zero;
    float *scale = mem_alloc(oc, sizeof *scale);
    if (!scale)
        return E_NOMEM;
    TRY_CLEAN(read_companion(c, p->name, 0, DTYPE_F32, oc, scale));
    TRY_CLEAN(read_companion(c, p->name, 1, DTYPE_F32, 1, &input_scale));
    TRY_CLEAN(read_companion(c, p->name, 2, DTYPE_U8, 1, &zero));
    for (size_t i = 0; i < p->count; i++) {
        values[i] *= scale[i / per_channel];
        if (!isfinite(values[i])) {
            rc = fail(E_NUMERIC, "%s: %s times its scale is infinite", c->path, p->name);
            goto cleanup;
        }
    }
    conv->quant = (struct conv_quant){.on = true, .scale = input_scale, .zero = (int)zero};
    w->eight_bit = true;
cleanup:
    mem_free(scale);
    return rc;
}

/* Integers or scales that belong to no convolution: the file was put together wrongly. */
static enum status check_strays(const struct checkpoint *c, int n_read)
{
    int n_integer = 0, n_companions = 0;
    for (int i = 0; i < c->model->count; i++) {
        n_integer += c->model->tensors[i].dtype == DTYPE_I8;
        n_companions += eight_bit_companion(c->model->tensors[i].name);
    }
    if (n_integer != n_read)
        return fail(E_FORMAT, "%s: %d tensors are in 8 bits, of which %d are weights of the network", c->path,
                    n_integer, n_read);
    if (n_companions != n_read * COMPANIONS)
        return fail(E_FORMAT, "%s: %d scales and zero points for %d weights in 8 bits", c->path, n_companions, n_read);
    return OK;
}

enum status eight_bit_read(const struct checkpoint *c, struct weights *w)
{
    struct graph *g = &w->deployed;
    int n_read = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        struct node *n = &g->nodes[i];
        if (!node_quant(n))
            continue;
        const struct checkpoint_tensor *t = checkpoint_find(c->model, g->params[n->u.conv.weight].name);
        if (t && t->dtype == DTYPE_I8) {
            TRY(read_conv(c, w, &n->u.conv));
            n_read++;
        }
    }
    return check_strays(c, n_read);
}

/* --- writing --- */

static enum status add_companions(const struct conv_attr *conv, const char *weight, const float *weight_scale,
                                  struct arena *arena, struct safetensor_source *out)
{
    float *scale = arena_alloc(arena, 1, sizeof *scale);
    uint8_t *zero = arena_alloc(arena, 1, sizeof *zero);
    const void *const data[COMPANIONS] = {weight_scale, scale, zero};
    if (!scale || !zero)
        return E_NOMEM;
    *scale = conv->quant.scale;
    *zero = (uint8_t)conv->quant.zero;
    for (int i = 0; i < COMPANIONS; i++) {
        char buffer[NAME_SIZE];
        out[i] = (struct safetensor_source){.name = arena_strdup(arena, companion_name(weight, i, buffer)),
                                            .dtype = i == 2 ? DTYPE_U8 : DTYPE_F32,
                                            .rank = i == 0,
                                            .shape = {(size_t)conv->oc},
                                            .data = data[i]};
        if (!out[i].name)
            return E_NOMEM;
    }
    return OK;
}

/* Weight and companions of one convolution: 1 + COMPANIONS tensors. */
static enum status add_conv(const struct graph *g, const struct conv_attr *conv, const float *params,
                            struct arena *arena, struct safetensor_source *out)
{
    const struct param *p = &g->params[conv->weight];
    size_t oc = (size_t)conv->oc, per_channel = p->count / oc;
    int8_t *q = arena_alloc(arena, p->count, sizeof *q);
    float *scale = arena_alloc(arena, oc, sizeof *scale);
    if (!q || !scale)
        return E_NOMEM;
    for (size_t i = 0; i < oc; i++)
        byte_channel(params + p->first + i * per_channel, per_channel, q + i * per_channel, &scale[i]);
    out[0].dtype = DTYPE_I8;
    out[0].data = q;
    out[0].from_f32 = false;
    return add_companions(conv, p->name, scale, arena, out + 1);
}

static bool fits_half(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(values[i]) < 65504))
            return false;
    }
    return true;
}

static struct safetensor_source float_source(const struct param *p, const float *params)
{
    const float *values = params + p->first;
    bool half = p->role == PARAM_WEIGHT && fits_half(values, p->count);
    struct safetensor_source s = {
        .name = p->name, .dtype = half ? DTYPE_F16 : DTYPE_F32, .rank = p->rank, .data = values, .from_f32 = true};
    for (int i = 0; i < p->rank; i++)
        s.shape[i] = (size_t)p->shape[i];
    return s;
}

/* Larger elements first; otherwise the order stays. */
static enum status sort_by_size(struct safetensor_source *tensors, int count)
{
    int n = 0;
    struct safetensor_source *sorted = mem_alloc((size_t)count, sizeof *sorted);
    if (!sorted)
        return E_NOMEM;
    for (size_t size = 4; size; size /= 2) {
        for (int i = 0; i < count; i++) {
            if (dtype_size(tensors[i].dtype) == size)
                sorted[n++] = tensors[i];
        }
    }
    memcpy(tensors, sorted, (size_t)count * sizeof *sorted);
    mem_free(sorted);
    return OK;
}

enum status eight_bit_tensors(const struct graph *g, const float *params, struct arena *arena,
                              struct safetensor_source **tensors, int *count)
{
    const struct conv_attr **conv = arena_alloc(arena, (size_t)g->n_params, sizeof(void *));
    struct safetensor_source *all = arena_alloc(arena, (size_t)g->n_params * (1 + COMPANIONS), sizeof *all);
    if (!conv || !all)
        return E_NOMEM;
    for (int i = 0; i < g->n_nodes; i++) {
        if (node_quant(&g->nodes[i]) && node_quant(&g->nodes[i])->on)
            conv[g->nodes[i].u.conv.weight] = &g->nodes[i].u.conv;
    }
    *count = 0;
    for (int i = 0; i < g->n_params; i++) {
        struct safetensor_source *out = all + *count;
        out[0] = float_source(&g->params[i], params);
        if (conv[i])
            TRY(add_conv(g, conv[i], params, arena, out));
        *count += conv[i] ? 1 + COMPANIONS : 1;
    }
    *tensors = all;
    return sort_by_size(all, *count);
}
