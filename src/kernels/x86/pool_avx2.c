#include "kernels/x86/simd_avx2.h"

#include "kernels/pool_tmpl.h"

KERNEL_TABLE(pool, avx2) = {"avx2",     pool_max,    pool_max_place, pool_mean,
                            pool_d_max, pool_d_mean, sum_runs,       sum_runs_bf16};
