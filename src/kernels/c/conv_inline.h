/* What the plain C convolution tiles share. */
#ifndef Y9_KERNELS_C_CONV_INLINE_H
#define Y9_KERNELS_C_CONV_INLINE_H

#include "kernels/c/act_inline.h"
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

#endif
