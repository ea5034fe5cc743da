/* Planner and executor on small graphs that have every kind of view: slices, concats inside concats, a value wanted
 * by two concats (a copy), residuals, two readers of overlapping ranges (store, add, zeroed rests), CBFuse. */
#include "core/rng.h"
#include "graph/net.h"
#include "graph/plan.h"
#include "ops/cpu.h"
#include "ops/recipe.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int conv(struct graph *g, const char *name, int x, int c2, int k, int s)
{
    char leaf[64];
    int ic = g->values[x].c, shape[4] = {c2, ic, k, k};
    snprintf(leaf, sizeof leaf, "%s.conv.weight", name);
    struct node n = {.op = OP_CONV2D, .n_src = 1, .src = {x}, .name = name};
    n.u.conv = (struct conv_attr){.oc = c2, .kh = k, .kw = k, .stride = s, .pad = k / 2, .dilation = 1, .groups = 1};
    n.u.conv.weight = graph_param(g, leaf, PARAM_WEIGHT, 4, shape);
    n.u.conv.bias = -1;
    return graph_node(g, &n, c2);
}

static struct bn bn_params(struct graph *g, const char *name, int c)
{
    static const char *const leaves[] = {"weight", "bias", "running_mean", "running_var"};
    static const enum param_role roles[] = {PARAM_GAMMA, PARAM_BETA, PARAM_MEAN, PARAM_VAR};
    int p[4];
    for (int i = 0; i < 4; i++) {
        char leaf[64];
        snprintf(leaf, sizeof leaf, "%s.bn.%s", name, leaves[i]);
        p[i] = graph_param(g, leaf, roles[i], 1, &c);
    }
    return (struct bn){p[0], p[1], p[2], p[3]};
}

static int conv_bn(struct graph *g, const char *name, int x, int c2, int k, int s, int residual)
{
    struct node n = {.op = OP_BN_ACT, .n_src = 1, .name = name};
    n.src[0] = conv(g, name, x, c2, k, s);
    n.u.bn_act = (struct bn_act_attr){.n_bn = 1, .bn = {bn_params(g, name, c2)}, .act = ACT_SILU};
    if (residual >= 0) {
        n.u.bn_act.residual = true;
        n.src[n.n_src++] = residual;
    }
    return graph_node(g, &n, c2);
}

static int rep_conv(struct graph *g, int x, int c2)
{
    struct node n = {.op = OP_BN_ACT, .n_src = 2, .name = "rep"};
    n.src[0] = conv(g, "rep.conv1", x, c2, 3, 1);
    n.src[1] = conv(g, "rep.conv2", x, c2, 1, 1);
    n.u.bn_act.n_bn = 2;
    n.u.bn_act.bn[0] = bn_params(g, "rep.conv1", c2);
    n.u.bn_act.bn[1] = bn_params(g, "rep.conv2", c2);
    n.u.bn_act.act = ACT_SILU;
    return graph_node(g, &n, c2);
}

static int pool(struct graph *g, enum op op, int x, int k, int s, int p)
{
    struct node n = {.op = op, .n_src = 1, .src = {x}, .name = "pool", .u.pool = {k, s, p}};
    return graph_node(g, &n, g->values[x].c);
}

/* A little GELAN neck with everything the planner must get right; returns its output. */
static int build(struct graph *g)
{
    graph_init(g);
    int image = graph_input(g, 3, "image");
    int stem = conv_bn(g, "stem", image, 16, 3, 2, -1);
    int a = conv_bn(g, "a", stem, 24, 1, 1, -1);
    int a0 = graph_slice(g, a, 0, 12, "a0"), a1 = graph_slice(g, a, 12, 12, "a1");
    int b = conv_bn(g, "b", a1, 12, 3, 1, a1); /* residual on a slice */
    int r = rep_conv(g, b, 12);
    int inner = graph_concat(g, (int[]){a0, a1, r}, 3, "inner"); /* covers a: no copy */
    int c = conv_bn(g, "c", inner, 16, 1, 1, -1);
    int down = conv(g, "down", c, 16, 3, 2); /* no max-pool: its kinks would blur the difference quotient */
    int d = conv_bn(g, "d", down, 20, 3, 1, -1);
    int d0 = graph_slice(g, d, 0, 4, "d0"), d1 = graph_slice(g, d, 4, 16, "d1");
    struct node up = {.op = OP_UPSAMPLE, .n_src = 1, .src = {d}, .name = "up", .u.scale = 2};
    int u = graph_node(g, &up, 20);
    int neck = graph_concat(g, (int[]){u, c}, 2, "neck");
    int outer = graph_concat(g, (int[]){neck, c, a1}, 3, "outer"); /* c and a1 are wanted twice: two copies */
    int e = conv_bn(g, "e", outer, 16, 3, 1, -1);
    struct node fuse = {.op = OP_FUSE, .n_src = 3, .src = {d1, e, c}, .name = "fuse"};
    int f = graph_node(g, &fuse, 16);
    int avg = pool(g, OP_AVGPOOL, f, 2, 1, 0);
    int last = graph_concat(g, (int[]){conv_bn(g, "h", avg, 8, 3, 2, -1), conv_bn(g, "i", d0, 8, 1, 1, -1)}, 2, "last");
    struct node end = {.op = OP_COPY, .n_src = 1, .src = {last}, .name = "end"};
    int out = graph_node(g, &end, 16);
    assert_int_equal(graph_finish(g), OK);
    return out;
}

