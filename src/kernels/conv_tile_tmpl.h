/* Convolution tiles of floats, one source for every instruction set: include after a simd_<isa>.h. MR rows (pixels, or
 * input channels for the weight gradient) x nv vectors of output channels live in registers; a step of the reduction
 * loads nv vectors and broadcasts MR numbers. */
#ifndef Y9_KERNELS_CONV_TILE_TMPL_H
#define Y9_KERNELS_CONV_TILE_TMPL_H

typedef vf vword, vsum;

static inline vsum w_zero(void)
{
    return v_zero();
}
static inline vword w_weights(const float *p)
{
    return v_load(p);
}
static inline vword w_input(const float *p)
{
    return v_set1(*p);
}
static inline vsum w_dot(vword x, vword y, vsum sum)
{
    return v_fma(x, y, sum);
}
static inline void w_store(float *p, vsum x)
{
    v_store(p, x);
}

#include "kernels/conv_epilogue_tmpl.h"
#include "kernels/conv_loop_tmpl.h"

/* `whole`: the last vector has no empty lanes. */
FORCE_INLINE void wgrad_loop(const struct wgrad_tile *t, const int nv, const int m, const bool whole)
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
        __asm__("" : "+r"(a)); /* one register, and not one more for each row's sum of offsets */
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

FORCE_INLINE void wgrad_tile(const struct wgrad_tile *t, const int nv, const int m)
{
    if (t->n == nv * VL)
        wgrad_loop(t, nv, m, true);
    else
        wgrad_loop(t, nv, m, false);
}

typedef void wgrad_tile_fn(const struct wgrad_tile *t);

#define TILE(nv, m)                                               \
    static void wgrad_tile_##nv##_##m(const struct wgrad_tile *t) \
    {                                                             \
        wgrad_tile(t, nv, m);                                     \
    }
TILES
#undef TILE

static wgrad_tile_fn *const wgrad_tiles[NV_MOST + 1][MR_MOST + 1] = {
#define TILE(nv, m) [nv][m] = wgrad_tile_##nv##_##m,
    TILES
#undef TILE
};

static void wgrad_tile_run(const struct wgrad_tile *t)
{
    wgrad_tiles[t->nv][t->m](t);
}

#endif
