#include "support/make_files.h"

#include "core/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/* Tests run out of memory only when the machine does. */
static void must(enum status rc)
{
    if (rc != OK)
        abort();
}

static void add(struct buf *b, const void *bytes, size_t n)
{
    must(buf_append(b, bytes, n));
}

static void number(struct buf *b, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        unsigned char c = i < 8 ? (unsigned char)(value >> (8 * i)) : 0;
        add(b, &c, 1);
    }
}

static void pack(const struct zip_part *part, struct buf *packed)
{
    if (!part->deflate) {
        add(packed, part->data, part->size);
        return;
    }
    z_stream z = {0};
    if (deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    must(buf_reserve(packed, deflateBound(&z, part->size)));
    z.next_in = (Bytef *)(uintptr_t)part->data;
    z.avail_in = (uInt)part->size;
    z.next_out = (Bytef *)packed->data;
    z.avail_out = (uInt)packed->capacity;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    packed->size = z.total_out;
    deflateEnd(&z);
}

/* What local header and directory entry have in common, from the version to the sizes. */
static void common(struct buf *b, const struct zip_part *part, size_t packed, uint32_t crc)
{
    uint32_t method = part->claim_method ? part->claim_method : part->deflate ? 8 : 0;
    number(b, 20, 2);
    number(b, part->flags, 2);
    number(b, method, 2);
    number(b, 0, 4); /* time, date */
    number(b, crc ^ part->xor_crc, 4);
    number(b, part->zip64 ? UINT32_MAX : part->claim_packed ? part->claim_packed : packed, 4);
    number(b, part->zip64 ? UINT32_MAX : part->claim_size ? part->claim_size : part->size, 4);
    number(b, strlen(part->name), 2);
}

static void add_part(struct buf *out, struct buf *directory, const struct zip_part *part)
{
    struct buf packed = {0};
    size_t at = out->size;
    pack(part, &packed);
    uint32_t crc = (uint32_t)crc32(0, part->data, (uInt)part->size);
    number(out, 0x04034b50, 4);
    common(out, part, packed.size, crc);
    number(out, 0, 2);
    add(out, part->local_name ? part->local_name : part->name, strlen(part->name));
    add(out, packed.data, packed.size);
    number(directory, 0x02014b50, 4);
    number(directory, 20, 2);
    common(directory, part, packed.size, crc);
    number(directory, part->zip64 ? 28 + 4 : 0, 2);
    number(directory, 0, 2 + 2 + 2 + 4); /* comment, disk, attributes */
    number(directory, part->zip64 ? UINT32_MAX : (uint32_t)((int64_t)at + part->shift_offset), 4);
    add(directory, part->name, strlen(part->name));
    if (part->zip64) {
        number(directory, 0xcafe, 2); /* an unknown field first */
        number(directory, 0, 2);
        number(directory, 1, 2);
        number(directory, 24, 2);
        number(directory, part->size, 8);
        number(directory, packed.size, 8);
        number(directory, at, 8);
    }
    buf_free(&packed);
}

void make_zip(struct buf *out, const struct zip_part *parts, int count, bool end64)
{
    struct buf directory = {0};
    for (int i = 0; i < count; i++)
        add_part(out, &directory, &parts[i]);
    size_t start = out->size, size = directory.size;
    add(out, directory.data, directory.size);
    buf_free(&directory);
    if (end64) {
        size_t end = out->size;
        number(out, 0x06064b50, 4);
        number(out, 44, 8);
        number(out, 45, 2);
        number(out, 45, 2);
        number(out, 0, 8); /* disks */
        number(out, (uint64_t)count, 8);
        number(out, (uint64_t)count, 8);
        number(out, size, 8);
        number(out, start, 8);
        number(out, 0x07064b50, 4);
        number(out, 0, 4);
        number(out, end, 8);
        number(out, 1, 4);
    }
    number(out, 0x06054b50, 4);
    number(out, 0, 4);
    number(out, end64 ? 0xffff : (uint64_t)count, 2);
    number(out, end64 ? 0xffff : (uint64_t)count, 2);
    number(out, end64 ? UINT32_MAX : size, 4);
    number(out, end64 ? UINT32_MAX : start, 4);
    number(out, 0, 2);
}

void pickle_begin(struct buf *p)
{
    add(p, "\x80\x02", 2);
}

void pickle_op(struct buf *p, const char *operations)
{
    add(p, operations, strlen(operations));
}

void pickle_put_text(struct buf *p, const char *text)
{
    pickle_op(p, "X");
    number(p, strlen(text), 4);
    pickle_op(p, text);
}

void pickle_put_int(struct buf *p, int value)
{
    pickle_op(p, "J");
    number(p, (uint32_t)value, 4);
}

void pickle_put_global(struct buf *p, const char *module, const char *name)
{
    must(buf_printf(p, "c%s\n%s\n", module, name));
}

void pickle_put_old_class(struct buf *p, const char *module, const char *name)
{
    pickle_op(p, "(");
    pickle_put_text(p, "module");
    pickle_put_global(p, module, name);
    pickle_put_text(p, "/code/network.py");
    pickle_put_text(p, "class Network(Module): pass");
    pickle_op(p, "tQ");
}

static void put_tuple(struct buf *p, const int *values, int n)
{
    pickle_op(p, "(");
    for (int i = 0; i < n; i++)
        pickle_put_int(p, values[i]);
    pickle_op(p, "t");
}

void pickle_put_tensor(struct buf *p, const struct tensor_part *t)
{
    pickle_put_global(p, "torch._utils", "_rebuild_tensor_v2");
    pickle_op(p, "((");
    pickle_put_text(p, "storage");
    pickle_put_global(p, "torch", t->storage);
    pickle_put_text(p, t->key);
    pickle_put_text(p, "cuda:0");
    pickle_put_int(p, t->elements);
    pickle_op(p, "tQ");
    pickle_put_int(p, t->offset);
    put_tuple(p, t->shape, t->rank);
    put_tuple(p, t->stride, t->rank);
    pickle_op(p, "\x89");
    pickle_put_global(p, "collections", "OrderedDict");
    pickle_op(p, ")RtR");
}

static void finish_checkpoint(struct buf *out, const struct buf *pickle, const void *data, size_t size, bool deflate)
{
    const struct zip_part parts[] = {
        {.name = "net/data.pkl", .data = pickle->data, .size = pickle->size, .deflate = deflate},
        {.name = "net/byteorder", .data = "little", .size = 6},
        {.name = "net/data/0", .data = data, .size = size, .deflate = deflate},
        {.name = "net/version", .data = "3\n", .size = 2},
    };
    make_zip(out, parts, COUNT(parts), false);
}

void make_checkpoint(struct buf *out, const struct tensor_part *t, const void *data, size_t size, bool deflate)
{
    struct buf p = {0};
    pickle_begin(&p);
    pickle_op(&p, "}");
    pickle_put_text(&p, "model");
    pickle_op(&p, "}");
    pickle_put_text(&p, "model.0.weight");
    pickle_put_tensor(&p, t);
    pickle_op(&p, "ss.");
    finish_checkpoint(out, &p, data, size, deflate);
    buf_free(&p);
}

/* object of a class with an empty argument tuple; its state dict stays open: pickle_op(p, "ub") closes it */
static void open_module(struct buf *p, const char *module, const char *name)
{
    pickle_put_global(p, module, name);
    pickle_op(p, ")\x81}(");
}

static void put_key(struct buf *p, const char *key)
{
    pickle_put_text(p, key);
}

static void put_convolution(struct buf *p, int offset)
{
    struct tensor_part weight = {"FloatStorage", "0", 64, offset, 4, {2, 3, 1, 1}, {3, 1, 1, 1}};
    struct tensor_part bias = {"FloatStorage", "0", 64, offset + 6, 1, {2}, {1}};
    open_module(p, "torch.nn.modules.conv", "Conv2d");
    put_key(p, "_parameters");
    pickle_op(p, "}(");
    put_key(p, "weight");
    pickle_put_global(p, "torch._utils", "_rebuild_parameter");
    pickle_op(p, "(");
    pickle_put_tensor(p, &weight);
    pickle_op(p, "\x88");
    pickle_put_global(p, "collections", "OrderedDict");
    pickle_op(p, ")RtR");
    put_key(p, "bias");
    pickle_put_tensor(p, &bias);
    put_key(p, "absent");
    pickle_op(p, "Nu");
    put_key(p, "_buffers");
    pickle_op(p, "}(");
    put_key(p, "counter");
    pickle_put_tensor(p, &(struct tensor_part){"FloatStorage", "0", 64, 20, 0, {0}, {0}});
    put_key(p, "fleeting");
    pickle_put_tensor(p, &(struct tensor_part){"FloatStorage", "0", 64, 20, 0, {0}, {0}});
    pickle_op(p, "u");
    put_key(p, "_non_persistent_buffers_set");
    pickle_put_global(p, "__builtin__", "set");
    pickle_op(p, "](");
    put_key(p, "fleeting");
    pickle_op(p, "e\x85R");
    pickle_op(p, "ub");
}

static void put_model(struct buf *p)
{
    open_module(p, "models.yolo", "DetectionModel");
    put_key(p, "_modules");
    pickle_op(p, "}(");
    put_key(p, "model");
    open_module(p, "torch.nn.modules.container", "Sequential");
    put_key(p, "_modules");
    pickle_op(p, "}(");
    put_key(p, "0");
    put_convolution(p, 0);
    put_key(p, "1");
    put_convolution(p, 8);
    pickle_op(p, "uubu");
    put_key(p, "nc");
    pickle_put_int(p, 2);
    put_key(p, "names");
    pickle_op(p, "}(");
    pickle_put_int(p, 1);
    put_key(p, "green");
    pickle_put_int(p, 0);
    put_key(p, "red");
    pickle_op(p, "u");
    put_key(p, "save");
    pickle_op(p, "](");
    pickle_put_int(p, 0);
    pickle_op(p, "e");
    put_key(p, "stride");
    pickle_put_tensor(p, &(struct tensor_part){"FloatStorage", "0", 64, 32, 1, {3}, {1}});
    put_key(p, "yaml");
    pickle_op(p, "}(");
    put_key(p, "nc");
    pickle_put_int(p, 2);
    put_key(p, "backbone");
    pickle_op(p, "](]("); /* one row */
    pickle_put_int(p, -1);
    pickle_put_int(p, 1);
    put_key(p, "Conv");
    pickle_op(p, "](");
    pickle_put_int(p, 16);
    pickle_op(p, "eeeu");
    pickle_op(p, "ub");
}

void make_module_pickle(struct buf *p)
{
    pickle_begin(p);
    pickle_op(p, "}(");
    put_key(p, "epoch");
    pickle_put_int(p, 3);
    put_key(p, "model");
    put_model(p);
    put_key(p, "ema");
    pickle_op(p, "N");
    put_key(p, "optimizer");
    pickle_op(p, "}(");
    put_key(p, "state");
    pickle_op(p, "}(");
    pickle_put_int(p, 2);
    pickle_op(p, "}");
    put_key(p, "momentum_buffer");
    pickle_put_tensor(p, &(struct tensor_part){"FloatStorage", "0", 64, 40, 4, {2, 3, 1, 1}, {3, 1, 1, 1}});
    pickle_op(p, "su");
    put_key(p, "param_groups");
    pickle_op(p, "](");
    for (int g = 0; g < 2; g++) {
        pickle_op(p, "}(");
        put_key(p, "lr");
        pickle_op(p, "G?\xb9\x99\x99\x99\x99\x99\x9a"); /* 0.1 */
        put_key(p, "params");
        pickle_op(p, "](");
        pickle_put_int(p, 2 * g);
        pickle_put_int(p, 2 * g + 1);
        pickle_op(p, "eu");
    }
    pickle_op(p, "eu");
    put_key(p, "opt");
    pickle_op(p, "}(");
    put_key(p, "save_dir");
    pickle_put_global(p, "pathlib", "PosixPath");
    pickle_op(p, "(");
    put_key(p, "runs");
    put_key(p, "exp");
    pickle_op(p, "tR");
    put_key(p, "imgsz");
    pickle_put_int(p, 640);
    pickle_op(p, "uu.");
}

void make_module_checkpoint(struct buf *out)
{
    struct buf p = {0};
    float data[64];
    for (int i = 0; i < 64; i++)
        data[i] = (float)i;
    make_module_pickle(&p);
    finish_checkpoint(out, &p, data, sizeof data, false);
    buf_free(&p);
}

void make_old_layout(struct buf *out, const struct buf *object, const struct old_storage *storages, int n,
                     const struct old_layout *lies)
{
    static const unsigned char magic[] = "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.";
    add(out, magic, sizeof magic - 1);
    pickle_begin(out);
    pickle_put_int(out, lies->version ? lies->version : 1001);
    pickle_op(out, ".");
    pickle_begin(out);
    pickle_op(out, "}(");
    pickle_put_text(out, "protocol_version");
    pickle_put_int(out, 1001);
    pickle_put_text(out, "little_endian");
    pickle_op(out, lies->byte_order ? lies->byte_order : "\x88");
    pickle_op(out, "u.");
    add(out, object->data, object->size);
    pickle_begin(out);
    if (lies->keys_pickle) {
        pickle_op(out, lies->keys_pickle);
    } else {
        pickle_op(out, "](");
        for (int i = 0; i < n; i++)
            pickle_put_text(out, storages[i].key);
        pickle_op(out, "e.");
    }
    for (int i = 0; i < n; i++) {
        number(out, storages[i].count, 8);
        add(out, storages[i].data, storages[i].bytes);
    }
}
