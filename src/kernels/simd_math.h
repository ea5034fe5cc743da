/* Functions of whole vectors, on top of a simd_<isa>.h that is included before. */
#ifndef Y9_KERNELS_SIMD_MATH_H
#define Y9_KERNELS_SIMD_MATH_H

#include "kernels/math_inline.h"

/* e^x to 1.5 ulp for -87.3 <= x <= 88; beyond, the value of the nearer end; NaN stays NaN. x = n ln 2 + r with ln 2 in
 * two parts, then the polynomial of math_inline.h. */
static inline vf v_exp(vf x)
{
    x = v_min(v_set1(88.0f), v_max(v_set1(-87.3f), x));
    vf n = v_round(v_mul(x, v_set1(0x1.715476p+0f)));
    vf r = v_fnma(n, v_set1(0x1.62e4p-1f), x);
    r = v_fnma(n, v_set1(0x1.7f7d1cp-20f), r);
    vf p = v_fma(v_set1(EXP_Q4), r, v_set1(EXP_Q3));
    p = v_fma(p, r, v_set1(EXP_Q2));
    p = v_fma(p, r, v_set1(EXP_Q1));
    p = v_fma(p, r, v_set1(EXP_Q0));
    p = v_fma(v_mul(r, r), p, r);
    return v_scale(v_add(p, v_set1(1)), n);
}

/* x / (1 + e^-x) to 3 ulp */
static inline vf v_silu(vf x)
{
    return v_div(x, v_add(v_set1(1), v_exp(v_sub(v_zero(), x))));
}

#endif
