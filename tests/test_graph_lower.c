/* The lowered form, which is what runs, against the deployed form node by node: the same logits to rounding, for every
 * kind of rewriting, any number of images and threads. */
#include "model/builtin.h"
#include "model/model.h"
#include "ops/cpu.h"
#include "support/bench.h"
#include "support/unit.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 2 };

static void open_deployed(struct bench *b, const char *model)
{
    struct bench training = {0};
    struct table table = {0};
    struct model_options options;
    model_options_init(&options);
    *b = (struct bench){0};
    if (table_open(model, &table) != OK || model_build(&table, &options, &training.graph, NULL) != OK ||
        bench_init(&training) != OK || model_deploy(&table, &training.graph, &b->graph) != OK)
        fail_msg("%s: %s", model, fail_text());
    bench_generate(&training, 1, 2.0);
    assert_int_equal(bench_evaluate(&training, b), OK);
    bench_free(&training);
    table_free(&table);
}

static struct net *start(const struct bench *b, bool as_given, struct team *team, int h, int w)
{
    struct net *net;
    const struct net_config config = {.backend = &cpu_backend, .team = team, .mode = RUN_INFER, .as_given = as_given};
    if (net_create(&b->graph, b->params, NULL, &config, &net) != OK || net_plan(net, IMAGES, h, w) != OK)
        fail_msg("%s", fail_text());
    struct tensor t = net_input(net);
    float *image = mem_alloc((size_t)(IMAGES * 3 * h * w), sizeof *image);
    assert_non_null(image);
    golden_uniform(2, "image", 0, 1, image, (size_t)(IMAGES * 3 * h * w));
    golden_to_tensor(image, &t);
    mem_free(image);
    net_forward(net);
    return net;
}

static double difference(const struct net *a, const struct net *b, double *largest)
{
    const struct head_output x = net_output(a, 0), y = net_output(b, 0);
    double worst = 0;
    assert_int_equal(x.anchors, y.anchors);
    for (int i = 0; i < IMAGES; i++)
        for (int p = 0; p < x.anchors; p++)
            for (int k = 0; k < x.channels; k++) {
                const double want = (double)x.logits[(size_t)i * x.image_stride + (size_t)p * x.stride + (size_t)k];
                const double got = (double)y.logits[(size_t)i * y.image_stride + (size_t)p * y.stride + (size_t)k];
                worst = fabs(got - want) > worst || isnan(got) ? fabs(got - want) : worst;
                *largest = MAX(*largest, fabs(want));
            }
    return worst;
}

static int count(const struct graph *g, enum op op)
{
    int n = 0;
    for (int i = 0; i < g->n_nodes; i++)
        n += g->nodes[i].op == op;
    return n;
}

static void check(const char *model, int h, int w)
{
    struct bench b;
    struct team *team;
    double largest = 0;
    open_deployed(&b, model);
    assert_int_equal(team_create(3, &team), OK);
    struct net *given = start(&b, true, NULL, h, w), *lowered = start(&b, false, NULL, h, w);
    struct net *shared = start(&b, false, team, h, w);
    const double worst = difference(given, lowered, &largest);
    print_message("%-8s %dx%d: lowered differs by %.2g (largest %.2f)\n", model, h, w, worst, largest);
    assert_true(largest > 0.01 && worst <= 1e-4);
    assert_true(difference(lowered, shared, &largest) == 0);
    assert_int_equal(net_copies(lowered), 0);
    net_destroy(given);
    net_destroy(lowered);
    net_destroy(shared);
    team_destroy(team);
    bench_free(&b);
}

static void lowered_nets_give_the_same_logits(void **state)
{
    (void)state;
    check("gelan-t", 64, 96); /* AConv */
    check("gelan-t", 96, 32);
    check("gelan-c", 64, 96); /* ADown */
    check("gelan-e", 64, 64); /* CBFuse in the main branch */
    check("yolov8n", 64, 96); /* SPPF, C2f with its whole chain in one concat */
}

static void what_is_rewritten(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int addends, pooled_convs, pooled_max, fuses;
    } cases[] = {{"gelan-t", 2, 5, 0, 0},
                 {"gelan-c", 2, 5, 5, 0},
                 {"gelan", 2, 0, 0, 0},
                 {"gelan-e", 3, 8, 8, 5},
                 {"yolov8n", 2, 0, 0, 0}};
    for (int m = 0; m < COUNT(cases); m++) {
        struct bench b;
        struct graph g;
        open_deployed(&b, cases[m].model);
        int *map = mem_alloc((size_t)b.graph.n_values, sizeof *map), addends = 0, convs = 0, max = 0;
        assert_int_equal(graph_lower(&b.graph, &g, map), OK);
        assert_int_equal(count(&g, OP_UPSAMPLE), 0);
        assert_int_equal(count(&g, OP_AVGPOOL), 0);
        assert_int_equal(g.param_floats, b.graph.param_floats);
        for (int i = 0; i < g.n_nodes; i++) {
            addends += g.nodes[i].op == OP_CONV2D && g.nodes[i].u.conv.addend_scale;
            convs += g.nodes[i].op == OP_CONV2D && g.nodes[i].u.conv.pooled;
            max += g.nodes[i].op == OP_MAXPOOL && g.nodes[i].u.pool.pooled;
        }
        assert_int_equal(addends, cases[m].addends);
        assert_int_equal(count(&g, OP_FUSE), cases[m].fuses);
        assert_int_equal(convs, cases[m].pooled_convs);
        assert_int_equal(max, cases[m].pooled_max);
        for (int i = 0; i < b.graph.n_values; i++) {
            const struct value *v = &b.graph.values[i];
            if (map[i] >= 0)
                assert_int_equal(g.values[map[i]].c, v->c);
        }
        mem_free(map);
        graph_free(&g);
        bench_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lowered_nets_give_the_same_logits),
        cmocka_unit_test(what_is_rewritten),
    };
    return cmocka_run_group_tests_name("graph_lower", tests, NULL, NULL);
}
