/* Writing weight files: safetensors that carry their table and class names (checkpoint.h lists the keys). */
#include "weights/weights.h"

#include "model/rows.h"
#include "weights/eight_bit.h"

#include <jansson.h>
#include <stdlib.h>

static char *names_json(const struct weights_meta *meta)
{
    json_t *list = json_array();
    for (int i = 0; list && i < meta->nc; i++)
        json_array_append_new(list, json_string(meta->names[i]));
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

/* One tensor a parameter, in their order. */
static enum status float_tensors(const struct graph *g, const float *params, bool half, struct arena *arena,
                                 struct safetensor_source **tensors, int *count)
{
    struct safetensor_source *all = arena_alloc(arena, (size_t)g->n_params, sizeof *all);
    if (!all)
        return E_NOMEM;
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        all[i] = (struct safetensor_source){.name = p->name,
                                            .dtype = half ? DTYPE_F16 : DTYPE_F32,
                                            .rank = p->rank,
                                            .data = params + p->first,
                                            .from_f32 = true};
        for (int k = 0; k < p->rank; k++)
            all[i].shape[k] = (size_t)p->shape[k];
    }
    *tensors = all;
    *count = g->n_params;
    return OK;
}

enum status weights_write(const char *path, const struct graph *g, const float *params, const struct weights_meta *meta)
{
    enum status rc = OK;
    struct buf table = {0};
    struct arena arena;
    struct safetensor_source *tensors;
    int count;
    char *names = names_json(meta);
    arena_init(&arena);
    if (!names) {
        rc = fail(E_NOMEM, "%s: out of memory", path);
        goto cleanup;
    }
    TRY(table_write(meta->table, &table));
    TRY(meta->eight_bit ? eight_bit_tensors(g, params, &arena, &tensors, &count)
                        : float_tensors(g, params, meta->half, &arena, &tensors, &count));
    const struct safetensors_text metadata[] = {
        {"yolo9.form", meta->deployed ? "deployed" : "training"}, {"yolo9.table", table.data}, {"yolo9.names", names}};
    TRY(safetensors_write(path, tensors, count, metadata, COUNT(metadata)));
cleanup:
    free(names);
    arena_free(&arena);
    buf_free(&table);
    return rc;
}

static enum status save_deployed(const char *path, const struct weights *w, struct weights_meta meta)
{
    enum status rc = OK;
    struct table converted = {0};
    TRY(rows_deployed_table(&w->table, &w->options, &converted));
    meta.table = &converted;
    meta.names = (const char *const *)w->names;
    meta.nc = w->nc;
    meta.deployed = true;
    rc = weights_write(path, &w->deployed, w->deployed_params, &meta);
cleanup:
    table_free(&converted);
    return rc;
}

enum status weights_save(const char *path, const struct weights *w, bool deployed, bool half)
{
    const struct weights_meta meta = {
        .table = &w->table, .names = (const char *const *)w->names, .nc = w->nc, .half = half};
    if (deployed)
        return save_deployed(path, w, (struct weights_meta){.half = half});
    if (!w->params)
        return fail(E_ARGUMENT, "%s: the weights are folded already, their training form is gone", path);
    return weights_write(path, &w->training, w->params, &meta);
}

enum status weights_save_eight_bit(const char *path, const struct weights *w)
{
    return save_deployed(path, w, (struct weights_meta){.eight_bit = true});
}
