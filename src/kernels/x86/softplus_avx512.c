#include "kernels/x86/simd_avx512.h"

#include "kernels/softplus_tmpl.h"

KERNEL_TABLE(softplus, avx512) = {"avx512", softplus_run};
