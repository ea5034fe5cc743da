#include "kernels/x86/simd_avx512.h"

#include "kernels/byte_pool_tmpl.h"

KERNEL_TABLE(byte_pool, avx512) = {"avx512", byte_max, byte_mean, byte_rescale};
