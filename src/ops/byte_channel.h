/* Weights in 8 bits, as files have them (weights/eight_bit.h, exported ONNX). */
#ifndef Y9_OPS_BYTE_CHANNEL_H
#define Y9_OPS_BYTE_CHANNEL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* The n weights of an output channel: q = round(w / scale) with scale = max|w| / 127; a channel of zeros has scale 1.
 */
static inline void byte_channel(const float *w, size_t n, int8_t *q, float *scale)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmaxf(most, fabsf(w[i]));
    *scale = most / 127;
    if (!(*scale > 0))
        *scale = 1;
    for (size_t i = 0; i < n; i++)
        q[i] = (int8_t)fmaxf(-127, fminf(127, rintf(w[i] / *scale)));
}

#endif
