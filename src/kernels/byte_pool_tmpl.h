/* Pooling of bytes, one source for every instruction set: include after a simd_<isa>.h. */
#ifndef Y9_KERNELS_BYTE_POOL_TMPL_H
#define Y9_KERNELS_BYTE_POOL_TMPL_H

#include "core/status.h"
#include "kernels/slots.h"

static void byte_rescale(unsigned char *dst, const unsigned char *src, int c, float factor, float shift)
{
    const vf f = v_set1(factor), s = v_set1(shift);
    for (int i = 0; i < c; i += VL) {
        const int n = MIN(c - i, VL);
        const vf x = v_round(v_add(v_mul(v_load_bytes_n(src + i, n), f), s));
        v_store_bytes_n(dst + i, v_min(v_max(x, v_zero()), v_set1(255)), n);
    }
}

static void byte_max(const struct byte_pool_run *r)
{
    unsigned char *dst = r->dst;
    const int c = r->c;
    int i = 0;
    for (; i + VB <= c; i += VB) {
        vb most = vb_load(r->src[0] + i);
        for (int tap = 1; tap < r->taps; tap++)
            most = vb_max(most, vb_load(r->src[tap] + i));
        vb_store(dst + i, most);
    }
    for (; i < c; i++) {
        dst[i] = r->src[0][i];
        for (int tap = 1; tap < r->taps; tap++)
            dst[i] = MAX(dst[i], r->src[tap][i]);
    }
    if (r->factor != 1 || r->shift != 0)
        byte_rescale(dst, dst, c, r->factor, r->shift);
}

/* VL bytes from `first` on of all taps, or n of them, added as floats. */
static inline vf byte_sum(const struct byte_pool_run *r, int first, int n)
{
    vf sum = v_load_bytes_n(r->src[0] + first, n);
    for (int tap = 1; tap < r->taps; tap++)
        sum = v_add(sum, v_load_bytes_n(r->src[tap] + first, n));
    return sum;
}

enum { MEANS = 32 }; /* at once: as many sums of 16 bits as 512 hold */

/* MEANS times the mean of four bytes: in 16 bits, halves to even, or changed to floats once and not four times. */
static inline void byte_means_of_4(const struct byte_pool_run *r, int first, vf factor, vf shift)
{
    const unsigned char *x = r->src[0] + first, *y = r->src[1] + first, *z = r->src[2] + first, *w = r->src[3] + first;
    unsigned short sum[MEANS];
    for (int i = 0; i < MEANS; i++) /* compilers make vectors of it */
        sum[i] = (unsigned short)(x[i] + y[i] + z[i] + w[i]);
    if (r->factor == 1 && r->shift == 0) {
        unsigned char *restrict dst = r->dst + first;
        for (int i = 0; i < MEANS; i++)
            dst[i] = (unsigned char)((unsigned short)(sum[i] + 1 + (sum[i] >> 2 & 1)) >> 2);
        return;
    }
    for (int i = 0; i < MEANS; i += VL)
        v_store_cut_n(r->dst + first + i, v_add(v_mul(v_load_shorts(sum + i), factor), shift), VL);
}

static void byte_mean(const struct byte_pool_run *r)
{
    const vf factor = v_set1(r->factor / (float)r->taps), shift = v_set1(r->shift);
    int i = 0;
    for (; r->taps == 4 && i + MEANS <= r->c; i += MEANS)
        byte_means_of_4(r, i, factor, shift);
    for (; i < r->c; i += VL) {
        const int n = MIN(r->c - i, VL);
        v_store_cut_n(r->dst + i, v_add(v_mul(byte_sum(r, i, n), factor), shift), n);
    }
}

#endif
