/* Activations of vectors, one source for every instruction set: include after a simd_<isa>.h. Of each formula of
 * act.def:
 *
 *   act_FORM_epilogue(x, a)        the value, of one vector: where a convolution ends
 *   act_FORM_forward(z, m, a)      z[j] becomes the value, of `m` vectors side by side: bn_act
 *   act_FORM_backward(d, z, m, a)  d[j] *= the derivative at z[j]
 *
 * `m` (at most ACT_GROUP), `a` and the activation are constants wherever they are called: each use becomes straight
 * code. Derivatives where they jump, and the value of NaN, are those of plain C (kernels/c/act_inline.h). */
#ifndef Y9_KERNELS_ACT_TMPL_H
#define Y9_KERNELS_ACT_TMPL_H

#include "kernels/act.h"
#include "kernels/simd_math.h"

#include <math.h>

enum { ACT_GROUP = 4 };

/* Formulas that gain nothing from several vectors side by side. */
#define ACT_FORWARD_ONE_BY_ONE(form)                                          \
    FORCE_INLINE void act_##form##_forward(vf *z, const int m, const float a) \
    {                                                                         \
        for (int j = 0; j < m; j++)                                           \
            z[j] = act_##form##_epilogue(z[j], a);                            \
    }

/* --- none --- */

FORCE_INLINE vf act_none_epilogue(vf x, const float a)
{
    (void)a;
    return x;
}
ACT_FORWARD_ONE_BY_ONE(none)

FORCE_INLINE void act_none_backward(vf *d, const vf *z, const int m, const float a)
{
    (void)d, (void)z, (void)m, (void)a;
}

/* --- SiLU --- */

FORCE_INLINE vf act_silu_epilogue(vf x, const float a)
{
    (void)a;
    return v_silu(x);
}

FORCE_INLINE void act_silu_forward(vf *z, const int m, const float a)
{
    (void)a;
    vf s[ACT_GROUP];
    v_sigmoid_many(z, s, m);
    for (int j = 0; j < m; j++)
        z[j] = v_mul(z[j], s[j]);
}

/* s (1 + z (1 - s)); 1 - s is off by at most an ulp of 1, which z s makes small */
FORCE_INLINE void act_silu_backward(vf *d, const vf *z, const int m, const float a)
{
    (void)a;
    vf s[ACT_GROUP];
    v_sigmoid_many(z, s, m);
    for (int j = 0; j < m; j++)
        d[j] = v_mul(d[j], v_fma(v_mul(z[j], s[j]), v_sub(v_set1(1), s[j]), s[j]));
}

/* --- ReLU --- */

FORCE_INLINE vf act_relu_epilogue(vf x, const float a)
{
    (void)a;
    return v_max(v_zero(), x);
}
ACT_FORWARD_ONE_BY_ONE(relu)

FORCE_INLINE void act_relu_backward(vf *d, const vf *z, const int m, const float a)
{
    (void)a;
    for (int j = 0; j < m; j++)
        d[j] = v_select(v_gt(z[j], v_zero()), d[j], v_zero());
}

/* --- ReLU6 --- */

FORCE_INLINE vf act_relu6_epilogue(vf x, const float a)
{
    (void)a;
    return v_min(v_set1(6), v_max(v_zero(), x));
}
ACT_FORWARD_ONE_BY_ONE(relu6)

FORCE_INLINE void act_relu6_backward(vf *d, const vf *z, const int m, const float a)
{
    (void)a;
    for (int j = 0; j < m; j++) {
        const vf below = v_select(v_gt(v_set1(6), z[j]), d[j], v_zero());
        d[j] = v_select(v_gt(z[j], v_zero()), below, v_zero());
    }
}

/* --- leaky ReLU --- */

/* The larger of a x and x: 0 <= a <= 1. */
FORCE_INLINE vf act_leaky_epilogue(vf x, const float a)
{
    return v_max(v_mul(v_set1(a), x), x);
}
ACT_FORWARD_ONE_BY_ONE(leaky)

FORCE_INLINE void act_leaky_backward(vf *d, const vf *z, const int m, const float a)
{
    for (int j = 0; j < m; j++)
        d[j] = v_select(v_gt(z[j], v_zero()), d[j], v_mul(v_set1(a), d[j]));
}

/* --- hard-swish --- */

FORCE_INLINE vf act_hardswish_epilogue(vf x, const float a)
{
    return v_mul(x, v_mul(act_relu6_epilogue(v_add(x, v_set1(3)), a), v_set1(1.0f / 6)));
}
ACT_FORWARD_ONE_BY_ONE(hardswish)

FORCE_INLINE void act_hardswish_backward(vf *d, const vf *z, const int m, const float a)
{
    (void)a;
    for (int j = 0; j < m; j++) {
        const vf between = v_mul(d[j], v_add(v_mul(z[j], v_set1(1.0f / 3)), v_set1(0.5f)));
        const vf right = v_select(v_gt(v_set1(3), z[j]), between, d[j]);
        d[j] = v_select(v_gt(z[j], v_set1(-3)), right, v_zero());
    }
}

/* --- the rows --- */

FORCE_INLINE vf act_epilogue(vf x, const enum act act)
{
    switch (act) {
#define ACTIVATION(id, form, parameter, ...) \
    case ACT_##id:                           \
        return act_##form##_epilogue(x, parameter);
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
    return v_set1(NAN); /* no activation: nobody takes this for a result */
}

FORCE_INLINE void act_forward(vf *z, const int m, const enum act act)
{
    switch (act) {
#define ACTIVATION(id, form, parameter, ...)   \
    case ACT_##id:                             \
        act_##form##_forward(z, m, parameter); \
        break;
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
}

FORCE_INLINE void act_backward(vf *d, const vf *z, const int m, const enum act act)
{
    switch (act) {
#define ACTIVATION(id, form, parameter, ...)       \
    case ACT_##id:                                 \
        act_##form##_backward(d, z, m, parameter); \
        break;
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
}

#endif
