#include "kernels/x86/simd_avx2.h"

#include "kernels/winograd_tmpl.h"

const struct winograd_kernel winograd__avx2 = WINOGRAD_KERNEL("avx2");
