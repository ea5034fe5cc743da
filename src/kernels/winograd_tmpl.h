/* Winograd transforms, vectors of channels, one source for every instruction set: include after a simd_<isa>.h. */
#ifndef Y9_KERNELS_WINOGRAD_TMPL_H
#define Y9_KERNELS_WINOGRAD_TMPL_H

#include "core/status.h" /* MIN */
#include "kernels/act_tmpl.h"
#include "kernels/map_inline.h"
#include "kernels/slots.h"

static const float wino_a = (float)WINO_A, wino_b = (float)WINO_B, wino_a2 = (float)(WINO_A * WINO_A),
                   wino_b2 = (float)(WINO_B * WINO_B), wino_a3 = (float)(WINO_A * WINO_A * WINO_A),
                   wino_b3 = (float)(WINO_B * WINO_B * WINO_B), wino_a2b2 = (float)(WINO_A * WINO_A * WINO_B * WINO_B),
                   wino_sum = (float)(WINO_A * WINO_A + WINO_B * WINO_B);

/* t = B^T d */
FORCE_INLINE void input_1d(const vf d[6], vf t[6])
{
    const vf a = v_set1(wino_a), b = v_set1(wino_b), a2 = v_set1(wino_a2), b2 = v_set1(wino_b2);
    const vf a2b2 = v_set1(wino_a2b2), sum = v_set1(wino_sum);
    vf even_a = v_fnma(b2, d[2], d[4]), odd_a = v_fnma(b2, d[1], d[3]);
    vf even_b = v_fnma(a2, d[2], d[4]), odd_b = v_fnma(a2, d[1], d[3]);
    t[0] = v_fma(a2b2, d[0], v_fnma(sum, d[2], d[4]));
    t[1] = v_fma(a, odd_a, even_a);
    t[2] = v_fnma(a, odd_a, even_a);
    t[3] = v_fma(b, odd_b, even_b);
    t[4] = v_fnma(b, odd_b, even_b);
    t[5] = v_fma(a2b2, d[1], v_fnma(sum, d[3], d[5]));
}

/* y = A^T m */
FORCE_INLINE void output_1d(const vf m[6], vf y[4])
{
    vf sum_a = v_add(m[1], m[2]), odd_a = v_sub(m[1], m[2]);
    vf sum_b = v_add(m[3], m[4]), odd_b = v_sub(m[3], m[4]);
    y[0] = v_add(m[0], v_add(sum_a, sum_b));
    y[1] = v_fma(v_set1(wino_b), odd_b, v_mul(v_set1(wino_a), odd_a));
    y[2] = v_fma(v_set1(wino_b2), sum_b, v_mul(v_set1(wino_a2), sum_a));
    y[3] = v_fma(v_set1(wino_b3), odd_b, v_fma(v_set1(wino_a3), odd_a, m[5]));
}

/* F(5x5): row +-p of B^T is odd +- p * even, where M/(x^2 - p^2) = x^4 - (q^2 + r^2) x^2 + q^2 r^2 has the coefficients
 * of both. */
FORCE_INLINE void input_pair(const vf d[7], const double p, const double q, const double r, vf *plus, vf *minus)
{
    const vf sum = v_set1((float)(q * q + r * r)), product = v_set1((float)(q * q * r * r));
    const vf even = v_fma(product, d[0], v_fnma(sum, d[2], d[4]));
    const vf odd = v_fma(product, d[1], v_fnma(sum, d[3], d[5]));
    *plus = v_fma(v_set1((float)p), even, odd);
    *minus = v_fnma(v_set1((float)p), even, odd);
}

FORCE_INLINE void input_1d_5(const vf d[7], vf t[7])
{
    const double a = WINO5_A, b = WINO5_B, c = WINO5_C, a2 = a * a, b2 = b * b, c2 = c * c;
    const vf s1 = v_set1((float)(a2 + b2 + c2)), s2 = v_set1((float)(a2 * b2 + a2 * c2 + b2 * c2)),
             s3 = v_set1((float)(a2 * b2 * c2));
    input_pair(d, a, b, c, t, t + 1);
    input_pair(d, b, a, c, t + 2, t + 3);
    input_pair(d, c, a, b, t + 4, t + 5);
    t[6] = v_fnma(s3, d[0], v_fma(s2, d[2], v_fnma(s1, d[4], d[6])));
}

