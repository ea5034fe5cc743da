/* What becomes of a convolution tile's sums when they are floats: include after a simd_<isa>.h. */
#ifndef Y9_KERNELS_CONV_EPILOGUE_TMPL_H
#define Y9_KERNELS_CONV_EPILOGUE_TMPL_H

#include "core/status.h" /* MIN */
#include "kernels/simd_math.h"
#include "kernels/slots.h"

/* The common epilogue: whole vectors, nothing to add but the bias. */
static inline __attribute__((always_inline)) void epilogue_column(const float *sums, const int step, const vf bias,
                                                                  float *const *dst, const size_t offset, const int m,
                                                                  const enum kernel_act act)
{
    for (int i = 0; i < m; i++) {
        vf x = v_add(v_load(sums + i * step), bias);
        if (act == KERNEL_ACT_SILU)
            x = v_silu(x);
        else if (act == KERNEL_ACT_RELU)
            x = v_max(v_zero(), x);
        v_store(dst[i] + offset, x);
    }
}

/* dst = act(sums + bias (+ dst)) (+ residual); sums lie tightly, [m][nv * VL] */
static __attribute__((noinline)) void conv_epilogue(const struct conv_tile *t, const float *sums)
{
    const int m = t->m, step = t->nv * VL;
    const enum kernel_act act = t->act;
    for (int j = 0; j < t->nv; j++, sums += VL) {
        const int n = MIN(t->n - j * VL, VL);
        if (n <= 0)
            break;
        const vf bias = t->bias ? v_load(t->bias + j * VL) : v_zero();
        const size_t offset = t->dst_offset + (size_t)(j * VL);
        if (n == VL && !t->accumulate && !t->residual) {
            if (act == KERNEL_ACT_SILU)
                epilogue_column(sums, step, bias, t->dst, offset, m, KERNEL_ACT_SILU);
            else
                epilogue_column(sums, step, bias, t->dst, offset, m, act);
            continue;
        }
        for (int i = 0; i < m; i++) {
            float *dst = t->dst[i] + offset;
            vf x = v_add(v_load(sums + i * step), bias);
            if (t->accumulate)
                x = v_add(x, v_load_n(dst, n));
            if (act == KERNEL_ACT_SILU)
                x = v_silu(x);
            else if (act == KERNEL_ACT_RELU)
                x = v_max(v_zero(), x);
            if (t->residual)
                x = v_add(x, v_load_n(t->residual[i] + t->residual_offset + j * VL, n));
            v_store_n(dst, x, n);
        }
    }
}

#endif
