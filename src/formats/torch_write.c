#include "formats/torch_write.h"

#include "core/file.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <zlib.h>

enum { CHUNK = 4096, ALIGN = 64, LOCAL_HEADER = 30, PADDING_ID = 0x4246, MEMBERS_BESIDE = 3 };

static const char folder[] = "archive/"; /* torch.save puts the file's stem there; readers take any */

/* --- pickle, protocol 2 --- */

static enum status put_number(struct buf *b, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        const unsigned char c = (unsigned char)(value >> (8 * i));
        TRY(buf_append(b, &c, 1));
    }
    return OK;
}

static enum status put_text(struct buf *p, const char *text)
{
    TRY(buf_append(p, "X", 1)); /* BINUNICODE */
    TRY(put_number(p, strlen(text), 4));
    return buf_append(p, text, strlen(text));
}

static enum status put_int(struct buf *p, size_t value)
{
    assert(value <= INT32_MAX);
    TRY(buf_append(p, "J", 1)); /* BININT */
    return put_number(p, value, 4);
}

static enum status put_tuple(struct buf *p, const size_t *values, int n)
{
    TRY(buf_append(p, "(", 1));
    for (int i = 0; i < n; i++)
        TRY(put_int(p, values[i]));
    return buf_append(p, "t", 1);
}

static size_t elements(const struct safetensor_source *t)
{
    size_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= t->shape[i];
    return n;
}

static const char *storage_class(enum dtype dtype)
{
    return dtype == DTYPE_F16 ? "HalfStorage" : dtype == DTYPE_I64 ? "LongStorage" : "FloatStorage";
}

/* _rebuild_tensor_v2(storage, 0, shape, stride, False, OrderedDict()); the storage is a persistent id. */
static enum status put_tensor(struct buf *p, const struct safetensor_source *t, int key)
{
    size_t stride[SAFETENSORS_RANK], step = 1;
    char text[16];
    for (int i = t->rank; i-- > 0; step *= t->shape[i])
        stride[i] = step;
    snprintf(text, sizeof text, "%d", key);
    TRY(buf_printf(p, "ctorch._utils\n_rebuild_tensor_v2\n(("));
    TRY(put_text(p, "storage"));
    TRY(buf_printf(p, "ctorch\n%s\n", storage_class(t->dtype)));
    TRY(put_text(p, text));
    TRY(put_text(p, "cpu"));
    TRY(put_int(p, elements(t)));
    TRY(buf_append(p, "tQ", 2));
    TRY(put_int(p, 0));
    TRY(put_tuple(p, t->shape, t->rank));
    TRY(put_tuple(p, stride, t->rank));
    return buf_printf(p, "\x89"
                         "ccollections\nOrderedDict\n)RtR");
}

static enum status put_names(struct buf *p, const struct torch_source *s)
{
    TRY(put_text(p, "names"));
    TRY(buf_append(p, "}(", 2));
    for (int i = 0; i < s->n_names; i++) {
        TRY(put_int(p, (size_t)i));
        TRY(put_text(p, s->names[i]));
    }
    TRY(buf_append(p, "u", 1));
    TRY(put_text(p, "nc"));
    return put_int(p, (size_t)s->n_names);
}

static enum status make_pickle(struct buf *p, const struct torch_source *s)
{
    TRY(buf_append(p, "\x80\x02}(", 4));
    TRY(put_text(p, "model"));
    TRY(buf_printf(p, "ccollections\nOrderedDict\n)R("));
    for (int i = 0; i < s->count; i++) {
        TRY(put_text(p, s->tensors[i].name));
        TRY(put_tensor(p, &s->tensors[i], i));
    }
    TRY(buf_append(p, "u", 1));
    TRY(put_names(p, s));
    if (s->img_h) {
        TRY(put_text(p, "imgsz"));
        TRY(buf_append(p, "](", 2));
        TRY(put_int(p, (size_t)s->img_h));
        TRY(put_int(p, (size_t)s->img_w));
        TRY(buf_append(p, "e", 1));
    }
    return buf_append(p, "u.", 2);
}

/* --- bytes of a member: its sum first, which stands in front of them, and then they themselves --- */

typedef void take_fn(void *context, const void *bytes, size_t n);

static void each_chunk(const struct safetensor_source *t, take_fn *take, void *context)
{
    unsigned char part[CHUNK * 8];
    const size_t count = elements(t), size = dtype_size(t->dtype);
    for (size_t i = 0; i < count; i += CHUNK) {
        const size_t n = MIN((size_t)CHUNK, count - i);
        if (t->from_f32 && t->dtype != DTYPE_F32) {
            dtype_write_f32(t->dtype, (const float *)t->data + i, n, part);
            take(context, part, n * size);
        } else {
            take(context, (const unsigned char *)t->data + i * size, n * size);
        }
    }
}

static void take_sum(void *sum, const void *bytes, size_t n)
{
    *(uLong *)sum = crc32_z(*(uLong *)sum, bytes, n);
}

static void take_file(void *stream, const void *bytes, size_t n)
{
    fwrite(bytes, 1, n, stream); /* a short write sets ferror, which commit reports */
}

/* --- zip archive, members stored --- */

struct archive {
    FILE *stream;
    size_t at;
    int members;
    struct buf directory;
};

/* What local header and directory entry have in common. The date is the first that the format knows. */
static enum status put_common(struct buf *b, const char *name, size_t size, uLong sum)
{
    TRY(put_number(b, 20, 2));         /* version */
    TRY(put_number(b, 0x0800, 2));     /* names are UTF-8 */
    TRY(put_number(b, 0, 2));          /* stored */
    TRY(put_number(b, 0x00210000, 4)); /* 1980-01-01 */
    TRY(put_number(b, sum, 4));
    TRY(put_number(b, size, 4));
    TRY(put_number(b, size, 4));
    return put_number(b, sizeof folder - 1 + strlen(name), 2);
}

