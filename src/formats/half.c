#include "formats/half.h"

#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits; binary32: 1, 8 (bias 127), 23. */
static inline float widen_f16(uint16_t half)
{
    uint32_t magnitude = half & 0x7fffu;
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t normal = (magnitude << 13) + ((127u - 15u) << 23);
    uint32_t special = (magnitude << 13) | 0x7f800000u;             /* infinity, or NaN with its payload */
    uint32_t small = bits_of((float)(int32_t)magnitude * 0x1p-24f); /* zero and subnormals: m * 2^-24 */
    uint32_t bits = magnitude < 0x0400u ? small : magnitude >= 0x7c00u ? special : normal;
    return float_of(bits | sign);
}

static inline uint16_t narrow_f16(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t sign = (bits >> 16) & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    uint32_t normal = (magnitude - ((127u - 15u) << 23) + 0x0fffu + ((magnitude >> 13) & 1u)) >> 13;
    /* 0.5 has ulp 2^-24, so the sum rounds to a whole number of binary16's smallest steps. */
    uint32_t small = bits_of(float_of(magnitude < 0x38800000u ? magnitude : 0u) + 0.5f) - 0x3f000000u;
    uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x03ffu);
    uint32_t half = nan;
    if (magnitude < 0x38800000u) /* below 2^-14 */
        half = small;
    else if (magnitude < 0x477ff000u) /* below 65520, from where rounding reaches infinity */
        half = normal;
    else if (magnitude <= 0x7f800000u)
        half = 0x7c00u;
    return (uint16_t)(half | sign);
}

static inline float widen_bf16(uint16_t half)
{
    return float_of((uint32_t)half << 16);
}

static inline uint16_t narrow_bf16(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    uint32_t nan = (bits >> 16) | 0x0040u; /* quiet, so that cutting the payload cannot make it an infinity */
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

float f16_to_f32(uint16_t half)
{
    return widen_f16(half);
}

uint16_t f32_to_f16(float value)
{
    return narrow_f16(value);
}

float bf16_to_f32(uint16_t half)
{
    return widen_bf16(half);
}

uint16_t f32_to_bf16(float value)
{
    return narrow_bf16(value);
}

void f16_to_f32_n(const uint16_t *restrict src, size_t n, float *restrict dst)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = widen_f16(src[i]);
}

void f32_to_f16_n(const float *restrict src, size_t n, uint16_t *restrict dst)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = narrow_f16(src[i]);
}

void bf16_to_f32_n(const uint16_t *restrict src, size_t n, float *restrict dst)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = widen_bf16(src[i]);
}

void f32_to_bf16_n(const float *restrict src, size_t n, uint16_t *restrict dst)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = narrow_bf16(src[i]);
}
