#include "kernels/x86/simd_avx512.h"

#include "kernels/winograd_tmpl.h"

const struct winograd_kernel winograd__avx512 = WINOGRAD_KERNEL("avx512");
