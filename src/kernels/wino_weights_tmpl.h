/* Winograd's side of the weights, vectors of output channels, one source for every instruction set: include after a
 * simd_<isa>.h. Weights are transformed in double and rounded once, so that they add nothing to the error of the maps.
 */
#ifndef Y9_KERNELS_WINO_WEIGHTS_TMPL_H
#define Y9_KERNELS_WINO_WEIGHTS_TMPL_H

#include "core/status.h" /* MIN */
#include "kernels/simd_math.h"
#include "kernels/slots.h"

/* out = G g, three numbers `step` vectors apart to six or seven */
FORCE_INLINE void pack_1d(const vd *g, const int step, vd *out, const int out_step)
{
    const double a = WINO_A, b = WINO_B, a2 = a * a, b2 = b * b;
    const double n0 = 1 / (a2 * b2), na = 1 / (2 * a2 * (a2 - b2)), nb = 1 / (2 * b2 * (b2 - a2));
    const vd g1 = g[step];
    vd even_a = vd_fma(vd_set1(a2 * na), g[2 * step], vd_mul(vd_set1(na), g[0]));
    vd even_b = vd_fma(vd_set1(b2 * nb), g[2 * step], vd_mul(vd_set1(nb), g[0]));
    out[0] = vd_mul(vd_set1(n0), g[0]);
    out[out_step] = vd_fma(vd_set1(a * na), g1, even_a);
    out[2 * out_step] = vd_fma(vd_set1(-a * na), g1, even_a);
    out[3 * out_step] = vd_fma(vd_set1(b * nb), g1, even_b);
    out[4 * out_step] = vd_fma(vd_set1(-b * nb), g1, even_b);
    out[5 * out_step] = g[2 * step];
}

/* Rows +-p of G, where M'(+-p) = +-2 p (p^2 - q^2)(p^2 - r^2) */
FORCE_INLINE void pack_pair(const vd *g, const int step, const double p, const double q, const double r, vd *out,
                            const int out_step)
{
    const double n = 1 / (2 * p * (p * p - q * q) * (p * p - r * r));
    const vd even = vd_fma(vd_set1(p * p * n), g[2 * step], vd_mul(vd_set1(n), g[0]));
    const vd odd = vd_mul(vd_set1(p * n), g[step]);
    out[0] = vd_fma(vd_set1(1), even, odd);
    out[out_step] = vd_fma(vd_set1(-1), even, odd);
}

FORCE_INLINE void pack_1d_5(const vd *g, const int step, vd *out, const int out_step)
{
    pack_pair(g, step, WINO5_A, WINO5_B, WINO5_C, out, out_step);
    pack_pair(g, step, WINO5_B, WINO5_A, WINO5_C, out + 2 * out_step, out_step);
    pack_pair(g, step, WINO5_C, WINO5_A, WINO5_B, out + 4 * out_step, out_step);
    out[6 * out_step] = g[2 * step];
}

/* Stride 2: the first and the last tap to five points, the middle one as it is */
FORCE_INLINE void pack_1d_s2(const vd *g, const int step, vd *out, const int out_step)
{
    const double p = WINO_P, q = WINO_Q;
    const double n1 = 1 / ((1 - p) * (1 - q)), np = 1 / (p * (p - 1) * (p - q)), nq = 1 / (q * (q - 1) * (q - p));
    const vd g2 = g[2 * step];
    out[0] = vd_mul(vd_set1(-1 / (p * q)), g[0]);
    out[out_step] = vd_mul(vd_set1(n1), vd_add(g[0], g2));
    out[2 * out_step] = vd_fma(vd_set1(p * np), g2, vd_mul(vd_set1(np), g[0]));
    out[3 * out_step] = vd_fma(vd_set1(q * nq), g2, vd_mul(vd_set1(nq), g[0]));
    out[4 * out_step] = g2;
    out[5 * out_step] = g[step];
}

typedef void pack_fn(const vd *g, int step, vd *out, int out_step);

/* Half a vector of columns: nine taps to side * side points. */
FORCE_INLINE void pack_half(const vd g[9], vd *u, const int side, pack_fn *const transform)
{
    vd x[3 * WINO_SIDE_S1_5]; /* G g: rows of three */
    UNROLL
    for (int i = 0; i < 3; i++)
        transform(g + i, 3, x + i, 3);
    UNROLL
    for (int i = 0; i < side; i++)
        transform(x + 3 * i, 1, u + side * i, 1);
}

FORCE_INLINE void pack_form(const struct wino_pack *t, const int side, pack_fn *const transform)
{
    for (int c = 0; c < t->columns; c += VL) {
        vd low[9], high[9], u_low[WINO5_POINTS], u_high[WINO5_POINTS];
        for (int i = 0; i < 9; i++) {
            vf x = v_load(t->g + (size_t)i * t->g_stride + c);
            low[i] = v_low(x);
            high[i] = v_high(x);
        }
        pack_half(low, u_low, side, transform);
        pack_half(high, u_high, side, transform);
        for (int i = 0; i < side * side; i++)
            v_store(t->u + (size_t)i * t->stride + c, v_of_halves(u_low[i], u_high[i]));
    }
}

