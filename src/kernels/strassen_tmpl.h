/* Strassen's algorithm for a tile of pixel pairs by a panel of output channels (kernels/slots.h), one source for every
 * vector width: include after conv_tile_tmpl.h, with STRASSEN_NV, the vectors of a panel, and STRASSEN_TILES, the tile
 * sizes to build. */
#include "kernels/inlining.h"
#include "kernels/slots.h"

static void strassen_sums(const struct strassen_sums *t)
{
    for (int i = 0; i < t->pairs; i++) {
        const float *a1 = t->top[i], *a2 = t->bottom[i];
        float *to = t->sums + (size_t)i * t->stride;
        for (int c = 0; c < t->half; c += VL, to += VL) {
            const vf a11 = v_load(a1 + c), a12 = v_load(a1 + t->half + c), q = v_load(t->q + c);
            const vf a21 = v_load(a2 + c), a22 = v_load(a2 + t->half + c);
            v_store(to, v_fma(a22, q, a11));
            v_store(to + t->half, v_sub(a12, a22));
            v_store(to + 2 * t->half, v_sub(a21, a11));
            v_store(to + 3 * t->half, v_fma(a12, q, a11));
            v_store(to + 4 * t->half, v_fma(a22, q, a21));
        }
    }
}

/* A tile's partial results, [m][STRASSEN_NV * VL] */
typedef float strassen_part[MR_MOST * STRASSEN_NV * VL];

/* The result's quarter of a row of pixels and a half of the columns. */
static void strassen_finish(const struct strassen_tile *t, const float *sums, int row, int half)
{
    const struct conv_tile end = {.m = t->m,
                                  .n = STRASSEN_NV * VL,
                                  .nv = STRASSEN_NV,
                                  .bias = t->bias[half],
                                  .dst = t->dst[row],
                                  .dst_offset = t->column[half],
                                  .addend = t->addend[row],
                                  .addend_offset = t->column[half],
                                  .act = t->act};
    conv_epilogue(&end, sums);
}

/* sum += a product; `*b` is its factor of the weights and becomes the next one's. On the way half of the channels of
 * the pixels `next`, from `offset` on, are fetched. */
FORCE_INLINE void strassen_add(const struct strassen_tile *t, const int m, enum strassen_product product,
                               const float **b, conv_acc sum, const float *const *next, int offset)
{
    const float *weights = *b;
    conv_held held;
    conv_parked parked;
    conv_point(held, parked, t->a + (size_t)product * t->a_stride, 0, m);
    for (long c = 0; c < t->half;) {
        if (next) {
            UNROLL
            for (int i = 0; i < m; i++)
                __builtin_prefetch(next[i] + offset + c, 0, 2);
        }
        weights = conv_steps(sum, held, parked, weights, c, c + FETCH_STEPS, STRASSEN_NV, m, false);
        c += FETCH_STEPS;
    }
    *b = weights;
}

/* All vectors of a sum; `at` is a vector's place in a part. */
#define STRASSEN_EACH(statement)                       \
    UNROLL                                             \
    for (int i = 0; i < m; i++) {                      \
        UNROLL                                         \
        for (int j = 0; j < STRASSEN_NV; j++) {        \
            const int at = (i * STRASSEN_NV + j) * VL; \
            statement;                                 \
        }                                              \
    }

FORCE_INLINE void strassen_loop(const struct strassen_tile *t, const int m)
{
    _Alignas(64) strassen_part x, y, z;
    const float *b = t->b;
    conv_acc sum;
    conv_clear(sum, STRASSEN_NV, m);
    strassen_add(t, m, STRASSEN_P1, &b, sum, t->next[0], 0);
    STRASSEN_EACH(v_store(x + at, sum[i][j]))
    strassen_add(t, m, STRASSEN_P7, &b, sum, t->next[0], t->half);
    STRASSEN_EACH(v_store(y + at, sum[i][j]); sum[i][j] = v_load(x + at)) /* y = p1 + p7 */
    strassen_add(t, m, STRASSEN_P6, &b, sum, t->next[1], 0);
    STRASSEN_EACH(v_store(x + at, sum[i][j]); sum[i][j] = v_zero()) /* x = p1 + p6 */
    strassen_add(t, m, STRASSEN_P3, &b, sum, t->next[1], t->half);
    STRASSEN_EACH(v_store(z + at, sum[i][j]); v_store(x + at, v_add(v_load(x + at), sum[i][j])); sum[i][j] = v_zero())
    strassen_add(t, m, STRASSEN_P5, &b, sum, NULL, 0);
    STRASSEN_EACH(v_store(y + at, v_sub(v_load(y + at), sum[i][j]));
                  v_store(z + at, v_mul(v_add(v_load(z + at), sum[i][j]), v_load(t->right + j * VL))))
    strassen_finish(t, z, 0, 1);

    conv_clear(sum, STRASSEN_NV, m);
    strassen_add(t, m, STRASSEN_P2, &b, sum, NULL, 0);
    STRASSEN_EACH(v_store(z + at, sum[i][j]);
                  v_store(x + at, v_mul(v_sub(v_load(x + at), sum[i][j]), v_load(t->right + j * VL))))
    strassen_finish(t, x, 1, 1);

    conv_clear(sum, STRASSEN_NV, m);
    strassen_add(t, m, STRASSEN_P4, &b, sum, NULL, 0);
    STRASSEN_EACH(v_store(y + at, v_add(v_load(y + at), sum[i][j])); v_store(z + at, v_add(v_load(z + at), sum[i][j])))
    strassen_finish(t, y, 0, 0);
    strassen_finish(t, z, 1, 0);
}

typedef void strassen_tile_fn(const struct strassen_tile *t);

#define TILE(m)                                                  \
    static void strassen_tile_##m(const struct strassen_tile *t) \
    {                                                            \
        strassen_loop(t, m);                                     \
    }
STRASSEN_TILES
#undef TILE

static strassen_tile_fn *const strassen_tiles[MR_MOST + 1] = {
#define TILE(m) [m] = strassen_tile_##m,
    STRASSEN_TILES
#undef TILE
};

static void strassen_tile_run(const struct strassen_tile *t)
{
    strassen_tiles[t->m](t);
}
