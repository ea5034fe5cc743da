#include "kernels/x86/simd_avx512.h"

#include "kernels/winograd_tmpl.h"

const struct winograd_kernel winograd__avx512 = {"winograd F(4x4) avx512", wino_input_run, wino_output_run};
