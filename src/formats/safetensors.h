/* The safetensors container: 8 bytes length, a JSON header, raw little-endian data.
 *
 * The reader trusts nothing: header at most 100 MiB and inside the file, known dtypes, rank <= 8, sizes without
 * overflow, unique names, and data ranges that fill the rest of the file exactly (no hole, no overlap). */
#ifndef Y9_FORMATS_SAFETENSORS_H
#define Y9_FORMATS_SAFETENSORS_H

#include "core/file.h"
#include "core/mem.h"
#include "formats/dtype.h"

enum { SAFETENSORS_RANK = 8 };

struct safetensor {
    const char *name;
    enum dtype dtype;
    int rank;                       /* 0 = a single element */
    size_t shape[SAFETENSORS_RANK]; /* row-major; a dimension may be 0 */
    size_t count, bytes;            /* elements; count * dtype_size */
    const unsigned char *data;      /* borrowed from the file; NOT aligned */
};

struct safetensors_text {
    const char *key, *value;
};

/* Everything is owned by the handle and dies with safetensors_close. */
struct safetensors {
    const char *name; /* file name, for sentences */
    struct safetensor *tensors;
    int count; /* in the header's order */
    struct safetensors_text *metadata;
    int n_metadata;
    struct safetensor **sorted; /* by name */
    struct arena arena;
    struct file_map map;
};

/* On failure the handle is empty (closing it again is harmless). */
enum status safetensors_open(const char *path, struct safetensors *st);
/* `bytes` is borrowed and must outlive the handle. */
enum status safetensors_open_memory(const char *name, const void *bytes, size_t size, struct safetensors *st);
void safetensors_close(struct safetensors *st);

const struct safetensor *safetensors_find(const struct safetensors *st, const char *name); /* NULL: absent */
const char *safetensors_metadata(const struct safetensors *st, const char *key);           /* NULL: absent */
/* All elements as float32; dst holds t->count. */
void safetensor_read_f32(const struct safetensor *t, float *dst);

/* A tensor to write; everything is borrowed for the call. */
struct safetensor_source {
    const char *name;
    enum dtype dtype; /* in the file */
    int rank;
    size_t shape[SAFETENSORS_RANK];
    const void *data; /* row-major elements of `dtype`, or float32 where from_f32 */
    bool from_f32;    /* dtype is F32, F16 or BF16 and data is float32: converted while writing */
};

/* Same input, same bytes: tensors and metadata in the order given, no dates. Names must be unique valid UTF-8. */
enum status safetensors_write(const char *path, const struct safetensor_source *tensors, int count,
                              const struct safetensors_text *metadata, int n_metadata);

#endif
