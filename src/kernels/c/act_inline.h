/* Activations of one number: act_FORM_value and act_FORM_derivative of each formula of act.def, the oracle of the
 * vectors' (kernels/act_tmpl.h). Where a derivative jumps it is that of PyTorch. The value of NaN is NaN. */
#ifndef Y9_KERNELS_C_ACT_INLINE_H
#define Y9_KERNELS_C_ACT_INLINE_H

#include "kernels/act.h"
#include "kernels/inlining.h"
#include "kernels/math_inline.h"

#include <math.h>

/* x */
FORCE_INLINE float act_none_value(float x, float a)
{
    (void)a;
    return x;
}
FORCE_INLINE float act_none_derivative(float x, float a)
{
    (void)x, (void)a;
    return 1.0f;
}

/* x / (1 + e^-x) */
FORCE_INLINE float act_silu_value(float x, float a)
{
    (void)a;
    return silu_f32(x);
}
FORCE_INLINE float act_silu_derivative(float x, float a)
{
    (void)a;
    return d_silu_f32(x);
}

/* max(x, 0); the derivative at 0 is 0 */
FORCE_INLINE float act_relu_value(float x, float a)
{
    (void)a;
    return x < 0.0f ? 0.0f : x;
}
FORCE_INLINE float act_relu_derivative(float x, float a)
{
    (void)a;
    return x > 0.0f ? 1.0f : 0.0f;
}

/* min(max(x, 0), 6); the derivative at 0 and at 6 is 0 */
FORCE_INLINE float act_relu6_value(float x, float a)
{
    (void)a;
    return x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x;
}
FORCE_INLINE float act_relu6_derivative(float x, float a)
{
    (void)a;
    return x > 0.0f && x < 6.0f ? 1.0f : 0.0f;
}

/* x where x > 0, else a x; the derivative at 0 is a */
FORCE_INLINE float act_leaky_value(float x, float a)
{
    return x > 0.0f ? x : a * x;
}
FORCE_INLINE float act_leaky_derivative(float x, float a)
{
    return x > 0.0f ? 1.0f : a;
}

/* x min(max(x + 3, 0), 6) / 6; the derivative at -3 is 0, at 3 it is 1 */
FORCE_INLINE float act_hardswish_value(float x, float a)
{
    return x * (act_relu6_value(x + 3.0f, a) * (1.0f / 6));
}
FORCE_INLINE float act_hardswish_derivative(float x, float a)
{
    (void)a;
    return !(x > -3.0f) ? 0.0f : !(x < 3.0f) ? 1.0f : x * (1.0f / 3) + 0.5f;
}

FORCE_INLINE float act_value(float x, enum act act)
{
    switch (act) {
#define ACTIVATION(id, form, parameter, ...) \
    case ACT_##id:                           \
        return act_##form##_value(x, parameter);
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
    return NAN; /* no activation: nobody takes this for a result */
}

FORCE_INLINE float act_derivative(float x, enum act act)
{
    switch (act) {
#define ACTIVATION(id, form, parameter, ...) \
    case ACT_##id:                           \
        return act_##form##_derivative(x, parameter);
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
    return NAN;
}

#endif
