/* The sum of a rectangle of pixels: the backward pass of everything that reads a pixel more than once. */
#ifndef Y9_OPS_GATHER_H
#define Y9_OPS_GATHER_H

#include "graph/tensor.h"
#include "kernels/kernels.h"

#include <string.h>

enum { SUM_SOURCES = 32 };

struct rectangle {
    int y0, y1, x0, x1; /* rows [y0, y1), columns [x0, x1) */
};

/* `to` (c = from->c floats) (=|+=) the pixels of `from` in row-major order; an empty rectangle stores zeros. */
static inline void gather_sum(const struct pool_kernel *kernel, float *to, bool add, const struct tensor *from,
                              int image, struct rectangle r)
{
    const float *src[SUM_SOURCES];
    const size_t c = (size_t)from->c;
    int n = 0;
    if (add)
        src[n++] = to;
    for (int y = r.y0; y < r.y1; y++)
        for (int x = r.x0; x < r.x1; x++) {
            if (n == SUM_SOURCES) {
                kernel->sum(to, src, n, c);
                src[0] = to;
                n = 1;
            }
            src[n++] = tensor_pixel(from, image, y, x);
        }
    if (n)
        kernel->sum(to, src, n, c);
    else
        memset(to, 0, c * sizeof *to);
}

#endif
