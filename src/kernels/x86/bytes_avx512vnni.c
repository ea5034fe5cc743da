#include "kernels/slots.h"
#include "kernels/x86/simd_avx512.h"
#include "kernels/x86/word_inline.h"

typedef __m512i vword, vsum;

static inline vsum w_zero(void)
{
    return _mm512_setzero_si512();
}
static inline vword w_weights(const float *p)
{
    return _mm512_loadu_si512(p);
}
static inline vword w_input(const float *p)
{
    return _mm512_set1_epi32(word_at(p));
}
static inline vsum w_dot(vword x, vword y, vsum sum)
{
    return _mm512_dpbusd_epi32(sum, x, y);
}
static inline void w_store(float *p, vsum x)
{
    _mm512_storeu_si512(p, x);
}
static inline vf v_floats(vsum x)
{
    return _mm512_cvtepi32_ps(x);
}
static inline vf v_sums(const float *p)
{
    return v_floats(_mm512_loadu_si512(p));
}

typedef struct {
    vf c[3][2];
} vsilu;

static inline vsilu silu_load(const struct conv_bytes *q)
{
    vsilu s;
    for (int i = 0; i < 3; i++) {
        s.c[i][0] = v_load(q->silu[i]);
        s.c[i][1] = v_load(q->silu[i] + VL);
    }
    return s;
}
/* Looked up: 4 multiply-adds and 3 permutations in place of 17 operations, most of them on two of four ports. The low
 * bits of 2 x + 1.5 * 2^23 are the piece; as integers such floats are in order, so that their ends can be cut there. */
static inline vf v_silu_scaled(vf x, vsilu s)
{
    const float magic = 12582912;
    const __m512i first = _mm512_castps_si512(v_set1(magic)),
                  last = _mm512_castps_si512(v_set1(magic + SILU_PIECES - 1));
    __m512i piece = _mm512_castps_si512(v_fma(x, v_set1(2), v_set1(magic + SILU_PIECE_OF_0)));
    piece = _mm512_max_epi32(_mm512_min_epi32(piece, last), first);
    vf c[3];
    for (int i = 0; i < 3; i++)
        c[i] = _mm512_permutex2var_ps(s.c[i][0], piece, s.c[i][1]);
    return v_fma(v_fma(c[2], x, c[1]), x, c[0]);
}

/* clang-format off */
#define TILES \
    TILE(1, 1) TILE(1, 2) TILE(1, 3) TILE(1, 4) TILE(1, 5) TILE(1, 6) TILE(1, 7) TILE(1, 8) \
    TILE(1, 9) TILE(1, 10) TILE(1, 11) TILE(1, 12) \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) \
    TILE(2, 9) TILE(2, 10) TILE(2, 11) TILE(2, 12) \
    TILE(3, 1) TILE(3, 2) TILE(3, 3) TILE(3, 4) TILE(3, 5) TILE(3, 6) TILE(3, 7) TILE(3, 8)
#define HALF_TILES \
    TILE(2, 1) TILE(2, 2) TILE(2, 3) TILE(2, 4) TILE(2, 5) TILE(2, 6) TILE(2, 7) TILE(2, 8) \
    TILE(2, 9) TILE(2, 10) TILE(2, 11) TILE(2, 12)
/* clang-format on */
static inline vsum w_dot_half(vword x, vword y, vsum sum)
{
    return _mm512_zextsi256_si512(
        _mm256_dpbusd_epi32(_mm512_castsi512_si256(sum), _mm512_castsi512_si256(x), _mm512_castsi512_si256(y)));
}

#include "kernels/bytes_epilogue_tmpl.h"
#include "kernels/conv_loop_tmpl.h"

static const struct conv_tile_kernel tile = {"int8 12x32 avx512vnni", conv_tile_run, VL, 2, 3,
                                             {0, 12, 12, 8},          ACTS_ALL};
KERNEL_TABLE(conv_bytes, avx512vnni) = {&tile};