static void wino_pack_s1(const struct wino_pack *t)
{
    pack_form(t, WINO_SIDE_S1, pack_1d);
}

static void wino_pack_s1_5(const struct wino_pack *t)
{
    pack_form(t, WINO_SIDE_S1_5, pack_1d_5);
}

static void wino_pack_s2(const struct wino_pack *t)
{
    pack_form(t, WINO_SIDE_S1, pack_1d_s2);
}

/* e = A d: four to six */
FORCE_INLINE void spread_1d(const vf d[4], vf e[6])
{
    const vf a = v_set1((float)WINO_A), b = v_set1((float)WINO_B);
    const vf a2 = v_set1((float)(WINO_A * WINO_A)), b2 = v_set1((float)(WINO_B * WINO_B));
    vf even_a = v_fma(a2, d[2], d[0]), odd_a = v_fma(a2, d[3], d[1]);
    vf even_b = v_fma(b2, d[2], d[0]), odd_b = v_fma(b2, d[3], d[1]);
    e[0] = d[0];
    e[1] = v_fma(a, odd_a, even_a);
    e[2] = v_fnma(a, odd_a, even_a);
    e[3] = v_fma(b, odd_b, even_b);
    e[4] = v_fnma(b, odd_b, even_b);
    e[5] = d[3];
}

static void wino_spread_run(const struct wino_spread *t)
{
    for (int c = 0; c < t->channels; c += VL) {
        const int n = MIN(VL, t->channels - c);
        const size_t at = t->offset + (size_t)c;
        float rows[4 * 6 * VL]; /* A d, transposed */
        vf d[4], e[6];
        UNROLL
        for (int i = 0; i < 4; i++) {
            UNROLL
            for (int j = 0; j < 4; j++)
                d[j] = n == VL ? v_load(t->src[j * 4 + i] + at) : v_load_n(t->src[j * 4 + i] + at, n);
            spread_1d(d, e);
            UNROLL
            for (int j = 0; j < 6; j++)
                v_store(rows + (j * 4 + i) * VL, e[j]);
        }
        UNROLL
        for (int i = 0; i < 6; i++) {
            UNROLL
            for (int j = 0; j < 4; j++)
                d[j] = v_load(rows + (i * 4 + j) * VL);
            spread_1d(d, e);
            UNROLL
            for (int j = 0; j < 6; j++)
                v_store(t->e + (size_t)(i * 6 + j) * t->stride + c, e[j]);
        }
    }
}

/* g = (1, p, p^2) / M'(p) over the points: six to three */
FORCE_INLINE void reduce_1d(const vf m[6], vf g[3])
{
    const double a = WINO_A, b = WINO_B, a2 = a * a, b2 = b * b;
    const double n0 = 1 / (a2 * b2), na = 1 / (2 * a2 * (a2 - b2)), nb = 1 / (2 * b2 * (b2 - a2));
    vf sum_a = v_add(m[1], m[2]), odd_a = v_sub(m[1], m[2]);
    vf sum_b = v_add(m[3], m[4]), odd_b = v_sub(m[3], m[4]);
    g[0] = v_fma(v_set1((float)n0), m[0], v_fma(v_set1((float)na), sum_a, v_mul(v_set1((float)nb), sum_b)));
    g[1] = v_fma(v_set1((float)(a * na)), odd_a, v_mul(v_set1((float)(b * nb)), odd_b));
    g[2] = v_fma(v_set1((float)(a2 * na)), sum_a, v_fma(v_set1((float)(b2 * nb)), sum_b, m[5]));
}

static void wino_reduce_run(const struct wino_reduce *t)
{
    for (int c = 0; c < t->columns; c += VL) {
        float rows[3 * 6 * VL];
        vf m[6], g[3];
        for (int i = 0; i < 6; i++) {
            for (int j = 0; j < 6; j++) {
                const float *from = t->m + (size_t)(j * 6 + i) * t->stride + c;
                m[j] = v_load(from);
                for (int p = 1; p < t->parts; p++)
                    m[j] = v_add(m[j], v_load(from + (size_t)p * t->part_stride));
            }
            reduce_1d(m, g);
            for (int j = 0; j < 3; j++)
                v_store(rows + (j * 6 + i) * VL, g[j]);
        }
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 6; j++)
                m[j] = v_load(rows + (i * 6 + j) * VL);
            reduce_1d(m, g);
            for (int j = 0; j < 3; j++)
                v_store(t->g + (size_t)(i * 3 + j) * t->g_stride + c, g[j]);
        }
    }
}

#endif
