/* Convolution tiles, one source for every instruction set: include after a simd_<isa>.h. MR rows (pixels, or input
 * channels for the weight gradient) x nv vectors of output channels live in registers; a step of the reduction
 * loads nv vectors and broadcasts MR numbers. */
#ifndef Y9_KERNELS_CONV_TILE_TMPL_H
#define Y9_KERNELS_CONV_TILE_TMPL_H

#include "kernels/simd_math.h"
#include "kernels/slots.h"

#define INLINE static inline __attribute__((always_inline))

enum { MR_MOST = 12, NV_MOST = 4 };

INLINE vf epilogue(const struct conv_tile *t, vf x, const int i, const int j, int n)
{
    float *dst = t->dst[i] + t->dst_offset + j * VL;
    if (t->accumulate)
        x = v_add(x, n == VL ? v_load(dst) : v_load_n(dst, n));
    if (t->act == KERNEL_ACT_SILU)
        x = v_silu(x);
    else if (t->act == KERNEL_ACT_RELU)
        x = v_max(v_zero(), x);
    if (t->residual) {
        const float *r = t->residual[i] + t->residual_offset + j * VL;
        x = v_add(x, n == VL ? v_load(r) : v_load_n(r, n));
    }
    return x;
}

INLINE void conv_tile(const struct conv_tile *t, const int nv, const int m)
{
    vf acc[MR_MOST][NV_MOST];
    for (int j = 0; j < nv; j++) {
        vf x = t->bias ? v_load(t->bias + j * VL) : v_zero();
        for (int i = 0; i < m; i++)
            acc[i][j] = x;
    }
    const float *b = t->b;
    const long k = t->k;
    for (int tap = 0; tap < t->taps; tap++) {
        const float *a[MR_MOST];
        for (int i = 0; i < m; i++)
            a[i] = t->a[(size_t)tap * t->a_stride + (size_t)i] + t->a_offset;
        for (long c = 0; c < k; c++, b += nv * VL) {
            vf y[NV_MOST];
            for (int j = 0; j < nv; j++)
                y[j] = v_load(b + j * VL);
            for (int i = 0; i < m; i++) {
                vf x = v_set1(a[i][c]);
                for (int j = 0; j < nv; j++)
                    acc[i][j] = v_fma(x, y[j], acc[i][j]);
            }
        }
    }
    for (int j = 0; j < nv; j++) {
        const int n = t->n - j * VL;
        if (n >= VL) {
            for (int i = 0; i < m; i++)
                v_store(t->dst[i] + t->dst_offset + j * VL, epilogue(t, acc[i][j], i, j, VL));
        } else if (n > 0) {
            for (int i = 0; i < m; i++)
                v_store_n(t->dst[i] + t->dst_offset + j * VL, epilogue(t, acc[i][j], i, j, n), n);
        }
    }
}

INLINE void wgrad_tile(const struct wgrad_tile *t, const int nv, const int m)
{
    vf acc[MR_MOST][NV_MOST];
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < nv; j++)
            acc[i][j] = v_load(t->c + (size_t)i * t->c_stride + j * VL);
    }
    const float *b = t->b;
    const int tail = t->n - (nv - 1) * VL; /* lanes of the last vector */
    for (int p = 0; p < t->pixels; p++, b += t->b_stride) {
        const float *a = t->a[p] + t->a_offset;
        vf y[NV_MOST];
        for (int j = 0; j < nv - 1; j++)
            y[j] = v_load(b + j * VL);
        y[nv - 1] = tail == VL ? v_load(b + (nv - 1) * VL) : v_load_n(b + (nv - 1) * VL, tail);
        for (int i = 0; i < m; i++) {
            vf x = v_set1(a[i]);
            for (int j = 0; j < nv; j++)
                acc[i][j] = v_fma(x, y[j], acc[i][j]);
        }
    }
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < nv; j++)
            v_store(t->c + (size_t)i * t->c_stride + j * VL, acc[i][j]);
    }
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
