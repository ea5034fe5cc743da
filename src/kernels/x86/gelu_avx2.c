#include "kernels/x86/simd_avx2.h"

#include "kernels/gelu_tmpl.h"

KERNEL_TABLE(gelu, avx2) = {"avx2", gelu_forward, gelu_backward};
