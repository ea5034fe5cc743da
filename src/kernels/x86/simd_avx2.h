/* Eight floats: the vocabulary of the *_tmpl.h kernels in AVX2 + FMA. */
#ifndef Y9_KERNELS_SIMD_AVX2_H
#define Y9_KERNELS_SIMD_AVX2_H

#include <immintrin.h>
#include <stdint.h>

enum { VL = 8 };
typedef __m256 vf;

static inline __m256i v_mask(int n) /* all ones in the first n lanes */
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vf v_zero(void)
{
    return _mm256_setzero_ps();
}
static inline vf v_set1(float x)
{
    return _mm256_set1_ps(x);
}
static inline vf v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline void v_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}
static inline vf v_load_n(const float *p, int n) /* first n lanes, zeros elsewhere; nothing else is touched */
{
    return _mm256_maskload_ps(p, v_mask(n));
}
static inline void v_store_n(float *p, vf x, int n)
{
    _mm256_maskstore_ps(p, v_mask(n), x);
}
static inline vf v_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}
static inline vf v_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}
static inline vf v_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}
static inline vf v_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}
static inline vf v_reciprocal(vf x)
{
    return v_div(v_set1(1), x);
}
static inline vf v_quotient(vf x, vf d)
{
    return v_div(x, d);
}
static inline vf v_reciprocal_rough(vf x)
{
    return v_reciprocal(x);
}
static inline vf v_fma(vf a, vf b, vf c) /* a*b + c */
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline vf v_fms(vf a, vf b, vf c) /* a*b - c */
{
    return _mm256_fmsub_ps(a, b, c);
}
static inline vf v_fnma(vf a, vf b, vf c) /* c - a*b */
{
    return _mm256_fnmadd_ps(a, b, c);
}
static inline vf v_min(vf a, vf b) /* b where either is NaN */
{
    return _mm256_min_ps(a, b);
}
static inline vf v_max(vf a, vf b) /* b where either is NaN */
{
    return _mm256_max_ps(a, b);
}
static inline vf v_limit(vf x, float most) /* x within -most .. most; anything where it is NaN */
{
    return v_min(v_set1(most), v_max(v_set1(-most), x));
}
static inline vf v_round(vf x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vf v_scale(vf x, vf n) /* x * 2^n, n whole, -126 .. 127 */
{
    __m256i e = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(x, _mm256_castsi256_ps(e));
}
static inline vf v_scale_any(vf x, vf n) /* for every n: 2^n stays between 2^-126 and 2^126 */
{
    return v_scale(x, v_min(v_set1(126), v_max(v_set1(-126), n)));
}

/* --- choices between lanes --- */
typedef __m256 vmask; /* all ones or all zeros a lane */

static inline vmask v_gt(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_GT_OQ);
}
static inline vmask v_eq(vf a, vf b)
{
    return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}
static inline vmask v_isnan(vf x)
{
    return _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
}
static inline vmask vmask_or(vmask a, vmask b)
{
    return _mm256_or_ps(a, b);
}
static inline vf v_select(vmask m, vf a, vf b) /* a where m, b elsewhere */
{
    return _mm256_blendv_ps(b, a, m);
}

/* --- bytes 0 .. 255 as floats; nothing but the first n is touched --- */
static inline vf v_load_bytes_n(const unsigned char *p, int n)
{
    unsigned char all[8] = {0};
    if (n < VL) {
        for (int i = 0; i < n; i++)
            all[i] = p[i];
        p = all;
    }
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}
static inline vf v_load_shorts(const unsigned short *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}
static inline void v_store_bytes_n(unsigned char *p, vf x, int n)
{
    __m256i whole = _mm256_cvtps_epi32(x);
    __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    unsigned char all[8];
    _mm_storel_epi64((__m128i *)(void *)(n < VL ? all : p), _mm_packus_epi16(words, words));
    for (int i = 0; n < VL && i < n; i++)
        p[i] = all[i];
}
static inline void v_store_cut_n(unsigned char *p, vf x, int n) /* rounded, cut to 0 .. 255; |x| < 2^31 */
{
    v_store_bytes_n(p, x, n); /* its packing cuts */
}

/* --- bf16 (kernels/bf16_inline.h) as floats; nothing but the first n is touched --- */
static inline vf v_load_bf16(const uint16_t *p)
{
    const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
}
static inline vf v_load_bf16_n(const uint16_t *p, int n)
{
    uint16_t all[8] = {0};
    for (int i = 0; n < VL && i < n; i++)
        all[i] = p[i];
    return v_load_bf16(n < VL ? all : p);
}
static inline void v_store_bf16(uint16_t *p, vf x)
{
    const __m256i bits = _mm256_castps_si256(x), high = _mm256_srli_epi32(bits, 16);
    const __m256i even = _mm256_and_si256(high, _mm256_set1_epi32(1));
    const __m256i exponent = _mm256_and_si256(bits, _mm256_set1_epi32(0x7f800000));
    __m256i y = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), even), 16);
    y = _mm256_blendv_epi8(y, _mm256_and_si256(high, _mm256_set1_epi32(0x8000)),
                           _mm256_cmpeq_epi32(exponent, _mm256_setzero_si256()));
    y = _mm256_blendv_epi8(y, _mm256_or_si256(high, _mm256_set1_epi32(0x40)), _mm256_castps_si256(v_isnan(x)));
    _mm_storeu_si128((__m128i *)(void *)p, _mm_packus_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1)));
}
static inline void v_store_bf16_n(uint16_t *p, vf x, int n)
{
    uint16_t all[8];
    v_store_bf16(n < VL ? all : p, x);
    for (int i = 0; n < VL && i < n; i++)
        p[i] = all[i];
}

/* --- a vector of bytes --- */
typedef __m256i vb;
enum { VB = 32 };

static inline vb vb_load(const unsigned char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
static inline void vb_store(unsigned char *p, vb x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, x);
}
static inline vb vb_max(vb a, vb b)
{
    return _mm256_max_epu8(a, b);
}

/* --- the lower and the upper half as doubles --- */
typedef __m256d vd;

static inline vd v_low(vf x)
{
    return _mm256_cvtps_pd(_mm256_castps256_ps128(x));
}
static inline vd v_high(vf x)
{
    return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}
static inline vd vd_zero(void)
{
    return _mm256_setzero_pd();
}
static inline vd vd_set1(double x)
{
    return _mm256_set1_pd(x);
}
static inline vd vd_load(const double *p)
{
    return _mm256_loadu_pd(p);
}
static inline void vd_store(double *p, vd x)
{
    _mm256_storeu_pd(p, x);
}
static inline vd vd_add(vd a, vd b)
{
    return _mm256_add_pd(a, b);
}
static inline vd vd_mul(vd a, vd b)
{
    return _mm256_mul_pd(a, b);
}
static inline vd vd_fma(vd a, vd b, vd c) /* a*b + c */
{
    return _mm256_fmadd_pd(a, b, c);
}
static inline vf v_of_halves(vd low, vd high)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1);
}

#endif
