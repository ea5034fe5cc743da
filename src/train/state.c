#include "train/state.h"

#include "formats/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_VERSION = 1, BLOCKS = 3 + OPTIMIZER_STATES };

/* --- writing --- */

/* Doubles go through JSON with 17 digits, which is exact; jansson knows no 64-bit unsigned and no NaN, none is here. */
static json_t *double_list(const double *x, int n)
{
    json_t *list = json_array();
    for (int i = 0; list && i < n; i++)
        json_array_append_new(list, json_real(x[i]));
    return list;
}

static json_t *rows_json(const struct run_progress *p)
{
    json_t *rows = json_array();
    for (int i = 0; rows && i < p->n_rows; i++)
        json_array_append_new(rows, double_list(p->rows[i], RESULT_COLUMNS));
    return rows;
}

static bool gradients_zero(const struct trainer_state *t)
{
    for (size_t i = 0; i < t->config.graph->param_floats; i++)
        if (t->grad[i] != 0 || signbit(t->grad[i]))
            return false;
    return true;
}

static char *progress_text(const struct state_subject *s, const struct run_progress *p, const struct trainer_state *t)
{
    json_t *root =
        json_pack("{s:i, s:i, s:I, s:o, s:f, s:f, s:i, s:o, s:o, s:o, s:b, s:b, s:I}", "version", STATE_VERSION,
                  "epoch", p->epoch, "batch", (json_int_t)p->batch, "sum", double_list(p->sum, LOSS_ITEMS),
                  "best_fitness", p->best_fitness, "stop_fitness", p->stop_fitness, "stop_epoch", p->stop_epoch,
                  "metric", double_list(p->metric, METRICS), "ap", double_list(p->ap, p->nc), "rows", rows_json(p),
                  "stopped", p->stopped, "finished", p->finished, "data", (json_int_t)(s->data >> 1)); /* 63 bits */
    if (root && t) {
        json_object_set_new(root, "last_step", json_integer(t->last_step));
        json_object_set_new(root, "ema_updates", json_integer(t->ema.updates));
        json_object_set_new(root, "optimizer_steps", json_integer(optimizer_steps(t->optimizer)));
        json_object_set_new(root, "gradients", json_boolean(!gradients_zero(t)));
    }
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    return text;
}

/* The trainer's blocks of the parameters' layout, by the prefix of their tensors. */
struct state_block {
    const char *prefix;
    float *data;
};

static int list_blocks(const struct trainer_state *t, struct state_block out[BLOCKS])
{
    int n = 0;
    out[n++] = (struct state_block){"", t->value};
    out[n++] = (struct state_block){"ema", t->ema.value};
    for (int i = 0; i < OPTIMIZER_STATES; i++) {
        const char *name;
        float *state = optimizer_state(t->optimizer, i, &name);
        if (state)
            out[n++] = (struct state_block){name, state};
    }
    out[n++] = (struct state_block){"grad", t->grad};
    return n;
}

static const char *tensor_name(struct arena *memory, const struct state_block *b, const struct param *p)
{
    return b->prefix[0] ? arena_printf(memory, "%s.%s", b->prefix, p->name) : p->name;
}

static enum status list_tensors(const struct trainer_state *t, struct arena *memory, struct safetensor_source **out,
                                int *count)
{
    struct state_block blocks[BLOCKS];
    const struct graph *g = t->config.graph;
    int n_blocks = list_blocks(t, blocks), n = 0;
    if (gradients_zero(t))
        n_blocks--;
    struct safetensor_source *list = arena_alloc(memory, (size_t)(n_blocks * g->n_params), sizeof *list);
    *out = list;
    *count = 0;
    if (!list)
        return E_NOMEM;
    for (int b = 0; b < n_blocks; b++) {
        for (int i = 0; i < g->n_params; i++) {
            const struct param *p = &g->params[i];
            struct safetensor_source *s = &list[n++];
            *s = (struct safetensor_source){.name = tensor_name(memory, &blocks[b], p),
                                            .dtype = DTYPE_F32,
                                            .rank = p->rank,
                                            .data = blocks[b].data + p->first};
            if (!s->name)
                return E_NOMEM;
            for (int k = 0; k < p->rank; k++)
                s->shape[k] = (size_t)p->shape[k];
        }
    }
    *count = n;
    return OK;
}

