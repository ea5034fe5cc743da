/* Sums of 32 bits in registers of 256: shared by the tiles of bytes with and without VNNI. */
#ifndef Y9_KERNELS_BYTES_AVX2_SUMS_H
#define Y9_KERNELS_BYTES_AVX2_SUMS_H

static inline void w_store(float *p, __m256i x)
{
    _mm256_storeu_si256((__m256i *)(void *)p, x);
}
static inline vf v_sums(const float *p)
{
    return _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

#endif
