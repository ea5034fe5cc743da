#include "kernels/arm/simd_neon.h"

#include "kernels/pool_tmpl.h"

const struct pool_kernel pool__neon = {"neon", pool_max, pool_max_place, pool_mean, pool_d_max, pool_d_mean, sum_runs};
