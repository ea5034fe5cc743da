/* Recipes: folded and merged parameters against the official float32 ones (golden fuse/), and a hand-made sum. */
#include "ops/recipe.h"
#include "support/golden.h"
#include "support/shared.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_PARAMS = 16, MAX_FLOATS = 4096 };

/* Just enough of a graph to hold parameters and recipes. */
struct block {
    struct graph graph;
    struct param params[MAX_PARAMS];
    struct recipe recipe;
    float values[MAX_FLOATS];
};

static int add_param(struct block *b, int rank, const int *shape, const float *values)
{
    struct param p = {.rank = rank, .first = b->graph.param_floats, .count = 1};
    for (int i = 0; i < rank; i++) {
        p.shape[i] = shape[i];
        p.count *= (size_t)shape[i];
    }
    assert_true(b->graph.n_params < MAX_PARAMS && p.first + p.count <= MAX_FLOATS);
    for (size_t i = 0; i < p.count; i++)
        b->values[p.first + i] = values ? values[i] : NAN;
    b->graph.param_floats += (p.count + 15) / 16 * 16;
    b->params[b->graph.n_params] = p;
    b->graph.params = b->params;
    return b->graph.n_params++;
}

static int stored_param(struct golden *g, struct block *b, const char *prefix, const char *leaf, int *shape)
{
    char name[64];
    size_t count;
    snprintf(name, sizeof name, "before/%s%s", prefix, leaf);
    const struct safetensor *t = golden_tensor(g, name);
    const float *values = golden_f32(g, name, &count);
    assert_true(t && values);
    for (int i = 0; i < t->rank; i++)
        shape[i] = (int)t->shape[i];
    return add_param(b, t->rank, shape, values);
}

static struct recipe_term stored_term(struct golden *g, struct block *b, const char *prefix, int *shape)
{
    int c[4];
    struct recipe_term term = {.bias = -1};
    term.weight = stored_param(g, b, prefix, "conv.weight", shape);
    term.bn.gamma = stored_param(g, b, prefix, "bn.weight", c);
    term.bn.beta = stored_param(g, b, prefix, "bn.bias", c);
    term.bn.mean = stored_param(g, b, prefix, "bn.running_mean", c);
    term.bn.var = stored_param(g, b, prefix, "bn.running_var", c);
    return term;
}

static void check_golden(const char *name, bool merge)
{
    char file[64], message[256];
    double worst;
    int shape[4], small[4];
    struct golden g;
    struct block training = {0}, deployed = {0};
    snprintf(file, sizeof file, "fuse/%s.safetensors", name);
    assert_true(golden_open(&g, golden_file(file)));
    struct recipe *r = &deployed.recipe;
    *r = (struct recipe){.shift = -1, .scale = -1, .n_terms = merge ? 2 : 1};
    r->term[0] = stored_term(&g, &training, merge ? "conv1." : "", shape);
    if (merge)
        r->term[1] = stored_term(&g, &training, "conv2.", small);
    r->weight = add_param(&deployed, 4, shape, NULL);
    r->bias = add_param(&deployed, 1, shape, NULL);
    deployed.graph.recipes = r;
    deployed.graph.n_recipes = 1;
    recipe_evaluate(&training.graph, training.values, &deployed.graph, deployed.values);
    const struct param *weight = &deployed.params[r->weight], *bias = &deployed.params[r->bias];
    golden_compare(&g, "after/conv.weight", deployed.values + weight->first, weight->count);
    golden_compare(&g, "after/conv.bias", deployed.values + bias->first, bias->count);
    if (golden_close(&g, message, sizeof message, &worst) != 0)
        fail_msg("%s: %s", name, message);
}

static void test_fold(void **state)
{
    (void)state;
    check_golden("conv_bn", false);
    check_golden("conv_bn_g4", false);
}

static void test_merge(void **state)
{
    (void)state;
    check_golden("repconvn", true);
    check_golden("repconvn_g2", true);
}

