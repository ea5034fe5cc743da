/* Our own safetensors: a model from the tensors and the metadata of checkpoint.h. */
#include "formats/json.h"
#include "weights/checkpoint_parts.h"
#include "weights/naming.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 65536, MAX_STRIDES = 16 };

const char *checkpoint_metadata(const struct checkpoint *ckpt, const char *key)
{
    return ckpt->kind == CHECKPOINT_SAFETENSORS ? safetensors_metadata(&ckpt->safetensors, key) : NULL;
}

/* A JSON text among the metadata; *out is NULL where the key is absent. */
static enum status metadata_list(const struct checkpoint *ckpt, const char *key, size_t most, json_t **out)
{
    const char *text = checkpoint_metadata(ckpt, key);
    const struct json_limits limits = {.bytes = (size_t)8 << 20, .values = most + 1, .depth = 2};
    *out = NULL;
    if (!text)
        return OK;
    enum status rc = json_read_memory(key, text, strlen(text), &limits, out);
    if (rc != OK)
        return fail_prefix(rc, "%s", ckpt->path);
    if (json_is_array(*out))
        return OK;
    json_decref(*out);
    *out = NULL;
    return fail(E_FORMAT, "%s: %s is not a list", ckpt->path, key);
}

static enum status read_names(struct checkpoint *ckpt, struct checkpoint_model *model)
{
    json_t *list;
    enum status rc = metadata_list(ckpt, "yolo9.names", MAX_NAMES, &list);
    if (rc != OK || !list)
        return rc;
    int n = (int)json_array_size(list);
    const char **names = arena_alloc(&ckpt->arena, (size_t)n, sizeof *names);
    if (!names)
        rc = E_NOMEM;
    for (int i = 0; i < n && rc == OK; i++) {
        const char *name = json_string_value(json_array_get(list, (size_t)i));
        if (!name)
            rc = fail(E_FORMAT, "%s: yolo9.names: class %d is not text", ckpt->path, i);
        else if (!(names[i] = arena_strdup(&ckpt->arena, name)))
            rc = E_NOMEM;
    }
    json_decref(list);
    model->names = names;
    model->n_names = rc == OK ? n : 0;
    model->nc = rc == OK ? n : -1;
    return rc;
}

static enum status read_strides(struct checkpoint *ckpt, struct checkpoint_model *model)
{
    json_t *list;
    enum status rc = metadata_list(ckpt, "yolo9.strides", MAX_STRIDES, &list);
    if (rc != OK || !list)
        return rc;
    int n = (int)json_array_size(list);
    double *strides = arena_alloc(&ckpt->arena, (size_t)n, sizeof *strides);
    if (!strides)
        rc = E_NOMEM;
    for (int i = 0; i < n && rc == OK; i++) {
        strides[i] = json_number_value(json_array_get(list, (size_t)i));
        if (!(strides[i] > 0))
            rc = fail(E_FORMAT, "%s: yolo9.strides: level %d has none", ckpt->path, i);
    }
    json_decref(list);
    model->strides = strides;
    model->n_strides = rc == OK ? n : 0;
    return rc;
}

/* A number among the metadata; `absent` where the key is missing. */
static enum status read_number(const struct checkpoint *ckpt, const char *key, double low, double high, double *value)
{
    const char *text = checkpoint_metadata(ckpt, key);
    json_t *number;
    if (!text)
        return OK;
    enum status rc = json_read_memory(key, text, strlen(text), NULL, &number);
    if (rc != OK)
        return fail_prefix(rc, "%s", ckpt->path);
    *value = json_number_value(number);
    if (!json_is_number(number) || !(*value >= low && *value <= high))
        rc = fail(E_FORMAT, "%s: %s is no sensible number: %.40s", ckpt->path, key, text);
    json_decref(number);
    return rc;
}

/* "480 640" */
static enum status read_img(struct checkpoint *ckpt)
{
    const char *text = checkpoint_metadata(ckpt, "yolo9.img");
    long side[2];
    char *end = NULL;
    if (!text)
        return OK;
    for (int i = 0; i < 2; i++) {
        const char *at = i ? end : text;
        side[i] = strtol(at, &end, 10);
        if (end == at || side[i] < 1 || side[i] > CHECKPOINT_IMG_MOST || *end != (i ? 0 : ' '))
            return fail(E_FORMAT, "%s: yolo9.img is no height and width: %.40s", ckpt->path, text);
    }
    ckpt->img_h = (int)side[0];
    ckpt->img_w = (int)side[1];
    return OK;
}

