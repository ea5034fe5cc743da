/* A convolution tile's sums in registers: what the loop fills and an epilogue may finish. Include after vsum. */
#ifndef Y9_KERNELS_CONV_REGISTERS_TMPL_H
#define Y9_KERNELS_CONV_REGISTERS_TMPL_H

#include "kernels/inlining.h"

/* A tap's steps need a general register for each pixel's pointer, and x86 has few. Left to themselves, compilers keep
 * pointers in vector or mask registers and fetch them from there for every product, which costs Zen 4 a twentieth of
 * its multiply-adds; from memory it costs nothing. So what only the loops around the steps need waits in memory ... */
#define PARK(x) __asm__ volatile("" : "+m"(x))

enum { MR_MOST = 12, NV_MOST = 4 };
typedef vsum conv_acc[MR_MOST][NV_MOST];

/* ... and so do all pointers but the first six: volatile, or they would not stay there. */
enum { HELD = 6 };
typedef const float *conv_held[HELD];
typedef const float *volatile conv_parked[MR_MOST - HELD];

/* Pixel i's pointer is from[i] + offset. */
FORCE_INLINE void conv_point(conv_held held, conv_parked parked, const float *const *from, long offset, const int m)
{
    UNROLL
    for (int i = 0; i < m; i++) {
        if (i < HELD)
            held[i] = from[i] + offset;
        else
            parked[i - HELD] = from[i] + offset;
    }
}

#endif
