/* Sums of 32 bits in registers of 256 and what the epilogue makes of them: shared by the tiles of bytes with and
 * without VNNI. */
#ifndef Y9_KERNELS_BYTES_AVX2_SUMS_H
#define Y9_KERNELS_BYTES_AVX2_SUMS_H

#include "kernels/slots.h"

static inline void w_store(float *p, __m256i x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, x);
}
static inline vf v_floats(__m256i x)
{
    return _mm256_cvtepi32_ps(x);
}
static inline vf v_sums(const float *p)
{
    return v_floats(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

typedef struct {
    vf factor, zero;
} vsilu;

static inline vsilu silu_load(const struct conv_bytes *q)
{
    return (vsilu){v_set1(q->factor), v_set1(q->zero)};
}
/* To 1.5e-4 of SiLU, from a polynomial of degree 3 for 2^f, |f| <= 1/2. -x log2(e) = n + f, rounded by an addition:
 * that leaves few operations for the adders, which are the bottleneck. */
static inline vf v_silu_scaled(vf x, vsilu s)
{
    const vf magic = v_set1(12582912.0f), log2e = v_set1(-0x1.715476p+0f);
    vf n = v_sub(v_fma(x, log2e, magic), magic), f = v_fms(x, log2e, n);
    vf p = v_fma(v_set1(0.05517166909f), f, v_set1(0.24261112222f));
    p = v_fma(v_fma(p, f, v_set1(0.69326098545f)), f, v_set1(0.99992807354f));
    p = v_reciprocal_rough(v_add(v_set1(1), v_scale_any(p, n)));
    return v_fma(v_mul(x, p), s.factor, s.zero);
}

#endif
