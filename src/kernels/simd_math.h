/* Functions of whole vectors, on top of a simd_<isa>.h that is included before. */
#ifndef Y9_KERNELS_SIMD_MATH_H
#define Y9_KERNELS_SIMD_MATH_H

#include "kernels/inlining.h"
#include "kernels/math_inline.h"

/* x = e^x for `count` vectors (a constant), step by step side by side: one vector is a chain of twelve dependent
 * operations, several fill the pipelines. To 1.5 ulp for -87.3 <= x <= 88; beyond, the value of the nearer end; NaN
 * stays NaN. x = n ln 2 + r with ln 2 in two parts, then the polynomial of math_inline.h. */
FORCE_INLINE void v_exp_many(vf *x, const int count)
{
    enum { MOST = 8 };
    vf n[MOST], r[MOST], p[MOST];
    for (int i = 0; i < count; i++)
        x[i] = v_min(v_set1(88.0f), v_max(v_set1(-87.3f), x[i]));
    for (int i = 0; i < count; i++)
        n[i] = v_round(v_mul(x[i], v_set1(0x1.715476p+0f)));
    for (int i = 0; i < count; i++)
        r[i] = v_fnma(n[i], v_set1(0x1.62e4p-1f), x[i]);
    for (int i = 0; i < count; i++)
        r[i] = v_fnma(n[i], v_set1(0x1.7f7d1cp-20f), r[i]);
    for (int i = 0; i < count; i++)
        p[i] = v_fma(v_set1(EXP_Q4), r[i], v_set1(EXP_Q3));
    for (int i = 0; i < count; i++)
        p[i] = v_fma(p[i], r[i], v_set1(EXP_Q2));
    for (int i = 0; i < count; i++)
        p[i] = v_fma(p[i], r[i], v_set1(EXP_Q1));
    for (int i = 0; i < count; i++)
        p[i] = v_fma(p[i], r[i], v_set1(EXP_Q0));
    for (int i = 0; i < count; i++)
        p[i] = v_fma(v_mul(r[i], r[i]), p[i], r[i]);
    for (int i = 0; i < count; i++)
        x[i] = v_scale(v_add(p[i], v_set1(1)), n[i]);
}

static inline vf v_exp(vf x)
{
    v_exp_many(&x, 1);
    return x;
}

/* d[i] = 1 + e^-x[i] for `count` vectors (a constant) side by side, beyond |x| = 87 the value there. e^-x as in v_exp
 * with the signs turned and fewer steps: n is rounded by an addition, the polynomial is of degree 5 (1.05e-7 of e^-r),
 * and ln 2 is in one part, for what n ln 2 loses matters only where e^-x is huge. */
FORCE_INLINE void v_one_plus_exp_many(const vf *x, vf *d, const int count)
{
    enum { MOST = 8 };
    const vf magic = v_set1(EXP_MAGIC);
    vf n[MOST], r[MOST], p[MOST];
    for (int i = 0; i < count; i++)
        r[i] = v_limit(x[i], 87);
    for (int i = 0; i < count; i++)
        n[i] = v_sub(v_fma(r[i], v_set1(-0x1.715476p+0f), magic), magic);
    for (int i = 0; i < count; i++)
        r[i] = v_fma(n[i], v_set1(0x1.62e43p-1f), r[i]); /* e^-x = 2^n e^-r */
    for (int i = 0; i < count; i++)
        p[i] = v_fma(v_set1(-0.00831251684576273f), r[i], v_set1(0.041890211403369904f));
    for (int i = 0; i < count; i++)
        p[i] = v_fma(p[i], r[i], v_set1(-0.16667114198207855f));
    for (int i = 0; i < count; i++)
        p[i] = v_fma(p[i], r[i], v_set1(0.499992311000824f));
    for (int i = 0; i < count; i++)
        p[i] = v_fma(v_fma(p[i], r[i], v_set1(-1)), r[i], v_set1(1));
    for (int i = 0; i < count; i++)
        d[i] = v_add(v_set1(1), v_scale(p[i], n[i]));
}

/* sigmoid[i] = 1 / (1 + e^-x[i]): 4 ulp for |x| <= 16, 8 up to 80; beyond 87 the value there. */
FORCE_INLINE void v_sigmoid_many(const vf *x, vf *sigmoid, const int count)
{
    v_one_plus_exp_many(x, sigmoid, count);
    for (int i = 0; i < count; i++)
        sigmoid[i] = v_reciprocal(sigmoid[i]);
}

/* x / (1 + e^-x); below -87 it is x * 1.6e-38. */
static inline vf v_silu(vf x)
{
    vf d;
    v_one_plus_exp_many(&x, &d, 1);
    return v_quotient(x, d);
}

#endif
