/* Element types of tensors in files. Data in files is little-endian and may lie at any address. */
#ifndef Y9_FORMATS_DTYPE_H
#define Y9_FORMATS_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

enum dtype {
    DTYPE_F32,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_F64,
    DTYPE_I64,
    DTYPE_I32,
    DTYPE_I16,
    DTYPE_I8,
    DTYPE_U8,
    DTYPE_BOOL,
    DTYPE_COUNT,
};

size_t dtype_size(enum dtype dtype);                       /* bytes of an element */
const char *dtype_name(enum dtype dtype);                  /* as in safetensors: "F32", "BOOL" ... */
const char *dtype_torch_name(enum dtype dtype);            /* as torch prints it: "float32", "bool" ... */
bool dtype_from_name(const char *name, enum dtype *dtype); /* safetensors name; false: unknown */

/* n consecutive elements to float32 (integers are rounded to nearest; a bool is 0 or 1). */
void dtype_read_f32(enum dtype dtype, const void *src, size_t n, float *dst);
/* The same from float32 to F16, BF16 or F32. */
void dtype_write_f32(enum dtype dtype, const float *src, size_t n, void *dst);
/* One element; exact but for I64 beyond 2^53. */
double dtype_get(enum dtype dtype, const void *element);

#endif
