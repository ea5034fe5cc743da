/* How kernels ask the compiler for straight code: a function of constant arguments must vanish into its caller, and a
 * loop over registers must be unrolled, or arrays of vectors stay in memory. */
#ifndef Y9_KERNELS_INLINING_H
#define Y9_KERNELS_INLINING_H

#define FORCE_INLINE static inline __attribute__((always_inline))

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 12")
#endif

#endif
