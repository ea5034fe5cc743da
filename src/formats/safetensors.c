#include "formats/safetensors.h"

#include "formats/json.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8 };

/* 2 million values are some 300 000 tensors; the largest official network has 2 000. */
static const struct json_limits header_limits = {.bytes = (size_t)100 << 20, .values = 2000000, .depth = 8};

/* a * b, or false where that overflows */
static bool multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

static enum status read_shape(const struct safetensors *st, const json_t *shape, struct safetensor *t)
{
    if (!json_is_array(shape))
        return fail(E_FORMAT, "%s: tensor %s has no shape", st->name, t->name);
    if (json_array_size(shape) > SAFETENSORS_RANK)
        return fail(E_LIMIT, "%s: tensor %s has %zu dimensions, the limit is %d", st->name, t->name,
                    json_array_size(shape), SAFETENSORS_RANK);
    t->rank = (int)json_array_size(shape);
    t->count = 1;
    for (int i = 0; i < t->rank; i++) {
        const json_t *dim = json_array_get(shape, (size_t)i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return fail(E_FORMAT, "%s: tensor %s: dimension %d is not a size", st->name, t->name, i);
        t->shape[i] = (size_t)json_integer_value(dim);
        if (!multiply(t->count, t->shape[i], &t->count))
            return fail(E_FORMAT, "%s: tensor %s: the product of its dimensions overflows", st->name, t->name);
    }
    if (!multiply(t->count, dtype_size(t->dtype), &t->bytes))
        return fail(E_FORMAT, "%s: tensor %s: the product of its dimensions overflows", st->name, t->name);
    return OK;
}

static enum status read_tensor(const struct safetensors *st, const json_t *entry, const unsigned char *data,
                               size_t data_size, struct safetensor *t)
{
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (!dtype)
        return fail(E_FORMAT, "%s: tensor %s has no dtype", st->name, t->name);
    if (!dtype_from_name(dtype, &t->dtype))
        return fail(E_UNSUPPORTED, "%s: tensor %s has the dtype %s, which is not supported", st->name, t->name, dtype);
    enum status rc = read_shape(st, json_object_get(entry, "shape"), t);
    if (rc != OK)
        return rc;
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last) ||
        json_integer_value(first) < 0 || json_integer_value(last) < json_integer_value(first))
        return fail(E_FORMAT, "%s: tensor %s has no valid data_offsets", st->name, t->name);
    size_t begin = (size_t)json_integer_value(first), end = (size_t)json_integer_value(last);
    if (end > data_size)
        return fail(E_FORMAT, "%s: tensor %s ends at byte %zu of %zu bytes of data", st->name, t->name, end, data_size);
    if (end - begin != t->bytes)
        return fail(E_FORMAT, "%s: tensor %s has %zu bytes, its shape needs %zu", st->name, t->name, end - begin,
                    t->bytes);
    t->data = data + begin;
    return OK;
}

static int by_name(const void *a, const void *b)
{
    const struct safetensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int by_place(const void *a, const void *b)
{
    const struct safetensor *const *x = a, *const *y = b;
    if ((*x)->data != (*y)->data)
        return (*x)->data < (*y)->data ? -1 : 1;
    return ((*x)->bytes > (*y)->bytes) - ((*x)->bytes < (*y)->bytes);
}

/* The ranges, in order of place, must cover the data without hole or overlap. Leaves `sorted` by name. */
static enum status check_places(struct safetensors *st, const unsigned char *data, size_t data_size)
{
    const unsigned char *end = data;
    qsort(st->sorted, (size_t)st->count, sizeof *st->sorted, by_place);
    for (int i = 0; i < st->count; i++) {
        const struct safetensor *t = st->sorted[i];
        if (t->data < end)
            return fail(E_FORMAT, "%s: tensor %s overlaps another one", st->name, t->name);
        if (t->data > end)
            return fail(E_FORMAT, "%s: bytes before tensor %s belong to no tensor", st->name, t->name);
        end += t->bytes;
    }
    if (end != data + data_size)
        return fail(E_FORMAT, "%s: the last %zu bytes belong to no tensor", st->name, data_size - (size_t)(end - data));
    qsort(st->sorted, (size_t)st->count, sizeof *st->sorted, by_name);
    return OK;
}

static enum status read_metadata(struct safetensors *st, json_t *metadata)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return fail(E_FORMAT, "%s: __metadata__ is not an object", st->name);
    st->metadata = arena_alloc(&st->arena, json_object_size(metadata), sizeof *st->metadata);
    if (!st->metadata)
        return E_NOMEM;
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value))
            return fail(E_FORMAT, "%s: __metadata__ %s is not a string", st->name, key);
        struct safetensors_text text = {arena_strdup(&st->arena, key),
                                        arena_strdup(&st->arena, json_string_value(value))};
        if (!text.key || !text.value)
            return E_NOMEM;
        st->metadata[st->n_metadata++] = text;
    }
    return OK;
}

