/* The register loop of a convolution tile, one source for every instruction set and element type. A step of the
 * reduction takes a word of 32 bits from each pixel (a float, two bf16 numbers or four bytes), broadcasts it and
 * multiplies it with packed vectors of weights. Include after what says how:
 *   vword, vsum                   a vector of words as w_dot wants it, a vector of sums
 *   w_zero, w_weights, w_input    no sum yet; VL words from memory; one word in all lanes
 *   w_dot, w_store                sums + word . word; VL sums to memory
 *   conv_finish(t, acc, nv, m, half)   sums -> dst while they are in registers, or false: not this tile
 *   conv_epilogue(t, sums)        sums [m][nv * VL] -> dst
 *   TILES                         the tile sizes to build
 *   HALF_TILES, w_dot_half        where half a vector costs less than a whole one: tiles whose last vector has an empty
 *                                 upper half, and w_dot on the lower one, which leaves zeros above */
#ifndef Y9_KERNELS_CONV_LOOP_TMPL_H
#define Y9_KERNELS_CONV_LOOP_TMPL_H

#include "core/status.h" /* MIN */
#include "kernels/conv_registers_tmpl.h"
#include "kernels/slots.h"

#ifndef HALF_TILES
#define w_dot_half w_dot
#endif

FORCE_INLINE void conv_clear(conv_acc acc, const int nv, const int m)
{
    UNROLL
    for (int i = 0; i < m; i++) {
        UNROLL
        for (int j = 0; j < nv; j++)
            acc[i][j] = w_zero();
    }
}

/* Steps c .. end - 1 of the reduction; returns the weights of the next one. */
FORCE_INLINE const float *conv_steps(conv_acc acc, conv_held held, conv_parked parked, const float *b, long c,
                                     const long end, const int nv, const int m, const bool half)
{
    for (; c < end; c++, b += nv * VL) {
        vword y[NV_MOST];
        UNROLL
        for (int j = 0; j < nv; j++)
            y[j] = w_weights(b + j * VL);
        UNROLL
        for (int i = 0; i < m; i++) {
            const vword x = w_input((i < HELD ? held[i] : parked[i - HELD]) + c);
            UNROLL
            for (int j = 0; j < nv; j++)
                acc[i][j] = half && j == nv - 1 ? w_dot_half(x, y[j], acc[i][j]) : w_dot(x, y[j], acc[i][j]);
        }
    }
    return b;
}

/* `fetch`: between every 16 steps of the reduction the same stretch of the next tile's pixels is fetched, and a share
 * of weights to come. One tile is longer than the processor looks ahead, pixels that lie in memory a map's width apart
 * are no stream to it, and a stream of weights breaks off at every page. */
FORCE_INLINE void conv_taps(const struct conv_tile **tile, conv_acc acc, const int nv, const int m, const bool half,
                            const bool fetch)
{
    const struct conv_tile *t = *tile;
    const float *b = t->b, *ahead = t->ahead;
    const float *const *from = t->a, *const *next = t->next;
    const long k = t->k;
    long offset = (long)t->a_offset;
    for (int tap = 0, beside = 0; tap < t->taps; tap++) {
        conv_held held;
        conv_parked parked;
        conv_point(held, parked, from, offset, m);
        PARK(*tile);
        PARK(from);
        PARK(offset);
        PARK(tap);
        PARK(beside);
        for (long c = 0; c < k;) {
            const long end = fetch ? MIN(k, c + FETCH_STEPS) : k;
            if (fetch && ahead) {
                for (int i = 0; i < t->ahead_lines; i++, ahead += 16)
                    __builtin_prefetch(ahead, 0, 2);
            }
            if (fetch && next) {
                UNROLL
                for (int i = 0; i < m; i++)
                    __builtin_prefetch(next[i] + offset + c);
            }
            b = conv_steps(acc, held, parked, b, c, end, nv, m, half);
            c = end;
        }
        t = *tile;
        offset += t->beside_step;
        if (beside++ == t->beside) {
            beside = 0;
            offset = (long)t->a_offset;
            from += t->a_stride;
            if (fetch && next)
                next += t->a_stride;
        }
    }
}

