/* The deployed form against the training form, for every built-in model: raw logits equal to 1e-4, no copies, nothing
 * of the auxiliary branch left, and yolov9-X deploys to the parameters of gelan-X. */
#include "model/builtin.h"
#include "model/model.h"
#include "support/bench.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HEIGHT = 64, WIDTH = 96 };

struct pair {
    struct table table;
    struct bench training, deployed;
};

static void open_pair(struct pair *p, const char *model)
{
    *p = (struct pair){0};
    struct model_options options;
    model_options_init(&options);
    if (table_open(model, &p->table) != OK || model_build(&p->table, &options, &p->training.graph, NULL) != OK ||
        bench_init(&p->training) != OK || model_deploy(&p->table, &p->training.graph, &p->deployed.graph) != OK)
        fail_msg("%s: %s", model, fail_text());
    bench_generate(&p->training, 1, 2.0);
    assert_int_equal(bench_evaluate(&p->training, &p->deployed), OK);
}

static void close_pair(struct pair *p)
{
    bench_free(&p->training);
    bench_free(&p->deployed);
    table_free(&p->table);
}

static struct head_output run(struct bench *b, int branch)
{
    const int h = graph_round_side(&b->graph, HEIGHT), w = graph_round_side(&b->graph, WIDTH);
    const size_t count = (size_t)3 * (size_t)h * (size_t)w;
    float *image = mem_alloc(count, sizeof *image);
    assert_non_null(image);
    if (bench_net(b, RUN_INFER, NULL, 0) != OK || net_plan(b->net, 1, h, w) != OK)
        fail_msg("%s", fail_text());
    struct tensor t = net_input(b->net);
    golden_uniform(2, "image", 0, 1, image, count);
    golden_to_tensor(image, &t);
    mem_free(image);
    net_forward(b->net);
    return net_output(b->net, branch);
}

static void check_model(const char *model)
{
    struct pair p;
    open_pair(&p, model);
    struct head_output want = run(&p.training, p.training.graph.n_branches - 1), got = run(&p.deployed, 0);
    assert_int_equal(want.anchors, got.anchors);
    assert_int_equal(want.channels, got.channels);
    double worst = 0, largest = 0;
    for (int a = 0; a < want.anchors; a++) {
        for (int k = 0; k < want.channels; k++) {
            double x = (double)want.logits[(size_t)a * want.stride + (size_t)k];
            double e = fabs((double)got.logits[(size_t)a * got.stride + (size_t)k] - x);
            worst = e > worst || isnan(e) ? e : worst;
            largest = MAX(largest, fabs(x));
        }
    }
    print_message("%-14s raw logits differ by %.2g (largest %.2f), %d copies, %d nodes\n", model, worst, largest,
                  net_copies(p.deployed.net), p.deployed.graph.n_nodes);
    assert_true(largest > 0.01);
    /* Absolute where logits are of the usual size. Two hundred additions of a residual network with drawn statistics
     * grow to 1e10, where float32 has no digit of 1e-4 left: there it is a share of the largest. */
    assert_true(worst <= 1e-4 * MAX(1, largest / 16));
    assert_int_equal(net_copies(p.deployed.net), 0);
    for (int i = 0; i < p.deployed.graph.n_nodes; i++)
        assert_int_not_equal(p.deployed.graph.nodes[i].op, OP_BN_ACT); /* every BN was folded */
    close_pair(&p);
}

static void deployed_logits_equal_the_training_form_s(void **state)
{
    (void)state;
    int n = 0;
    for (const struct builtin_table *t = builtin_tables; t->name; t++) {
        bool scaled = t > builtin_tables && t->text == t[-1].text;
        if (scaled || strstr(t->text, "\nbase:")) /* another one's rows */
            continue;
        check_model(t->name);
        n++;
    }
    check_model("yolov9t");
    assert_true(n >= 13);
}

static void yolov9_deploys_to_gelan(void **state)
{
    (void)state;
    static const char *const sizes[] = {"t", "s", "m", "c", "e"};
    for (int s = 0; s < COUNT(sizes); s++) {
        struct pair a, b;
        char yolov9[16], gelan[16];
        snprintf(yolov9, sizeof yolov9, "yolov9-%s", sizes[s]);
        snprintf(gelan, sizeof gelan, "gelan-%s", sizes[s]);
        open_pair(&a, yolov9);
        open_pair(&b, gelan);
        const struct graph *x = &a.deployed.graph, *y = &b.deployed.graph;
        assert_int_equal(x->n_params, y->n_params);
        for (int i = 0; i < x->n_params; i++) {
            assert_true(graph_find_param(y, x->params[i].name) >= 0);
            const struct param *q = &y->params[graph_find_param(y, x->params[i].name)];
            assert_int_equal(x->params[i].rank, q->rank);
            assert_memory_equal(x->params[i].shape, q->shape, (size_t)q->rank * sizeof *q->shape);
        }
        close_pair(&a);
        close_pair(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deployed_logits_equal_the_training_form_s),
        cmocka_unit_test(yolov9_deploys_to_gelan),
    };
    return cmocka_run_group_tests_name("deploy", tests, NULL, NULL);
}
