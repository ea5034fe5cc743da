#include "kernels/arm/simd_neon.h"

#include "kernels/softplus_tmpl.h"

const struct softplus_kernel softplus__neon = {"neon", softplus_run};
