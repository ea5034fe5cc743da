/* Channels of a pixel of floats or of bf16, which are read as floats and written to nearest even; the pixel's address
 * is that of its first word in either case. Include after a simd_<isa>.h. */
#ifndef Y9_KERNELS_MAP_INLINE_H
#define Y9_KERNELS_MAP_INLINE_H

#include "kernels/inlining.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

FORCE_INLINE vf map_load(const float *pixel, const size_t at, const int n, const bool bf16)
{
    if (bf16)
        return n == VL ? v_load_bf16((const uint16_t *)pixel + at) : v_load_bf16_n((const uint16_t *)pixel + at, n);
    return n == VL ? v_load(pixel + at) : v_load_n(pixel + at, n);
}

FORCE_INLINE void map_store(float *pixel, const size_t at, const vf x, const int n, const bool bf16)
{
    if (bf16 && n == VL)
        v_store_bf16((uint16_t *)pixel + at, x);
    else if (bf16)
        v_store_bf16_n((uint16_t *)pixel + at, x, n);
    else if (n == VL)
        v_store(pixel + at, x);
    else
        v_store_n(pixel + at, x, n);
}

/* To be fetched into the cache. */
FORCE_INLINE const float *map_address(const float *pixel, const size_t at, const bool bf16)
{
    return pixel + (bf16 ? at / 2 : at);
}

#endif
