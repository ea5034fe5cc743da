#include "kernels/x86/simd_avx2.h"

static inline vf v_even(vf x)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x), 16));
}
static inline vf v_odd(vf x)
{
    return _mm256_castsi256_ps(_mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32((int)0xffff0000)));
}

/* clang-format off */
#define TILES \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4)
/* clang-format on */
#include "kernels/bf16_emulated_tmpl.h"

static const struct conv_tile_kernel tile = {"bf16 4x16 avx2", conv_tile_run, VL, 2, 2, {0, 8, 4}, ACTS_ALL};
KERNEL_TABLE(conv_bf16, avx2) = {&tile};

static const struct wgrad_tile_kernel wgrad = {"bf16 4x16 avx2", wgrad_tile_run, VL, 2, 2, {0, 8, 4}};
KERNEL_TABLE(wgrad_bf16, avx2) = {&wgrad, make_pairs};
