/* Convolution tiles, one source for every instruction set: include after a simd_<isa>.h. MR rows (pixels, or input
 * channels for the weight gradient) x nv vectors of output channels live in registers; a step of the reduction
 * loads nv vectors and broadcasts MR numbers. */
#ifndef Y9_KERNELS_CONV_TILE_TMPL_H
#define Y9_KERNELS_CONV_TILE_TMPL_H

#include "core/status.h" /* MIN */
#include "kernels/simd_math.h"
#include "kernels/slots.h"

#define INLINE static inline __attribute__((always_inline))

/* Loops over registers must vanish, or the arrays of vectors stay in memory. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 12")
#endif

enum { MR_MOST = 12, NV_MOST = 4 };

/* The common epilogue: whole vectors, nothing to add but the bias. */
INLINE void epilogue_column(const float *sums, const int step, const vf bias, float *const *dst, const size_t offset,
                            const int m, const enum kernel_act act)
{
    for (int i = 0; i < m; i++) {
        vf x = v_add(v_load(sums + i * step), bias);
        if (act == KERNEL_ACT_SILU)
            x = v_silu(x);
        else if (act == KERNEL_ACT_RELU)
            x = v_max(v_zero(), x);
        v_store(dst[i] + offset, x);
    }
}

/* dst = act(sums + bias (+ dst)) (+ residual); sums lie tightly, [m][nv * VL] */
static __attribute__((noinline)) void conv_epilogue(const struct conv_tile *t, const float *sums)
{
    const int m = t->m, step = t->nv * VL;
    const enum kernel_act act = t->act;
    for (int j = 0; j < t->nv; j++, sums += VL) {
        const int n = MIN(t->n - j * VL, VL);
        if (n <= 0)
            break;
        const vf bias = t->bias ? v_load(t->bias + j * VL) : v_zero();
        const size_t offset = t->dst_offset + (size_t)(j * VL);
        if (n == VL && !t->accumulate && !t->residual) {
            if (act == KERNEL_ACT_SILU)
                epilogue_column(sums, step, bias, t->dst, offset, m, KERNEL_ACT_SILU);
            else
                epilogue_column(sums, step, bias, t->dst, offset, m, act);
            continue;
        }
        for (int i = 0; i < m; i++) {
            float *dst = t->dst[i] + offset;
            vf x = v_add(v_load(sums + i * step), bias);
            if (t->accumulate)
                x = v_add(x, v_load_n(dst, n));
            if (act == KERNEL_ACT_SILU)
                x = v_silu(x);
            else if (act == KERNEL_ACT_RELU)
                x = v_max(v_zero(), x);
            if (t->residual)
                x = v_add(x, v_load_n(t->residual[i] + t->residual_offset + j * VL, n));
            v_store_n(dst, x, n);
        }
    }
}

/* `fetch`: between every 16 steps of the reduction the same stretch of the next tile's pixels is fetched. One tile is
 * longer than the processor looks ahead, and pixels that lie in memory a map's width apart are no stream to it. */
INLINE void conv_loop(const struct conv_tile *t, const int nv, const int m, const bool fetch)
{
    vf acc[MR_MOST][NV_MOST];
    UNROLL
    for (int i = 0; i < m; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = v_zero();
    }
    const float *b = t->b;
    const long k = t->k;
    for (int tap = 0; tap < t->taps; tap++) {
        const float *a[MR_MOST];
        UNROLL
        for (int i = 0; i < m; i++)
            a[i] = t->a[(size_t)tap * t->a_stride + (size_t)i] + t->a_offset;
        for (long c = 0; c < k;) {
            const long end = fetch ? MIN(k, c + 16) : k;
            if (fetch) {
                UNROLL
                for (int i = 0; i < m; i++)
                    __builtin_prefetch(t->next[(size_t)tap * t->a_stride + (size_t)i] + t->a_offset + c);
            }
            for (; c < end; c++, b += nv * VL) {
                vf y[NV_MOST];
                UNROLL
                for (int j = 0; j < nv; j++)
                    y[j] = v_load(b + j * VL);
                UNROLL
                for (int i = 0; i < m; i++) {
                    vf x = v_set1(a[i][c]);
                    UNROLL
                    for (int j = 0; j < nv; j++)
                        acc[i][j] = v_fma(x, y[j], acc[i][j]);
                }
            }
        }
    }
    const bool plain = !t->bias && !t->accumulate && !t->residual && !t->act && t->n == nv * VL;
    _Alignas(64) float sums[MR_MOST * NV_MOST * VL];
    UNROLL
    for (int i = 0; i < m; i++) {
        float *to = plain ? t->dst[i] + t->dst_offset : sums + i * nv * VL;
        UNROLL
        for (int j = 0; j < nv; j++)
            v_store(to + j * VL, acc[i][j]);
    }
    if (!plain)
        conv_epilogue(t, sums);
}