static void fill(float *p, size_t n, uint64_t seed, double low, double high)
{
    struct rng r = rng_seed(seed, 0, 0);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)rng_range(&r, low, high);
}

static float *make_params(const struct graph *g)
{
    float *p = mem_calloc(g->param_floats, sizeof *p);
    for (int i = 0; i < g->n_params; i++) {
        const struct param *q = &g->params[i];
        bool one = q->role == PARAM_GAMMA || q->role == PARAM_VAR;
        double a = q->role == PARAM_WEIGHT ? 1.0 / sqrt((double)q->shape[1] * q->shape[2] * q->shape[3]) : 0.3;
        fill(p + q->first, q->count, (uint64_t)i + 7, one ? 0.7 : -a * 1.5, one ? 1.3 : a * 1.5);
    }
    return p;
}

static void fill_input(struct net *net)
{
    struct tensor x = net_input(net);
    fill(x.data, (size_t)x.n * x.image_stride, 3, -1, 1);
}

/* Sum of a fixed random weighting of the output. */
static double weigh(struct net *net, int out, float *d_out_too)
{
    struct tensor y = net_value(net, out), d = net_gradient(net, out);
    struct rng r = rng_seed(11, 0, 0);
    double sum = 0;
    for (int i = 0; i < y.n; i++) {
        for (int p = 0; p < y.h * y.w; p++) {
            for (int c = 0; c < y.c; c++) {
                float w = (float)rng_range(&r, -1, 1);
                size_t at = (size_t)i * y.image_stride + (size_t)p * y.pixel_stride + (size_t)c;
                sum += (double)w * y.data[at];
                if (d_out_too)
                    d.data[at] = w;
            }
        }
    }
    return sum;
}

static struct net *make_net(const struct graph *g, float *params, float *d_params, enum run_mode mode, bool keep,
                            struct team *team, int out)
{
    struct net *net;
    struct net_config config = {.backend = &cpu_backend, .mode = mode, .keep_all = keep, .team = team};
    assert_int_equal(net_create(g, params, d_params, &config, &net), OK);
    assert_int_equal(net_set_outputs(net, &out, 1, true), OK);
    assert_int_equal(net_plan(net, 2, 16, 12), OK);
    return net;
}

static void test_directional_gradient(void **state)
{
    (void)state;
    for (int mode = RUN_TRAIN; mode <= RUN_EVAL_GRAD; mode++) {
        struct graph g;
        int out = build(&g);
        float *params = make_params(&g), *d_params = mem_calloc(g.param_floats, sizeof *d_params);
        float *base = mem_alloc(g.param_floats, sizeof *base), *way = mem_calloc(g.param_floats, sizeof *way);
        memcpy(base, params, g.param_floats * sizeof *base);
        struct net *net = make_net(&g, params, d_params, (enum run_mode)mode, false, NULL, out);
        assert_int_equal(net_copies(net), 2); /* c and a1 in their second concat */
        fill_input(net);
        net_forward(net);
        weigh(net, out, d_params);
        net_backward(net);
        double got = 0;
        for (int i = 0; i < g.n_params; i++) {
            const struct param *q = &g.params[i];
            if (q->role == PARAM_MEAN || q->role == PARAM_VAR)
                continue;
            fill(way + q->first, q->count, (uint64_t)i + 99, -1, 1);
            for (size_t k = 0; k < q->count; k++)
                got += (double)d_params[q->first + k] * way[q->first + k];
        }
        double side[2], step = 1e-3;
        for (int s = 0; s < 2; s++) {
            for (int i = 0; i < g.n_params; i++) { /* statistics too go back to where they were */
                const struct param *q = &g.params[i];
                for (size_t k = q->first; k < q->first + q->count; k++)
                    params[k] = base[k] + (float)((s ? step : -step) * way[k]);
            }
            net_params_changed(net);
            fill_input(net);
            net_forward(net);
            side[s] = weigh(net, out, NULL);
        }
        double want = (side[1] - side[0]) / (2 * step);
        print_message("mode %d: directional derivative %.6g, difference quotient %.6g\n", mode, got, want);
        assert_true(fabs(got - want) < 5e-3 * fabs(want) + 1e-3);
        net_destroy(net);
        mem_free(params);
        mem_free(d_params);
        mem_free(base);
        mem_free(way);
        graph_free(&g);
    }
}

