#include "kernels/x86/simd_avx512.h"

/* 32 registers: 12 x 2 vectors, two for weights; one vector of 12 rows is bound by broadcasts; 8 x 3 for 48 columns. */
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
#define STRASSEN_NV 2
#define STRASSEN_TILES \
    TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
/* clang-format on */
static inline vf w_dot_half(vf x, vf y, vf sum)
{
    return _mm512_zextps256_ps512(
        _mm256_fmadd_ps(_mm512_castps512_ps256(x), _mm512_castps512_ps256(y), _mm512_castps512_ps256(sum)));
}

#include "kernels/conv_tile_tmpl.h"
#include "kernels/strassen_tmpl.h"

KERNEL_TABLE(conv_tile, avx512) = {"direct 12x32 avx512", conv_tile_run, VL, 2, 3, {0, 12, 12, 8}, ACTS_ALL};
KERNEL_TABLE(wgrad_tile, avx512) = {"12x32 avx512", wgrad_tile_run, VL, 2, 3, {0, 12, 12, 8}};
KERNEL_TABLE(strassen, avx512) = {"strassen 12x32 avx512", 12,      STRASSEN_NV *VL, strassen_sums,
                                  strassen_tile_run,       ACTS_ALL};