static struct checkpoint_tensor row_major(const struct safetensor *from, size_t prefix)
{
    struct checkpoint_tensor t = {.name = from->name + prefix,
                                  .dtype = from->dtype,
                                  .rank = from->rank,
                                  .count = from->count,
                                  .contiguous = true,
                                  .data = from->data};
    size_t stride = 1;
    for (int i = t.rank - 1; i >= 0; i--) {
        t.shape[i] = from->shape[i];
        t.stride[i] = stride;
        stride *= MAX(from->shape[i], (size_t)1);
    }
    return t;
}

/* "ema.<name>" where the file has "<name>" as well */
static bool is_ema(const struct safetensors *st, const struct safetensor *t)
{
    return strncmp(t->name, "ema.", 4) == 0 && safetensors_find(st, t->name + 4);
}

enum status checkpoint_read_safetensors(struct checkpoint *ckpt)
{
    struct safetensors *st = &ckpt->safetensors;
    struct checkpoint_model *models = arena_alloc(&ckpt->arena, 2, sizeof *models), *raw = models, *ema;
    double epoch = -1, updates = -1;
    if (!models)
        return E_NOMEM;
    ema = models + 1;
    raw->nc = -1;
    raw->tensors = arena_alloc(&ckpt->arena, (size_t)st->count, sizeof *raw->tensors);
    ema->tensors = arena_alloc(&ckpt->arena, (size_t)st->count, sizeof *ema->tensors);
    if (!raw->tensors || !ema->tensors)
        return E_NOMEM;
    ckpt->metadata = st->metadata;
    ckpt->n_metadata = st->n_metadata;
    ckpt->form = checkpoint_metadata(ckpt, "yolo9.form");
    ckpt->date = checkpoint_metadata(ckpt, "yolo9.date");
    ckpt->options_text = checkpoint_metadata(ckpt, "yolo9.options");
    raw->table_text = checkpoint_metadata(ckpt, "yolo9.table");
    ckpt->network = checkpoint_metadata(ckpt, "yolo9.network");
    ckpt->recipe = checkpoint_metadata(ckpt, "yolo9.recipe");
    TRY(read_img(ckpt));
    TRY(read_names(ckpt, raw));
    TRY(read_strides(ckpt, raw));
    TRY(read_number(ckpt, "yolo9.epoch", -1, INT_MAX, &epoch));
    TRY(read_number(ckpt, "yolo9.updates", -1, INT_MAX, &updates));
    TRY(read_number(ckpt, "yolo9.best_fitness", -1e6, 1e6, &ckpt->best_fitness));
    ckpt->epoch = (int)epoch;
    ckpt->updates = (long)updates;
    struct checkpoint_model named = *raw;
    ema->table_text = named.table_text;
    ema->names = named.names;
    ema->n_names = named.n_names;
    ema->nc = named.nc;
    ema->strides = named.strides;
    ema->n_strides = named.n_strides;
    for (int i = 0; i < st->count; i++) {
        if (is_ema(st, &st->tensors[i]))
            ema->tensors[ema->count++] = row_major(&st->tensors[i], 4);
        else
            raw->tensors[raw->count++] = row_major(&st->tensors[i], 0);
    }
    TRY(checkpoint_index(ckpt, raw));
    TRY(checkpoint_index(ckpt, ema));
    struct checkpoint_model *beside = NULL, *none;
    TRY(naming_apply(ckpt, raw, &beside));
    if (ema->count)
        TRY(naming_apply(ckpt, ema, &none));
    ckpt->raw = raw->count || !ema->count ? raw : NULL;
    ckpt->ema = ema->count ? ema : beside;
    if (ckpt->raw && ckpt->ema && !naming_check_average(ckpt, ckpt->raw, ckpt->ema))
        ckpt->ema = NULL;
    return OK;
}
