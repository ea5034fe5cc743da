#include "kernels/x86/simd_avx512.h"

#include "kernels/softplus_tmpl.h"

const struct softplus_kernel softplus__avx512 = {"avx512", softplus_run};
