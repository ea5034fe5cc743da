#include "weights/checkpoint.h"

#include "formats/json.h"
#include "weights/checkpoint_torch.h"
#include "weights/naming.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 65536, MAX_STRIDES = 16 };

static int by_name(const void *a, const void *b)
{
    const struct checkpoint_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

enum status checkpoint_index(struct checkpoint *ckpt, struct checkpoint_model *model)
{
    struct checkpoint_tensor **sorted = arena_alloc(&ckpt->arena, (size_t)model->count, sizeof *sorted);
    if (!sorted)
        return E_NOMEM;
    for (int i = 0; i < model->count; i++)
        sorted[i] = &model->tensors[i];
    qsort(sorted, (size_t)model->count, sizeof *sorted, by_name);
    for (int i = 0; i + 1 < model->count; i++) {
        if (strcmp(sorted[i]->name, sorted[i + 1]->name) == 0)
            return fail(E_FORMAT, "%s: two tensors named %s", ckpt->path, sorted[i]->name);
    }
    model->sorted = sorted;
    return OK;
}

const struct checkpoint_tensor *checkpoint_find(const struct checkpoint_model *model, const char *name)
{
    struct checkpoint_tensor wanted = {.name = name}, *key = &wanted;
    struct checkpoint_tensor **found = NULL;
    if (model->count)
        found = bsearch(&key, model->sorted, (size_t)model->count, sizeof *model->sorted, by_name);
    return found ? *found : NULL;
}

const char *checkpoint_metadata(const struct checkpoint *ckpt, const char *key)
{
    return ckpt->kind == CHECKPOINT_SAFETENSORS ? safetensors_metadata(&ckpt->safetensors, key) : NULL;
}

void checkpoint_read_f32(const struct checkpoint_tensor *t, float *dst)
{
    struct torch_tensor view = {
        .dtype = t->dtype, .rank = t->rank, .count = t->count, .contiguous = t->contiguous, .data = t->data};
    memcpy(view.shape, t->shape, sizeof view.shape);
    memcpy(view.stride, t->stride, sizeof view.stride);
    torch_tensor_read_f32(&view, dst);
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

static enum status read_safetensors(struct checkpoint *ckpt)
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
    return OK;
}

/* safetensors begin with a length below 2^32 and then a brace */
static bool looks_like_safetensors(const unsigned char *bytes, size_t size)
{
    return size >= 9 && memcmp(bytes + 4, "\0\0\0\0{", 5) == 0;
}

/* What is often found under the name of a weight file; the sentence says which it is. */
static enum status refuse_kind(const char *path, const unsigned char *bytes, size_t size)
{
    static const struct {
        const char *magic;
        size_t at, n;
        const char *words;
    } kinds[] = {
        {"ustar", 257, 5, "a tar archive; PyTorch wrote such checkpoints until 2017, which are too old"},
        {"version https://git-lfs", 0, 23,
         "a Git LFS pointer, not the weights it stands for; git lfs pull fetches them"},
        {"<", 0, 1, "a web page or XML, not weights; the download went wrong"},
        {"{", 0, 1, "a JSON text, not weights"},
        {"\x1F\x8B", 0, 2, "a gzip archive; unpack it first"},
        {"\x89HDF", 0, 4, "an HDF5 file (Keras); only PyTorch and safetensors files are read"},
        {"TFL3", 4, 4, "a TensorFlow Lite model; only PyTorch and safetensors files are read"},
        {"GGUF", 0, 4, "a GGUF file; only PyTorch and safetensors files are read"},
        {"ftrt", 0, 4, "a TensorRT engine; only PyTorch and safetensors files are read"},
        {"\x08", 0, 1, "it looks like an ONNX model; only the PyTorch or safetensors weights it was made of are read"},
    };
    size_t blanks = size >= 3 && !memcmp(bytes, "\xEF\xBB\xBF", 3) ? 3 : 0;
    while (blanks < size && isspace(bytes[blanks]))
        blanks++;
    if (!size)
        return fail(E_FORMAT, "%s: the file is empty", path);
    if (blanks < size && (bytes[blanks] == '<' || bytes[blanks] == '{')) {
        bytes += blanks;
        size -= blanks;
    }
    for (int i = 0; i < COUNT(kinds); i++)
        if (size >= kinds[i].at + kinds[i].n && !memcmp(bytes + kinds[i].at, kinds[i].magic, kinds[i].n))
            return fail(E_UNSUPPORTED, "%s: %s", path, kinds[i].words);
    return fail(E_FORMAT, "%s: neither a PyTorch checkpoint nor a safetensors file", path);
}

static enum status read_any(struct checkpoint *ckpt, const unsigned char *bytes, size_t size)
{
    enum status rc;
    if (looks_like_safetensors(bytes, size)) {
        ckpt->kind = CHECKPOINT_SAFETENSORS;
        rc = safetensors_open_memory(ckpt->path, bytes, size, &ckpt->safetensors);
        return rc == OK ? read_safetensors(ckpt) : rc;
    }
    if (zipfile_probe(bytes, size) || (size && bytes[0] == 0x80)) {
        ckpt->kind = CHECKPOINT_TORCH;
        rc = torch_file_open_memory(ckpt->path, bytes, size, &ckpt->torch);
        return rc == OK ? checkpoint_read_torch(ckpt) : rc;
    }
    return refuse_kind(ckpt->path, bytes, size);
}

enum status checkpoint_open_memory(const char *name, const void *bytes, size_t size, struct checkpoint *ckpt)
{
    *ckpt = (struct checkpoint){.epoch = -1, .updates = -1, .best_fitness = NAN};
    arena_init(&ckpt->arena);
    ckpt->path = arena_strdup(&ckpt->arena, name);
    enum status rc = ckpt->path ? read_any(ckpt, bytes, size) : E_NOMEM;
    if (rc != OK) {
        checkpoint_close(ckpt);
        return rc;
    }
    ckpt->from_ema = ckpt->ema != NULL;
    ckpt->model = ckpt->ema ? ckpt->ema : ckpt->raw;
    assert(ckpt->model);
    return OK;
}

enum status checkpoint_open(const char *path, struct checkpoint *ckpt)
{
    struct file_map map;
    *ckpt = (struct checkpoint){0};
    enum status rc = file_map_open(path, &map);
    if (rc != OK)
        return rc;
    rc = checkpoint_open_memory(path, map.data, map.size, ckpt);
    if (rc != OK)
        file_map_close(&map);
    else if (ckpt->kind == CHECKPOINT_TORCH) /* the file's handle closes the mapping */
        ckpt->torch.map = map;
    else
        ckpt->safetensors.map = map;
    return rc;
}

void checkpoint_close(struct checkpoint *ckpt)
{
    arena_free(&ckpt->arena);
    torch_file_close(&ckpt->torch);
    safetensors_close(&ckpt->safetensors);
    *ckpt = (struct checkpoint){0};
}
