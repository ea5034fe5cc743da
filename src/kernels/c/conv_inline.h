/* What the plain C convolution tiles share. */
#ifndef Y9_KERNELS_C_CONV_INLINE_H
#define Y9_KERNELS_C_CONV_INLINE_H

#include "kernels/c/act_inline.h"
#include "kernels/c/map_inline.h"
#include "kernels/slots.h"

#include <math.h>

/* SiLU by the C library's e^x: an oracle that shares no polynomial with what it judges. */
static inline float activate(float x, enum act act)
{
    return act == ACT_SILU ? x / (1.0f + expf(-x)) : act_value(x, act);
}

/* Pixel i's source of a tap. */
static inline const float *conv_tile_source(const struct conv_tile *t, int tap, int i)
{
    const int pointer = tap / (t->beside + 1), beside = tap % (t->beside + 1);
    return t->a[(size_t)pointer * t->a_stride + (size_t)i] + beside * t->beside_step + t->a_offset;
}

/* What a tile of sums that are floats makes of column j of pixel i. */
static inline void conv_tile_finish(const struct conv_tile *t, int i, int j, float x)
{
    const size_t at = t->dst_offset + (size_t)j;
    if (t->bias)
        x += t->bias[j];
    if (t->accumulate)
        x += map_value(t->dst[i], at, t->dst_bf16);
    if (t->addend)
        x += map_value(t->addend[i], t->addend_offset + (size_t)j, t->addend_bf16);
    x = activate(x, t->act);
    if (t->residual)
        x += map_value(t->residual[i], t->residual_offset + (size_t)j, t->residual_bf16);
    map_put(t->dst[i], at, x, t->dst_bf16);
}

#endif
