#include "kernels/x86/simd_avx512.h"

#include "kernels/words_tmpl.h"

const struct words_kernel words__avx512 = {"avx512", to_bf16, to_bytes};
