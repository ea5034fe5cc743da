/* A convolution tile's sums in registers: what the loop fills and an epilogue may finish. Include after vsum. */
#ifndef Y9_KERNELS_CONV_REGISTERS_TMPL_H
#define Y9_KERNELS_CONV_REGISTERS_TMPL_H

#define INLINE static inline __attribute__((always_inline))

/* Loops over registers must vanish, or the arrays of vectors stay in memory. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 12")
#endif

/* A tap's steps keep twelve pointers in the general registers of x86, all but two or three: what only the loops around
 * them need waits in memory, or compilers fetch a pointer for every product instead. */
#define PARK(x) __asm__ volatile("" : "+m"(x))

enum { MR_MOST = 12, NV_MOST = 4 };
typedef vsum conv_acc[MR_MOST][NV_MOST];

#endif
