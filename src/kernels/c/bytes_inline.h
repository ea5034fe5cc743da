/* What plain C makes of the sums of bytes. */
#ifndef Y9_KERNELS_C_BYTES_INLINE_H
#define Y9_KERNELS_C_BYTES_INLINE_H

#include "core/status.h"
#include "kernels/c/conv_inline.h"

static inline unsigned char byte_of(float x, float factor, float zero)
{
    const float q = rintf(x * factor) + zero;
    return q > 0 ? (unsigned char)MIN(q, 255.0f) : 0; /* NaN: 0 */
}

static inline void bytes_finish(const struct conv_tile *t, int i, const int *sums) /* pixel i, all columns */
{
    const struct conv_bytes *q = t->bytes;
    for (int j = 0; j < t->n; j++) {
        float x = activate((float)sums[j] * t->bias[q->scale_offset + (size_t)j] + t->bias[j], t->act);
        const size_t from = t->residual_offset + (size_t)j, to = t->dst_offset + (size_t)j;
        if (t->residual && q->residual_bytes)
            x += ((float)((const unsigned char *)t->residual[i])[from] - q->residual_zero) * q->residual_step;
        else if (t->residual)
            x += t->residual[i][from];
        if (q->dst_bytes)
            ((unsigned char *)t->dst[i])[to] = byte_of(x, q->factor, q->zero);
        else
            t->dst[i][to] = x;
    }
}

#endif