enum status state_write(const char *path, const struct state_subject *subject, const struct run_progress *progress,
                        struct trainer_state *trainer)
{
    enum status rc = OK;
    struct arena memory = {0};
    struct buf options = {0};
    struct safetensor_source *tensors = NULL;
    struct safetensors_text metadata[WEIGHTS_METADATA + 2];
    int count = 0, n_metadata = 0;
    char *run = progress_text(subject, progress, trainer);
    TRY_CLEAN(run ? OK : fail_memory(path, 0));
    TRY_CLEAN(weights_metadata(subject->weights, &memory, metadata, &n_metadata));
    TRY_CLEAN(run_options_write(subject->options, &options));
    metadata[n_metadata++] = (struct safetensors_text){"yolo9.options", options.data};
    metadata[n_metadata++] = (struct safetensors_text){"yolo9.run", run};
    if (trainer)
        TRY_CLEAN(list_tensors(trainer, &memory, &tensors, &count));
    TRY_CLEAN(safetensors_write(path, tensors, count, metadata, n_metadata));
cleanup:
    free(run);
    buf_free(&options);
    arena_free(&memory);
    return rc;
}

/* --- reading --- */

static enum status need_text(const struct state *s, const char *key, const char **text)
{
    *text = safetensors_metadata(&s->file, key);
    return *text ? OK : fail(E_FORMAT, "%s: this is no state of a training run: it has no %s", s->file.name, key);
}

static enum status need_int(const struct state *s, const json_t *root, const char *key, json_int_t low, json_int_t high,
                            json_int_t *out)
{
    const json_t *x = json_object_get(root, key);
    *out = json_integer_value(x);
    if (!json_is_integer(x) || *out < low || *out > high)
        return fail(E_FORMAT, "%s: %s is not what a state of a run has there", s->file.name, key);
    return OK;
}

static enum status need_doubles(const struct state *s, const json_t *list, const char *what, double *out, int n)
{
    if (!json_is_array(list) || json_array_size(list) != (size_t)n)
        return fail(E_FORMAT, "%s: %s must be %d numbers", s->file.name, what, n);
    for (int i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, (size_t)i);
        if (!json_is_number(x))
            return fail(E_FORMAT, "%s: %s must be %d numbers", s->file.name, what, n);
        out[i] = json_number_value(x);
    }
    return OK;
}

static enum status read_rows(struct state *s, const json_t *rows)
{
    double row[RESULT_COLUMNS];
    if (!json_is_array(rows) || json_array_size(rows) != (size_t)s->progress.epoch)
        return fail(E_FORMAT, "%s: it must have a row of results for each of %d epochs", s->file.name,
                    s->progress.epoch);
    for (int i = 0; i < s->progress.epoch; i++) {
        TRY(need_doubles(s, json_array_get(rows, (size_t)i), "a row of results", row, RESULT_COLUMNS));
        TRY(run_progress_add_row(&s->progress, row));
    }
    return OK;
}

static enum status read_progress(struct state *s, const json_t *root)
{
    struct run_progress *p = &s->progress;
    json_int_t epoch, batch, stop_epoch, data, version;
    TRY(need_int(s, root, "version", STATE_VERSION, STATE_VERSION, &version));
    TRY(run_progress_init(p, s->table.nc));
    TRY(need_int(s, root, "epoch", 0, 1 << 30, &epoch));
    TRY(need_int(s, root, "batch", 0, 1 << 30, &batch));
    TRY(need_int(s, root, "stop_epoch", 0, 1 << 30, &stop_epoch));
    TRY(need_int(s, root, "data", 0, INT64_MAX, &data));
    p->epoch = (int)epoch;
    p->batch = (long)batch;
    p->stop_epoch = (int)stop_epoch;
    s->data = (uint64_t)data << 1;
    TRY(need_doubles(s, json_object_get(root, "sum"), "sum", p->sum, LOSS_ITEMS));
    TRY(need_doubles(s, json_object_get(root, "metric"), "metric", p->metric, METRICS));
    TRY(need_doubles(s, json_object_get(root, "ap"), "ap", p->ap, p->nc));
    p->best_fitness = json_number_value(json_object_get(root, "best_fitness"));
    p->stop_fitness = json_number_value(json_object_get(root, "stop_fitness"));
    p->stopped = json_is_true(json_object_get(root, "stopped"));
    p->finished = json_is_true(json_object_get(root, "finished"));
    TRY(read_rows(s, json_object_get(root, "rows")));
    if (p->finished)
        return OK;
    json_int_t last_step, updates, steps;
    TRY(need_int(s, root, "last_step", -1, INT64_MAX, &last_step));
    TRY(need_int(s, root, "ema_updates", 0, INT64_MAX, &updates));
    TRY(need_int(s, root, "optimizer_steps", 0, INT64_MAX, &steps));
    s->last_step = (long)last_step;
    s->updates = (long)updates;
    s->steps = (long)steps;
    s->gradients = json_is_true(json_object_get(root, "gradients"));
    return OK;
}

