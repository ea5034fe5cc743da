#include "kernels/arm/simd_neon.h"

#include "kernels/wino_weights_tmpl.h"

KERNEL_TABLE(wino_weights, neon) = {
    "neon", VL, {wino_pack_s1, wino_pack_s1_5, wino_pack_s2, wino_pack_s2}, wino_spread_run, wino_reduce_run};
