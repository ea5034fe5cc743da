/* bf16, the upper half of a float: to nearest even, NaN stays NaN, denormals become zeros of their sign (as the
 * instructions do it). No branches, so that compilers vectorise loops over it. */
#ifndef Y9_KERNELS_BF16_INLINE_H
#define Y9_KERNELS_BF16_INLINE_H

#include <stdint.h>
#include <string.h>

static inline uint16_t bf16_of(float x)
{
    uint32_t bits, magnitude;
    memcpy(&bits, &x, sizeof bits);
    magnitude = bits & 0x7fffffffu;
    uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
    rounded = magnitude < 0x00800000u ? bits >> 16 & 0x8000u : rounded;
    rounded = magnitude > 0x7f800000u ? bits >> 16 | 0x40u : rounded;
    return (uint16_t)rounded;
}

static inline float bf16_value(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* What bf16_of leaves of a float; 0 of one that is not finite. */
static inline uint16_t bf16_rest(float x)
{
    const float high = bf16_value(bf16_of(x));
    uint32_t bits;
    memcpy(&bits, &high, sizeof bits);
    return (bits & 0x7f800000u) == 0x7f800000u ? 0 : bf16_of(x - high);
}

#endif
