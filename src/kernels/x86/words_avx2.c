#include "kernels/x86/simd_avx2.h"

#include "kernels/words_tmpl.h"

const struct words_kernel words__avx2 = {"avx2", to_bf16, to_bytes};
