/* Families of networks (model/family.h): the same rows under another package's rules. */
#include "core/buf.h"
#include "model/names.h"
#include "support/built_table.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static void ultralytics_builds_its_own_widths(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int state;
        size_t params, deployed;
    } wanted[] = {
        {"yolov9t", 1339, 2128720, 2094000},   {"yolov9s", 1339, 7318368, 7198048},
        {"yolov9m", 907, 20216160, 20070832},  {"yolov9c", 937, 25590912, 25380928},
        {"yolov9e", 1811, 58206592, 57438080},
    };
    for (int i = 0; i < COUNT(wanted); i++) {
        struct built_table m;
        built_table_open(&m, wanted[i].name, NULL);
        assert_string_equal(m.table.name, wanted[i].name);
        assert_int_equal(model_count_params(&m.graph, -1), wanted[i].params);
        assert_int_equal(model_count_state(&m.graph), wanted[i].state);
        assert_int_equal(model_count_params(&m.deployed, -1), wanted[i].deployed);
        built_table_free(&m);
    }
    /* A width that equals the number of classes stays as it is; here that is the rule, not 3 * (nc + 5). */
    struct built_table m;
    struct model_options options;
    model_options_init(&options);
    options.nc = 180;
    built_table_open(&m, "yolov9m", &options);
    assert_string_equal(m.rows[16].args, "240, 180");
    built_table_free(&m);
    options.nc = 55;
    built_table_open(&m, "yolov9m", &options);
    assert_string_equal(m.rows[16].args, "240, 184");
    built_table_free(&m);
}

/* The class tower of depth-wise convolutions: named as its package names it, kept by table_write, found by the tensors.
 */
static void the_light_class_tower(void **state)
{
    (void)state;
    static const char text[] = "base: gelan-t\nfamily: ultralytics\nbox_groups: 1\nclass_tower: light\n";
    struct table t;
    struct graph g, deployed;
    struct buf written = {0};
    for (int again = 0; again < 2; again++) {
        if (again)
            assert_ok(table_read(written.data, written.size, "again", &t));
        else
            assert_ok(table_read(text, sizeof text - 1, "light", &t));
        assert_ok(model_build(&t, NULL, &g, NULL));
        assert_ok(model_deploy(&t, &g, &deployed));
        static const struct {
            const char *name;
            int shape[4];
        } tensors[] = {{"model.22.cv3.1.0.0.conv.weight", {96, 1, 3, 3}},
                       {"model.22.cv3.1.0.1.conv.weight", {80, 96, 1, 1}},
                       {"model.22.cv3.1.1.0.conv.weight", {80, 1, 3, 3}},
                       {"model.22.cv3.1.1.1.conv.weight", {80, 80, 1, 1}},
                       {"model.22.cv3.1.2.weight", {80, 80, 1, 1}}};
        for (int i = 0; i < COUNT(tensors); i++) {
            const struct graph *graphs[] = {&g, &deployed};
            for (int k = 0; k < COUNT(graphs); k++) {
                int p = graph_find_param(graphs[k], tensors[i].name);
                assert_true(p >= 0);
                assert_memory_equal(graphs[k]->params[p].shape, tensors[i].shape, sizeof tensors[i].shape);
            }
        }
        assert_true(graph_find_param(&deployed, "model.22.cv3.1.0.0.conv.bias") >= 0);
        if (!again)
            assert_ok(table_write(&t, &written));
        graph_free(&g);
        graph_free(&deployed);
        table_free(&t);
    }
    buf_free(&written);
}

static void tables_with_a_base(void **state)
{
    (void)state;
    static const char *const faults[][2] = {
        {"base: gelan-x\n", "no built-in table gelan-x"},
        {"base: yolov9t\n", "yolov9t:2: a table with a base of its own"},
        {"base: gelan-t\nbackbone: []\n", "no rows of its own"},
        {"base: gelan-t\nfamily: nobody\n", "no family nobody"},
        {"base: gelan-t\nclass_tower: thin\n", "plain and light"},
    };
    struct table t;
    for (int i = 0; i < COUNT(faults); i++) {
        assert_int_not_equal(table_read(faults[i][0], strlen(faults[i][0]), "own", &t), OK);
        if (!strstr(fail_text(), faults[i][1]))
            fail_msg("expected \"%s\", got \"%s\"", faults[i][1], fail_text());
    }
    static const char text[] = "base: gelan-c\nnc: 7\nactivation: nn.ReLU()\n";
    assert_ok(table_read(text, sizeof text - 1, "own", &t));
    assert_true(t.n_rows == 23 && t.n_backbone == 10 && t.nc == 7 && t.activation == ACT_RELU);
    assert_string_equal(t.name, "own");
    table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ultralytics_builds_its_own_widths),
        cmocka_unit_test(the_light_class_tower),
        cmocka_unit_test(tables_with_a_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