static enum status put_directory(struct archive *a, const char *name, size_t size, uLong sum)
{
    TRY(put_number(&a->directory, 0x02014b50, 4));
    TRY(put_number(&a->directory, 20, 2));
    TRY(put_common(&a->directory, name, size, sum));
    TRY(put_number(&a->directory, 0, 8)); /* extra field, comment, disk, attributes */
    TRY(put_number(&a->directory, 0, 4));
    TRY(put_number(&a->directory, a->at, 4));
    return buf_printf(&a->directory, "%s%s", folder, name);
}

/* Header of a member whose bytes follow, at a multiple of ALIGN: an extra field fills up, as torch.save does it. */
static enum status begin_member(struct archive *a, const char *name, size_t size, uLong sum)
{
    enum status rc = OK;
    struct buf header = {0};
    const size_t plain = a->at + LOCAL_HEADER + sizeof folder - 1 + strlen(name) + 4;
    const size_t padding = (ALIGN - plain % ALIGN) % ALIGN;
    TRY_CLEAN(put_directory(a, name, size, sum));
    TRY_CLEAN(put_number(&header, 0x04034b50, 4));
    TRY_CLEAN(put_common(&header, name, size, sum));
    TRY_CLEAN(put_number(&header, 4 + padding, 2));
    TRY_CLEAN(buf_printf(&header, "%s%s", folder, name));
    TRY_CLEAN(put_number(&header, PADDING_ID, 2));
    TRY_CLEAN(put_number(&header, padding, 2));
    for (size_t i = 0; i < padding; i++)
        TRY_CLEAN(buf_append(&header, "Z", 1));
    take_file(a->stream, header.data, header.size);
    a->at = plain + padding + size;
    a->members++;
cleanup:
    buf_free(&header);
    return rc;
}

static enum status add_bytes(struct archive *a, const char *name, const void *bytes, size_t n)
{
    TRY(begin_member(a, name, n, crc32_z(0, bytes, n)));
    take_file(a->stream, bytes, n);
    return OK;
}

static enum status add_tensor(struct archive *a, const struct safetensor_source *t, int key)
{
    char name[32];
    uLong sum = 0;
    snprintf(name, sizeof name, "data/%d", key);
    each_chunk(t, take_sum, &sum);
    TRY(begin_member(a, name, elements(t) * dtype_size(t->dtype), sum));
    each_chunk(t, take_file, a->stream);
    return OK;
}

static enum status end_archive(struct archive *a)
{
    enum status rc = OK;
    struct buf end = {0};
    TRY_CLEAN(put_number(&end, 0x06054b50, 4));
    TRY_CLEAN(put_number(&end, 0, 4));
    TRY_CLEAN(put_number(&end, (uint64_t)a->members, 2));
    TRY_CLEAN(put_number(&end, (uint64_t)a->members, 2));
    TRY_CLEAN(put_number(&end, a->directory.size, 4));
    TRY_CLEAN(put_number(&end, a->at, 4));
    TRY_CLEAN(put_number(&end, 0, 2));
    take_file(a->stream, a->directory.data, a->directory.size);
    take_file(a->stream, end.data, end.size);
cleanup:
    buf_free(&end);
    return rc;
}

/* --- the door --- */

static enum status check(const char *path, const struct torch_source *s)
{
    uint64_t bytes = 1 << 20;
    for (int i = 0; i < s->count; i++) {
        const struct safetensor_source *t = &s->tensors[i];
        const size_t n = elements(t);
        assert(t->dtype == DTYPE_F32 || t->dtype == DTYPE_F16 || t->dtype == DTYPE_I64);
        bytes += n * dtype_size(t->dtype) + 512;
        for (size_t k = 0; t->dtype == DTYPE_F16 && t->from_f32 && k < n; k++) {
            const float x = ((const float *)t->data)[k];
            if (!(fabsf(x) < 65520)) /* rounds to infinity from there on */
                return fail(E_NUMERIC, "%s: %s: %g is beyond 16-bit floats", path, t->name, (double)x);
        }
    }
    if (bytes > UINT32_MAX || s->count + MEMBERS_BESIDE > UINT16_MAX)
        return fail(E_LIMIT, "%s: %d tensors of %llu bytes do not fit into a zip archive of 4 GB", path, s->count,
                    (unsigned long long)bytes);
    return OK;
}

enum status torch_write(const char *path, const struct torch_source *source)
{
    enum status rc = OK;
    struct buf pickle = {0};
    struct file_writer w = {0};
    struct archive a = {0};
    TRY_CLEAN(check(path, source));
    TRY_CLEAN(make_pickle(&pickle, source));
    TRY_CLEAN(file_writer_open(&w, path));
    a.stream = w.stream;
    TRY_CLEAN(add_bytes(&a, "data.pkl", pickle.data, pickle.size));
    TRY_CLEAN(add_bytes(&a, "byteorder", "little", 6));
    for (int i = 0; i < source->count; i++)
        TRY_CLEAN(add_tensor(&a, &source->tensors[i], i));
    TRY_CLEAN(add_bytes(&a, "version", "3\n", 2));
    TRY_CLEAN(end_archive(&a));
    TRY_CLEAN(file_writer_commit(&w));
cleanup:
    file_writer_abort(&w);
    buf_free(&a.directory);
    buf_free(&pickle);
    return rc;
}