FORCE_INLINE void output_1d_5(const vf m[7], vf y[5])
{
    const double a = WINO5_A, b = WINO5_B, c = WINO5_C, a2 = a * a, b2 = b * b, c2 = c * c;
    const vf sum_a = v_add(m[0], m[1]), odd_a = v_sub(m[0], m[1]);
    const vf sum_b = v_add(m[2], m[3]), odd_b = v_sub(m[2], m[3]);
    const vf sum_c = v_add(m[4], m[5]), odd_c = v_sub(m[4], m[5]);
    y[0] = v_add(sum_a, v_add(sum_b, sum_c));
    y[1] = v_fma(v_set1((float)c), odd_c, v_fma(v_set1((float)b), odd_b, v_mul(v_set1((float)a), odd_a)));
    y[2] = v_fma(v_set1((float)c2), sum_c, v_fma(v_set1((float)b2), sum_b, v_mul(v_set1((float)a2), sum_a)));
    y[3] = v_fma(v_set1((float)(c2 * c)), odd_c,
                 v_fma(v_set1((float)(b2 * b)), odd_b, v_mul(v_set1((float)(a2 * a)), odd_a)));
    y[4] = v_fma(v_set1((float)(c2 * c2)), sum_c,
                 v_fma(v_set1((float)(b2 * b2)), sum_b, v_fma(v_set1((float)(a2 * a2)), sum_a, m[6])));
}

/* Stride 2: the five odd-tap samples o to points, the four samples e as they are; d lies o e o e ... o. With
 * M(x) = x (x - 1)(x - p)(x - q): rows of B^T are M/(x - point). */
FORCE_INLINE void input_1d_s2(const vf d[9], vf t[9])
{
    const double p = WINO_P, q = WINO_Q;
    const vf pq = v_set1((float)(p * q)), p_q = v_set1((float)(p + q)), p_1 = v_set1((float)(p + 1)),
             p1 = v_set1((float)p);
    const vf q_1 = v_set1((float)(q + 1)), q1 = v_set1((float)q), s1 = v_set1((float)(p + q + 1)),
             s2 = v_set1((float)(p + q + p * q));
    t[0] = v_fnma(pq, d[0], v_fma(s2, d[2], v_fnma(s1, d[4], d[6])));
    t[1] = v_fma(pq, d[2], v_fnma(p_q, d[4], d[6]));
    t[2] = v_fma(q1, d[2], v_fnma(q_1, d[4], d[6]));
    t[3] = v_fma(p1, d[2], v_fnma(p_1, d[4], d[6]));
    t[4] = v_fnma(pq, d[2], v_fma(s2, d[4], v_fnma(s1, d[6], d[8])));
    t[5] = d[1];
    t[6] = d[3];
    t[7] = d[5];
    t[8] = d[7];
}

FORCE_INLINE void output_1d_s2(const vf m[9], vf y[4])
{
    const double p = WINO_P, q = WINO_Q;
    y[0] = v_add(v_add(v_add(m[0], m[1]), v_add(m[2], m[3])), m[5]);
    y[1] = v_fma(v_set1((float)p), m[2], v_fma(v_set1((float)q), m[3], v_add(m[1], m[6])));
    y[2] = v_fma(v_set1((float)(p * p)), m[2], v_fma(v_set1((float)(q * q)), m[3], v_add(m[1], m[7])));
    y[3] = v_fma(v_set1((float)(p * p * p)), m[2],
                 v_fma(v_set1((float)(q * q * q)), m[3], v_add(v_add(m[1], m[4]), m[8])));
}

typedef void wino_1d(const vf *from, vf *to);

/* `fetch`: the pixels that the next tile does not share with this one. They lie rows apart, no stream to the processor.
 */