FORCE_INLINE void conv_put(const struct conv_tile *t, conv_acc acc, const int nv, const int m, const bool half)
{
    if (conv_finish(t, acc, nv, m, half))
        return;
    const bool plain = !t->bias && !t->accumulate && !t->residual && !t->addend && !t->dst_bf16 && t->act == ACT_NONE &&
                       t->n == nv * VL;
    _Alignas(64) float sums[MR_MOST * NV_MOST * VL];
    UNROLL
    for (int i = 0; i < m; i++) {
        float *to = plain ? t->dst[i] + t->dst_offset : sums + i * nv * VL;
        UNROLL
        for (int j = 0; j < nv; j++)
            w_store(to + j * VL, acc[i][j]);
    }
    if (!plain)
        conv_epilogue(t, sums);
}

/* t->more + 1 tiles of sums in a row: for products of few channels a call costs as much as a third of the sums. */
FORCE_INLINE void conv_sums(const struct conv_tile *t, const int nv, const int m, const bool half)
{
    const float *b = t->b;
    size_t to = t->dst_offset;
    conv_held held;
    conv_parked parked;
    conv_point(held, parked, t->a, (long)t->a_offset, m);
    long c = 0;
    for (int tile = 0; tile <= t->more; tile++) {
        conv_acc acc;
        conv_clear(acc, nv, m);
        PARK(t);
        PARK(to);
        PARK(tile);
        b = conv_steps(acc, held, parked, b, c, c + t->k, nv, m, half);
        UNROLL
        for (int i = 0; i < m; i++) {
            UNROLL
            for (int j = 0; j < nv; j++)
                w_store(t->dst[i] + to + j * VL, acc[i][j]);
        }
        c += (long)t->a_next;
        to += t->dst_next;
    }
}

FORCE_INLINE void conv_tile(const struct conv_tile *t, const int nv, const int m, const bool half)
{
    if (t->more) {
        conv_sums(t, nv, m, half);
        return;
    }
    if (t->residual_next) {
        for (int i = 0; i < m; i++)
            for (int j = 0; j < nv * VL; j += 16)
                __builtin_prefetch(t->residual_next[i] + (t->residual_bf16 ? (t->residual_offset + (size_t)j) / 2
                                                                           : t->residual_offset + (size_t)j));
    }
    conv_acc acc;
    conv_clear(acc, nv, m);
    if (t->next || t->ahead)
        conv_taps(&t, acc, nv, m, half, true);
    else
        conv_taps(&t, acc, nv, m, half, false);
    conv_put(t, acc, nv, m, half);
}

typedef void conv_tile_fn(const struct conv_tile *t);

/* One function a tile size; the list names those an instruction set builds. */
#define TILE(nv, m)                                             \
    static void conv_tile_##nv##_##m(const struct conv_tile *t) \
    {                                                           \
        conv_tile(t, nv, m, false);                             \
    }
TILES
#undef TILE

static conv_tile_fn *const conv_tiles[NV_MOST + 1][MR_MOST + 1] = {
#define TILE(nv, m) [nv][m] = conv_tile_##nv##_##m,
    TILES
#undef TILE
};

#ifdef HALF_TILES
#define TILE(nv, m)                                                  \
    static void conv_half_tile_##nv##_##m(const struct conv_tile *t) \
    {                                                                \
        conv_tile(t, nv, m, true);                                   \
    }
HALF_TILES
#undef TILE

static conv_tile_fn *const conv_half_tiles[NV_MOST + 1][MR_MOST + 1] = {
#define TILE(nv, m) [nv][m] = conv_half_tile_##nv##_##m,
    HALF_TILES
#undef TILE
};
#endif

static void conv_tile_run(const struct conv_tile *t)
{
#ifdef HALF_TILES
    if (t->half && conv_half_tiles[t->nv][t->m]) {
        conv_half_tiles[t->nv][t->m](t);
        return;
    }
#endif
    conv_tiles[t->nv][t->m](t);
}

#endif
