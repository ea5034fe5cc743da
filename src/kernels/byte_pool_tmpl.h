/* Pooling of bytes: plain loops that every compiler turns into vectors of the file's instruction set. */
#ifndef Y9_KERNELS_BYTE_POOL_TMPL_H
#define Y9_KERNELS_BYTE_POOL_TMPL_H

#include "kernels/slots.h"

#include <string.h>

static void byte_max(const struct byte_pool_run *r)
{
    unsigned char *restrict dst = r->dst;
    const int c = r->c;
    memcpy(dst, r->src[0], (size_t)c);
    for (int tap = 1; tap < r->taps; tap++) {
        const unsigned char *src = r->src[tap];
        for (int i = 0; i < c; i++)
            dst[i] = src[i] > dst[i] ? src[i] : dst[i];
    }
}

static void byte_mean(const struct byte_pool_run *r)
{
    unsigned char *restrict dst = r->dst;
    const unsigned char *const *src = r->src;
    const int c = r->c, taps = r->taps;
    if (taps == 4) {
        const unsigned char *x = src[0], *y = src[1], *z = src[2], *w = src[3];
        for (int i = 0; i < c; i++)
            dst[i] = (unsigned char)((unsigned short)(x[i] + y[i] + z[i] + w[i] + 2) >> 2);
        return;
    }
    for (int i = 0; i < c; i++) {
        int sum = 0;
        for (int tap = 0; tap < taps; tap++)
            sum += src[tap][i];
        dst[i] = (unsigned char)((2 * sum + taps) / (2 * taps));
    }
}

#endif
