#include "kernels/x86/simd_avx512.h"

static inline vf v_load_rgb(const float *p)
{
    return _mm512_maskz_loadu_ps(0x7777, p);
}

#include "kernels/words_tmpl.h"

KERNEL_TABLE(words, avx512) = {"avx512", to_bf16, to_bytes, split};
