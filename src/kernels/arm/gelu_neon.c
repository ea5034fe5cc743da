#include "kernels/arm/simd_neon.h"

#include "kernels/gelu_tmpl.h"

KERNEL_TABLE(gelu, neon) = {"neon", gelu_forward, gelu_backward};
