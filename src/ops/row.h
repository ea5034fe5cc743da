/* Loops over the channels of one pixel, or over any run of floats. They vectorise over the run. */
#ifndef Y9_OPS_ROW_H
#define Y9_OPS_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static inline void row_copy(float *restrict dst, const float *restrict src, size_t n)
{
    memcpy(dst, src, n * sizeof *dst);
}

static inline void row_add(float *restrict dst, const float *restrict src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] += src[i];
}

/* Gradients are stored by the first reader of a value and added by the others. */
static inline void row_put(float *restrict dst, const float *restrict src, size_t n, bool add)
{
    if (add)
        row_add(dst, src, n);
    else
        row_copy(dst, src, n);
}

#endif
