#include "kernels/x86/simd_avx512.h"

#include "kernels/bn_act_tmpl.h"

KERNEL_TABLE(bn_act, avx512) = {"avx512", bn_statistics, bn_forward, bn_d_sums, bn_backward, ACTS_ALL};
