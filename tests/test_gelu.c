/* A network with nn.GELU and a BasicBlock in its table (activations that are nodes of their own), from the training
 * step to the ONNX file. The op alone is in test_ops.c, its kernels are in test_kernels.c. */
#include "support/unit.h"

#include "core/file.h"
#include "core/rng.h"
#include "export/onnx.h"
#include "graph/op_rules.h"
#include "model/init.h"
#include "model/model.h"
#include "ops/cpu.h"
#include "ops/recipe.h"
#include "train/train.h"

#include "onnx.pb-c.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { IMAGES = 2, SIZE = 64, NC = 3, TARGETS = 2, GELUS = 4 };

/* Behind an activation, behind none, of a map that is read twice, and right before the head. */
static const char text[] = "nc: 3\n"
                           "backbone:\n"
                           "  - [-1, 1, Conv, [16, 3, 2]]\n"
                           "  - [-1, 1, nn.GELU, []]\n"
                           "  - [-1, 1, Conv, [16, 3, 2, None, 1, 1, False]]\n"
                           "  - [-1, 1, nn.GELU, [none]]\n"
                           "  - [-1, 1, Conv, [24, 3, 2]]\n"
                           "  - [-1, 1, nn.GELU, []]\n"
                           "  - [-1, 1, BasicBlock, [24]]\n"
                           "  - [-1, 1, ADown, [32]]\n"
                           "  - [-1, 1, nn.GELU, []]\n"
                           "  - [-1, 1, ADown, [32]]\n"
                           "head:\n"
                           "  - [[5, 8, 9], 1, DDetect, [nc]]\n";

struct network {
    struct table table;
    struct graph graph, deployed;
    float *start;
};

static int setup(void **state)
{
    static struct network n; /* one for all tests of this program */
    struct model_options options;
    model_options_init(&options);
    if (table_read(text, strlen(text), "gelu", &n.table) != OK ||
        model_build(&n.table, &options, &n.graph, NULL) != OK || model_deploy(&n.table, &n.graph, &n.deployed) != OK)
        return -1;
    n.start = mem_calloc(n.graph.param_floats, sizeof *n.start);
    model_init(&n.graph, 5, n.start);
    *state = &n;
    return 0;
}

static int teardown(void **state)
{
    struct network *n = *state;
    mem_free(n->start);
    graph_free(&n->deployed);
    graph_free(&n->graph);
    table_free(&n->table);
    return 0;
}

static void fill(struct net *net)
{
    struct rng r = rng_seed(7, 8, 9);
    struct tensor x = net_input(net);
    for (size_t i = 0; i < (size_t)x.n * x.image_stride; i++)
        x.data[i] = (float)rng_uniform(&r);
}

static int count_gelus(const struct graph *g)
{
    int count = 0;
    for (int i = 0; i < g->n_nodes; i++)
        count += g->nodes[i].op == OP_GELU;
    return count;
}

static void a_training_step_moves_what_lies_before(void **state)
{
    const struct network *n = *state;
    static const float targets[TARGETS][6] = {{0, 1, 0.5f, 0.5f, 0.6f, 0.4f}, {1, 0, 0.4f, 0.4f, 0.5f, 0.5f}};
    const struct schedule_point point = {.lr = {0.01, 0.01, 0.01}, .momentum = 0.9, .accumulate = 1};
    struct trainer_config config = {
        .graph = &n->graph, .backend = &cpu_backend, .loss = loss_config_default(NC), .clip_norm = 10};
    struct trainer_state t;
    struct step_report report;
    config.optimizer.beta = 0.937;
    assert_int_equal(trainer_init(&t, &config, n->start), OK);
    assert_int_equal(net_plan(t.net, IMAGES, SIZE, SIZE), OK);
    fill(t.net);
    assert_int_equal(train_step(&t, 0, &point, targets[0], TARGETS, &report), OK);
    assert_true(report.stepped && isfinite(report.loss.total));
    const struct param *first = &n->graph.params[graph_find_param(&n->graph, "model.0.conv.weight")];
    assert_memory_not_equal(t.value + first->first, n->start + first->first, first->count * sizeof(float));
    trainer_free(&t);
}

/* The gradients of all parameters, for random gradients of the head's maps. */
static float *gradients(const struct network *n, bool keep_all)
{
    float *params = mem_alloc(n->graph.param_floats, sizeof *params);
    float *d_params = mem_calloc(n->graph.param_floats, sizeof *d_params);
    struct net *net;
    const struct net_config config = {.backend = &cpu_backend, .mode = RUN_TRAIN, .keep_all = keep_all};
    memcpy(params, n->start, n->graph.param_floats * sizeof *params);
    assert_int_equal(net_create(&n->graph, params, d_params, &config, &net), OK);
    assert_int_equal(net_plan(net, IMAGES, SIZE, SIZE), OK);
    fill(net);
    net_forward(net);
    struct rng r = rng_seed(1, 2, 3);
    const struct head_output head = net_output(net, 0);
    for (int i = 0; i < head.n; i++)
        for (int a = 0; a < head.anchors; a++)
            for (int k = 0; k < head.channels; k++)
                head.d_logits[(size_t)i * head.image_stride + (size_t)a * head.stride + (size_t)k] =
                    (float)rng_range(&r, -1, 1);
    net_backward(net);
    net_destroy(net);
    mem_free(params);
    return d_params;
}

