#include "formats/torch_old.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROTOCOL = 1001, COUNT_BYTES = 8, MAX_STORAGES = 1 << 20 };

/* The pickle of the long integer 0x1950a86a20f9469cfc6c. */
static const unsigned char magic[] = {0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46,
                                      0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, '.'};

bool torch_old_probe(const void *bytes, size_t size)
{
    return size >= sizeof magic && !memcmp(bytes, magic, sizeof magic);
}

/* What is left to read. */
struct reader {
    const char *name;
    const unsigned char *p;
    size_t left;
};

static enum status next_pickle(struct reader *r, const char *what, struct pickle *out)
{
    char name[512];
    snprintf(name, sizeof name, "%s: %s", r->name, what);
    TRY(pickle_read(name, r->p, MIN(r->left, (size_t)PICKLE_MOST), out));
    r->p += out->used;
    r->left -= out->used;
    return OK;
}

/* The second and third pickle: the version, and how numbers lie in memory. */
static enum status read_header(struct reader *r)
{
    enum status rc = OK;
    struct pickle version = {0}, machine = {0};
    TRY_CLEAN(next_pickle(r, "the version", &version));
    TRY_CLEAN(next_pickle(r, "the writer's machine", &machine));
    const struct pickle_value *little = pickle_find(machine.root, "little_endian");
    if (version.root->type != PICKLE_INT || version.root->integer != PROTOCOL)
        TRY_CLEAN(fail(E_UNSUPPORTED, "%s: PyTorch's old layout in another version than %d", r->name, PROTOCOL));
    if (!little || little->type != PICKLE_BOOL)
        TRY_CLEAN(fail(E_FORMAT, "%s: PyTorch's old layout, which does not say the order of its bytes", r->name));
    if (!little->integer)
        TRY_CLEAN(fail(E_UNSUPPORTED, "%s: big-endian tensors are not supported", r->name));
cleanup:
    pickle_free(&version);
    pickle_free(&machine);
    return rc;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct torch_storage *)a)->key, ((const struct torch_storage *)b)->key);
}

static struct torch_storage *find_storage(const struct torch_file *file, const char *key)
{
    struct torch_storage wanted = {.key = key};
    return file->n_storages ? bsearch(&wanted, file->storages, (size_t)file->n_storages, sizeof *file->storages, by_key)
                            : NULL;
}

/* Only the persistent ids of the object say what the elements of a storage are. One key, one type. */
static enum status find_types(struct torch_file *file)
{
    const struct pickle_value *ids = file->pickle.persistent;
    for (uint32_t i = 0; ids && i < ids->count; i++) {
        const struct pickle_value *id = ids->items[i]->args;
        const char *key = id->type == PICKLE_TUPLE && id->count >= 5 ? torch_storage_key(id->items[2]) : NULL;
        struct torch_storage *s = key ? find_storage(file, key) : NULL;
        enum dtype dtype;
        if (!s || !torch_storage_type(id->items[1], &dtype))
            continue; /* told where a tensor wants it */
        if (s->typed && s->dtype != dtype)
            return fail(E_FORMAT, "%s: storage %.40s has elements of two types", file->name, key);
        s->dtype = dtype;
        s->typed = true;
    }
    return OK;
}

/* The storages in the order of their keys; `order` gives each its place in the sorted list. */
static enum status read_storages(struct torch_file *file, const struct pickle_value *keys, struct reader *r)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        struct torch_storage *s = find_storage(file, pickle_text(keys->items[i]));
        uint64_t count = 0;
        if (r->left < COUNT_BYTES)
            return fail(E_FORMAT, "%s: the file ends before storage %.40s (truncated?)", file->name, s->key);
        for (int k = COUNT_BYTES - 1; k >= 0; k--)
            count = count << 8 | r->p[k];
        r->p += COUNT_BYTES;
        r->left -= COUNT_BYTES;
        if (!s->typed)
            return fail(E_FORMAT, "%s: nothing says what the elements of storage %.40s are", file->name, s->key);
        if (count > r->left / dtype_size(s->dtype))
            return fail(E_FORMAT, "%s: the file ends inside storage %.40s (truncated?)", file->name, s->key);
        s->data = r->p;
        s->count = (size_t)count;
        r->p += s->count * dtype_size(s->dtype);
        r->left -= s->count * dtype_size(s->dtype);
    }
    return OK;
}

static enum status read_keys(struct torch_file *file, struct reader *r)
{
    TRY(next_pickle(r, "the list of storages", &file->keys));
    const struct pickle_value *list = file->keys.root;
    if (list->type != PICKLE_LIST || list->count > MAX_STORAGES)
        return fail(E_FORMAT, "%s: PyTorch's old layout without a list of its storages", file->name);
    file->storages = arena_alloc(&file->arena, list->count, sizeof *file->storages);
    if (!file->storages)
        return E_NOMEM;
    for (uint32_t i = 0; i < list->count; i++) {
        file->storages[i].key = torch_storage_key(list->items[i]);
        if (!file->storages[i].key)
            return fail(E_FORMAT, "%s: PyTorch's old layout with a storage whose key is no short text", file->name);
        file->n_storages++;
    }
    qsort(file->storages, (size_t)file->n_storages, sizeof *file->storages, by_key);
    for (int i = 0; i + 1 < file->n_storages; i++) {
        if (!strcmp(file->storages[i].key, file->storages[i + 1].key))
            return fail(E_FORMAT, "%s: two storages %.40s", file->name, file->storages[i].key);
    }
    TRY(find_types(file));
    TRY(read_storages(file, list, r));
    return OK;
}

enum status torch_old_open(struct torch_file *file, const void *bytes, size_t size)
{
    struct reader r = {file->name, (const unsigned char *)bytes + sizeof magic, size - sizeof magic};
    TRY(read_header(&r));
    TRY(next_pickle(&r, "the object", &file->pickle));
    return read_keys(file, &r);
}

/* (key, offset, size): a window of the storage; None: all of it. */
static enum status take_window(const struct torch_file *file, const struct pickle_value *view, const char *what,
                               struct torch_storage *s)
{
    if (view->type == PICKLE_NONE)
        return OK;
    if (view->type != PICKLE_TUPLE || view->count != 3 || view->items[1]->type != PICKLE_INT ||
        view->items[2]->type != PICKLE_INT || view->items[1]->integer < 0 || view->items[2]->integer < 0)
        return fail(E_FORMAT, "%s: %s: its window of a storage is broken", file->name, what);
    uint64_t offset = (uint64_t)view->items[1]->integer, size = (uint64_t)view->items[2]->integer;
    if (offset > s->count || size > s->count - offset)
        return fail(E_FORMAT, "%s: %s: its window lies outside its storage", file->name, what);
    s->data += (size_t)offset * dtype_size(s->dtype);
    s->count = (size_t)size;
    return OK;
}

enum status torch_old_storage(const struct torch_file *file, const struct pickle_value *id, const char *what,
                              struct torch_storage *out)
{
    const struct torch_storage *s = find_storage(file, pickle_text(id->items[2]));
    if (!s)
        return fail(E_FORMAT, "%s: %s: its storage, %.40s, is missing", file->name, what, pickle_text(id->items[2]));
    *out = *s;
    return id->count > 5 ? take_window(file, id->items[5], what, out) : OK;
}
