#include "kernels/x86/simd_avx2.h"

#include "kernels/softplus_tmpl.h"

KERNEL_TABLE(softplus, avx2) = {"avx2", softplus_run};
