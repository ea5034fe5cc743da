#include "kernels/x86/simd_avx512.h"

static inline vf v_even(vf x)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(x), 16));
}
static inline vf v_odd(vf x)
{
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32((int)0xffff0000)));
}

/* clang-format off */
#define TILES \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) TILE(2, 9) TILE(2, 10)
/* clang-format on */
#include "kernels/bf16_emulated_tmpl.h"

static const struct conv_tile_kernel tile = {"bf16 10x32 avx512", conv_tile_run, VL, 2, 2, {0, 8, 10}, ACTS_ALL};
KERNEL_TABLE(conv_bf16, avx512) = {&tile};

static const struct wgrad_tile_kernel wgrad = {"bf16 10x32 avx512", wgrad_tile_run, VL, 2, 2, {0, 8, 10}};
KERNEL_TABLE(wgrad_bf16, avx512) = {&wgrad, make_pairs};
