#include "kernels/x86/simd_avx2.h"

#include "kernels/byte_pool_tmpl.h"

KERNEL_TABLE(byte_pool, avx2) = {"avx2", byte_max, byte_mean, byte_rescale};
