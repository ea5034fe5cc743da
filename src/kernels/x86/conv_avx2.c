#include "kernels/x86/simd_avx2.h"

/* 16 registers: 6 x 2 vectors, two for weights, one broadcast; 4 x 3 for 24 columns. */
/* clang-format off */
#define TILES \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) \
    TILE(1, 9) TILE(1, 10) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4)
#define STRASSEN_NV 2
#define STRASSEN_TILES \
    TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
/* clang-format on */
#include "kernels/conv_tile_tmpl.h"
#include "kernels/strassen_tmpl.h"

KERNEL_TABLE(conv_tile, avx2) = {"direct 6x16 avx2", conv_tile_run, VL, 2, 3, {0, 10, 6, 4}, ACTS_ALL};
KERNEL_TABLE(wgrad_tile, avx2) = {"6x16 avx2", wgrad_tile_run, VL, 2, 3, {0, 10, 6, 4}};
KERNEL_TABLE(strassen, avx2) = {"strassen 6x16 avx2", 6, STRASSEN_NV *VL, strassen_sums, strassen_tile_run, ACTS_ALL};
