#include "kernels/x86/simd_avx2.h"

#include "kernels/winograd_tmpl.h"

KERNEL_TABLE(winograd, avx2) = WINOGRAD_KERNEL("avx2");
