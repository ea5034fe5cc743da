#include "formats/torch_file.h"

#include "formats/torch_old.h"

#include <stdio.h>
#include <string.h>

/* Deflated archives may grow to this; torch stores its members, so only repacked files need it. */
static size_t inflate_limit(size_t file_size)
{
    size_t base = (size_t)64 << 20, most = (size_t)4 << 30;
    return file_size > (most - base) / 100 ? most : base + 100 * file_size;
}

/* A TorchScript archive holds code beside its tensors: "<stem>/code/..." and "<stem>/constants.pkl". */
static enum status refuse_program(const struct torch_file *file)
{
    for (int i = 0; i < file->zip.count; i++) {
        const char *name = file->zip.members[i].name, *slash = strchr(name, '/');
        if (slash && (!strncmp(slash, "/code/", 6) || !strcmp(slash, "/constants.pkl")))
            return fail(E_UNSUPPORTED,
                        "%s: it holds a program (TorchScript), not only weights; save the model's state dict instead",
                        file->name);
    }
    return OK;
}

/* The archive holds one pickle, "<stem>/data.pkl"; <stem> was the file's name when it was written. */
static enum status find_pickle(struct torch_file *file, struct zipfile_member **out)
{
    static const char tail[] = "data.pkl";
    *out = NULL;
    for (int i = 0; i < file->zip.count; i++) {
        const char *name = file->zip.members[i].name, *slash = strrchr(name, '/');
        if (!slash || strcmp(slash + 1, tail) != 0)
            continue;
        if (*out)
            return fail(E_FORMAT, "%s: two pickles, %s and %s", file->name, (*out)->name, name);
        *out = &file->zip.members[i];
    }
    if (!*out)
        return fail(E_FORMAT, "%s: a zip archive, but not one that torch.save wrote (no data.pkl)", file->name);
    file->prefix = arena_strdup(&file->arena, (*out)->name);
    if (!file->prefix)
        return E_NOMEM;
    file->prefix[strlen(file->prefix) - (sizeof tail - 1)] = 0;
    return OK;
}

static struct zipfile_member *find_member(const struct torch_file *file, const char *name)
{
    char path[512];
    size_t n = strlen(file->prefix), m = strlen(name);
    if (n + m >= sizeof path)
        return NULL;
    memcpy(path, file->prefix, n);
    memcpy(path + n, name, m + 1);
    return zipfile_find(&file->zip, path);
}

static enum status check_byte_order(struct torch_file *file)
{
    const unsigned char *data;
    struct zipfile_member *member = find_member(file, "byteorder");
    if (!member)
        return OK; /* older writers: always little */
    enum status rc = zipfile_read(&file->zip, member, &data);
    if (rc == OK && (member->size != 6 || memcmp(data, "little", 6) != 0))
        rc = fail(E_UNSUPPORTED, "%s: big-endian tensors are not supported", file->name);
    return rc;
}

static enum status refuse_bare(const struct torch_file *file)
{
    return fail(E_FORMAT,
                "%s: a bare pickle, or a file in PyTorch's old layout that is damaged: neither layout of torch.save "
                "begins like this",
                file->name);
}

static enum status open_archive(struct torch_file *file, const void *bytes, size_t size)
{
    const unsigned char *data;
    struct zipfile_member *member;
    TRY(zipfile_open_memory(file->name, bytes, size, inflate_limit(size), &file->zip));
    TRY(refuse_program(file));
    TRY(find_pickle(file, &member));
    TRY(check_byte_order(file));
    TRY(zipfile_read(&file->zip, member, &data));
    TRY(pickle_read(file->name, data, member->size, &file->pickle));
    return OK;
}

enum status torch_file_open_memory(const char *name, const void *bytes, size_t size, struct torch_file *file)
{
    *file = (struct torch_file){0};
    arena_init(&file->arena);
    file->name = arena_strdup(&file->arena, name);
    bool known = zipfile_probe(bytes, size) || torch_old_probe(bytes, size);
    enum status rc = !file->name                    ? E_NOMEM
                     : !known                       ? refuse_bare(file)
                     : torch_old_probe(bytes, size) ? torch_old_open(file, bytes, size)
                                                    : open_archive(file, bytes, size);
    if (rc != OK)
        torch_file_close(file);
    return rc;
}

void torch_file_close(struct torch_file *file)
{
    pickle_free(&file->pickle);
    pickle_free(&file->keys);
    zipfile_close(&file->zip);
    file_map_close(&file->map);
    arena_free(&file->arena);
    *file = (struct torch_file){0};
}

