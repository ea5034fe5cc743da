/* Convolutions by a matrix unit: all panels of output channels over a line of points that lie evenly in memory, so that
 * sixteen of them are loaded by an address and a stride. Included by slots.h.
 *
 * The words of a pixel (of two bf16 numbers or four bytes) are cut into `steps` steps of `step` bytes, a multiple of 4
 * up to 64. Weights are packed [panel of 32 columns][tap][step][part][half panel of 16 columns][word][column][element];
 * the last panel has one half where 16 columns or fewer are left. Columns and elements that do not exist weigh 0.
 *
 * Three kinds, one slot each: matrix_bf16 and matrix_bytes have one part. matrix_fp32 has two: a float is the sum of
 * two bf16 numbers, itself rounded and what is left rounded, 16 bits in all; three of the four products are summed
 * (high . high, low . high, high . low), which errs by 3 * 2^-18 of each term at most, or all four. */
#ifndef Y9_KERNELS_MATRIX_SLOTS_H
#define Y9_KERNELS_MATRIX_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

struct conv_tile;

enum { MATRIX_COLUMNS = 32, MATRIX_POINTS = 32, MATRIX_STEP = 64 };

struct matrix_run {
    int points;      /* memory is read of no point but these, or, where they are fewer than 32, of 32 */
    const char *a;   /* the first point's pixel at tap offset 0 */
    long pixel;      /* bytes from a point to the next */
    const long *tap; /* [taps]: bytes from a point to its tap */
    long low;        /* matrix_fp32: bytes from a high part to its low part */
    bool four;       /* matrix_fp32: low . low, too */
    int taps, steps, step;
    const char *b;
    int columns;
    int block; /* points that all panels pass before the next, a multiple of 32 */
    /* What becomes of the sums, as of a tile: act, bias [columns padded to 32], bytes, accumulate, the kinds of maps,
     * and of all points dst, residual and addend. The rest is the kernel's. */
    const struct conv_tile *finish;
};

struct matrix_kernel {
    const char *name;
    void (*run)(const struct matrix_run *r); /* takes the thread's tile registers and gives them back */
    bool fast;                               /* worth choosing: false for plain C, which is the oracle */
    unsigned acts;                           /* as of struct conv_tile_kernel */
};

struct matrix_fp32_kernel {
    struct matrix_kernel kernel;
};
struct matrix_bf16_kernel {
    struct matrix_kernel kernel;
};
struct matrix_bytes_kernel {
    struct matrix_kernel kernel;
};

/* Bytes of weights. */
static inline size_t matrix_panels_bytes(int columns, int taps, int steps, int step, int parts)
{
    return (size_t)((columns + 15) / 16) * (size_t)(taps * steps * parts) * (size_t)(step * 16);
}

#endif
