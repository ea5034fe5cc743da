#include "kernels/arm/simd_neon.h"

#include "kernels/pool_tmpl.h"

KERNEL_TABLE(pool, neon) = {"neon",     pool_max,    pool_max_place, pool_mean,
                            pool_d_max, pool_d_mean, sum_runs,       sum_runs_bf16};
