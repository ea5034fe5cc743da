/* What becomes of a convolution tile's sums when they are floats: include after a simd_<isa>.h. With FINISH_BF16 the
 * usual case of a map of bf16 is finished in registers too. */
#ifndef Y9_KERNELS_CONV_EPILOGUE_TMPL_H
#define Y9_KERNELS_CONV_EPILOGUE_TMPL_H

#include "core/status.h" /* MIN */
#include "kernels/act_tmpl.h"
#include "kernels/conv_registers_tmpl.h"
#include "kernels/map_inline.h"
#include "kernels/slots.h"

FORCE_INLINE void conv_finish_silu(const struct conv_tile *t, conv_acc acc, const int nv, const int m, const bool half,
                                   const bool bf16)
{
    UNROLL
    for (int j = 0; j < nv; j++) {
        const vf bias = v_load(t->bias + j * VL);
        UNROLL
        for (int i = 0; i < m; i++)
            map_store(t->dst[i], t->dst_offset + (size_t)(j * VL), v_silu(v_add(acc[i][j], bias)),
                      half && j == nv - 1 ? t->n - (nv - 1) * VL : VL, bf16);
    }
}

/* The usual case: whole vectors (`half`: but for the last), SiLU, nothing added. */
FORCE_INLINE bool conv_finish(const struct conv_tile *t, conv_acc acc, const int nv, const int m, const bool half)
{
    if (!t->bias || t->act != ACT_SILU || t->accumulate || t->addend || t->residual ||
        (!half && t->n - (nv - 1) * VL != VL))
        return false;
#ifdef FINISH_BF16
    if (t->dst_bf16) {
        conv_finish_silu(t, acc, nv, m, half, true);
        return true;
    }
#endif
    if (t->dst_bf16)
        return false;
    conv_finish_silu(t, acc, nv, m, half, false);
    return true;
}

/* One vector of n columns; `more`: something is added, or is bf16. */
FORCE_INLINE void epilogue_column(const struct conv_tile *t, const float *sums, const int j, const int n,
                                  const enum act act, const bool more)
{
    const vf bias = t->bias ? v_load(t->bias + j * VL) : v_zero();
    const size_t offset = t->dst_offset + (size_t)(j * VL), from = t->residual_offset + (size_t)(j * VL);
    const size_t add = t->addend_offset + (size_t)(j * VL);
    for (int i = 0; i < t->m; i++) {
        vf x = v_add(v_load(sums + i * t->nv * VL), bias);
        if (more && t->accumulate)
            x = v_add(x, map_load(t->dst[i], offset, n, t->dst_bf16));
        if (more && t->addend)
            x = v_add(x, map_load(t->addend[i], add, n, t->addend_bf16));
        x = act_epilogue(x, act);
        if (more && t->residual)
            x = v_add(x, map_load(t->residual[i], from, n, t->residual_bf16));
        map_store(t->dst[i], offset, x, n, more && t->dst_bf16);
    }
}

FORCE_INLINE void epilogue_columns(const struct conv_tile *t, const float *sums, const enum act act)
{
    const bool more = t->accumulate || t->residual || t->addend || t->dst_bf16;
    for (int j = 0; j < t->nv; j++, sums += VL) {
        const int n = MIN(t->n - j * VL, VL);
        if (n <= 0)
            break;
        if (n < VL)
            epilogue_column(t, sums, j, n, act, more);
        else if (more)
            epilogue_column(t, sums, j, VL, act, true);
        else
            epilogue_column(t, sums, j, VL, act, false);
    }
}

/* dst = act(sums + bias (+ dst) (+ addend)) (+ residual); sums lie tightly, [m][nv * VL] */
static __attribute__((noinline)) void conv_epilogue(const struct conv_tile *t, const float *sums)
{
    switch (t->act) {
#define ACTIVATION(id, ...)                  \
    case ACT_##id:                           \
        epilogue_columns(t, sums, ACT_##id); \
        break;
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
}

#endif
