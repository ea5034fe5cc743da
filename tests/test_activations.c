/* Activations: how tables name them, that what a kernel lacks is refused, and whole networks with each of them. */
#include "core/rng.h"
#include "model/activation.h"
#include "model/model.h"
#include "ops/activation.h"
#include "ops/cpu.h"
#include "support/bench.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A compiler may not be asked: sums with real numbers are no constants to all of them. */
static void parameters_are_in_range(void **state)
{
    (void)state;
#define ACTIVATION(id, form, parameter, name, ...) assert_true((parameter) >= 0 && (parameter) <= 1);
#include "kernels/act.def"
#undef ACTIVATION
}

/* Every row of kernels/act.def, by the key and by rows' arguments; what is written is read again. */
static void tables_name_every_activation(void **state)
{
    (void)state;
    for (int act = 0; act < ACT_COUNT; act++) {
        const char *said = activation_text((enum act)act);
        char text[400];
        struct graph g;
        struct table t, again;
        struct buf written = {0};
        snprintf(text, sizeof text,
                 "nc: 4\nactivation: %s\nbackbone:\n- [-1, 1, Conv, [16, 3, 2]]\n"
                 "- [-1, 1, Conv, [16, 3, 2, None, 1, 1, True]]\n"
                 "- [-1, 1, Conv, [16, 3, 2, None, 1, 1, nn.LeakyReLU(0.1)]]\n"
                 "- [-1, 1, Conv, [16, 3, 2, None, 1, 1, 'None']]\n"
                 "- [-1, 1, Conv, [16, 3, 1, None, 1, nn.LeakyReLU(0.1)]]\n" /* as YOLOv7 writes it */
                 "- [-1, 1, Conv, [16, 3, 1, None, 1, True]]\nhead:\n- [[2, 3], 1, DDetect, [nc]]\n",
                 said);
        assert_ok(table_read(text, strlen(text), "my.yaml", &t));
        assert_ok(table_write(&t, &written));
        assert_ok(table_read(written.data, written.size, "again", &again));
        assert_ok(model_build(&again, NULL, &g, NULL));
        const enum act wanted[] = {(enum act)act, (enum act)act, ACT_LEAKY, ACT_NONE, ACT_LEAKY, (enum act)act};
        for (int row = 0; row < COUNT(wanted); row++) {
            char name[16];
            snprintf(name, sizeof name, "model.%d", row);
            const int v = graph_find_value(&g, name);
            assert_true(v >= 0);
            assert_int_equal(g.nodes[g.values[v].writer].u.bn_act.act, wanted[row]);
        }
        graph_free(&g);
        buf_free(&written);
        table_free(&t);
        table_free(&again);
    }
}

static void names_are_spelled_as_people_do(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum act act;
    } known[] = {
        {"nn.SiLU()", ACT_SILU},
        {"nn.SiLU", ACT_SILU},
        {"silu", ACT_SILU},
        {"torch.nn.SiLU()", ACT_SILU},
        {"nn.SiLU(inplace=True)", ACT_SILU},
        {"None", ACT_NONE},
        {"nn.Identity()", ACT_NONE},
        {"nn.ReLU(True)", ACT_RELU},
        {"relu6", ACT_RELU6},
        {"nn.LeakyReLU(0.1)", ACT_LEAKY},
        {"nn.LeakyReLU(.10, inplace=True)", ACT_LEAKY},
        {" torch.nn.LeakyReLU( negative_slope=0.1 , inplace=False ) ", ACT_LEAKY},
        {"leaky0.1", ACT_LEAKY},
        {"nn.LeakyReLU()", ACT_LEAKY_0_01},
        {"nn.Hardswish()", ACT_HARDSWISH},
        {"hard-swish", ACT_HARDSWISH},
    };
    static const char *const unknown[] = {"",
                                          "nn.",
                                          "()",
                                          "nn.SiLU(0.1)",
                                          "nn.LeakyReLU(0.37)",
                                          "nn.LeakyReLU(0.1",
                                          "nn.GELU()",
                                          "nn.SiLU() + ",
                                          "nn.SiLU()()",
                                          "nn.LeakyReLU(0.1, 0.1)",
                                          "nn.LeakyReLU(-0.1)",
                                          "nn.ReLU(,)",
                                          "nn.LeakyReLU(inf)",
                                          "nn.ReLU(__import__('os').system('ls'))"};
    enum act act;
    for (int i = 0; i < COUNT(known); i++) {
        if (!activation_find(known[i].text, &act) || act != known[i].act)
            fail_msg("\"%s\" is not %s", known[i].text, act_name(known[i].act));
    }
    for (int i = 0; i < COUNT(unknown); i++) {
        if (activation_find(unknown[i], &act))
            fail_msg("\"%s\" is taken for %s", unknown[i], act_name(act));
    }
}

/* No kernel of ours lacks one, so what is refused is a number beyond the list. */
static void what_a_kernel_lacks_is_refused(void **state)
{
    (void)state;
    struct node node = {.op = OP_BN_ACT, .n_src = 1, .name = "bn", .u.bn_act = {.n_bn = 1, .act = ACT_COUNT}};
    struct call call = {.node = &node, .options.mode = RUN_INFER, .dst = {NULL, 1, 2, 2, 8, 8, 8}};
    assert_int_equal(cpu_bn_act.plan(&call), E_UNSUPPORTED);
    assert_non_null(strstr(fail_text(), "bn: the kernel"));
    assert_int_equal(act_is_there(&node, ACT_LEAKY, ACTS_ALL, "some"), OK);
    assert_int_equal(act_is_there(&node, ACT_LEAKY, ACTS_ALL & ~(1u << ACT_LEAKY), "some"), E_UNSUPPORTED);
    assert_string_equal(fail_text(), "bn: the kernel some has no activation leaky ReLU 0.1");
    assert_int_equal(act_is_there(&node, ACT_NONE, 0, "some"), OK);
}