static bool is_rebuild(const struct pickle_value *value, const char *name)
{
    return value && value->type == PICKLE_OBJECT && pickle_is_global(value->callee, "torch._utils", name);
}

static bool is_parameter(const struct pickle_value *value)
{
    return is_rebuild(value, "_rebuild_parameter");
}

static bool is_bare_tensor(const struct pickle_value *value)
{
    return is_rebuild(value, "_rebuild_tensor_v2") || is_rebuild(value, "_rebuild_tensor");
}

bool torch_is_tensor(const struct pickle_value *value)
{
    return is_bare_tensor(value) || is_parameter(value);
}

/* Member <stem>/data/<key> of the archive. */
static enum status member_storage(struct torch_file *file, const char *key, size_t elements, const char *what,
                                  struct torch_storage *out)
{
    char name[TORCH_KEY_MOST + 8];
    snprintf(name, sizeof name, "data/%s", key);
    struct zipfile_member *member = find_member(file, name);
    if (!member)
        return fail(E_FORMAT, "%s: %s: its data, %s%s, is missing", file->name, what, file->prefix, name);
    if (elements > member->size / dtype_size(out->dtype))
        return fail(E_FORMAT, "%s: %s: %zu elements in %zu bytes of data", file->name, what, elements, member->size);
    out->count = elements;
    return zipfile_read(&file->zip, member, &out->data);
}

/* ('storage', torch.<T>Storage, key, location, element count, window); the location is ignored, the last one occurs in
 * the old layout only. */
static enum status find_storage(struct torch_file *file, const struct pickle_value *storage, const char *what,
                                struct torch_storage *out)
{
    const struct pickle_value *id = storage->type == PICKLE_PERSISTENT ? storage->args : NULL;
    if (!id || id->type != PICKLE_TUPLE || id->count < 5 || !torch_storage_key(id->items[2]) ||
        id->items[1]->type != PICKLE_GLOBAL || id->items[4]->type != PICKLE_INT)
        return fail(E_FORMAT, "%s: %s: its storage is not described as torch does", file->name, what);
    if (id->items[4]->integer < 0)
        return fail(E_FORMAT, "%s: %s: a storage of %lld elements", file->name, what, (long long)id->items[4]->integer);
    *out = (struct torch_storage){0};
    if (!torch_storage_type(id->items[1], &out->dtype))
        return fail(E_UNSUPPORTED, "%s: %s: elements of torch type %.60s are not supported", file->name, what,
                    pickle_global_name(id->items[1]));
    if (!file->prefix)
        return torch_old_storage(file, id, what, out);
    return member_storage(file, pickle_text(id->items[2]), (size_t)id->items[4]->integer, what, out);
}

static enum status read_layout(const struct torch_file *file, const struct pickle_value *shape,
                               const struct pickle_value *stride, const char *what, struct torch_tensor *t)
{
    if (shape->type != PICKLE_TUPLE || stride->type != PICKLE_TUPLE || shape->count != stride->count)
        return fail(E_FORMAT, "%s: %s: broken shape", file->name, what);
    if (shape->count > TORCH_RANK)
        return fail(E_LIMIT, "%s: %s: %u dimensions, the limit is %d", file->name, what, shape->count, TORCH_RANK);
    t->rank = (int)shape->count;
    t->count = 1;
    t->contiguous = true;
    for (int i = t->rank - 1; i >= 0; i--) {
        const struct pickle_value *size = shape->items[i], *step = stride->items[i];
        if (size->type != PICKLE_INT || step->type != PICKLE_INT || size->integer < 0 || step->integer < 0)
            return fail(E_FORMAT, "%s: %s: broken shape", file->name, what);
        t->shape[i] = (size_t)size->integer;
        t->stride[i] = (size_t)step->integer;
        t->contiguous &= t->shape[i] == 1 || t->stride[i] == t->count;
        if (__builtin_mul_overflow(t->count, t->shape[i], &t->count))
            return fail(E_FORMAT, "%s: %s: the product of its dimensions overflows", file->name, what);
    }
    return OK;
}

/* The last element must lie inside, and there must not be more elements than the storage has: a view that repeats
 * its storage would turn few bytes into much memory. */
static enum status check_reach(const struct torch_file *file, const struct torch_tensor *t, const char *what,
                               size_t offset, size_t storage)
{
    size_t last = offset;
    if (t->count == 0)
        return OK;
    if (t->count > storage)
        return fail(E_FORMAT, "%s: %s: %zu elements in a storage of %zu", file->name, what, t->count, storage);
    for (int i = 0; i < t->rank; i++) {
        size_t reach;
        if (__builtin_mul_overflow(t->shape[i] - 1, t->stride[i], &reach) || __builtin_add_overflow(last, reach, &last))
            return fail(E_FORMAT, "%s: %s: it lies outside its storage", file->name, what);
    }
    if (last >= storage)
        return fail(E_FORMAT, "%s: %s: it reaches element %zu of a storage of %zu", file->name, what, last, storage);
    return OK;
}