/* Memory reuse, in-place gradients and threads change no bit. */
static void test_same_bits(void **state)
{
    (void)state;
    float *gradients[3], input_sum[3];
    size_t bytes[3];
    for (int run = 0; run < 3; run++) {
        struct graph g;
        struct team *team = NULL;
        int out = build(&g);
        float *params = make_params(&g);
        gradients[run] = mem_calloc(g.param_floats, sizeof(float));
        assert_int_equal(team_create(3, &team), OK);
        struct net *net = make_net(&g, params, gradients[run], RUN_TRAIN, run == 0, run == 2 ? team : NULL, out);
        for (int twice = 0; twice < 2; twice++) { /* a second run starts from dirty memory */
            memset(gradients[run], 0, g.param_floats * sizeof(float));
            fill_input(net);
            net_forward(net);
            weigh(net, out, gradients[run]);
            net_backward(net);
        }
        struct tensor d = net_gradient(net, g.input);
        input_sum[run] = 0;
        for (int p = 0; p < d.h * d.w; p++)
            input_sum[run] += d.data[(size_t)p * d.pixel_stride];
        bytes[run] = g.param_floats * sizeof(float);
        print_message("arena: %zu bytes\n", net_arena_bytes(net));
        net_destroy(net);
        team_destroy(team);
        mem_free(params);
        graph_free(&g);
    }
    for (int run = 1; run < 3; run++) {
        assert_memory_equal(gradients[0], gradients[run], bytes[0]);
        assert_memory_equal(&input_sum[0], &input_sum[run], sizeof(float));
    }
    for (int run = 0; run < 3; run++)
        mem_free(gradients[run]);
}

static void test_deployed_equals_eval(void **state)
{
    (void)state;
    struct graph g, deployed;
    int out = build(&g);
    float *params = make_params(&g);
    assert_int_equal(graph_deploy(&g, &deployed, NULL, NULL), OK);
    float *folded = mem_calloc(deployed.param_floats, sizeof *folded);
    recipe_evaluate(&g, params, &deployed, folded);
    for (int i = 0; i < deployed.n_nodes; i++)
        assert_int_not_equal(deployed.nodes[i].op, OP_BN_ACT);
    struct net *a = make_net(&g, params, NULL, RUN_INFER, false, NULL, out);
    struct net *b = make_net(&deployed, folded, NULL, RUN_INFER, false, NULL, deployed.n_values - 1);
    fill_input(a);
    net_forward(a);
    fill_input(b);
    net_forward(b);
    double x = weigh(a, out, NULL), y = weigh(b, deployed.n_values - 1, NULL);
    assert_true(fabs(x - y) < 1e-4 * fabs(x) + 1e-4);

    assert_false(net_drop_params(a)); /* BN reads its parameters as it runs */
    assert_true(net_drop_params(b));
    for (size_t i = 0; i < deployed.param_floats; i++)
        folded[i] = NAN;
    fill_input(b);
    net_forward(b);
    assert_true(weigh(b, deployed.n_values - 1, NULL) == y);
    assert_int_equal(net_plan(b, 1, 64, 32), E_ARGUMENT);
    net_destroy(a);
    net_destroy(b);
    mem_free(params);
    mem_free(folded);
    graph_free(&g);
    graph_free(&deployed);
}

/* Wide enough that weights are packed in several rounds and given up in between, also where an algorithm packs them
 * without growing them (the matrix unit). `shared`: the last convolution reads
 * the weights of the first wide one. */
static void drop_in_rounds(bool shared)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct graph g;
    graph_init(&g);
    int x = conv(&g, "stem", graph_input(&g, 3, "image"), 384, 1, 1), first = -1;
    for (int i = 0; i < 5; i++) {
        x = conv(&g, names[i], x, 384, 3, 1);
        struct node *n = &g.nodes[g.n_nodes - 1];
        first = i ? first : n->u.conv.weight;
        if (shared && i == 4) {
            n->u.conv.weight = first;
            g.n_params--; /* its own, which came last */
        }
    }
    assert_int_equal(graph_finish(&g), OK);
    float *params = make_params(&g);
    double sum[2];
    for (int drop = 0; drop < 2; drop++) {
        struct net *net = make_net(&g, params, NULL, RUN_INFER, false, NULL, x);
        if (drop)
            assert_true(net_drop_params(net));
        fill_input(net);
        net_forward(net);
        sum[drop] = weigh(net, x, NULL);
        net_destroy(net);
    }
    assert_true(sum[0] == sum[1] && sum[0] != 0);
    const struct param *p = &g.params[first];
    size_t zeros = 0;
    for (size_t i = 0; i < p->count; i++)
        zeros += params[p->first + i] == 0;
    assert_int_equal(zeros > p->count / 2, !shared); /* given up as soon as nothing reads them, and not before */
    mem_free(params);
    graph_free(&g);
}

