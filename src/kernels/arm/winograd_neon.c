#include "kernels/arm/simd_neon.h"

#include "kernels/winograd_tmpl.h"

KERNEL_TABLE(winograd, neon) = WINOGRAD_KERNEL("neon");
