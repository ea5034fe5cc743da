#include "kernels/x86/simd_avx2.h"
#include "kernels/x86/word_inline.h"

/* Without VNNI: bytes 0 and 2, 1 and 3 of each word as pairs of 16 bits, whose products add up without rounding or
 * saturation (vpmaddubsw would saturate). */
typedef struct {
    __m256i even, odd;
} vword;
typedef __m256i vsum;

static inline vsum w_zero(void)
{
    return _mm256_setzero_si256();
}
static inline vword w_weights(const float *p)
{
    const __m256i all = _mm256_loadu_si256((const __m256i *)(const void *)p);
    return (vword){_mm256_srai_epi16(_mm256_slli_epi16(all, 8), 8), _mm256_srai_epi16(all, 8)};
}
static inline vword w_input(const float *p)
{
    const __m256i all = _mm256_set1_epi32(word_at(p));
    return (vword){_mm256_and_si256(all, _mm256_set1_epi16(255)), _mm256_srli_epi16(all, 8)};
}
static inline vsum w_dot(vword x, vword y, vsum sum)
{
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x.even, y.even));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x.odd, y.odd));
}
#include "kernels/x86/bytes_avx2_sums.h"

/* clang-format off */
#define TILES \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4)
/* clang-format on */
#include "kernels/bytes_epilogue_tmpl.h"
#include "kernels/conv_loop_tmpl.h"

static const struct conv_tile_kernel tile = {"int8 4x16 avx2", conv_tile_run, VL, 2, 2, {0, 8, 4}, ACTS_ALL};
KERNEL_TABLE(conv_bytes, avx2) = {&tile};
