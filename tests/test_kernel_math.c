/* kernels/math_inline.h against double precision. */
#include "core/status.h"
#include "kernels/math_inline.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static double ulps(float got, double want)
{
    int exponent;
    frexp(want, &exponent);
    return fabs((double)got - want) / ldexp(1.0, MAX(exponent, -125) - 24);
}

static void test_math(void **state)
{
    (void)state;
    double worst_exp = 0.0, worst_silu = 0.0, worst_sigmoid = 0.0;
    for (int i = -870000; i <= 880000; i += 7) {
        float x = (float)i * 1e-4f;
        double s = 1.0 / (1.0 + exp(-(double)x));
        worst_exp = fmax(worst_exp, ulps(exp_f32(x), exp((double)x)));
        worst_sigmoid = fmax(worst_sigmoid, ulps(sigmoid_f32(x), s));
        worst_silu = fmax(worst_silu, ulps(silu_f32(x), (double)x * s));
        double slope = s * (1.0 + (double)x * (1.0 - s));
        assert_true(fabs((double)d_silu_f32(x) - slope) < 4e-7);
    }
    print_message("worst ulp: exp %.2f, sigmoid %.2f, silu %.2f\n", worst_exp, worst_sigmoid, worst_silu);
    assert_true(worst_exp < 2.0 && worst_sigmoid < 3.0 && worst_silu < 4.0);
    assert_true(isnan(exp_f32(NAN)) && isnan(silu_f32(NAN)) && isnan(sigmoid_f32(NAN)) && isnan(d_silu_f32(NAN)));
    assert_true(silu_f32(INFINITY) == INFINITY && silu_f32(200.0f) == 200.0f && fabsf(silu_f32(-200.0f)) < 1e-30f);
    assert_true(silu_f32(0.0f) == 0.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_math)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