enum status torch_file_tensor(struct torch_file *file, const struct pickle_value *value, const char *what,
                              struct torch_tensor *out)
{
    *out = (struct torch_tensor){.parameter = is_parameter(value)};
    if (out->parameter) { /* (tensor, requires_grad, hooks) */
        const struct pickle_value *args = value->args;
        if (args->count < 2)
            return fail(E_FORMAT, "%s: %s: broken parameter", file->name, what);
        out->requires_grad = args->items[1]->type == PICKLE_BOOL && args->items[1]->integer;
        value = args->items[0];
    }
    /* (storage, offset, size, stride, ...) */
    if (!is_bare_tensor(value) || value->args->count < 4 || value->args->items[1]->type != PICKLE_INT ||
        value->args->items[1]->integer < 0)
        return fail(E_FORMAT, "%s: %s: not a tensor that this program knows", file->name, what);
    struct pickle_value *const *args = value->args->items;
    size_t offset = (size_t)args[1]->integer;
    struct torch_storage storage;
    TRY(find_storage(file, args[0], what, &storage));
    TRY(read_layout(file, args[2], args[3], what, out));
    TRY(check_reach(file, out, what, offset, storage.count));
    out->dtype = storage.dtype;
    out->data = out->count ? storage.data + offset * dtype_size(out->dtype) : storage.data;
    return OK;
}

void torch_tensor_read_f32(const struct torch_tensor *t, float *dst)
{
    if (t->count == 0)
        return;
    if (t->contiguous) {
        dtype_read_f32(t->dtype, t->data, t->count, dst);
        return;
    }
    size_t index[TORCH_RANK] = {0}, at = 0, size = dtype_size(t->dtype);
    for (size_t i = 0; i < t->count; i++) {
        dst[i] = (float)dtype_get(t->dtype, t->data + at * size);
        for (int d = t->rank - 1; d >= 0; d--) { /* count up in row-major order */
            at += t->stride[d];
            if (++index[d] < t->shape[d])
                break;
            at -= t->stride[d] * t->shape[d];
            index[d] = 0;
        }
    }
}

/* numpy.dtype('f8', ...): kind and size of an element */
static bool numpy_dtype(const struct pickle_value *value, enum dtype *dtype)
{
    static const struct {
        const char *code;
        enum dtype dtype;
    } codes[] = {{"f8", DTYPE_F64}, {"f4", DTYPE_F32}, {"f2", DTYPE_F16}, {"i8", DTYPE_I64}, {"i4", DTYPE_I32}};
    if (!value || value->type != PICKLE_OBJECT || !pickle_is_global(value->callee, "numpy", "dtype") ||
        value->args->count < 1)
        return false;
    const char *code = pickle_text(value->args->items[0]);
    for (int i = 0; code && i < COUNT(codes); i++) {
        if (strcmp(code, codes[i].code) == 0) {
            *dtype = codes[i].dtype;
            return true;
        }
    }
    return false;
}

bool torch_number(const struct pickle_value *value, double *out)
{
    enum dtype dtype;
    const struct pickle_value *type = NULL, *bytes = NULL;
    if (!value)
        return false;
    if (value->type == PICKLE_INT || value->type == PICKLE_BOOL) {
        *out = (double)value->integer;
        return true;
    }
    if (value->type == PICKLE_FLOAT) {
        *out = value->real;
        return true;
    }
    if (value->type != PICKLE_OBJECT || value->callee->type != PICKLE_GLOBAL)
        return false;
    const char *callee = pickle_global_name(value->callee);
    if (strcmp(callee, "scalar") == 0 && value->args->count == 2) { /* scalar(dtype, bytes) */
        type = value->args->items[0];
        bytes = value->args->items[1];
    } else if (strcmp(callee, "_reconstruct") == 0 && value->state && value->state->type == PICKLE_TUPLE &&
               value->state->count == 5) { /* state: (version, shape, dtype, fortran order, bytes) */
        type = value->state->items[2];
        bytes = value->state->items[4];
    }
    if (!bytes || bytes->type != PICKLE_BYTES || !numpy_dtype(type, &dtype) || bytes->count != dtype_size(dtype))
        return false;
    *out = dtype_get(dtype, bytes->text);
    return true;
}
