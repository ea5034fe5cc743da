#include "kernels/arm/simd_neon.h"

/* 32 registers: 6 x 4 vectors, four for weights, one broadcast. */
/* clang-format off */
#define TILES \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4) TILE(3, 5) TILE(3, 6) TILE(3, 7) TILE(3, 8) \
    TILE(4, 1) TILE(4, 2) TILE(4, 3) TILE(4, 4) TILE(4, 5) TILE(4, 6)
#define STRASSEN_NV 4
#define STRASSEN_TILES \
    TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
/* clang-format on */
#include "kernels/conv_tile_tmpl.h"
#include "kernels/strassen_tmpl.h"

KERNEL_TABLE(conv_tile, neon) = {"direct 6x16 neon", conv_tile_run, VL, 4, 4, {0, 8, 8, 8, 6}, ACTS_ALL};
KERNEL_TABLE(wgrad_tile, neon) = {"6x16 neon", wgrad_tile_run, VL, 4, 4, {0, 8, 8, 8, 6}};
KERNEL_TABLE(strassen, neon) = {"strassen 6x16 neon", 6, STRASSEN_NV *VL, strassen_sums, strassen_tile_run, ACTS_ALL};
