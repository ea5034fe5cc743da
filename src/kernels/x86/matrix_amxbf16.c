/* Floats and bf16 by the matrix unit. */
#define TILES_BF16
#include "kernels/x86/simd_avx512.h"
#include "kernels/x86/tiles_amx.h"

typedef vf vsum;

#include "kernels/conv_epilogue_tmpl.h"
#include "kernels/matrix_tmpl.h"

static void run_fp32(const struct matrix_run *r)
{
    matrix_run(r, MATRIX_FP32);
}
static void run_bf16(const struct matrix_run *r)
{
    matrix_run(r, MATRIX_BF16);
}

KERNEL_TABLE(matrix_fp32, amxbf16) = {{"fp32 32x32 amx", run_fp32, true, ACTS_ALL}};
KERNEL_TABLE(matrix_bf16, amxbf16) = {{"bf16 32x32 amx", run_bf16, true, ACTS_ALL}};
