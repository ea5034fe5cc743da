#include "kernels/x86/simd_avx2.h"

#include "kernels/byte_pool_tmpl.h"

const struct byte_pool_kernel byte_pool__avx2 = {"avx2", byte_max, byte_mean, byte_rescale};