/* --- whole networks --- */

enum { IMAGES = 2, SIDE = 64 };

/* A small network with bottlenecks that add a map after the activation and RepConvN's sums before it; its parameters
 * are those of the golden kits' generator. */
static void open_network(struct bench *b, enum act act, enum run_mode mode)
{
    char text[400];
    struct table table;
    *b = (struct bench){0};
    snprintf(text, sizeof text,
             "nc: 4\nactivation: %s\nbackbone:\n- [-1, 1, Conv, [16, 3, 2]]\n- [-1, 1, Conv, [32, 3, 2]]\n"
             "- [-1, 1, RepNCSPELAN4, [32, 32, 16, 1]]\n- [-1, 1, Conv, [32, 3, 2]]\n"
             "head:\n- [[2, 3], 1, DDetect, [nc]]\n",
             activation_text(act));
    assert_ok(table_read(text, strlen(text), "my.yaml", &table));
    assert_ok(model_build(&table, NULL, &b->graph, NULL));
    table_free(&table);
    assert_ok(bench_init(b));
    bench_generate(b, 11, 0);
    assert_ok(bench_net(b, mode, NULL, 0));
}

static void run_network(struct bench *b)
{
    struct rng r = rng_seed(21, 0, 0);
    assert_ok(net_plan(b->net, IMAGES, SIDE, SIDE));
    struct tensor image = net_input(b->net);
    for (int i = 0; i < IMAGES * SIDE * SIDE; i++)
        for (int c = 0; c < 3; c++)
            tensor_pixel(&image, i / (SIDE * SIDE), i / SIDE % SIDE, i % SIDE)[c] = (float)rng_uniform(&r);
    net_forward(b->net);
}

/* The sum of all logits times random weights, which become their gradients. */
static double weigh(struct bench *b)
{
    struct rng r = rng_seed(31, 0, 0);
    struct head_output out = net_output(b->net, 0);
    double sum = 0;
    for (int i = 0; i < out.n * out.anchors * out.channels; i++) {
        const int k = i % out.channels, anchor = i / out.channels % out.anchors, image = i / out.channels / out.anchors;
        const size_t at = (size_t)image * out.image_stride + (size_t)anchor * out.stride + (size_t)k;
        const float weight = (float)rng_normal(&r);
        sum += (double)weight * (double)out.logits[at];
        if (out.d_logits)
            out.d_logits[at] = weight;
    }
    return sum;
}

/* Along the gradient the loss rises by its length: forward and backward passes of a whole network agree. */
static void gradients_are_those_of_the_forward_pass(void **state)
{
    (void)state;
    for (int act = 0; act < ACT_COUNT; act++) {
        struct bench b;
        double length = 0, sides[2];
        open_network(&b, (enum act)act, RUN_TRAIN);
        bench_zero_gradients(&b);
        run_network(&b);
        weigh(&b);
        net_backward(b.net);
        const size_t floats = b.graph.param_floats;
        for (size_t i = 0; i < floats; i++)
            length += (double)b.d_params[i] * (double)b.d_params[i];
        length = sqrt(length);
        float *start = mem_alloc(floats, sizeof *start);
        assert_non_null(start);
        memcpy(start, b.params, floats * sizeof *start);
        const double step = 0.5 / length; /* the loss changes by 1 in all */
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < floats; i++)
                b.params[i] = start[i] + (float)((side ? step : -step) / length * (double)b.d_params[i]);
            net_params_changed(b.net);
            run_network(&b);
            sides[side] = weigh(&b);
        }
        const double quotient = (sides[1] - sides[0]) / (2 * step);
        print_message("%-16s gradient %.6g, difference quotient %.6g\n", act_name((enum act)act), length, quotient);
        assert_true(fabs(quotient - length) < 0.003 * length);
        mem_free(start);
        bench_free(&b);
    }
}

static void deployed_networks_do_what_training_networks_do(void **state)
{
    (void)state;
    for (int act = 0; act < ACT_COUNT; act++) {
        struct bench training, deployed = {0};
        double difference = 0, size = 0;
        open_network(&training, (enum act)act, RUN_INFER);
        assert_ok(bench_deploy(&training, &deployed, NULL, NULL));
        assert_ok(bench_net(&deployed, RUN_INFER, NULL, 0));
        run_network(&training);
        run_network(&deployed);
        const struct head_output a = net_output(training.net, 0), b = net_output(deployed.net, 0);
        for (int anchor = 0; anchor < a.anchors; anchor++)
            for (int k = 0; k < a.channels; k++) {
                const double x = (double)a.logits[(size_t)anchor * a.stride + (size_t)k];
                size += x * x;
                difference += pow(x - (double)b.logits[(size_t)anchor * b.stride + (size_t)k], 2);
            }
        print_message("%-16s deployed and training form differ by %.2g\n", act_name((enum act)act),
                      sqrt(difference / size));
        assert_true(size > 0 && sqrt(difference / size) < 2e-5);
        bench_free(&training);
        bench_free(&deployed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_in_range),
        cmocka_unit_test(tables_name_every_activation),
        cmocka_unit_test(names_are_spelled_as_people_do),
        cmocka_unit_test(what_a_kernel_lacks_is_refused),
        cmocka_unit_test(gradients_are_those_of_the_forward_pass),
        cmocka_unit_test(deployed_networks_do_what_training_networks_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
