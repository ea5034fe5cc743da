/* The tail of the normal distribution, P(-a) = e^(-a^2/2) t (q0 + q1 t + ... + q8 t^8) with t = 1 / (1 + 0.28 a): the
 * form of Hastings (Abramowitz and Stegun 26.2.17) with coefficients of our own Remez run, relative error 5.0e-8 for
 * 0 <= a <= 13.25. Beyond GELU_END the tail is 0: e^(-a^2/2) is below the smallest float that kernels make. */
#ifndef Y9_KERNELS_GELU_INLINE_H
#define Y9_KERNELS_GELU_INLINE_H

#define GELU_END     13.2f
#define GELU_T       0.28f
#define GELU_DENSITY 0.3989422804f /* 1 / sqrt(2 pi) */
#define GELU_Q0      0.1116834184f
#define GELU_Q1      0.1120584882f
#define GELU_Q2      0.1004884644f
#define GELU_Q3      0.09376277585f
#define GELU_Q4      0.0493960527f
#define GELU_Q5      0.02632247275f
#define GELU_Q6      0.0650792021f
#define GELU_Q7      -0.08112968429f
#define GELU_Q8      0.02233883481f

#endif
