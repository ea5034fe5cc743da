#include "kernels/arm/simd_neon.h"

#include "kernels/winograd_tmpl.h"

const struct winograd_kernel winograd__neon = {"winograd F(4x4) neon", wino_input_run, wino_output_run};
