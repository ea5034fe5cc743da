/* Activations: how tables name them, and that what a kernel lacks is refused. */
#include "core/cpu.h"
#include "model/activation.h"
#include "model/model.h"
#include "ops/activation.h"
#include "ops/cpu.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

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
        {"nn.LeakyReLU()", ACT_LEAKY_01},
        {"nn.Hardswish()", ACT_HARDSWISH},
        {"hard-swish", ACT_HARDSWISH},
    };
    static const char *const unknown[] = {"",
                                          "nn.",
                                          "()",
                                          "nn.SiLU(0.1)",
                                          "nn.LeakyReLU(0.2)",
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_name_every_activation),
        cmocka_unit_test(names_are_spelled_as_people_do),
        cmocka_unit_test(what_a_kernel_lacks_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