FORCE_INLINE void input_form(const struct wino_input *t, const int side, const int shared, wino_1d *const transform,
                             const bool fetch, const bool bf16)
{
    for (int c = 0; c < t->channels; c += VL) {
        const int n = MIN(VL, t->channels - c);
        const size_t at = t->offset + (size_t)c;
        _Alignas(64) float rows[WINO_SIDE_MOST * WINO_SIDE_MOST * VL]; /* B^T d, transposed */
        vf d[WINO_SIDE_MOST], x[WINO_SIDE_MOST];
        UNROLL
        for (int i = 0; i < side; i++) {
            UNROLL
            for (int j = 0; j < side; j++)
                d[j] = map_load(t->src[j * side + i], at, n, bf16);
            if (fetch && i >= shared) {
                UNROLL
                for (int j = 0; j < side; j++)
                    __builtin_prefetch(map_address(t->next[j * side + i], at, bf16), 0, 2);
            }
            transform(d, x);
            UNROLL
            for (int j = 0; j < side; j++)
                v_store(rows + (j * side + i) * VL, x[j]);
        }
        UNROLL
        for (int i = 0; i < side; i++) {
            UNROLL
            for (int j = 0; j < side; j++)
                d[j] = v_load(rows + (i * side + j) * VL);
            transform(d, x);
            UNROLL
            for (int j = 0; j < side; j++)
                v_store(t->v + (size_t)(i * side + j) * t->stride + c, x[j]);
        }
    }
}

/* One vector of channels of the column of pooled pixels between two columns of the source. */
FORCE_INLINE void pool_column(const vf *left, const vf *right, const float *factors, vf *d)
{
    vf sum[WINO_SIDE_POOLED];
    UNROLL
    for (int j = 0; j < WINO_SIDE_POOLED; j++)
        sum[j] = v_add(left[j], right[j]);
    UNROLL
    for (int j = 0; j < WINO_SIDE_S2; j++)
        d[j] = v_mul(v_add(sum[j], sum[j + 1]), v_set1(factors[j * WINO_SIDE_S2]));
}

FORCE_INLINE void load_column(const struct wino_input *t, const int i, const size_t at, const int n, vf *column,
                              const bool bf16)
{
    UNROLL
    for (int j = 0; j < WINO_SIDE_POOLED; j++) {
        column[j] = map_load(t->src[j * WINO_SIDE_POOLED + i], at, n, bf16);
        if (t->next && i >= 2)
            __builtin_prefetch(map_address(t->next[j * WINO_SIDE_POOLED + i], at, bf16), 0, 2);
    }
}

FORCE_INLINE void pooled_form(const struct wino_input *t, const bool bf16)
{
    enum { SIDE = WINO_SIDE_S2 };
    for (int c = 0; c < t->channels; c += VL) {
        const int n = MIN(VL, t->channels - c);
        const size_t at = t->offset + (size_t)c;
        _Alignas(64) float rows[SIDE * SIDE * VL];
        vf left[WINO_SIDE_POOLED], right[WINO_SIDE_POOLED], d[SIDE], x[SIDE];
        load_column(t, 0, at, n, left, bf16);
        for (int i = 0; i < SIDE; i++) {
            load_column(t, i + 1, at, n, right, bf16);
            pool_column(left, right, t->factors + i, d);
            input_1d_s2(d, x);
            UNROLL
            for (int j = 0; j < SIDE; j++)
                v_store(rows + (j * SIDE + i) * VL, x[j]);
            UNROLL
            for (int j = 0; j < WINO_SIDE_POOLED; j++)
                left[j] = right[j];
        }
        UNROLL
        for (int i = 0; i < SIDE; i++) {
            UNROLL
            for (int j = 0; j < SIDE; j++)
                d[j] = v_load(rows + (i * SIDE + j) * VL);
            input_1d_s2(d, x);
            UNROLL
            for (int j = 0; j < SIDE; j++)
                v_store(t->v + (size_t)(i * SIDE + j) * t->stride + c, x[j]);
        }
    }
}

static void wino_input_pooled(const struct wino_input *t)
{
    if (t->bf16)
        pooled_form(t, true);
    else
        pooled_form(t, false);
}

#define INPUT_FORM(suffix, side, shared, transform)                  \
    static void wino_input_##suffix(const struct wino_input *t)      \
    {                                                                \
        if (t->bf16)                                                 \
            if (t->next)                                             \
                input_form(t, side, shared, transform, true, true);  \
            else                                                     \
                input_form(t, side, shared, transform, false, true); \
        else if (t->next)                                            \
            input_form(t, side, shared, transform, true, false);     \
        else                                                         \
            input_form(t, side, shared, transform, false, false);    \
    }
