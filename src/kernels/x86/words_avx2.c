#include "kernels/x86/simd_avx2.h"

static inline vf v_load_rgb(const float *p)
{
    return _mm256_maskload_ps(p, _mm256_setr_epi32(-1, -1, -1, 0, -1, -1, -1, 0));
}

#include "kernels/words_tmpl.h"

KERNEL_TABLE(words, avx2) = {"avx2", to_bf16, to_bytes, split};