static void test_drop_params_in_rounds(void **state)
{
    (void)state;
    drop_in_rounds(false);
    drop_in_rounds(true);
}

/* A net that has run small maps does with large ones what a new net does: each algorithm has its own packed weights. */
static void test_two_sizes(void **state)
{
    (void)state;
    struct graph g;
    graph_init(&g);
    const int x = conv(&g, "a", conv(&g, "stem", graph_input(&g, 3, "image"), 32, 1, 1), 32, 3, 1);
    assert_int_equal(graph_finish(&g), OK);
    float *params = make_params(&g);
    double sum[2];
    for (int used = 0; used < 2; used++) {
        struct net *net = make_net(&g, params, NULL, RUN_INFER, false, NULL, x);
        if (used) {
            fill_input(net);
            net_forward(net);
        }
        assert_int_equal(net_plan(net, 1, 80, 80), OK);
        fill_input(net);
        net_forward(net);
        sum[used] = weigh(net, x, NULL);
        net_destroy(net);
    }
    assert_true(sum[0] == sum[1] && sum[0] != 0);
    mem_free(params);
    graph_free(&g);
}

/* A map, a chain of maps that shrink, a large one again: by size alone they need 160 floats. */
/* An op whose rule forgets a parameter must not run without it. */
static void test_parameter_of_no_node(void **state)
{
    (void)state;
    struct graph g;
    const int shape[] = {3};
    graph_init(&g);
    conv(&g, "a", graph_input(&g, 3, "image"), 8, 3, 1);
    graph_param(&g, "a.conv.bias", PARAM_BIAS, 1, shape);
    assert_int_equal(graph_finish(&g), E_SHAPE);
    assert_string_equal(fail_text(), "a.conv.bias: no node has this parameter");
    graph_free(&g);
}

/* A backend without a backward pass for an op runs the network and refuses to train it. */
static void test_missing_backward(void **state)
{
    (void)state;
    struct graph g;
    struct net *net;
    struct backend half = cpu_backend;
    const struct op_impl forward_only = {.forward = cpu_upsample.forward};
    const int out = build(&g);
    float *params = make_params(&g), *d_params = mem_calloc(g.param_floats, sizeof *d_params);
    half.ops[OP_UPSAMPLE] = &forward_only;
    for (int mode = RUN_INFER; mode <= RUN_TRAIN; mode++) {
        const struct net_config config = {.backend = &half, .mode = (enum run_mode)mode};
        assert_int_equal(net_create(&g, params, d_params, &config, &net), OK);
        assert_int_equal(net_set_outputs(net, &out, 1, true), OK);
        assert_int_equal(net_plan(net, 2, 16, 12), mode == RUN_INFER ? OK : E_UNSUPPORTED);
        net_destroy(net);
    }
    assert_non_null(strstr(fail_text(), "no backward pass for upsample"));
    mem_free(params);
    mem_free(d_params);
    graph_free(&g);
}

static void test_layout(void **state)
{
    (void)state;
    struct plan_block b[] = {{.floats = 64, .first = 0, .last = 0},
                             {.floats = 64, .first = 0, .last = 1},
                             {.floats = 32, .first = 1, .last = 2},
                             {.floats = 64, .first = 2, .last = 5}};
    struct plan_block *list[] = {&b[0], &b[1], &b[2], &b[3]};
    assert_int_equal(layout_blocks(list, 4), 128);
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < i; k++) {
            const bool together = b[i].first <= b[k].last && b[k].first <= b[i].last;
            const bool apart = b[i].offset + b[i].floats <= b[k].offset || b[k].offset + b[k].floats <= b[i].offset;
            assert_true(!together || apart);
        }
    }
    assert_int_equal(layout_blocks(list, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directional_gradient),
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_deployed_equals_eval),
        cmocka_unit_test(test_drop_params_in_rounds),
        cmocka_unit_test(test_two_sizes),
        cmocka_unit_test(test_parameter_of_no_node),
        cmocka_unit_test(test_missing_backward),
        cmocka_unit_test(test_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
