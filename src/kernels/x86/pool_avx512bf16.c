/* As pool_avx512.c, with the instruction that rounds to bf16. */
#include "kernels/x86/simd_avx512.h"

#include "kernels/pool_tmpl.h"

KERNEL_TABLE(pool, avx512bf16) = {"avx512bf16", pool_max,    pool_max_place, pool_mean,
                                  pool_d_max,   pool_d_mean, sum_runs,       sum_runs_bf16};
