#include "kernels/arm/simd_neon.h"

#include "kernels/winograd_tmpl.h"

const struct winograd_kernel winograd__neon = WINOGRAD_KERNEL("neon");
