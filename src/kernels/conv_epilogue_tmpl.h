/* What becomes of a convolution tile's sums when they are floats: include after a simd_<isa>.h. */
#ifndef Y9_KERNELS_CONV_EPILOGUE_TMPL_H
#define Y9_KERNELS_CONV_EPILOGUE_TMPL_H

#include "core/status.h" /* MIN */
#include "kernels/act_tmpl.h"
#include "kernels/conv_registers_tmpl.h"
#include "kernels/slots.h"

/* The usual case: whole vectors (`half`: but for the last), SiLU, nothing added. */
FORCE_INLINE bool conv_finish(const struct conv_tile *t, conv_acc acc, const int nv, const int m, const bool half)
{
    const int last = t->n - (nv - 1) * VL;
    if (!t->bias || t->act != ACT_SILU || t->accumulate || t->addend || t->residual || (!half && last != VL))
        return false;
    UNROLL
    for (int j = 0; j < nv; j++) {
        const vf bias = v_load(t->bias + j * VL);
        UNROLL
        for (int i = 0; i < m; i++) {
            float *dst = t->dst[i] + t->dst_offset + j * VL;
            const vf x = v_silu(v_add(acc[i][j], bias));
            if (half && j == nv - 1)
                v_store_n(dst, x, last);
            else
                v_store(dst, x);
        }
    }
    return true;
}

/* One vector of columns; `whole`: all of its lanes, else n. */
FORCE_INLINE void epilogue_column(const struct conv_tile *t, const float *sums, const int j, const int n,
                                  const bool whole, const enum act act, const bool more)
{
    const vf bias = t->bias ? v_load(t->bias + j * VL) : v_zero();
    const size_t offset = t->dst_offset + (size_t)(j * VL), from = t->residual_offset + (size_t)(j * VL);
    const size_t add = t->addend_offset + (size_t)(j * VL);
    for (int i = 0; i < t->m; i++) {
        float *dst = t->dst[i] + offset;
        vf x = v_add(v_load(sums + i * t->nv * VL), bias);
        if (more && t->accumulate)
            x = v_add(x, whole ? v_load(dst) : v_load_n(dst, n));
        if (more && t->addend)
            x = v_add(x, whole ? v_load(t->addend[i] + add) : v_load_n(t->addend[i] + add, n));
        x = act_epilogue(x, act);
        if (more && t->residual)
            x = v_add(x, whole ? v_load(t->residual[i] + from) : v_load_n(t->residual[i] + from, n));
        if (whole)
            v_store(dst, x);
        else
            v_store_n(dst, x, n);
    }
}

FORCE_INLINE void epilogue_columns(const struct conv_tile *t, const float *sums, const enum act act)
{
    const bool more = t->accumulate || t->residual || t->addend;
    for (int j = 0; j < t->nv; j++, sums += VL) {
        const int n = MIN(t->n - j * VL, VL);
        if (n <= 0)
            break;
        if (n < VL)
            epilogue_column(t, sums, j, n, false, act, more);
        else if (more)
            epilogue_column(t, sums, j, VL, true, act, true);
        else
            epilogue_column(t, sums, j, VL, true, act, false);
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
