#include "kernels/x86/simd_avx2.h"

#include "kernels/winograd_tmpl.h"

const struct winograd_kernel winograd__avx2 = {"winograd F(4x4) avx2", wino_input_run, wino_output_run};
