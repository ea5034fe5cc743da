#include "kernels/x86/simd_avx512.h"

static inline vf v_load_rgb(const float *p)
{
    return _mm512_maskz_loadu_ps(0x7777, p);
}

#include "kernels/words_tmpl.h"

static void to_bf16_by_instruction(const struct word_run *r)
{
    for (int p = 0; p < r->pixels; p++) {
        const float *src = r->src + (size_t)p * r->src_pixel;
        uint16_t *dst = (uint16_t *)r->dst + (size_t)p * r->dst_pixel * 2;
        int c = 0;
        for (; c + VL <= r->c; c += VL)
            _mm256_storeu_si256((__m256i *)(void *)(dst + c), (__m256i)_mm512_cvtneps_pbh(v_load(src + c)));
        if (c < r->c) {
            const int n = r->c - c, words = (n + 1) / 2;
            _mm256_mask_storeu_epi32(dst + c, (__mmask8)((1u << words) - 1),
                                     (__m256i)_mm512_cvtneps_pbh(v_load_n(src + c, n)));
        }
    }
}

KERNEL_TABLE(words, avx512bf16) = {"avx512bf16", to_bf16_by_instruction, to_bytes, split};
