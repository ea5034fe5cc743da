/* Small archives and pickles made by hand, honest and not: input for tests and seeds for the fuzzers. */
#ifndef Y9_TESTS_MAKE_FILES_H
#define Y9_TESTS_MAKE_FILES_H

#include "core/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* A member; the overrides are lies told in both of its headers (0: the truth). */
struct zip_part {
    const char *name;
    const void *data;
    size_t size;
    bool deflate;
    uint32_t claim_size, claim_packed, claim_method, flags;
    uint32_t xor_crc;       /* changes the sum */
    int32_t shift_offset;   /* added to the directory's offset of the local header */
    const char *local_name; /* another name in the local header; same length */
    bool zip64;             /* sizes and offset in a ZIP64 extra field */
};
void make_zip(struct buf *out, const struct zip_part *parts, int count, bool end64);

/* Pickle operations appended to a buffer. */
void pickle_begin(struct buf *p);
void pickle_op(struct buf *p, const char *operations); /* as they are */
void pickle_put_text(struct buf *p, const char *text); /* BINUNICODE */
void pickle_put_int(struct buf *p, int value);         /* BININT */
void pickle_put_global(struct buf *p, const char *module, const char *name);
/* A class as the old layout names it: ('module', class, file, source text). */
void pickle_put_old_class(struct buf *p, const char *module, const char *name);

/* A tensor of torch class `storage` ("FloatStorage"), kept in data/<key>. */
struct tensor_part {
    const char *storage, *key;
    int elements, offset, rank, shape[10], stride[10];
};
void pickle_put_tensor(struct buf *p, const struct tensor_part *t);

/* A checkpoint {'model': {"model.0.weight": t}} with `data` as storage "0"; deflated members where asked for. */
void make_checkpoint(struct buf *out, const struct tensor_part *t, const void *data, size_t size, bool deflate);
/* A checkpoint of a module tree in the official form: two convolutions' worth of parameters, buffers, attributes,
 * optimizer and options. */
void make_module_checkpoint(struct buf *out);
void make_module_pickle(struct buf *out);

/* A file in PyTorch's layout from before 1.6: the object's pickle, then the storages in this order. */
struct old_storage {
    const char *key;
    const void *data;
    uint64_t count;
    size_t bytes;
};
struct old_layout {
    int version;             /* 0: the one that PyTorch writes, 1001 */
    const char *byte_order;  /* NULL: little-endian; else the pickled value of little_endian */
    const char *keys_pickle; /* NULL: the list of the keys */
};
void make_old_layout(struct buf *out, const struct buf *object, const struct old_storage *storages, int n,
                     const struct old_layout *lies);

#endif
