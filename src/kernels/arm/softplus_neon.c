#include "kernels/arm/simd_neon.h"

#include "kernels/softplus_tmpl.h"

KERNEL_TABLE(softplus, neon) = {"neon", softplus_run};
