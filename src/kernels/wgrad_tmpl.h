/* The register loop of the weight gradient, one source for every instruction set and for words of floats or of bf16
 * pairs: include after conv_loop_tmpl.h and w_weights_n(p, n)   as w_weights, of the first n words, zeros elsewhere */
#ifndef Y9_KERNELS_WGRAD_TMPL_H
#define Y9_KERNELS_WGRAD_TMPL_H

/* `whole`: the last vector has no empty lanes. */
FORCE_INLINE void wgrad_loop(const struct wgrad_tile *t, const int nv, const int m, const bool whole)
{
    conv_acc acc;
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
        vword y[NV_MOST];
        UNROLL
        for (int j = 0; j < nv - 1; j++)
            y[j] = w_weights(b + j * VL);
        y[nv - 1] = whole ? w_weights(b + (nv - 1) * VL) : w_weights_n(b + (nv - 1) * VL, tail);
        UNROLL
        for (int i = 0; i < m; i++) {
            const vword x = w_input(a + i);
            UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = w_dot(x, y[j], acc[i][j]);
        }
    }
    UNROLL
    for (int i = 0; i < m; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            w_store(c + (size_t)i * c_stride + j * VL, acc[i][j]);
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
