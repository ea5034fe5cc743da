#include "kernels/slots.h"
#include "kernels/x86/simd_avx512.h"
#include "kernels/x86/word_inline.h"

#include "kernels/x86/bytes_avx512_sums.h"

typedef __m512i vword;

static inline vsum w_zero(void)
{
    return _mm512_setzero_si512();
}
static inline vword w_weights(const float *p)
{
    return _mm512_loadu_si512(p);
}
static inline vword w_input(const float *p)
{
    return _mm512_set1_epi32(word_at(p));
}
static inline vsum w_dot(vword x, vword y, vsum sum)
{
    return _mm512_dpbusd_epi32(sum, x, y);
}
/* clang-format off */
#define TILES \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) \
    TILE(1, 9) TILE(1, 10) TILE(1, 11) TILE(1, 12) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) \
    TILE(2, 9) TILE(2, 10) TILE(2, 11) TILE(2, 12) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4) TILE(3, 5) TILE(3, 6) TILE(3, 7) TILE(3, 8)
#define HALF_TILES \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) \
    TILE(2, 9) TILE(2, 10) TILE(2, 11) TILE(2, 12)
/* clang-format on */
static inline vsum w_dot_half(vword x, vword y, vsum sum)
{
    return _mm512_zextsi256_si512(
        _mm256_dpbusd_epi32(_mm512_castsi512_si256(sum), _mm512_castsi512_si256(x), _mm512_castsi512_si256(y)));
}

#include "kernels/bytes_epilogue_tmpl.h"
#include "kernels/conv_loop_tmpl.h"

static const struct conv_tile_kernel tile = {"int8 12x32 avx512vnni", conv_tile_run, VL, 2, 3,
                                             {0, 12, 12, 8},          ACTS_ALL};
KERNEL_TABLE(conv_bytes, avx512vnni) = {&tile};
