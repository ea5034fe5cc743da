/* PGI is programmable: a table designs an auxiliary branch of its own (models/study/gelan-t-pgi.yaml: the reversible
 * branch of yolov9-c on gelan-t), training feeds gradients through it, and deploy takes it away without a trace. */
#include "support/unit.h"

#include "core/rng.h"
#include "model/init.h"
#include "model/model.h"
#include "ops/cpu.h"
#include "ops/recipe.h"
#include "train/train.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 2, SIZE = 64, NC = 3, STEPS = 4, TARGETS = 3 };

static const float targets[TARGETS][6] = {
    {0, 1, 0.5f, 0.5f, 0.6f, 0.4f}, {0, 2, 0.3f, 0.7f, 0.2f, 0.3f}, {1, 0, 0.4f, 0.4f, 0.5f, 0.5f}};

struct pgi {
    struct table table;
    struct graph graph, deployed;
    const struct model_row *rows;
    float *start;
};

static void build(struct pgi *p, const char *name)
{
    struct model_options options;
    model_options_init(&options);
    options.nc = NC;
    assert_int_equal(table_open(name, &p->table), OK);
    assert_int_equal(model_build(&p->table, &options, &p->graph, &p->rows), OK);
    assert_int_equal(model_deploy(&p->table, &p->graph, &p->deployed), OK);
    p->start = mem_calloc(p->graph.param_floats, sizeof *p->start);
    model_init(&p->graph, 3, p->start);
}

static void release(struct pgi *p)
{
    mem_free(p->start);
    graph_free(&p->graph);
    graph_free(&p->deployed);
    table_free(&p->table);
}

static void fill(struct net *net)
{
    struct rng r = rng_seed(7, 8, 9);
    struct tensor x = net_input(net);
    for (size_t i = 0; i < (size_t)x.n * x.image_stride; i++)
        x.data[i] = (float)rng_uniform(&r);
}

static void train(const struct pgi *p, struct trainer_state *t)
{
    const struct schedule_point point = {.lr = {0.01, 0.01, 0.01}, .momentum = 0.9, .accumulate = 1};
    struct trainer_config config = {
        .graph = &p->graph, .backend = &cpu_backend, .loss = loss_config_default(NC), .clip_norm = 10};
    config.optimizer.beta = 0.937;
    assert_int_equal(trainer_init(t, &config, p->start), OK);
    assert_int_equal(net_plan(t->net, IMAGES, SIZE, SIZE), OK);
    for (int i = 0; i < STEPS; i++) {
        struct step_report report;
        fill(t->net);
        assert_int_equal(train_step(t, i, &point, targets[0], TARGETS, &report), OK);
        assert_true(report.stepped);
    }
}

static double moved(const struct pgi *p, const struct trainer_state *t, enum row_use use)
{
    double sum = 0;
    for (int i = 0; i < p->graph.n_params; i++) {
        const struct param *q = &p->graph.params[i];
        if (p->rows[q->row].use != use || q->role != PARAM_WEIGHT)
            continue;
        for (size_t k = q->first; k < q->first + q->count; k++)
            sum += fabs((double)t->value[k] - (double)p->start[k]);
    }
    return sum;
}

static struct net *make_net(const struct graph *g, float *params)
{
    struct net *net;
    const struct net_config config = {.backend = &cpu_backend, .mode = RUN_INFER};
    assert_int_equal(net_create(g, params, NULL, &config, &net), OK);
    assert_int_equal(net_plan(net, IMAGES, SIZE, SIZE), OK);
    fill(net);
    net_forward(net);
    return net;
}

static void compare(const struct head_output *a, const struct head_output *b)
{
    assert_int_equal(a->anchors, b->anchors);
    assert_int_equal(a->channels, b->channels);
    for (int i = 0; i < a->n; i++) {
        for (int k = 0; k < a->anchors; k++) {
            const float *x = a->logits + (size_t)i * a->image_stride + (size_t)k * a->stride;
            const float *y = b->logits + (size_t)i * b->image_stride + (size_t)k * b->stride;
            for (int c = 0; c < a->channels; c++)
                assert_true(fabsf(x[c] - y[c]) <= 1e-4f);
        }
    }
}

/* The auxiliary rows learn, and so does the trunk that they share with the main branch. */
static void test_trains_and_strips(void **state)
{
    (void)state;
    struct pgi p = {0};
    struct trainer_state t;
    build(&p, "gelan-t-pgi");
    train(&p, &t);
    assert_true(moved(&p, &t, ROW_AUXILIARY) > 0);
    assert_true(moved(&p, &t, ROW_MAIN) > 0);
    float *folded = mem_calloc(p.deployed.param_floats, sizeof *folded);
    recipe_evaluate(&p.graph, t.value, &p.deployed, folded);
    struct net *training = make_net(&p.graph, t.value), *inference = make_net(&p.deployed, folded);
    struct head_output main = net_output(training, p.graph.n_branches - 1), only = net_output(inference, 0);
    compare(&main, &only);
    net_destroy(training);
    net_destroy(inference);
    mem_free(folded);
    trainer_free(&t);
    release(&p);
}

/* What remains is gelan-t: the same parameters under the same names, the same operations. */
static void test_deployed_is_gelan_t(void **state)
{
    (void)state;
    struct pgi p = {0}, plain = {0};
    build(&p, "gelan-t-pgi");
    build(&plain, "gelan-t");
    assert_int_equal(p.deployed.n_params, plain.deployed.n_params);
    assert_int_equal(p.deployed.n_nodes, plain.deployed.n_nodes);
    for (int i = 0; i < p.deployed.n_params; i++) {
        assert_string_equal(p.deployed.params[i].name, plain.deployed.params[i].name);
        assert_int_equal(p.deployed.params[i].count, plain.deployed.params[i].count);
    }
    assert_true(model_count_params(&p.graph, -1) > model_count_params(&plain.graph, -1));
    release(&p);
    release(&plain);
}

/* Without the auxiliary loss the auxiliary rows get no gradient, and only they. */
static void test_auxiliary_weight(void **state)
{
    (void)state;
    struct pgi p = {0};
    struct trainer_state t;
    const struct schedule_point point = {.lr = {0.01, 0.01, 0.01}, .momentum = 0.9, .accumulate = 1};
    build(&p, "gelan-t-pgi");
    struct trainer_config config = {.graph = &p.graph, .backend = &cpu_backend, .loss = loss_config_default(NC)};
    struct step_report report;
    config.loss.aux_weight = 0;
    assert_int_equal(trainer_init(&t, &config, p.start), OK);
    assert_int_equal(net_plan(t.net, IMAGES, SIZE, SIZE), OK);
    fill(t.net);
    assert_int_equal(train_step(&t, 0, &point, targets[0], TARGETS, &report), OK);
    assert_true(moved(&p, &t, ROW_AUXILIARY) == 0);
    assert_true(moved(&p, &t, ROW_MAIN) > 0);
    trainer_free(&t);
    release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trains_and_strips),
        cmocka_unit_test(test_deployed_is_gelan_t),
        cmocka_unit_test(test_auxiliary_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
