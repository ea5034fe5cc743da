/* Sixteen floats: the vocabulary of the *_tmpl.h kernels in AVX-512. */
#ifndef Y9_KERNELS_SIMD_AVX512_H
#define Y9_KERNELS_SIMD_AVX512_H

#include <immintrin.h>

enum { VL = 16 };
typedef __m512 vf;

static inline vf v_zero(void)
{
    return _mm512_setzero_ps();
}
static inline vf v_set1(float x)
{
    return _mm512_set1_ps(x);
}
static inline vf v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void v_store(float *p, vf x)
{
    _mm512_storeu_ps(p, x);
}
static inline vf v_load_n(const float *p, int n) /* first n lanes, zeros elsewhere; nothing else is touched */
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}
static inline void v_store_n(float *p, vf x, int n)
{
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), x);
}
static inline vf v_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}
static inline vf v_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}
static inline vf v_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}
static inline vf v_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}
static inline vf v_fma(vf a, vf b, vf c) /* a*b + c */
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline vf v_fnma(vf a, vf b, vf c) /* c - a*b */
{
    return _mm512_fnmadd_ps(a, b, c);
}
static inline vf v_min(vf a, vf b) /* b where either is NaN */
{
    return _mm512_min_ps(a, b);
}
static inline vf v_max(vf a, vf b) /* b where either is NaN */
{
    return _mm512_max_ps(a, b);
}
static inline vf v_round(vf x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vf v_scale(vf x, vf n) /* x * 2^n, n whole */
{
    return _mm512_scalef_ps(x, n);
}

#endif
