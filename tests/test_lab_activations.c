/* The laboratory: what activations do to gradients and to the input. */
#include "kernels/c/act_inline.h"
#include "lab/activation_inverse.h"
#include "lab/activations.h"
#include "support/unit.h"

#include <math.h>
#include <string.h>

/* x = [-2, -1, 3], dL/dy = [0.5, 0.5, 0.5]: with ReLU y = [0, 0, 3] and dL/dx = [0, 0, 0.5]. */
static void the_numeric_example_to_the_digit(void **state)
{
    (void)state;
    float y[3], dx[3];
    activation_example(ACT_RELU, activation_example_x, activation_example_dy, 3, y, dx);
    assert_true(activation_example_x[0] == -2 && activation_example_x[1] == -1 && activation_example_x[2] == 3);
    assert_true(y[0] == 0 && y[1] == 0 && y[2] == 3);
    assert_true(dx[0] == 0 && dx[1] == 0 && dx[2] == 0.5f);
    activation_example(ACT_LEAKY, activation_example_x, activation_example_dy, 3, y, dx);
    assert_true(y[0] == 0.1f * -2 && y[1] == 0.1f * -1 && y[2] == 3);
    assert_true(dx[0] == 0.05f && dx[1] == 0.05f && dx[2] == 0.5f);
}

static void what_can_be_undone_is_undone(void **state)
{
    (void)state;
    static const enum act exact[] = {ACT_NONE, ACT_LEAKY, ACT_LEAKY_0_01};
    static const enum act lossy[] = {ACT_RELU, ACT_RELU6, ACT_SILU, ACT_HARDSWISH};
    for (int i = 0; i < COUNT(exact); i++) {
        const struct activation_inverse inverse = activation_inverse_of(exact[i]);
        assert_true(activation_invertible(&inverse));
        for (double z = -4.05; z < 4; z += 0.1)
            assert_true(fabs(activation_undo(&inverse, (double)act_value((float)z, exact[i])) - z) < 2e-6);
    }
    for (int i = 0; i < COUNT(lossy); i++) {
        const struct activation_inverse inverse = activation_inverse_of(lossy[i]);
        assert_false(activation_invertible(&inverse));
        /* where it is steep, one z is left; above 3 that of hard-swish and SiLU, below 6 that of ReLU6 */
        assert_true(fabs(activation_undo(&inverse, (double)act_value(3.5f, lossy[i])) - 3.5) < 1e-5);
    }
    /* ReLU: all that is below 0 becomes its mean, -sqrt(2 / pi) */
    const struct activation_inverse relu = activation_inverse_of(ACT_RELU);
    assert_true(fabs(activation_undo(&relu, 0) + sqrt(2 / M_PI)) < 1e-4);
    assert_true(fabs(activation_undo(&relu, -1) + sqrt(2 / M_PI)) < 1e-4); /* a value that ReLU never has */
    /* SiLU: -0.2 is the value of two z, of which both are as good as their density and slope say */
    const struct activation_inverse silu = activation_inverse_of(ACT_SILU);
    const double z = activation_undo(&silu, -0.2);
    assert_true(z > -2.5 && z < -0.25);
    assert_true(fabs((double)act_value((float)z, ACT_SILU) + 0.2) > 1e-3); /* it is neither of them */
}

static void relu_loses_what_theory_says(void **state)
{
    (void)state;
    struct activation_result r;
    assert_ok(activations_run(ACT_RELU, 0, NULL, &r));
    const struct activation_layer *one = &r.layer[0];
    assert_false(r.invertible);
    assert_true(fabs(one->none - 0.5) < 0.01 && fabs(one->kept - 0.5) < 0.01 && one->scaled == 0);
    /* half of N(0, 1) becomes its mean: variance 1 - 2 / pi of that half is lost */
    assert_true(fabs(one->recovered - (1 - 0.5 * (1 - 2 / M_PI))) < 0.01);
    assert_true(one->rank > 18 && one->rank < 30);
    for (int d = 1; d < ACTIVATION_DEPTH; d++)
        assert_true(r.layer[d].rank <= r.layer[d - 1].rank); /* rank never comes back */
    assert_true(r.layer[31].recovered < 0);
    assert_true(isnan(r.layer[2].recovered));
    /* half of the bits, but for the half bit that says which half; a coarse step takes a little more from above 0 */
    assert_true(fabs(r.lost_bits[1] - (r.whole_bits[1] / 2 - 0.5)) < 0.05);
    assert_true(fabs(r.lost_bits[2] - (r.whole_bits[2] / 2 - 0.5)) < 0.01);
    assert_true(r.lost_bits[2] - r.lost_bits[1] > 1.9); /* four bits more, two of them lost: no step is fine enough */
}

static void leaky_relu_only_scales(void **state)
{
    (void)state;
    struct activation_result none, r, again;
    struct team *team;
    assert_ok(activations_run(ACT_NONE, 0, NULL, &none));
    assert_ok(activations_run(ACT_LEAKY, 0, NULL, &r));
    assert_true(none.invertible && r.invertible);
    assert_true(none.layer[31].recovered > 1 - 1e-9 && none.layer[31].rank == ACTIVATION_CHANNELS);
    assert_true(none.lost_bits[2] == 0 && none.layer[5].kept == 1 && none.layer[5].scaled == 0);
    assert_true(r.layer[0].none == 0 && fabs(r.layer[0].scaled - 0.5) < 0.01 && r.layer[0].reversed == 0);
    /* it has an inverse, but going back each negative number's rounding error grows tenfold a layer: float32 has seven
     * digits, and behind 16 layers none is left */
    assert_true(r.layer[0].recovered > 1 - 1e-9 && r.layer[7].recovered > 0.999 && r.layer[15].recovered < 0);
    assert_true(r.layer[31].rank == ACTIVATION_CHANNELS);
    /* ten values of z become one where they are negative: log2(10) bits of half of the numbers, however fine the step
     */
    assert_true(fabs(r.lost_bits[1] - 0.5 * log2(10)) < 0.05 && fabs(r.lost_bits[2] - 0.5 * log2(10)) < 0.02);
    assert_ok(team_create(3, &team));
    assert_ok(activations_run(ACT_LEAKY, 0, team, &again));
    assert_memory_equal(&r, &again, sizeof r);
    team_destroy(team);
}

static void silu_is_not_monotonic(void **state)
{
    (void)state;
    struct activation_result r;
    assert_ok(activations_run(ACT_SILU, 3, NULL, &r));
    assert_false(r.invertible);
    /* below -1.2785 its slope is negative: a tenth of N(0, 1) */
    assert_true(fabs(r.layer[0].reversed - 0.1005) < 0.01 && r.layer[0].none < 1e-3);
    assert_true(r.layer[0].recovered > 0.82 && r.layer[0].recovered < 0.999);
    assert_true(r.layer[31].rank > 47.9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_numeric_example_to_the_digit),
        cmocka_unit_test(what_can_be_undone_is_undone),
        cmocka_unit_test(relu_loses_what_theory_says),
        cmocka_unit_test(leaky_relu_only_scales),
        cmocka_unit_test(silu_is_not_monotonic),
    };
    return cmocka_run_group_tests_name("lab_activations", tests, NULL, NULL);
}
