/* Writing weight files: safetensors that carry their table and class names (checkpoint.h lists the keys). */
#include "weights/weights.h"

#include "model/rows.h"
#include "weights/eight_bit.h"

#include <jansson.h>
#include <stdlib.h>

/* A list of text as JSON, owned by `memory`. */
static enum status names_text(const struct weights_meta *meta, struct arena *memory, const char **out)
{
    json_t *list = json_array();
    enum status rc = list ? OK : E_NOMEM;
    for (int i = 0; i < meta->nc && rc == OK; i++) {
        json_t *name = json_string(meta->names[i]);
        if (!name)
            rc = fail(E_FORMAT, "the name of class %d is no text in UTF-8", i);
        else if (json_array_append_new(list, name) != 0)
            rc = E_NOMEM;
    }
    char *text = rc == OK ? json_dumps(list, JSON_COMPACT) : NULL;
    *out = text ? arena_strdup(memory, text) : NULL;
    free(text);
    json_decref(list);
    return rc == OK && !*out ? fail_memory(NULL, 0) : rc;
}

enum status weights_metadata(const struct weights_meta *meta, struct arena *memory,
                             struct safetensors_text out[WEIGHTS_METADATA], int *count)
{
    enum status rc = OK;
    struct buf table = {0};
    const char *names = NULL, *text = NULL, *img = NULL;
    int n = 0;
    TRY_CLEAN(names_text(meta, memory, &names));
    TRY_CLEAN(table_write(meta->table, &table));
    text = arena_strdup(memory, table.data);
    img = arena_printf(memory, "%d %d", meta->img_h, meta->img_w);
    TRY_CLEAN(text && img ? OK : fail_memory(NULL, 0));
    out[n++] = (struct safetensors_text){"yolo9.form", meta->deployed ? "deployed" : "training"};
    out[n++] = (struct safetensors_text){"yolo9.table", text};
    out[n++] = (struct safetensors_text){"yolo9.names", names};
    if (meta->table->name)
        out[n++] = (struct safetensors_text){"yolo9.network", meta->table->name};
    if (meta->img_h)
        out[n++] = (struct safetensors_text){"yolo9.img", img};
    if (meta->recipe)
        out[n++] = (struct safetensors_text){"yolo9.recipe", meta->recipe};
    *count = n;
cleanup:
    buf_free(&table);
    return rc;
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
    struct arena arena;
    struct safetensors_text metadata[WEIGHTS_METADATA];
    struct safetensor_source *tensors;
    int count, n_metadata;
    arena_init(&arena);
    rc = weights_metadata(meta, &arena, metadata, &n_metadata);
    if (rc != OK)
        fail_prefix(rc, "%s", path);
    TRY_CLEAN(rc);
    TRY_CLEAN(meta->eight_bit ? eight_bit_tensors(g, params, &arena, &tensors, &count)
                              : float_tensors(g, params, meta->half, &arena, &tensors, &count));
    TRY_CLEAN(safetensors_write(path, tensors, count, metadata, n_metadata));
cleanup:
    arena_free(&arena);
    return rc;
}

static struct weights_meta meta_of(const struct weights *w)
{
    return (struct weights_meta){.table = &w->table,
                                 .names = (const char *const *)w->names,
                                 .nc = w->nc,
                                 .img_h = w->img_h,
                                 .img_w = w->img_w,
                                 .recipe = w->recipe};
}

static enum status save_deployed(const char *path, const struct weights *w, bool half, bool eight_bit)
{
    enum status rc = OK;
    struct table converted = {0};
    struct weights_meta meta = meta_of(w);
    TRY_CLEAN(rows_deployed_table(&w->table, &w->options, &converted));
    meta.table = &converted;
    meta.deployed = true;
    meta.half = half;
    meta.eight_bit = eight_bit;
    rc = weights_write(path, &w->deployed, w->deployed_params, &meta);
cleanup:
    table_free(&converted);
    return rc;
}

enum status weights_save(const char *path, const struct weights *w, bool deployed, bool half)
{
    struct weights_meta meta = meta_of(w);
    if (deployed)
        return save_deployed(path, w, half, false);
    if (!w->params)
        return fail(E_ARGUMENT, "%s: the weights are folded already, their training form is gone", path);
    meta.half = half;
    return weights_write(path, &w->training, w->params, &meta);
}

enum status weights_save_eight_bit(const char *path, const struct weights *w)
{
    return save_deployed(path, w, false, true);
}
