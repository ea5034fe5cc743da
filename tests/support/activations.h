/* The activations of kernels/act.def in double precision, by their definition: the oracle of tests. A formula without
 * act_FORM_exact and act_FORM_exact_derivative does not compile. */
#ifndef Y9_TESTS_ACTIVATIONS_H
#define Y9_TESTS_ACTIVATIONS_H

#include "kernels/act.h"

#include <math.h>
#include <stdbool.h>

static inline double act_none_exact(double x, double a)
{
    (void)a;
    return x;
}
static inline double act_none_exact_derivative(double x, double a)
{
    (void)x, (void)a;
    return 1;
}

static inline double act_silu_exact(double x, double a)
{
    (void)a;
    return x / (1 + exp(-x));
}
static inline double act_silu_exact_derivative(double x, double a)
{
    (void)a;
    const double s = 1 / (1 + exp(-x));
    return s * (1 + x * (1 - s));
}

static inline double act_relu_exact(double x, double a)
{
    (void)a;
    return fmax(x, 0);
}
static inline double act_relu_exact_derivative(double x, double a)
{
    (void)a;
    return x > 0;
}

static inline double act_relu6_exact(double x, double a)
{
    (void)a;
    return fmin(fmax(x, 0), 6);
}
static inline double act_relu6_exact_derivative(double x, double a)
{
    (void)a;
    return x > 0 && x < 6;
}

static inline double act_leaky_exact(double x, double a)
{
    return x > 0 ? x : a * x;
}
static inline double act_leaky_exact_derivative(double x, double a)
{
    return x > 0 ? 1 : a;
}

static inline double act_hardswish_exact(double x, double a)
{
    (void)a;
    return x * fmin(fmax(x + 3, 0), 6) / 6;
}
static inline double act_hardswish_exact_derivative(double x, double a)
{
    (void)a;
    return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
}

static inline double act_exact(double x, enum act act)
{
    switch (act) {
#define ACTIVATION(id, form, parameter, ...) \
    case ACT_##id:                           \
        return act_##form##_exact(x, (double)(parameter));
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
    return NAN;
}

static inline double act_exact_derivative(double x, enum act act)
{
    switch (act) {
#define ACTIVATION(id, form, parameter, ...) \
    case ACT_##id:                           \
        return act_##form##_exact_derivative(x, (double)(parameter));
#include "kernels/act.def"
#undef ACTIVATION
    case ACT_COUNT:
        break;
    }
    return NAN;
}

/* Does the derivative jump within `around` of x? There rounding may choose either side. */
static inline bool act_jumps(double x, double around, enum act act)
{
    return fabs(act_exact_derivative(x + around, act) - act_exact_derivative(x - around, act)) > 0.2 + 2 * around;
}

#endif
