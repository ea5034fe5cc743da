/* Convolutions by tile registers, one source for the matrix unit and its emulation. Include after
 *   kernels/x86/tiles_amx.h or kernels/tiles_emulated.h
 *   conv_epilogue(t, sums)   sums [m][nv * 16] -> dst */
#ifndef Y9_KERNELS_MATRIX_TMPL_H
#define Y9_KERNELS_MATRIX_TMPL_H

#include "core/status.h" /* MIN */
#include "kernels/inlining.h"
#include "kernels/slots.h"

enum matrix_kind { MATRIX_FP32, MATRIX_BF16, MATRIX_BYTES };

/* Registers: sums of points 0 .. 15 in 0 and 1, of 16 .. 31 in 2 and 3; pixels in 4 and 5, weights in 6 and 7. `two`:
 * there are points 16 .. 31; `wide`: there are columns 16 .. 31. */
#define MATRIX_DOTS(dot)         \
    do {                         \
        dot(t, 0, 4, 6);         \
        if (wide)                \
            dot(t, 1, 4, 7);     \
        if (two) {               \
            dot(t, 2, 5, 6);     \
            if (wide)            \
                dot(t, 3, 5, 7); \
        }                        \
    } while (0)

#define MATRIX_PIXELS(from)                              \
    do {                                                 \
        tile_load(t, 4, from, pixel);                    \
        if (two)                                         \
            tile_load(t, 5, (from) + 16 * pixel, pixel); \
    } while (0)

#define MATRIX_WEIGHTS(from)                    \
    do {                                        \
        tile_load(t, 6, from, 64);              \
        if (wide)                               \
            tile_load(t, 7, (from) + half, 64); \
    } while (0)

/* The sums of 16 or 32 points and columns. Of floats a step takes 8 loads for 12 products: low parts first, then the
 * high ones meet both parts of the weights. */
FORCE_INLINE void matrix_sums(struct tiles *t, const struct matrix_run *r, const char *a, const char *b, float *sums,
                              const enum matrix_kind kind, const bool two, const bool wide)
{
    const long pixel = r->pixel, low = r->low, half = r->step * 16L, part = wide ? 2 * half : half;
    tile_zero(t, 0);
    tile_zero(t, 1);
    tile_zero(t, 2);
    tile_zero(t, 3);
    for (int tap = 0; tap < r->taps; tap++) {
        const char *from = a + r->tap[tap];
        for (int i = 0; i < r->steps; i++, from += r->step, b += part) {
            MATRIX_WEIGHTS(b);
            if (kind == MATRIX_FP32) {
                MATRIX_PIXELS(from + low);
                MATRIX_DOTS(tile_dot_bf16);
                MATRIX_PIXELS(from);
                MATRIX_DOTS(tile_dot_bf16);
                b += part;
                MATRIX_WEIGHTS(b);
                MATRIX_DOTS(tile_dot_bf16);
                if (r->four) {
                    MATRIX_PIXELS(from + low);
                    MATRIX_DOTS(tile_dot_bf16);
                }
            } else {
                MATRIX_PIXELS(from);
                if (kind == MATRIX_BF16)
                    MATRIX_DOTS(tile_dot_bf16);
                else
                    MATRIX_DOTS(tile_dot_bytes);
            }
        }
    }
    const long row = wide ? 128 : 64;
    tile_store(t, 0, sums, row);
    if (wide)
        tile_store(t, 1, sums + 16, row);
    if (two) {
        tile_store(t, 2, sums + 4 * row, row);
        if (wide)
            tile_store(t, 3, sums + 4 * row + 16, row);
    }
}

/* Points first .. first + 31 of a panel, or all if they are fewer; those below `from` are done. */
FORCE_INLINE void matrix_tile(struct tiles *t, const struct matrix_run *r, const char *b, int first, int from,
                              int column, const enum matrix_kind kind)
{
    _Alignas(64) float sums[MATRIX_POINTS * MATRIX_COLUMNS];
    const char *a = r->a + first * r->pixel;
    const bool wide = r->columns - column > 16, two = r->points - first > 16;
    if (wide && two)
        matrix_sums(t, r, a, b, sums, kind, true, true);
    else if (wide)
        matrix_sums(t, r, a, b, sums, kind, false, true);
    else if (two)
        matrix_sums(t, r, a, b, sums, kind, true, false);
    else
        matrix_sums(t, r, a, b, sums, kind, false, false);
    struct conv_tile e = *r->finish;
    e.nv = wide ? 2 : 1;
    e.n = MIN(16 * e.nv, r->columns - column);
    e.m = MIN(MATRIX_POINTS, r->points - first) - (from - first);
    e.dst += from;
    e.residual = e.residual ? e.residual + from : NULL;
    e.addend = e.addend ? e.addend + from : NULL;
    e.bias = e.bias ? e.bias + column : NULL;
    e.dst_offset = e.residual_offset = e.addend_offset = (size_t)column;
    conv_epilogue(&e, sums + (from - first) * 16 * e.nv);
}

FORCE_INLINE void matrix_run(const struct matrix_run *r, const enum matrix_kind kind)
{
    struct tiles state, *t = &state;
    const size_t half = matrix_panels_bytes(16, r->taps, r->steps, r->step, kind == MATRIX_FP32 ? 2 : 1);
    tiles_begin(t, r->step);
    for (int begin = 0; begin < r->points; begin += r->block) {
        const int end = MIN(begin + r->block, r->points);
        const char *b = r->b;
        for (int column = 0; column < r->columns; column += MATRIX_COLUMNS, b += 2 * half) {
            for (int from = begin; from < end;
                 from += MATRIX_POINTS) /* the last tile begins 32 points before the end */
                matrix_tile(t, r, b, MAX(0, MIN(from, r->points - MATRIX_POINTS)), from, column, kind);
        }
    }
    tiles_end(t);
}

#endif
