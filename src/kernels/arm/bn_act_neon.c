#include "kernels/arm/simd_neon.h"

#include "kernels/bn_act_tmpl.h"

KERNEL_TABLE(bn_act, neon) = {"neon", bn_statistics, bn_forward, bn_d_sums, bn_backward, ACTS_ALL};
