#include "kernels/arm/simd_neon.h"

#include "kernels/bn_act_tmpl.h"

const struct bn_act_kernel bn_act__neon = {"neon", bn_statistics, bn_forward, bn_d_sums, bn_backward};