static enum status read_header(struct safetensors *st, json_t *root, const unsigned char *data, size_t data_size)
{
    const char *key;
    json_t *entry;
    size_t entries = json_object_size(root);
    st->tensors = arena_alloc(&st->arena, entries, sizeof *st->tensors);
    st->sorted = arena_alloc(&st->arena, entries, sizeof *st->sorted);
    if (!st->tensors || !st->sorted)
        return E_NOMEM;
    json_object_foreach(root, key, entry)
    {
        enum status rc;
        if (strcmp(key, "__metadata__") == 0) {
            rc = read_metadata(st, entry);
        } else {
            struct safetensor *t = &st->tensors[st->count];
            t->name = arena_strdup(&st->arena, key);
            if (!t->name)
                return E_NOMEM;
            rc = read_tensor(st, entry, data, data_size, t);
            st->sorted[st->count++] = t;
        }
        if (rc != OK)
            return rc;
    }
    return check_places(st, data, data_size);
}

static enum status parse(struct safetensors *st, const unsigned char *bytes, size_t size)
{
    uint64_t length = 0;
    if (size < LENGTH_BYTES)
        return fail(E_FORMAT, "%s: %zu bytes are too few for a safetensors file", st->name, size);
    for (int i = 0; i < LENGTH_BYTES; i++)
        length |= (uint64_t)bytes[i] << (8 * i);
    if (length > header_limits.bytes)
        return fail(E_LIMIT, "%s: header of %llu bytes, the limit is %zu", st->name, (unsigned long long)length,
                    header_limits.bytes);
    if (length > size - LENGTH_BYTES)
        return fail(E_FORMAT, "%s: header of %llu bytes in a file of %zu bytes", st->name, (unsigned long long)length,
                    size);
    json_t *root = NULL;
    enum status rc = json_read_memory(st->name, bytes + LENGTH_BYTES, (size_t)length, &header_limits, &root);
    if (rc == OK && !json_is_object(root))
        rc = fail(E_FORMAT, "%s: the header is not a JSON object", st->name);
    if (rc == OK)
        rc = read_header(st, root, bytes + LENGTH_BYTES + length, size - LENGTH_BYTES - (size_t)length);
    json_decref(root);
    return rc;
}

enum status safetensors_open_memory(const char *name, const void *bytes, size_t size, struct safetensors *st)
{
    *st = (struct safetensors){0};
    arena_init(&st->arena);
    st->name = arena_strdup(&st->arena, name);
    enum status rc = st->name ? parse(st, bytes, size) : E_NOMEM;
    if (rc != OK)
        safetensors_close(st);
    return rc;
}

enum status safetensors_open(const char *path, struct safetensors *st)
{
    struct file_map map;
    *st = (struct safetensors){0};
    enum status rc = file_map_open(path, &map);
    if (rc != OK)
        return rc;
    rc = safetensors_open_memory(path, map.data, map.size, st);
    if (rc != OK)
        file_map_close(&map);
    else
        st->map = map;
    return rc;
}

void safetensors_close(struct safetensors *st)
{
    arena_free(&st->arena);
    file_map_close(&st->map);
    *st = (struct safetensors){0};
}

const struct safetensor *safetensors_find(const struct safetensors *st, const char *name)
{
    struct safetensor wanted = {.name = name}, *key = &wanted;
    struct safetensor **found = NULL;
    if (st->count)
        found = bsearch(&key, st->sorted, (size_t)st->count, sizeof *st->sorted, by_name);
    return found ? *found : NULL;
}

const char *safetensors_metadata(const struct safetensors *st, const char *key)
{
    for (int i = 0; i < st->n_metadata; i++) {
        if (strcmp(st->metadata[i].key, key) == 0)
            return st->metadata[i].value;
    }
    return NULL;
}

void safetensor_read_f32(const struct safetensor *t, float *dst)
{
    dtype_read_f32(t->dtype, t->data, t->count, dst);
}
