#include "kernels/x86/simd_avx2.h"

#include "kernels/softplus_tmpl.h"

const struct softplus_kernel softplus__avx2 = {"avx2", softplus_run};