INPUT_FORM(s1, WINO_SIDE_S1, 2, input_1d)
INPUT_FORM(s1_5, WINO_SIDE_S1_5, 2, input_1d_5)
INPUT_FORM(s2, WINO_SIDE_S2, 1, input_1d_s2)
#undef INPUT_FORM

/* One vector of channels of a tile: rows = A^T m, then each row times A. `plain`: a whole vector with nothing to add
 * but the bias; `bf16`: into a map of bf16. */
FORCE_INLINE void output_vector(const struct wino_output *t, const int c, const int n, const bool plain,
                                const bool bf16, const enum act act, const int side, const int out,
                                wino_1d *const transform)
{
    const vf bias = t->bias ? v_load(t->bias + c) : v_zero();
    const float *from = t->m + c;
    const size_t stride = t->stride, offset = t->dst_offset + (size_t)c;
    float *const *dst = t->dst;
    _Alignas(64) float rows[WINO_OUT_MOST * WINO_SIDE_MOST * VL];
    vf m[WINO_SIDE_MOST], y[WINO_OUT_MOST];
    if (!plain && t->residual_next) {
        for (int i = 0; i < out * out; i++)
            __builtin_prefetch(map_address(t->residual_next[i], t->residual_offset + (size_t)c, t->residual_bf16));
    }
    UNROLL
    for (int i = 0; i < side; i++) {
        UNROLL
        for (int j = 0; j < side; j++)
            m[j] = v_load(from + (size_t)(j * side + i) * stride);
        transform(m, y);
        UNROLL
        for (int j = 0; j < out; j++)
            v_store(rows + (j * side + i) * VL, y[j]);
    }
    for (int i = 0; i < out; i++) {
        UNROLL
        for (int j = 0; j < side; j++)
            m[j] = v_load(rows + (i * side + j) * VL);
        transform(m, y);
        UNROLL
        for (int j = 0; j < out; j++) {
            float *to = dst[i * out + j];
            vf x = v_add(y[j], bias);
            if (!plain && !bf16 && t->accumulate)
                x = v_add(x, v_load_n(to + offset, n));
            x = act_epilogue(x, act);
            if (!plain && t->residual)
                x = v_add(x, map_load(t->residual[i * out + j], t->residual_offset + (size_t)c, n, t->residual_bf16));
            map_store(to, offset, x, plain ? VL : n, bf16);
        }
    }
}

FORCE_INLINE void output_vectors(const struct wino_output *t, const bool bf16, const enum act act, const int side,
                                 const int out, wino_1d *const transform)
{
    const bool plain = !t->accumulate && !t->residual;
    for (int c = 0; c < t->n; c += VL) {
        const int n = MIN(VL, t->n - c);
        if (!plain || n < VL)
            output_vector(t, c, n, false, bf16, act, side, out, transform);
        else
            output_vector(t, c, VL, true, bf16, act, side, out, transform);
    }
}

FORCE_INLINE void output_form(const struct wino_output *t, const int side, const int out, wino_1d *const transform)
{
    switch (t->act) {
#define ACTIVATION(id, ...)                                           \
    case ACT_##id:                                                    \
        if (t->dst_bf16)                                              \
            output_vectors(t, true, ACT_##id, side, out, transform);  \
        else                                                          \
            output_vectors(t, false, ACT_##id, side, out, transform); \
        break;
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
}

static void wino_output_s1(const struct wino_output *t)
{
    output_form(t, WINO_SIDE_S1, 4, output_1d);
}

static void wino_output_s1_5(const struct wino_output *t)
{
    output_form(t, WINO_SIDE_S1_5, 5, output_1d_5);
}

static void wino_output_s2(const struct wino_output *t)
{
    output_form(t, WINO_SIDE_S2, 4, output_1d_s2);
}

/* clang-format off */
#define WINOGRAD_KERNEL(isa)                                                                                        \
    {                                                                                                               \
        {"winograd F(4x4) " isa, "winograd F(5x5) " isa, "winograd s2 F(4x4) " isa, "winograd pooled s2 F(4x4) " isa}, \
        {wino_input_s1, wino_input_s1_5, wino_input_s2, wino_input_pooled},                                         \
        {wino_output_s1, wino_output_s1_5, wino_output_s2, wino_output_s2}, ACTS_ALL                                \
    }
/* clang-format on */

#endif
