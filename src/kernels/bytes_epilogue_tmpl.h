/* What becomes of a tile's sums of bytes: include after a simd_<isa>.h, vsum and
 *   v_floats(x)          VL sums of 32 bits as floats
 *   v_sums(p)            the same from memory
 *   vsilu, silu_load(q)  what the next wants in registers, for the whole of a tile's column
 *   v_silu_scaled(x, s)  SiLU(x) * q->factor + q->zero, to a fraction of 1 */
#ifndef Y9_KERNELS_BYTES_EPILOGUE_TMPL_H
#define Y9_KERNELS_BYTES_EPILOGUE_TMPL_H

#include "core/status.h" /* MIN */
#include "kernels/act_tmpl.h"
#include "kernels/conv_registers_tmpl.h"
#include "kernels/slots.h"

enum residual_kind { NO_RESIDUAL, FLOAT_RESIDUAL, BYTE_RESIDUAL };

/* The usual case: whole vectors (`half`: but for the last), SiLU, bytes, nothing added. */
FORCE_INLINE bool conv_finish(const struct conv_tile *t, conv_acc acc, const int nv, const int m, const bool half)
{
    const struct conv_bytes *q = t->bytes;
    const int last = t->n - (nv - 1) * VL;
    if (!q || !q->dst_bytes || t->act != ACT_SILU || t->residual || (!half && last != VL))
        return false;
    const vsilu silu = silu_load(q);
    UNROLL
    for (int j = 0; j < nv; j++) {
        const vf scale = v_load(t->bias + q->scale_offset + j * VL), bias = v_load(t->bias + j * VL);
        UNROLL
        for (int i = 0; i < m; i++) {
            const vf x = v_fma(v_floats(acc[i][j]), scale, bias);
            v_store_cut_n((unsigned char *)t->dst[i] + t->dst_offset + j * VL, v_silu_scaled(x, silu),
                          half && j == nv - 1 ? last : VL);
        }
    }
    return true;
}

/* Column j's vector of all m pixels; n, act, residual and to_bytes are constants where it counts. */
FORCE_INLINE void bytes_column(const struct conv_tile *t, const float *sums, const int j, const int n,
                               const enum act act, const enum residual_kind residual, const bool to_bytes)
{
    const struct conv_bytes *q = t->bytes;
    const int step = t->nv * VL, m = t->m;
    const vf scale = v_load(t->bias + q->scale_offset + j * VL), bias = v_load(t->bias + j * VL);
    const vf factor = v_set1(q->factor), zero = v_set1(q->zero);
    const size_t offset = t->dst_offset + (size_t)(j * VL), r_offset = t->residual_offset + (size_t)(j * VL);
    const vf residual_zero = v_set1(q->residual_zero), residual_step = v_set1(q->residual_step);
    const vsilu silu = silu_load(q); /* here: a store of bytes might change what q points to */
    const vf residual_factor = to_bytes ? v_mul(residual_step, factor) : residual_step;
    for (int i = 0; i < m; i++) {
        vf x = v_fma(v_sums(sums + i * step), scale, bias);
        if (act == ACT_SILU && to_bytes)
            x = v_silu_scaled(x, silu);
        else if (to_bytes)
            x = v_fma(act_epilogue(x, act), factor, zero);
        else
            x = act_epilogue(x, act);
        if (residual == FLOAT_RESIDUAL) {
            const vf r = v_load_n(t->residual[i] + r_offset, n);
            x = to_bytes ? v_fma(r, factor, x) : v_add(r, x);
        } else if (residual == BYTE_RESIDUAL) {
            const vf r = v_load_bytes_n((const unsigned char *)t->residual[i] + r_offset, n);
            x = v_fma(v_sub(r, residual_zero), residual_factor, x);
        }
        if (to_bytes)
            v_store_cut_n((unsigned char *)t->dst[i] + offset, x, n);
        else
            v_store_n(t->dst[i] + offset, x, n);
    }
}

FORCE_INLINE void bytes_columns(const struct conv_tile *t, const float *sums, const enum act act)
{
    const bool to_bytes = t->bytes->dst_bytes;
    const enum residual_kind residual = !t->residual               ? NO_RESIDUAL
                                        : t->bytes->residual_bytes ? BYTE_RESIDUAL
                                                                   : FLOAT_RESIDUAL;
    for (int j = 0; j < t->nv; j++, sums += VL) {
        const int n = MIN(t->n - j * VL, VL);
        if (n <= 0)
            break;
        if (n == VL && to_bytes && residual == BYTE_RESIDUAL)
            bytes_column(t, sums, j, VL, act, BYTE_RESIDUAL, true);
        else if (to_bytes)
            bytes_column(t, sums, j, n, act, residual, true);
        else if (n == VL && residual == NO_RESIDUAL)
            bytes_column(t, sums, j, VL, act, NO_RESIDUAL, false);
        else
            bytes_column(t, sums, j, n, act, residual, false);
    }
}

static __attribute__((noinline)) void conv_epilogue(const struct conv_tile *t, const float *sums)
{
    switch (t->act) {
#define ACTIVATION(id, ...)               \
    case ACT_##id:                        \
        bytes_columns(t, sums, ACT_##id); \
        break;
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
}

#endif
