/* A channel of a pixel of floats or of bf16; the pixel's address is that of its first word in either case. */
#ifndef Y9_KERNELS_C_MAP_INLINE_H
#define Y9_KERNELS_C_MAP_INLINE_H

#include "kernels/bf16_inline.h"

#include <stdbool.h>
#include <stddef.h>

static inline float map_value(const float *pixel, size_t at, bool bf16)
{
    return bf16 ? bf16_value(((const uint16_t *)pixel)[at]) : pixel[at];
}

static inline void map_put(float *pixel, size_t at, float x, bool bf16)
{
    if (bf16)
        ((uint16_t *)pixel)[at] = bf16_of(x);
    else
        pixel[at] = x;
}

#endif
