#include "formats/dtype.h"

#include "core/status.h"
#include "formats/half.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensor files are little-endian and this code copies their bytes as they are"
#endif

static const struct {
    const char *name, *torch_name;
    size_t size;
} table[DTYPE_COUNT] = {
    [DTYPE_F32] = {"F32", "float32", 4}, [DTYPE_F16] = {"F16", "float16", 2}, [DTYPE_BF16] = {"BF16", "bfloat16", 2},
    [DTYPE_F64] = {"F64", "float64", 8}, [DTYPE_I64] = {"I64", "int64", 8},   [DTYPE_I32] = {"I32", "int32", 4},
    [DTYPE_I16] = {"I16", "int16", 2},   [DTYPE_I8] = {"I8", "int8", 1},      [DTYPE_U8] = {"U8", "uint8", 1},
    [DTYPE_BOOL] = {"BOOL", "bool", 1},
};

size_t dtype_size(enum dtype dtype)
{
    return table[dtype].size;
}

const char *dtype_name(enum dtype dtype)
{
    return table[dtype].name;
}

const char *dtype_torch_name(enum dtype dtype)
{
    return table[dtype].torch_name;
}

bool dtype_from_name(const char *name, enum dtype *dtype)
{
    for (int i = 0; i < DTYPE_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0) {
            *dtype = (enum dtype)i;
            return true;
        }
    }
    return false;
}

double dtype_get(enum dtype dtype, const void *element)
{
    union {
        float f32;
        double f64;
        uint16_t f16;
        int64_t i64;
        int32_t i32;
        int16_t i16;
        int8_t i8;
        uint8_t u8;
    } v;
    memcpy(&v, element, dtype_size(dtype));
    switch (dtype) {
    case DTYPE_F32:
        return v.f32;
    case DTYPE_F16:
        return f16_to_f32(v.f16);
    case DTYPE_BF16:
        return bf16_to_f32(v.f16);
    case DTYPE_F64:
        return v.f64;
    case DTYPE_I64:
        return (double)v.i64;
    case DTYPE_I32:
        return v.i32;
    case DTYPE_I16:
        return v.i16;
    case DTYPE_I8:
        return v.i8;
    case DTYPE_U8:
        return v.u8;
    case DTYPE_BOOL:
        return v.u8 != 0;
    case DTYPE_COUNT:
        break;
    }
    assert(!"dtype");
    return 0;
}

void dtype_read_f32(enum dtype dtype, const void *src, size_t n, float *dst)
{
    const unsigned char *bytes = src;
    if (n == 0)
        return;
    if (dtype == DTYPE_F32) {
        memcpy(dst, src, n * sizeof *dst);
    } else if (dtype == DTYPE_F16 || dtype == DTYPE_BF16) {
        uint16_t part[512]; /* the source may be misaligned for uint16_t */
        for (size_t i = 0; i < n; i += COUNT(part)) {
            size_t m = MIN((size_t)COUNT(part), n - i);
            memcpy(part, bytes + 2 * i, 2 * m);
            if (dtype == DTYPE_F16)
                f16_to_f32_n(part, m, dst + i);
            else
                bf16_to_f32_n(part, m, dst + i);
        }
    } else {
        size_t size = dtype_size(dtype);
        for (size_t i = 0; i < n; i++)
            dst[i] = (float)dtype_get(dtype, bytes + i * size);
    }
}

void dtype_write_f32(enum dtype dtype, const float *src, size_t n, void *dst)
{
    unsigned char *bytes = dst;
    assert(dtype == DTYPE_F32 || dtype == DTYPE_F16 || dtype == DTYPE_BF16);
    if (n == 0)
        return;
    if (dtype == DTYPE_F32) {
        memcpy(dst, src, n * sizeof *src);
        return;
    }
    uint16_t part[512];
    for (size_t i = 0; i < n; i += COUNT(part)) {
        size_t m = MIN((size_t)COUNT(part), n - i);
        if (dtype == DTYPE_F16)
            f32_to_f16_n(src + i, m, part);
        else
            f32_to_bf16_n(src + i, m, part);
        memcpy(bytes + 2 * i, part, 2 * m);
    }
}
