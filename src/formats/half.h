/* 16-bit floats: IEEE binary16 (f16) and bfloat16 (bf16), to and from float32. Plain C, no special rounding mode or
 * instruction is assumed; narrowing rounds to nearest, ties to even, and a NaN stays a NaN. Written so that
 * compilers turn the bulk loops into vector code. */
#ifndef Y9_FORMATS_HALF_H
#define Y9_FORMATS_HALF_H

#include <stddef.h>
#include <stdint.h>

float f16_to_f32(uint16_t half);
uint16_t f32_to_f16(float value);
float bf16_to_f32(uint16_t half);
uint16_t f32_to_bf16(float value);

/* n elements; `src` and `dst` need no alignment beyond their type's and must not overlap. */
void f16_to_f32_n(const uint16_t *src, size_t n, float *dst);
void f32_to_f16_n(const float *src, size_t n, uint16_t *dst);
void bf16_to_f32_n(const uint16_t *src, size_t n, float *dst);
void f32_to_bf16_n(const float *src, size_t n, uint16_t *dst);

#endif
