#include "kernels/x86/simd_avx512.h"

#include "kernels/winograd_tmpl.h"

KERNEL_TABLE(winograd, avx512) = WINOGRAD_KERNEL("avx512");
