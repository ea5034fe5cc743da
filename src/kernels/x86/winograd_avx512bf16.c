/* As winograd_avx512.c, with the instruction that rounds to bf16. */
#include "kernels/x86/simd_avx512.h"

#include "kernels/winograd_tmpl.h"

KERNEL_TABLE(winograd, avx512bf16) = WINOGRAD_KERNEL("avx512bf16");
