/* The matrix unit in C: the kernel template with emulated tiles, and what plain C makes of the sums. */
#ifndef Y9_KERNELS_C_MATRIX_INLINE_H
#define Y9_KERNELS_C_MATRIX_INLINE_H

#include "kernels/c/bytes_inline.h"
#include "kernels/c/conv_inline.h"
#include "kernels/tiles_emulated.h"

static inline void conv_epilogue(const struct conv_tile *t, const float *sums)
{
    const int width = 16 * t->nv;
    for (int i = 0; i < t->m; i++, sums += width) {
        int whole[MATRIX_COLUMNS];
        memcpy(whole, sums, (size_t)width * sizeof *whole);
        if (t->bytes)
            bytes_finish(t, i, whole);
        for (int j = 0; !t->bytes && j < t->n; j++)
            conv_tile_finish(t, i, j, sums[j]);
    }
}

#include "kernels/matrix_tmpl.h"

#endif
