#include "kernels/x86/simd_avx512.h"

#include "kernels/wino_weights_tmpl.h"

KERNEL_TABLE(wino_weights, avx512) = {
    "avx512", VL, {wino_pack_s1, wino_pack_s1_5, wino_pack_s2, wino_pack_s2}, wino_spread_run, wino_reduce_run};
