#include "kernels/x86/simd_avx512.h"

#include "kernels/gelu_tmpl.h"

KERNEL_TABLE(gelu, avx512) = {"avx512", gelu_forward, gelu_backward};
