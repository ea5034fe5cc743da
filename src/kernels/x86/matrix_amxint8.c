/* Bytes by the matrix unit: the sums of VNNI, and its epilogue. */
#define TILES_BYTES
#include "kernels/x86/simd_avx512.h"
#include "kernels/x86/tiles_amx.h"

#include "kernels/x86/bytes_avx512_sums.h"

#include "kernels/bytes_epilogue_tmpl.h"
#include "kernels/matrix_tmpl.h"

static void run_bytes(const struct matrix_run *r)
{
    matrix_run(r, MATRIX_BYTES);
}

KERNEL_TABLE(matrix_bytes, amxint8) = {{"int8 32x32 amx", run_bytes, true, ACTS_ALL}};
