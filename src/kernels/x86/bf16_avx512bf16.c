#include "kernels/x86/simd_avx512.h"

typedef __m512bh vword;
typedef __m512 vsum;

static inline vsum w_zero(void)
{
    return _mm512_setzero_ps();
}
static inline vword w_weights(const float *p)
{
    return (__m512bh)_mm512_loadu_si512(p);
}
static inline vword w_weights_n(const float *p, int n)
{
    return (__m512bh)v_load_n(p, n);
}
static inline vword w_input(const float *p)
{
    return (__m512bh)_mm512_set1_ps(*p);
}
static inline vsum w_dot(vword x, vword y, vsum sum)
{
    return _mm512_dpbf16_ps(sum, x, y);
}
static inline void w_store(float *p, vsum x)
{
    _mm512_storeu_ps(p, x);
}

/* clang-format off */
#define TILES \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) \
    TILE(1, 9) TILE(1, 10) TILE(1, 11) TILE(1, 12) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) \
    TILE(2, 9) TILE(2, 10) TILE(2, 11) TILE(2, 12) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4) TILE(3, 5) TILE(3, 6) TILE(3, 7) TILE(3, 8)
/* clang-format on */
#define FINISH_BF16
#include "kernels/conv_epilogue_tmpl.h"
#include "kernels/conv_loop_tmpl.h"
#include "kernels/wgrad_tmpl.h"

static const struct conv_tile_kernel tile = {"bf16 12x32 avx512bf16", conv_tile_run, VL, 2, 3,
                                             {0, 12, 12, 8},          ACTS_ALL};
KERNEL_TABLE(conv_bf16, avx512bf16) = {&tile};

/* Words of channels c .. c + VL - 1 of two pixels: the instruction puts one vector behind the other. */
static inline __m512i pair_words(vf first, vf second)
{
    const __m512i places = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                            21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(places, (__m512i)_mm512_cvtne2ps_pbh(second, first));
}

static void make_pairs(const struct pair_run *r)
{
    for (int p = 0; p < r->pixels; p += 2) {
        float *const to = r->dst + (size_t)(p / 2) * r->dst_pair;
        const bool both = p + 1 < r->pixels;
        const float *const first = r->src[p] + r->offset, *const second = both ? r->src[p + 1] + r->offset : first;
        for (int c = 0; c < r->width; c += VL) {
            const int n = r->c - c < VL ? r->c - c : VL, out = r->width - c < VL ? r->width - c : VL;
            const vf x = n > 0 ? v_load_n(first + c, n) : v_zero();
            const vf y = n > 0 && both ? v_load_n(second + c, n) : v_zero();
            _mm512_mask_storeu_epi32(to + c, (__mmask16)((1u << out) - 1), pair_words(x, y));
        }
    }
}

static const struct wgrad_tile_kernel wgrad = {"bf16 12x32 avx512bf16", wgrad_tile_run, VL, 2, 3, {0, 12, 12, 8}};
KERNEL_TABLE(wgrad_bf16, avx512bf16) = {&wgrad, make_pairs};
