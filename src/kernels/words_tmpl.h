/* Floats to words, one source for every instruction set: include after a simd_<isa>.h and
 *   v_load_rgb(p)   the first three of every four floats of a vector, the fourth 0 and not read */
#ifndef Y9_KERNELS_WORDS_TMPL_H
#define Y9_KERNELS_WORDS_TMPL_H

#include "core/status.h"
#include "kernels/bf16_inline.h"
#include "kernels/slots.h"

static inline void bf16_pixel(uint16_t *dst, const float *src, int c)
{
    for (int i = 0; i < c; i++)
        dst[i] = bf16_of(src[i]);
    if (c % 2)
        dst[c] = 0;
}

static inline void to_bf16(const struct word_run *r)
{
    for (int p = 0; p < r->pixels; p++)
        bf16_pixel((uint16_t *)r->dst + (size_t)p * r->dst_pixel * 2, r->src + (size_t)p * r->src_pixel, r->c);
}

static void split(const struct word_run *r, size_t low)
{
    for (int p = 0; p < r->pixels; p++) {
        const float *src = r->src + (size_t)p * r->src_pixel;
        uint16_t *dst = (uint16_t *)r->dst + (size_t)p * r->dst_pixel * 2, *rest = dst + 2 * low;
        int c = 0;
        for (; c + VL <= r->c; c += VL) {
            const vf x = v_load(src + c);
            v_store_bf16(dst + c, x);
            const vf high = v_load_bf16(dst + c);
            const vf finite = v_sub(high, high); /* 0, else NaN: nothing is left */
            v_store_bf16(rest + c, v_select(v_isnan(finite), v_zero(), v_sub(x, high)));
        }
        for (; c < r->c; c++) {
            dst[c] = bf16_of(src[c]);
            rest[c] = bf16_rest(src[c]);
        }
        if (r->c % 2)
            dst[c] = rest[c] = 0;
    }
}

/* Whole vectors of an image's pixels, three channels of four floats; returns how many pixels they hold. */
static inline int image_to_bytes(const struct word_run *r)
{
    const vf factor = v_set1(r->factor), zero = v_set1(r->zero);
    int p = 0;
    for (; p + VL / 4 < r->pixels; p += VL / 4) {
        vf x = v_add(v_round(v_mul(v_load_rgb(r->src + 4 * (size_t)p), factor)), zero);
        v_store_bytes_n((unsigned char *)r->dst + 4 * (size_t)p, v_min(v_max(x, v_zero()), v_set1(255)), VL);
    }
    return p;
}

static void to_bytes(const struct word_run *r)
{
    const vf factor = v_set1(r->factor), zero = v_set1(r->zero);
    int p = r->c == 3 && r->src_pixel == 4 && r->dst_pixel == 1 && r->zero == 0 ? image_to_bytes(r) : 0;
    for (; p < r->pixels; p++) {
        const float *src = r->src + (size_t)p * r->src_pixel;
        unsigned char *dst = (unsigned char *)r->dst + (size_t)p * r->dst_pixel * 4;
        int c = 0;
        for (; c + VL <= r->c; c += VL) {
            vf x = v_add(v_round(v_mul(v_load(src + c), factor)), zero);
            v_store_bytes_n(dst + c, v_min(v_max(x, v_zero()), v_set1(255)), VL);
        }
        if (c < r->c) {
            vf x = v_add(v_round(v_mul(v_load_n(src + c, r->c - c), factor)), zero);
            v_store_bytes_n(dst + c, v_min(v_max(x, v_zero()), v_set1(255)), r->c - c);
        }
        for (c = r->c; c % 4; c++)
            dst[c] = 0;
    }
}

#endif
