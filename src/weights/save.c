/* Writing weight files: safetensors that carry their table and class names (checkpoint.h lists the keys). */
#include "weights/weights.h"

#include "model/rows.h"

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

static void fill_source(const struct param *p, const float *params, bool half, struct safetensor_source *out)
{
    *out = (struct safetensor_source){.name = p->name,
                                      .dtype = half ? DTYPE_F16 : DTYPE_F32,
                                      .rank = p->rank,
                                      .data = params + p->first,
                                      .from_f32 = true};
    for (int i = 0; i < p->rank; i++)
        out->shape[i] = (size_t)p->shape[i];
}

enum status weights_write(const char *path, const struct graph *g, const float *params, const struct weights_meta *meta)
{
    enum status rc = OK;
    struct buf table = {0};
    char *names = names_json(meta);
    struct safetensor_source *sources = mem_calloc((size_t)g->n_params, sizeof *sources);
    if (!names || !sources) {
        rc = fail(E_NOMEM, "%s: out of memory", path);
        goto cleanup;
    }
    TRY(table_write(meta->table, &table));
    for (int i = 0; i < g->n_params; i++)
        fill_source(&g->params[i], params, meta->half, &sources[i]);
    const struct safetensors_text metadata[] = {
        {"yolo9.form", meta->deployed ? "deployed" : "training"}, {"yolo9.table", table.data}, {"yolo9.names", names}};
    TRY(safetensors_write(path, sources, g->n_params, metadata, COUNT(metadata)));
cleanup:
    free(names);
    mem_free(sources);
    buf_free(&table);
    return rc;
}

enum status weights_save(const char *path, const struct weights *w, bool deployed, bool half)
{
    enum status rc = OK;
    struct table converted = {0};
    struct weights_meta meta = {
        .table = &w->table, .names = (const char *const *)w->names, .nc = w->nc, .deployed = deployed, .half = half};
    if (!deployed && !w->params)
        return fail(E_ARGUMENT, "%s: the weights are folded already, their training form is gone", path);
    if (!deployed)
        return weights_write(path, &w->training, w->params, &meta);
    TRY(rows_deployed_table(&w->table, &w->options, &converted));
    meta.table = &converted;
    rc = weights_write(path, &w->deployed, w->deployed_params, &meta);
cleanup:
    table_free(&converted);
    return rc;
}
