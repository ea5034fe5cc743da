/* Sums of 32 bits in registers of 512 and what the epilogue makes of them: shared by VNNI and the matrix unit. */
#ifndef Y9_KERNELS_BYTES_AVX512_SUMS_H
#define Y9_KERNELS_BYTES_AVX512_SUMS_H

#include "kernels/slots.h"
#include "kernels/x86/simd_avx512.h"

typedef __m512i vsum;

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

#endif
