/* Scalar maths written so that compilers vectorise loops over it: no branches, no calls, no tables. Kernels of the
 * vector levels use the same constants and the same steps in their registers.
 *
 * exp: n = round(x / ln 2), r = x - n ln 2 in two steps (Cody and Waite), exp(r) = 1 + r + r^2 q(r) with the minimax
 * polynomial q of degree 4 on |r| <= ln(2)/2 (relative error 3.1e-9, our own Remez run), times 2^n. */
#ifndef Y9_KERNELS_MATH_INLINE_H
#define Y9_KERNELS_MATH_INLINE_H

#include <stdint.h>
#include <string.h>

#define EXP_MIN    -87.3f       /* below, exp stays at exp(-87.3) = 1.2e-38 */
#define EXP_MAX    88.37f       /* above, exp stays at exp(88.37) = 2.4e38 */
#define EXP_LOG2E  1.44269504f  /* 1 / ln 2 */
#define EXP_MAGIC  12582912.0f  /* 1.5 * 2^23: adding it rounds to an integer, kept in the low bits */
#define EXP_LN2_HI 0.693359375f /* 355/512: n * this is exact */
#define EXP_LN2_LO -2.12194440e-4f
#define EXP_Q0     0.4999999341218061f
#define EXP_Q1     0.1666652010747381f
#define EXP_Q2     0.04166839429265494f
#define EXP_Q3     0.008368780454559622f
#define EXP_Q4     0.001381446262258291f

/* exp(x), about 1 ulp inside [EXP_MIN, EXP_MAX]; clamped outside; NaN stays NaN. */
static inline float exp_f32(float x)
{
    x = x < EXP_MIN ? EXP_MIN : x;
    x = x > EXP_MAX ? EXP_MAX : x;
    float shifted = x * EXP_LOG2E + EXP_MAGIC;
    float n = shifted - EXP_MAGIC;
    float r = (x - n * EXP_LN2_HI) - n * EXP_LN2_LO;
    float q = EXP_Q0 + r * (EXP_Q1 + r * (EXP_Q2 + r * (EXP_Q3 + r * EXP_Q4)));
    float p = 1.0f + (r + r * r * q);
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127) << 23; /* 2^n as a float */
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static inline float sigmoid_f32(float x)
{
    return 1.0f / (1.0f + exp_f32(-x));
}

/* x * sigmoid(x), SPEC 1 */
static inline float silu_f32(float x)
{
    return x / (1.0f + exp_f32(-x));
}

/* sigmoid(x) * (1 + x * (1 - sigmoid(x))), SPEC 1; 1 - sigmoid(x) is made without cancellation */
static inline float d_silu_f32(float x)
{
    float e = exp_f32(-x), s = 1.0f / (1.0f + e);
    return s * (1.0f + x * (e * s));
}

#endif