enum status state_open(const char *path, struct state *s)
{
    enum status rc = OK;
    const char *table, *options, *run, *network;
    json_t *root = NULL;
    *s = (struct state){0};
    TRY_CLEAN(safetensors_open(path, &s->file));
    TRY_CLEAN(need_text(s, "yolo9.run", &run));
    TRY_CLEAN(need_text(s, "yolo9.table", &table));
    TRY_CLEAN(need_text(s, "yolo9.options", &options));
    TRY_CLEAN(table_read(table, strlen(table), path, &s->table));
    network = safetensors_metadata(&s->file, "yolo9.network");
    if (network) /* weights that the resumed run writes say the same as before */
        TRY_CLEAN(table_set_name(&s->table, network));
    TRY_CLEAN(run_options_read(path, options, strlen(options), &s->options));
    TRY_CLEAN(json_read_memory(path, run, strlen(run), NULL, &root));
    TRY_CLEAN(read_progress(s, root));
cleanup:
    json_decref(root);
    if (rc != OK)
        state_close(s);
    return rc;
}

static enum status load_block(const struct state *s, const struct graph *g, const struct state_block *b)
{
    struct arena memory = {0};
    enum status rc = OK;
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        const char *name = tensor_name(&memory, b, p);
        TRY_CLEAN(name ? OK : E_NOMEM);
        const struct safetensor *t = safetensors_find(&s->file, name);
        if (!t || t->dtype != DTYPE_F32 || t->count != p->count)
            TRY_CLEAN(fail(E_FORMAT, "%s: tensor %s is %s", s->file.name, name, t ? "of another shape" : "missing"));
        memcpy(b->data + p->first, t->data, t->bytes); /* data may lie at any address */
    }
cleanup:
    arena_free(&memory);
    return rc;
}

enum status state_load(const struct state *s, struct trainer_state *trainer)
{
    struct state_block blocks[BLOCKS];
    const struct graph *g = trainer->config.graph;
    int n = list_blocks(trainer, blocks);
    for (int b = 0; b < n - 1; b++)
        TRY(load_block(s, g, &blocks[b]));
    memset(trainer->grad, 0, g->param_floats * sizeof *trainer->grad);
    if (s->gradients)
        TRY(load_block(s, g, &blocks[n - 1]));
    trainer->last_step = s->last_step;
    trainer->ema.updates = s->updates;
    optimizer_set_steps(trainer->optimizer, s->steps);
    net_params_changed(trainer->net);
    return OK;
}

enum status state_check_classes(const struct state *s, const struct class_list *here, struct buf *words)
{
    enum status rc = OK;
    const char *text = safetensors_metadata(&s->file, "yolo9.names"), **names = NULL;
    int *map = NULL, n;
    enum class_match match = CLASSES_SAME;
    json_t *list = NULL;
    if (!text)
        return OK;
    TRY_CLEAN(json_read_memory(s->file.name, text, strlen(text), NULL, &list));
    n = (int)json_array_size(list);
    names = mem_calloc((size_t)n + 1, sizeof *names);
    map = mem_calloc((size_t)n + 1, sizeof *map);
    TRY_CLEAN(names && map ? OK : E_NOMEM);
    for (int i = 0; i < n; i++) {
        names[i] = json_string_value(json_array_get(list, (size_t)i));
        TRY_CLEAN(names[i] ? OK : fail(E_FORMAT, "%s: yolo9.names: class %d is not text", s->file.name, i));
    }
    const struct class_list before = {s->file.name, names, n};
    TRY_CLEAN(class_names_match(&before, here, map, &match, words));
    for (int i = 0; match == CLASSES_REORDERED && i < n; i++)
        if (map[i] != i)
            TRY_CLEAN(fail(E_ARGUMENT,
                           "%s: class %d is %s, but %s when the run began: the classes stand in another order; put "
                           "them back, or begin a new run",
                           here->source, i, here->names[i], names[i]));
cleanup:
    mem_free(names);
    mem_free(map);
    json_decref(list);
    return rc;
}

void state_close(struct state *s)
{
    safetensors_close(&s->file);
    run_options_free(&s->options);
    run_progress_free(&s->progress);
    table_free(&s->table);
    *s = (struct state){0};
}
