/* GELU, one source for every vector width: include a simd_<isa>.h first. The steps are those of c/gelu_c.c. */
#include "kernels/gelu_inline.h"
#include "kernels/simd_math.h"
#include "kernels/slots.h"

enum { SIDE_BY_SIDE = 4 }; /* vectors a step: one alone is a chain of dependent operations */

/* P(x) and its density for `count` vectors (a constant). */
FORCE_INLINE void normal_of(const vf *x, vf *distribution, vf *density, const int count)
{
    const vf zero = v_zero(), one = v_set1(1);
    vf e[SIDE_BY_SIDE], low[SIDE_BY_SIDE];
    for (int i = 0; i < count; i++) {
        const vf a = v_min(v_set1(GELU_END), v_max(x[i], v_sub(zero, x[i]))); /* NaN stays NaN */
        const vf square = v_mul(a, a);
        low[i] = v_mul(v_set1(0.5f), v_fms(a, a, square)); /* what rounding took from the square, halved */
        e[i] = v_mul(v_set1(-0.5f), square);
        distribution[i] = v_reciprocal(v_fma(v_set1(GELU_T), a, one));
    }
    v_exp_many(e, count);
    for (int i = 0; i < count; i++) {
        const vf t = distribution[i], a = v_max(x[i], v_sub(zero, x[i]));
        vf q = v_fma(v_set1(GELU_Q8), t, v_set1(GELU_Q7));
        q = v_fma(q, t, v_set1(GELU_Q6));
        q = v_fma(q, t, v_set1(GELU_Q5));
        q = v_fma(q, t, v_set1(GELU_Q4));
        q = v_fma(q, t, v_set1(GELU_Q3));
        q = v_fma(q, t, v_set1(GELU_Q2));
        q = v_fma(q, t, v_set1(GELU_Q1));
        q = v_fma(q, t, v_set1(GELU_Q0));
        e[i] = v_select(v_gt(a, v_set1(GELU_END)), zero, v_fnma(e[i], low[i], e[i]));
        const vf tail = v_mul(v_mul(e[i], t), q);
        distribution[i] = v_select(v_gt(x[i], zero), v_sub(one, tail), tail);
        density[i] = v_mul(v_set1(GELU_DENSITY), e[i]);
    }
}

FORCE_INLINE void forward(vf *x, const int count)
{
    vf distribution[SIDE_BY_SIDE], density[SIDE_BY_SIDE];
    normal_of(x, distribution, density, count);
    for (int i = 0; i < count; i++)
        x[i] = v_mul(x[i], distribution[i]);
}

static void gelu_forward(const float *x, float *y, size_t n)
{
    vf z[SIDE_BY_SIDE];
    size_t i = 0;
    for (; i + SIDE_BY_SIDE * VL <= n; i += SIDE_BY_SIDE * VL) {
        for (size_t k = 0; k < SIDE_BY_SIDE; k++)
            z[k] = v_load(x + i + k * VL);
        forward(z, SIDE_BY_SIDE);
        for (size_t k = 0; k < SIDE_BY_SIDE; k++)
            v_store(y + i + k * VL, z[k]);
    }
    for (; i < n; i += VL) {
        const int left = n - i < VL ? (int)(n - i) : VL;
        z[0] = v_load_n(x + i, left);
        forward(z, 1);
        v_store_n(y + i, z[0], left);
    }
}

/* slope = P(x) + x p(x) */
FORCE_INLINE void slope_of(vf *x, const int count)
{
    vf distribution[SIDE_BY_SIDE], density[SIDE_BY_SIDE];
    normal_of(x, distribution, density, count);
    for (int i = 0; i < count; i++)
        x[i] = v_fma(x[i], density[i], distribution[i]);
}

static void gelu_backward(const float *x, const float *d_y, float *d_x, bool add, size_t n)
{
    vf z[SIDE_BY_SIDE];
    size_t i = 0;
    for (; i + SIDE_BY_SIDE * VL <= n; i += SIDE_BY_SIDE * VL) {
        for (size_t k = 0; k < SIDE_BY_SIDE; k++)
            z[k] = v_load(x + i + k * VL);
        slope_of(z, SIDE_BY_SIDE);
        for (size_t k = 0; k < SIDE_BY_SIDE; k++) {
            const vf before = add ? v_load(d_x + i + k * VL) : v_zero();
            v_store(d_x + i + k * VL, v_fma(v_load(d_y + i + k * VL), z[k], before));
        }
    }
    for (; i < n; i += VL) {
        const int left = n - i < VL ? (int)(n - i) : VL;
        z[0] = v_load_n(x + i, left);
        slope_of(z, 1);
        const vf before = add ? v_load_n(d_x + i, left) : v_zero();
        v_store_n(d_x + i, v_fma(v_load_n(d_y + i, left), z[0], before), left);
    }
}
