/* Sixteen floats: the vocabulary of the *_tmpl.h kernels in AVX-512. */
#ifndef Y9_KERNELS_SIMD_AVX512_H
#define Y9_KERNELS_SIMD_AVX512_H

#include <immintrin.h>
#include <stdint.h>

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
static inline vf v_reciprocal(vf x) /* 1/x to 1 ulp for 2^-100 < |x| < 2^120: 14 bits, then a Newton step */
{
    vf r = _mm512_rcp14_ps(x);
    return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(x, r, _mm512_set1_ps(1)), r);
}
static inline vf v_quotient(vf x, vf d) /* x/d to 2 ulp, d as for v_reciprocal */
{
    const vf r = _mm512_rcp14_ps(d), y = _mm512_mul_ps(x, r);
    return _mm512_fmadd_ps(y, _mm512_fnmadd_ps(d, r, _mm512_set1_ps(1)), y);
}
static inline vf v_fma(vf a, vf b, vf c) /* a*b + c */
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline vf v_fms(vf a, vf b, vf c) /* a*b - c */
{
    return _mm512_fmsub_ps(a, b, c);
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
static inline vf v_limit(vf x, float most) /* x within -most .. most; a number where it is NaN */
{
    return _mm512_range_ps(x, _mm512_set1_ps(most), 2); /* the smaller absolute value, with the sign of x */
}
static inline vf v_round(vf x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vf v_scale(vf x, vf n) /* x * 2^n, n whole */
{
    return _mm512_scalef_ps(x, n);
}

/* --- choices between lanes --- */
typedef __mmask16 vmask;

static inline vmask v_gt(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}
static inline vmask v_eq(vf a, vf b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
static inline vmask v_isnan(vf x)
{
    return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
}
static inline vmask vmask_or(vmask a, vmask b)
{
    return a | b;
}
static inline vf v_select(vmask m, vf a, vf b) /* a where m, b elsewhere */
{
    return _mm512_mask_blend_ps(m, b, a);
}

/* --- bytes 0 .. 255 as floats; nothing but the first n is touched --- */
static inline vf v_load_bytes_n(const unsigned char *p, int n)
{
    const __m128i bytes = n == VL ? _mm_loadu_si128((const __m128i *)(const void *)p)
                                  : _mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1), p);
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}
static inline vf v_load_shorts(const unsigned short *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)));
}
static inline void v_store_bytes_n(unsigned char *p, vf x, int n)
{
    const __m128i bytes = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)); /* storing as it converts would be microcode */
    if (n == VL)
        _mm_storeu_si128((__m128i *)(void *)p, bytes);
    else
        _mm_mask_storeu_epi8(p, (__mmask16)((1u << n) - 1), bytes);
}
static inline void v_store_cut_n(unsigned char *p, vf x, int n) /* rounded, cut to 0 .. 255; |x| < 2^31 */
{
    const __m128i bytes = _mm512_cvtusepi32_epi8(_mm512_max_epi32(_mm512_cvtps_epi32(x), _mm512_setzero_si512()));
    if (n == VL)
        _mm_storeu_si128((__m128i *)(void *)p, bytes);
    else
        _mm_mask_storeu_epi8(p, (__mmask16)((1u << n) - 1), bytes);
}

/* --- bf16 (kernels/bf16_inline.h) as floats; nothing but the first n is touched --- */
static inline vf v_of_bf16(__m256i x)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}
static inline vf v_load_bf16(const uint16_t *p)
{
    return v_of_bf16(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline vf v_load_bf16_n(const uint16_t *p, int n)
{
    return v_of_bf16(_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p));
}
static inline __m256i v_to_bf16(vf x)
{
#ifdef __AVX512BF16__
    return (__m256i)_mm512_cvtneps_pbh(x);
#else
    const __m512i bits = _mm512_castps_si512(x), high = _mm512_srli_epi32(bits, 16);
    const __m512i even = _mm512_and_si512(high, _mm512_set1_epi32(1));
    __m512i y = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), even), 16);
    y = _mm512_mask_and_epi32(y, _mm512_testn_epi32_mask(bits, _mm512_set1_epi32(0x7f800000)), high,
                              _mm512_set1_epi32(0x8000));
    y = _mm512_mask_or_epi32(y, v_isnan(x), high, _mm512_set1_epi32(0x40));
    return _mm512_cvtepi32_epi16(y);
#endif
}
static inline void v_store_bf16(uint16_t *p, vf x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v_to_bf16(x));
}
static inline void v_store_bf16_n(uint16_t *p, vf x, int n)
{
    _mm256_mask_storeu_epi16(p, (__mmask16)((1u << n) - 1), v_to_bf16(x));
}

/* --- a vector of bytes --- */
typedef __m512i vb;
enum { VB = 64 };

static inline vb vb_load(const unsigned char *p)
{
    return _mm512_loadu_si512(p);
}
static inline void vb_store(unsigned char *p, vb x)
{
    _mm512_storeu_si512(p, x);
}
static inline vb vb_max(vb a, vb b)
{
    return _mm512_max_epu8(a, b);
}

/* --- the lower and the upper half as doubles --- */
typedef __m512d vd;

static inline vd v_low(vf x)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(x));
}
static inline vd v_high(vf x)
{
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
}
static inline vd vd_zero(void)
{
    return _mm512_setzero_pd();
}
static inline vd vd_set1(double x)
{
    return _mm512_set1_pd(x);
}
static inline vd vd_load(const double *p)
{
    return _mm512_loadu_pd(p);
}
static inline void vd_store(double *p, vd x)
{
    _mm512_storeu_pd(p, x);
}
static inline vd vd_add(vd a, vd b)
{
    return _mm512_add_pd(a, b);
}
static inline vd vd_mul(vd a, vd b)
{
    return _mm512_mul_pd(a, b);
}
static inline vd vd_fma(vd a, vd b, vd c) /* a*b + c */
{
    return _mm512_fmadd_pd(a, b, c);
}
static inline vf v_of_halves(vd low, vd high)
{
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
}

#endif