INLINE void conv_tile(const struct conv_tile *t, const int nv, const int m)
{
    if (t->next)
        conv_loop(t, nv, m, true);
    else
        conv_loop(t, nv, m, false);
}

/* `whole`: the last vector has no empty lanes. */
INLINE void wgrad_loop(const struct wgrad_tile *t, const int nv, const int m, const bool whole)
{
    vf acc[MR_MOST][NV_MOST];
    float *c = t->c;
    const size_t c_stride = t->c_stride, b_stride = t->b_stride, a_offset = t->a_offset;
    UNROLL
    for (int i = 0; i < m; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = v_load(c + (size_t)i * c_stride + j * VL);
    }
    const float *b = t->b;
    const int tail = t->n - (nv - 1) * VL, pixels = t->pixels;
    const float *const *pixel = t->a;
    for (int p = 0; p < pixels; p++, b += b_stride) {
        const float *a = pixel[p] + a_offset;
        vf y[NV_MOST];
        UNROLL
        for (int j = 0; j < nv - 1; j++)
            y[j] = v_load(b + j * VL);
        y[nv - 1] = whole ? v_load(b + (nv - 1) * VL) : v_load_n(b + (nv - 1) * VL, tail);
        UNROLL
        for (int i = 0; i < m; i++) {
            vf x = v_set1(a[i]);
            UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = v_fma(x, y[j], acc[i][j]);
        }
    }
    UNROLL
    for (int i = 0; i < m; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            v_store(c + (size_t)i * c_stride + j * VL, acc[i][j]);
    }
}

INLINE void wgrad_tile(const struct wgrad_tile *t, const int nv, const int m)
{
    if (t->n == nv * VL)
        wgrad_loop(t, nv, m, true);
    else
        wgrad_loop(t, nv, m, false);
}

typedef void conv_tile_fn(const struct conv_tile *t);
typedef void wgrad_tile_fn(const struct wgrad_tile *t);

/* One function a tile size; the list below names those an instruction set builds. */
#define TILE(nv, m)                                               \
    static void conv_tile_##nv##_##m(const struct conv_tile *t)   \
    {                                                             \
        conv_tile(t, nv, m);                                      \
    }                                                             \
    static void wgrad_tile_##nv##_##m(const struct wgrad_tile *t) \
    {                                                             \
        wgrad_tile(t, nv, m);                                     \
    }
TILES
#undef TILE

static conv_tile_fn *const conv_tiles[NV_MOST + 1][MR_MOST + 1] = {
#define TILE(nv, m) [nv][m] = conv_tile_##nv##_##m,
    TILES
#undef TILE
};

static wgrad_tile_fn *const wgrad_tiles[NV_MOST + 1][MR_MOST + 1] = {
#define TILE(nv, m) [nv][m] = wgrad_tile_##nv##_##m,
    TILES
#undef TILE
};

static void conv_tile_run(const struct conv_tile *t)
{
    conv_tiles[t->nv][t->m](t);
}

static void wgrad_tile_run(const struct wgrad_tile *t)
{
    wgrad_tiles[t->nv][t->m](t);
}

#endif
