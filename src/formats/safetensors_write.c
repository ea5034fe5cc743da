#include "formats/json.h"
#include "formats/safetensors.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, CONVERT_CHUNK = 4096 };

/* Append `text` as a JSON string. */
static enum status append_string(struct buf *header, const char *path, const char *text)
{
    json_t *string = json_string(text);
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    json_decref(string);
    if (!quoted)
        return fail(E_ARGUMENT, "%s: a name or metadata text is not UTF-8", path);
    enum status rc = buf_append(header, quoted, strlen(quoted));
    free(quoted);
    return rc;
}

static enum status append_tensor(struct buf *header, const char *path, const struct safetensor_source *t,
                                 size_t *offset, bool first)
{
    size_t bytes = dtype_size(t->dtype);
    assert(t->rank >= 0 && t->rank <= SAFETENSORS_RANK);
    TRY(buf_append(header, ",", first ? 0 : 1));
    TRY(append_string(header, path, t->name));
    TRY(buf_printf(header, ":{\"dtype\":\"%s\",\"shape\":[", dtype_name(t->dtype)));
    for (int i = 0; i < t->rank; i++) {
        TRY(buf_printf(header, "%s%zu", i ? "," : "", t->shape[i]));
        if (__builtin_mul_overflow(bytes, t->shape[i], &bytes))
            return fail(E_ARGUMENT, "%s: tensor %s: the product of its dimensions overflows", path, t->name);
    }
    if (bytes > SIZE_MAX / 2 - *offset)
        return fail(E_ARGUMENT, "%s: tensor %s does not fit into one file", path, t->name);
    TRY(buf_printf(header, "],\"data_offsets\":[%zu,%zu]}", *offset, *offset + bytes));
    *offset += bytes;
    return OK;
}

static enum status make_header(struct buf *header, const char *path, const struct safetensor_source *tensors, int count,
                               const struct safetensors_text *metadata, int n_metadata)
{
    size_t offset = 0;
    TRY(buf_append(header, "{", 1));
    if (n_metadata) {
        TRY(buf_printf(header, "\"__metadata__\":{"));
        for (int i = 0; i < n_metadata; i++) {
            TRY(buf_append(header, ",", i ? 1 : 0));
            TRY(append_string(header, path, metadata[i].key));
            TRY(buf_append(header, ":", 1));
            TRY(append_string(header, path, metadata[i].value));
        }
        TRY(buf_append(header, "}", 1));
    }
    for (int i = 0; i < count; i++)
        TRY(append_tensor(header, path, &tensors[i], &offset, i == 0 && !n_metadata));
    TRY(buf_append(header, "}", 1));
    while (header->size % 8)
        TRY(buf_append(header, " ", 1)); /* data begins at a multiple of 8 */
    return OK;
}

/* Short writes set the stream's error, which commit reports. */
static void write_data(FILE *stream, const struct safetensor_source *t)
{
    size_t count = 1;
    for (int i = 0; i < t->rank; i++)
        count *= t->shape[i];
    if (!t->from_f32 || t->dtype == DTYPE_F32) {
        if (count)
            fwrite(t->data, dtype_size(t->dtype), count, stream);
        return;
    }
    unsigned char part[CONVERT_CHUNK * sizeof(uint16_t)];
    for (size_t i = 0; i < count; i += CONVERT_CHUNK) {
        size_t n = MIN((size_t)CONVERT_CHUNK, count - i);
        dtype_write_f32(t->dtype, (const float *)t->data + i, n, part);
        fwrite(part, dtype_size(t->dtype), n, stream);
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum status check_unique(const char *path, const struct safetensor_source *tensors, int count)
{
    enum status rc = OK;
    const char **names = mem_alloc((size_t)count, sizeof *names);
    if (!names)
        return E_NOMEM;
    for (int i = 0; i < count; i++)
        names[i] = tensors[i].name;
    qsort(names, (size_t)count, sizeof *names, by_text);
    for (int i = 0; i + 1 < count && rc == OK; i++) {
        if (strcmp(names[i], names[i + 1]) == 0)
            rc = fail(E_ARGUMENT, "%s: two tensors named %s", path, names[i]);
    }
    mem_free(names);
    return rc;
}

enum status safetensors_write(const char *path, const struct safetensor_source *tensors, int count,
                              const struct safetensors_text *metadata, int n_metadata)
{
    enum status rc = OK;
    struct buf header = {0};
    struct file_writer w = {0};
    TRY_CLEAN(check_unique(path, tensors, count));
    TRY_CLEAN(make_header(&header, path, tensors, count, metadata, n_metadata));
    TRY_CLEAN(file_writer_open(&w, path));
    unsigned char length[LENGTH_BYTES];
    for (int i = 0; i < LENGTH_BYTES; i++)
        length[i] = (unsigned char)((uint64_t)header.size >> (8 * i));
    fwrite(length, 1, sizeof length, w.stream);
    fwrite(header.data, 1, header.size, w.stream);
    for (int i = 0; i < count; i++)
        write_data(w.stream, &tensors[i]);
    TRY_CLEAN(file_writer_commit(&w));
cleanup:
    file_writer_abort(&w);
    buf_free(&header);
    return rc;
}