/* The planner keeps what the rule says that backward reads, and lets the gradient take the place of the source. */
static void memory_that_is_used_again_changes_no_gradient(void **state)
{
    const struct network *n = *state;
    float *kept = gradients(n, true), *planned = gradients(n, false);
    assert_memory_equal(kept, planned, n->graph.param_floats * sizeof *kept);
    mem_free(kept);
    mem_free(planned);
}

static struct net *run(const struct graph *g, float *params)
{
    struct net *net;
    const struct net_config config = {.backend = &cpu_backend, .mode = RUN_INFER};
    assert_int_equal(net_create(g, params, NULL, &config, &net), OK);
    assert_int_equal(net_plan(net, IMAGES, SIZE, SIZE), OK);
    fill(net);
    net_forward(net);
    return net;
}

static float *deployed_params(const struct network *n)
{
    float *folded = mem_calloc(n->deployed.param_floats, sizeof *folded);
    recipe_evaluate(&n->graph, n->start, &n->deployed, folded);
    return folded;
}

static void deployed_form_equals_training_form(void **state)
{
    struct network *n = *state;
    float *folded = deployed_params(n);
    assert_int_equal(count_gelus(&n->graph), GELUS);
    assert_int_equal(count_gelus(&n->deployed), GELUS);
    struct net *training = run(&n->graph, n->start), *deployed = run(&n->deployed, folded);
    const struct head_output a = net_output(training, 0), b = net_output(deployed, 0);
    assert_int_equal(a.anchors, b.anchors);
    for (int i = 0; i < a.n; i++)
        for (int k = 0; k < a.anchors; k++)
            for (int c = 0; c < a.channels; c++) {
                const float x = a.logits[(size_t)i * a.image_stride + (size_t)k * a.stride + (size_t)c];
                const float y = b.logits[(size_t)i * b.image_stride + (size_t)k * b.stride + (size_t)c];
                assert_true(fabsf(x - y) <= 1e-4f);
            }
    net_destroy(training);
    net_destroy(deployed);
    mem_free(folded);
}

static void reports_name_it(void **state)
{
    const struct network *n = *state;
    char description[64] = "";
    for (int i = 0; i < n->graph.n_nodes && !description[0]; i++) {
        if (n->graph.nodes[i].op == OP_GELU)
            node_describe(&n->graph, &n->graph.nodes[i], description, sizeof description);
    }
    assert_string_equal(description, "gelu 16");
}

/* test_export_run.c runs such a file. */
static void it_is_written_as_onnx(void **state)
{
    struct network *n = *state;
    char path[64];
    struct file_map map;
    float *folded = deployed_params(n);
    const char *const names[NC] = {"a", "b", "c"};
    struct onnx_options options = {.n = 1, .h = SIZE, .w = SIZE, .opset = ONNX_OPSET, .model = "gelu", .names = names};
    for (int half = 0; half < 2; half++) {
        options.half = half;
        snprintf(path, sizeof path, "/tmp/yolo9-gelu-%d.onnx", (int)getpid());
        assert_int_equal(onnx_write(path, &n->deployed, folded, &options), OK);
        assert_int_equal(file_map_open(path, &map), OK);
        Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, map.size, map.data);
        assert_non_null(m);
        int erfs = 0;
        for (size_t i = 0; i < m->graph->n_node; i++)
            erfs += !strcmp(m->graph->node[i]->op_type, "Erf");
        assert_int_equal(erfs, GELUS);
        onnx__model_proto__free_unpacked(m, NULL);
        file_map_close(&map);
        remove(path);
    }
    mem_free(folded);
}

static void the_other_form_is_refused(void **state)
{
    (void)state;
    static const char tanh_form[] = "nc: 3\n"
                                    "backbone:\n"
                                    "  - [-1, 1, Conv, [16, 3, 8]]\n"
                                    "  - [-1, 1, nn.GELU, [tanh]]\n"
                                    "head:\n"
                                    "  - [[0, 1], 1, DDetect, [nc]]\n";
    struct table table;
    struct graph graph;
    struct model_options options;
    model_options_init(&options);
    assert_int_equal(table_read(tanh_form, strlen(tanh_form), "tanh", &table), OK);
    assert_int_equal(model_build(&table, &options, &graph, NULL), E_UNSUPPORTED);
    assert_non_null(strstr(fail_text(), "approximate can only be none"));
    table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_step_moves_what_lies_before),
        cmocka_unit_test(memory_that_is_used_again_changes_no_gradient),
        cmocka_unit_test(deployed_form_equals_training_form),
        cmocka_unit_test(reports_name_it),
        cmocka_unit_test(it_is_written_as_onnx),
        cmocka_unit_test(the_other_form_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
