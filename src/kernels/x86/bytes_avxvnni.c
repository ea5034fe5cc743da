#include "kernels/x86/simd_avx2.h"
#include "kernels/x86/word_inline.h"

typedef __m256i vword, vsum;

static inline vsum w_zero(void)
{
    return _mm256_setzero_si256();
}
static inline vword w_weights(const float *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
static inline vword w_input(const float *p)
{
    return _mm256_set1_epi32(word_at(p));
}
static inline vsum w_dot(vword x, vword y, vsum sum)
{
    return _mm256_dpbusd_avx_epi32(sum, x, y);
}
#include "kernels/x86/bytes_avx2_sums.h"

/* clang-format off */
#define TILES \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) \
    TILE(1, 9) TILE(1, 10) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4)
/* clang-format on */
#include "kernels/bytes_epilogue_tmpl.h"
#include "kernels/conv_loop_tmpl.h"

static const struct conv_tile_kernel tile = {"int8 6x16 avxvnni", conv_tile_run, VL, 2, 3, {0, 10, 6, 4}, ACTS_ALL};
KERNEL_TABLE(conv_bytes, avxvnni) = {&tile};
