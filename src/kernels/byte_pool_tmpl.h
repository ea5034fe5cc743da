/* Pooling of bytes, one source for every instruction set: include after a simd_<isa>.h. */
#ifndef Y9_KERNELS_BYTE_POOL_TMPL_H
#define Y9_KERNELS_BYTE_POOL_TMPL_H

#include "core/status.h"
#include "kernels/slots.h"

#include <string.h>

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
    unsigned char *restrict dst = r->dst;
    const int c = r->c;
    memcpy(dst, r->src[0], (size_t)c);
    for (int tap = 1; tap < r->taps; tap++) { /* compilers make vectors of it */
        const unsigned char *src = r->src[tap];
        for (int i = 0; i < c; i++)
            dst[i] = src[i] > dst[i] ? src[i] : dst[i];
    }
    if (r->factor != 1 || r->shift != 0)
        byte_rescale(dst, dst, c, r->factor, r->shift);
}

/* The mean of four bytes, halves to even, without the way through floats. */
static void byte_mean_4(const struct byte_pool_run *r)
{
    const unsigned char *x = r->src[0], *y = r->src[1], *z = r->src[2], *w = r->src[3];
    unsigned char *restrict dst = r->dst;
    const int c = r->c;
    for (int i = 0; i < c; i++) {
        const unsigned short sum = (unsigned short)(x[i] + y[i] + z[i] + w[i]);
        dst[i] = (unsigned char)((unsigned short)(sum + 1 + (sum >> 2 & 1)) >> 2);
    }
}

static void byte_mean(const struct byte_pool_run *r)
{
    if (r->taps == 4 && r->factor == 1 && r->shift == 0) {
        byte_mean_4(r);
        return;
    }
    const vf f = v_set1(r->factor / (float)r->taps), s = v_set1(r->shift);
    for (int i = 0; i < r->c; i += VL) {
        const int n = MIN(r->c - i, VL);
        vf sum = v_load_bytes_n(r->src[0] + i, n);
        for (int tap = 1; tap < r->taps; tap++)
            sum = v_add(sum, v_load_bytes_n(r->src[tap] + i, n));
        const vf x = v_round(v_add(v_mul(sum, f), s));
        v_store_bytes_n(r->dst + i, v_min(v_max(x, v_zero()), v_set1(255)), n);
    }
}

#endif
