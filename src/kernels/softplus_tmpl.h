/* The class loss of the background, one source for every vector width: include a simd_<isa>.h first. */
#include "kernels/simd_math.h"
#include "kernels/slots.h"

enum { SIDE_BY_SIDE = 4 }; /* vectors a step: one alone is a chain of dependent operations */

/* value = ln(1 + e^x), x = scale / (1 + e^-x). With e = e^-|x| and s = e / (2 + e):
 * ln(1 + e) = 2 atanh(s) = 2 (s + s^3/3 + ... + s^13/13), s <= 1/3 (next term: 1.4e-8 of it). */
FORCE_INLINE void softplus(vf *x, vf *value, vf scale, const int count)
{
    vf e[SIDE_BY_SIDE];
    const vf one = v_set1(1), two = v_set1(2);
    for (int i = 0; i < count; i++)
        e[i] = v_min(x[i], v_sub(v_zero(), x[i]));
    v_exp_many(e, count);
    for (int i = 0; i < count; i++) {
        vf q = v_reciprocal(v_mul(v_add(one, e[i]), v_add(two, e[i]))); /* one division for both quotients */
        vf s = v_mul(v_mul(e[i], q), v_add(one, e[i])), z = v_mul(s, s);
        vf p = v_fma(v_set1(1.0f / 13), z, v_set1(1.0f / 11));
        p = v_fma(p, z, v_set1(1.0f / 9));
        p = v_fma(p, z, v_set1(1.0f / 7));
        p = v_fma(p, z, v_set1(1.0f / 5));
        p = v_fma(p, z, v_set1(1.0f / 3));
        p = v_fma(p, z, one);
        value[i] = v_fma(v_mul(two, s), p, v_max(v_zero(), x[i]));
        vf large = v_mul(q, v_add(two, e[i]));
        x[i] = v_mul(scale, v_select(v_gt(v_zero(), x[i]), v_mul(e[i], large), large));
    }
}

static double softplus_run(const float *x, float *d_x, float scale, size_t n)
{
    const vf factor = v_set1(scale);
    vd low = vd_zero(), high = vd_zero();
    double lanes[VL], sum = 0;
    float rest[VL];
    vf z[SIDE_BY_SIDE], value[SIDE_BY_SIDE];
    size_t i = 0;
    for (; i + SIDE_BY_SIDE * VL <= n; i += SIDE_BY_SIDE * VL) {
        for (size_t k = 0; k < SIDE_BY_SIDE; k++)
            z[k] = v_load(x + i + k * VL);
        softplus(z, value, factor, SIDE_BY_SIDE);
        for (size_t k = 0; k < SIDE_BY_SIDE; k++) {
            v_store(d_x + i + k * VL, z[k]);
            low = vd_add(low, v_low(value[k]));
            high = vd_add(high, v_high(value[k]));
        }
    }
    for (; i < n; i += VL) {
        const int left = n - i < VL ? (int)(n - i) : VL;
        z[0] = v_load_n(x + i, left);
        softplus(z, value, factor, 1);
        v_store_n(d_x + i, z[0], left);
        v_store(rest, value[0]);
        for (int k = 0; k < left; k++)
            sum += (double)rest[k];
    }
    vd_store(lanes, low);
    vd_store(lanes + VL / 2, high);
    for (int k = 0; k < VL; k++)
        sum += lanes[k];
    return sum;
}