/* A biased convolution before BN, a bare biased one, and one without any bias. */
static void test_biases(void **state)
{
    (void)state;
    const float weight[2] = {2, -3}, bias[2] = {0.5f, 1}, gamma[2] = {3, 4}, beta[2] = {7, 8}, mean[2] = {1, -1};
    const float var[2] = {1 - BN_EPSILON, 4 - BN_EPSILON};
    const int shape[4] = {2, 1, 1, 1};
    struct block t = {0}, d = {0};
    struct recipe_term term = {.weight = add_param(&t, 4, shape, weight), .bias = add_param(&t, 1, shape, bias)};
    term.bn = (struct bn){.gamma = add_param(&t, 1, shape, gamma), .beta = add_param(&t, 1, shape, beta)};
    term.bn.mean = add_param(&t, 1, shape, mean);
    term.bn.var = add_param(&t, 1, shape, var);
    struct recipe recipes[3] = {{.n_terms = 1, .term[0] = term}, {.n_terms = 1, .term[0] = term}, {.n_terms = 1}};
    recipes[1].term[0].bn = (struct bn){-1, -1, -1, -1};
    recipes[2].term[0] = recipes[1].term[0];
    recipes[2].term[0].bias = -1;
    for (int i = 0; i < 3; i++) {
        recipes[i].shift = recipes[i].scale = -1;
        recipes[i].weight = add_param(&d, 4, shape, NULL);
        recipes[i].bias = i == 2 ? -1 : add_param(&d, 1, shape, NULL);
    }
    d.graph.recipes = recipes;
    d.graph.n_recipes = 3;
    recipe_evaluate(&t.graph, t.values, &d.graph, d.values);
    const float want[5][2] = {{6, -6}, {5.5f, 12}, {2, -3}, {0.5f, 1}, {2, -3}};
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 2; k++)
            assert_true(fabsf(d.values[d.params[i].first + (size_t)k] - want[i][k]) < 1e-5f);
}

/* RepConv's identity is a 1 in the centre tap of its own channel, and goes round in groups; implicit vectors come last:
 * W' = m W, b' = m (b + W a). */
static void test_identity_and_implicit(void **state)
{
    (void)state;
    enum { C = 4, IN = 2 }; /* two groups */
    const int wide[4] = {C, IN, 3, 3}, point[4] = {2, 2, 1, 1};
    const float zero[C * IN * 9] = {0}, gamma[C] = {1, 2, 3, 4}, beta[C] = {5, 6, 7, 8}, mean[C] = {1, 1, 1, -1};
    const float var[C] = {1 - BN_EPSILON, 1 - BN_EPSILON, 1 - BN_EPSILON, 1 - BN_EPSILON};
    const float weight[4] = {1, 2, 3, 4}, bias[2] = {10, 20}, a[2] = {0.5f, -1}, m[2] = {2, -1};
    struct block t = {0}, d = {0};
    const struct bn none = {-1, -1, -1, -1};
    struct recipe recipes[2] = {{.n_terms = 2, .shift = -1, .scale = -1}, {.n_terms = 1}};
    recipes[0].term[0] = (struct recipe_term){.weight = add_param(&t, 4, wide, zero), .bias = -1, .bn = none};
    recipes[0].term[1] = (struct recipe_term){.weight = -1, .bias = -1};
    recipes[0].term[1].bn = (struct bn){.gamma = add_param(&t, 1, wide, gamma), .beta = add_param(&t, 1, wide, beta)};
    recipes[0].term[1].bn.mean = add_param(&t, 1, wide, mean);
    recipes[0].term[1].bn.var = add_param(&t, 1, wide, var);
    recipes[1].term[0] = (struct recipe_term){.weight = add_param(&t, 4, point, weight), .bn = none};
    recipes[1].term[0].bias = add_param(&t, 1, point, bias);
    recipes[1].shift = add_param(&t, 1, point, a);
    recipes[1].scale = add_param(&t, 1, point, m);
    for (int i = 0; i < 2; i++) {
        recipes[i].weight = add_param(&d, 4, i ? point : wide, NULL);
        recipes[i].bias = add_param(&d, 1, i ? point : wide, NULL);
    }
    d.graph.recipes = recipes;
    d.graph.n_recipes = 2;
    recipe_evaluate(&t.graph, t.values, &d.graph, d.values);
    const float *w = d.values + d.params[0].first, *b = d.values + d.params[1].first;
    for (int o = 0; o < C; o++) {
        for (int i = 0; i < IN * 9; i++)
            assert_true(fabsf(w[o * IN * 9 + i] - (i == o % IN * 9 + 4 ? gamma[o] : 0)) < 1e-5f);
        assert_true(fabsf(b[o] - (beta[o] - mean[o] * gamma[o])) < 1e-5f);
    }
    const float *w2 = d.values + d.params[2].first, *b2 = d.values + d.params[3].first;
    assert_true(w2[0] == 2 && w2[1] == 4 && w2[2] == -3 && w2[3] == -4);
    assert_true(b2[0] == 2 * (10 + 0.5f - 2) && b2[1] == -(20 + 1.5f - 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_identity_and_implicit),
        cmocka_unit_test(test_biases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
