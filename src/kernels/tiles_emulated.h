/* Tile registers in C, after Intel's Instruction Set Extensions Programming Reference: eight of at most 16 rows of 64
 * bytes. kernels/x86/tiles_amx.h has the same names for the instructions themselves; one kernel template is compiled
 * with either.
 *
 *   tiles_begin(t, step)           shapes: 0 .. 3 sums of 16 rows of 16; 4 and 5 16 rows of `step` bytes (of pixels);
 *                                  6 and 7 step / 4 rows of 16 words (of weights)
 *   tiles_end(t)                   no shapes, no contents
 *   tile_zero(t, n)
 *   tile_load(t, n, base, stride)  row i from base + i * stride, which is not aligned
 *   tile_store(t, n, base, stride)
 *   tile_dot_bf16(t, sum, a, b)    sum[m][n] += a[m][k] . b[k][n], words of two bf16
 *   tile_dot_bytes(t, sum, a, b)   words of four bytes, those of a without and those of b with a sign, 32 bits that
 * wrap
 */
#ifndef Y9_KERNELS_TILES_EMULATED_H
#define Y9_KERNELS_TILES_EMULATED_H

#include "kernels/bf16_inline.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TILE_ROWS = 16, TILE_ROW_BYTES = 64, TILE_WORDS = 16 };

struct tile_register {
    int rows, row_bytes;
    _Alignas(64) unsigned char bytes[TILE_ROWS][TILE_ROW_BYTES];
};

struct tiles {
    struct tile_register at[8];
};

static inline void tiles_begin(struct tiles *t, int step)
{
    memset(t, 0, sizeof *t);
    for (int i = 0; i < 8; i++) {
        t->at[i].row_bytes = i == 4 || i == 5 ? step : TILE_ROW_BYTES;
        t->at[i].rows = i >= 6 ? step / 4 : TILE_ROWS;
    }
}

static inline void tiles_end(struct tiles *t)
{
    memset(t, 0, sizeof *t);
}

static inline void tile_zero(struct tiles *t, int n)
{
    memset(t->at[n].bytes, 0, sizeof t->at[n].bytes);
}

static inline void tile_load(struct tiles *t, int n, const void *base, long stride)
{
    struct tile_register *r = &t->at[n];
    tile_zero(t, n);
    for (int i = 0; i < r->rows; i++)
        memcpy(r->bytes[i], (const char *)base + i * stride, (size_t)r->row_bytes);
}

static inline void tile_store(const struct tiles *t, int n, void *base, long stride)
{
    const struct tile_register *r = &t->at[n];
    for (int i = 0; i < r->rows; i++)
        memcpy((char *)base + i * stride, r->bytes[i], (size_t)r->row_bytes);
}

/* Numbers too small for an exponent count as zeros of their sign, as operands and as results. */
static inline float tile_flushed(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= bits & 0x7f800000u ? 0xffffffffu : 0x80000000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The products of even and of odd elements are summed apart, by fused multiply-adds that round to nearest even, then
 * added, then added to what was there. A product of two bf16 numbers is a float without rounding, so that a plain sum
 * rounds as the fused one does (but for products below the smallest float, which the instruction adds before it
 * flushes). */
static inline void tile_dot_bf16(struct tiles *t, int sum, int a, int b)
{
    float y[TILE_ROWS][2][TILE_WORDS];
    const int words = t->at[a].row_bytes / 4;
    for (int k = 0; k < words; k++) {
        uint16_t row[2 * TILE_WORDS];
        memcpy(row, t->at[b].bytes[k], sizeof row);
        for (int n = 0; n < 2 * TILE_WORDS; n++)
            y[k][n % 2][n / 2] = tile_flushed(bf16_value(row[n]));
    }
    for (int m = 0; m < t->at[sum].rows; m++) {
        float even[TILE_WORDS] = {0}, odd[TILE_WORDS] = {0}, all[TILE_WORDS];
        for (int k = 0; k < words; k++) {
            uint16_t x[2];
            memcpy(x, t->at[a].bytes[m] + 4 * k, sizeof x);
            const float x0 = tile_flushed(bf16_value(x[0])), x1 = tile_flushed(bf16_value(x[1]));
            for (int n = 0; n < TILE_WORDS; n++) {
                even[n] = tile_flushed(even[n] + tile_flushed(x0 * y[k][0][n]));
                odd[n] = tile_flushed(odd[n] + tile_flushed(x1 * y[k][1][n]));
            }
        }
        memcpy(all, t->at[sum].bytes[m], sizeof all);
        for (int n = 0; n < TILE_WORDS; n++)
            all[n] = tile_flushed(tile_flushed(all[n]) + tile_flushed(even[n] + odd[n]));
        memcpy(t->at[sum].bytes[m], all, sizeof all);
    }
}

static inline void tile_dot_bytes(struct tiles *t, int sum, int a, int b)
{
    for (int m = 0; m < t->at[sum].rows; m++) {
        uint32_t all[TILE_WORDS];
        memcpy(all, t->at[sum].bytes[m], sizeof all);
        for (int k = 0; k < t->at[a].row_bytes / 4; k++) {
            const unsigned char *x = t->at[a].bytes[m] + 4 * k;
            const signed char *y = (const signed char *)t->at[b].bytes[k];
            for (int n = 0; n < TILE_WORDS; n++)
                all[n] += (uint32_t)(x[0] * y[4 * n] + x[1] * y[4 * n + 1] + x[2] * y[4 * n + 2] + x[3] * y[4 * n + 3]);
        }
        memcpy(t->at[sum].bytes[m], all, sizeof all);
    }
}

#endif
