/* Pixels as words of pairs, in C that compilers vectorise. */
#ifndef Y9_KERNELS_PAIRS_INLINE_H
#define Y9_KERNELS_PAIRS_INLINE_H

#include "kernels/bf16_inline.h"
#include "kernels/slots.h"

static inline void make_pairs(const struct pair_run *r)
{
    for (int p = 0; p < r->pixels; p += 2) {
        uint16_t *const to = (uint16_t *)(r->dst + (size_t)(p / 2) * r->dst_pair);
        const float *const first = r->src[p] + r->offset;
        const float *const second = p + 1 < r->pixels ? r->src[p + 1] + r->offset : NULL;
        for (int i = 0; i < r->c; i++) {
            to[2 * i] = bf16_of(first[i]);
            to[2 * i + 1] = second ? bf16_of(second[i]) : 0;
        }
        memset(to + 2 * r->c, 0, (size_t)(r->width - r->c) * sizeof(float));
    }
}

#endif
