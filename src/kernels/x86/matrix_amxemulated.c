/* The kernels of the matrix unit, which is emulated: for tests on processors that have none. */
#include "kernels/c/matrix_inline.h"

static void run_fp32(const struct matrix_run *r)
{
    matrix_run(r, MATRIX_FP32);
}
static void run_bf16(const struct matrix_run *r)
{
    matrix_run(r, MATRIX_BF16);
}
static void run_bytes(const struct matrix_run *r)
{
    matrix_run(r, MATRIX_BYTES);
}

KERNEL_TABLE(matrix_fp32, emulated) = {{"fp32 32x32 amx emulated", run_fp32, true, ACTS_ALL}};
KERNEL_TABLE(matrix_bf16, emulated) = {{"bf16 32x32 amx emulated", run_bf16, true, ACTS_ALL}};
KERNEL_TABLE(matrix_bytes, emulated) = {{"int8 32x32 amx emulated", run_bytes, true, ACTS_ALL}};
