/* The 13 networks, their studies and the table reader against SPEC 2 to 6 and golden/extras/layer_tables.json. */
#include "formats/json.h"
#include "formats/safetensors.h"
#include "model/builtin.h"
#include "model/init.h"
#include "model/match.h"
#include "model/names.h"
#include "support/built_table.h"
#include "support/shared.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double gflops(const struct graph *g)
{
    double total;
    assert_ok(model_count_flops(g, 640, 640, NULL, &total));
    return total / 1e9;
}

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("%.9g is not within %g of %.9g", got, relative, want);
}

/* --- totals (SPEC 5) --- */

static const struct {
    const char *name, *twin; /* twin: the gelan table that the deployed form equals */
    int state;
    size_t params;
    double gflops;
    size_t deployed;
    double deployed_gflops;
} totals[] = {
    {"yolov9-t", "gelan-t", 1772, 3717680, 16.2742272, 2407632, 9.8164736},
    {"yolov9-s", "gelan-s", 1772, 9804512, 39.50, 7105888, 26.38},
    {"yolov9-m", "gelan-m", 1412, 32878432, 132.08, 19978672, 76.31},
    {"yolov9-c", "gelan-c", 1460, 51182080, 238.65, 25288768, 102.14},
    {"yolov9-e", "gelan-e", 2172, 69529664, 243.96, 57345920, 188.95},
    {"yolov9-cf", "gelan-c", 1545, 56734400, 264.41, 25288768, 102.14},
    {"yolov9", "gelan", 1412, 60979712, 265.92, 31252544, 117.13},
    {"gelan-t", "gelan-t", 1339, 2442640, 9.90, 2407632, 9.82},
    {"gelan-s", "gelan-s", 1339, 7226208, 26.71, 7105888, 26.38},
    {"gelan-m", "gelan-m", 907, 20124000, 76.80, 19978672, 76.31},
    {"gelan-c", "gelan-c", 937, 25498752, 102.82, 25288768, 102.14},
    {"gelan-e", "gelan-e", 1811, 58114432, 191.15, 57345920, 188.95},
    {"gelan", "gelan", 907, 31462528, 117.81, 31252544, 117.13},
};

static void test_totals(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(totals); i++) {
        struct built_table m;
        built_table_open(&m, totals[i].name, NULL);
        assert_int_equal(model_count_params(&m.graph, -1), totals[i].params);
        assert_int_equal(model_count_state(&m.graph), totals[i].state);
        assert_near(gflops(&m.graph), totals[i].gflops, 0.001);
        assert_int_equal(model_count_params(&m.deployed, -1), totals[i].deployed);
        assert_near(gflops(&m.deployed), totals[i].deployed_gflops, 0.001);
        for (int l = 0; l < 3; l++)
            assert_int_equal(m.graph.stride[l], 8 << l);
        built_table_free(&m);
    }
}

/* --- rows --- */

static void check_row(const struct built_table *m, int r, const json_t *want, double flops)
{
    const struct model_row *row = &m->rows[r];
    assert_string_equal(row->module, json_string_value(json_object_get(want, "mod")));
    assert_int_equal(row->params, json_integer_value(json_object_get(want, "np")));
    assert_near(flops / 1e9, json_number_value(json_object_get(want, "gf")), 1e-9);
    json_t *from = json_object_get(want, "f");
    int n = json_is_array(from) ? (int)json_array_size(from) : 1;
    assert_int_equal(m->table.rows[r].n_from, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(m->table.rows[r].from[i],
                         json_integer_value(json_is_array(from) ? json_array_get(from, (size_t)i) : from));
    json_t *shape = json_object_get(want, "shape");
    if (r == m->table.n_rows - 1)
        return;
    if (json_is_array(json_array_get(shape, 0))) { /* CBLinear: a list of maps */
        assert_int_equal(row->maps.n, json_array_size(shape));
        for (int i = 0; i < row->maps.n; i++)
            assert_int_equal(m->graph.values[row->maps.map[i]].c,
                             json_integer_value(json_array_get(json_array_get(shape, (size_t)i), 0)));
    } else {
        assert_int_equal(m->graph.values[row->maps.map[0]].c, json_integer_value(json_array_get(shape, 0)));
    }
}

static void test_rows(void **state)
{
    (void)state;
    json_t *tables;
    assert_ok(json_read_file(golden_file("extras/layer_tables.json"), NULL, &tables));
    for (int i = 0; i < COUNT(totals); i++) {
        struct built_table m;
        built_table_open(&m, totals[i].name, NULL);
        json_t *want = json_object_get(json_object_get(tables, totals[i].name), "rows");
        assert_int_equal(m.table.n_rows, json_array_size(want));
        double flops[TABLE_MAX_ROWS], total;
        assert_ok(model_count_flops(&m.graph, 640, 640, flops, &total));
        for (int r = 0; r < m.table.n_rows; r++)
            check_row(&m, r, json_array_get(want, (size_t)r), flops[r]);
        built_table_free(&m);
    }
    json_decref(tables);
}

static void test_row_details(void **state)
{
    (void)state;
    struct built_table m;
    built_table_open(&m, "yolov9-m", NULL);
    assert_string_equal(m.rows[17].args, "240, 184"); /* 180 in the table: rounded up to a multiple of 8 */
    assert_string_equal(m.rows[5].args, "240, 240, 240, 120, 1");
    assert_string_equal(m.rows[38].args, "nc, [240, 360, 480, 240, 360, 480]");
    assert_string_equal(m.rows[5].tag, "B3");
    for (int r = 0; r < m.table.n_rows; r++)
        assert_int_equal(m.rows[r].use, r >= 23 && r <= 37 ? ROW_AUXILIARY : ROW_MAIN);
    built_table_free(&m);

    /* 3*(nc + 5) = 180 for 55 classes: the width is then not rounded (SPEC 4 rule 3) */
    struct model_options options;
    model_options_init(&options);
    options.nc = 55;
    built_table_open(&m, "yolov9-m", &options);
    assert_string_equal(m.rows[17].args, "240, 180");
    assert_int_equal(m.graph.head.nc, 55);
    built_table_free(&m);
}

/* --- studies and head widths (SPEC 2.1, 5) --- */

static void test_studies(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t deployed;
        double gflops;
    } rows[] = {
        {"gelan-s-conv", 6209, 23.52}, {"gelan-s-res", 5421, 21.00},  {"gelan-s-dark", 5660, 21.77},
        {"gelan-s-csp", 5868, 22.43},  {"gelan-s-dw", 5124, 20.0612}, {"gelan-s-csp2", 6490, 24.40},
        {"gelan-s-csp3", 7106, 26.38}, {"gelan-t-pgi", 2408, 9.8165},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct built_table m;
        built_table_open(&m, rows[i].name, NULL);
        double thousands = model_count_params(&m.deployed, -1) / 1e3;
        if (fabs(thousands - (double)rows[i].deployed) > (strstr(rows[i].name, "csp2") ? 5 : 0.5))
            fail_msg("%s: %.3f thousand parameters, not %zu", rows[i].name, thousands, rows[i].deployed);
        assert_near(gflops(&m.deployed), rows[i].gflops, 0.0005);
        built_table_free(&m);
    }
    struct built_table dw;
    built_table_open(&dw, "gelan-s-dw", NULL);
    assert_int_equal(model_count_params(&dw.graph, -1), 5133664);
    assert_int_equal(model_count_params(&dw.deployed, -1), 5124320);
    assert_near(gflops(&dw.deployed), 20.0612, 5e-6);
    built_table_free(&dw);
    static const char *const others[] = {"gelan-s-strided", "gelan-s-maxpool"};
    for (int i = 0; i < COUNT(others); i++) {
        struct built_table m;
        built_table_open(&m, others[i], NULL);
        assert_int_equal(m.deployed.stride[2], 32);
        built_table_free(&m);
    }
}

/* The table says what reached whom; the graph must agree. */
static void test_auxiliary_rows(void **state)
{
    (void)state;
    for (const struct builtin_table *b = builtin_tables; b->name; b++) {
        struct built_table m;
        built_table_open(&m, b->name, NULL);
        bool alive[TABLE_MAX_ROWS];
        assert_ok(graph_alive_rows(&m.graph, alive));
        for (int r = 0; r < m.table.n_rows; r++) {
            if (m.rows[r].maps.n && strcmp(m.rows[r].module, "Silence"))
                assert_int_equal(m.rows[r].use == ROW_MAIN, alive[r]);
        }
        built_table_free(&m);
    }
}

static void test_head_widths(void **state)
{
    (void)state;
    struct built_table m;
    struct model_options options;
    model_options_init(&options);
    options.head[0].c_cls = 80;
    built_table_open(&m, "gelan-t", &options);
    assert_int_equal(model_count_params(&m.deployed, -1), 2001840);
    assert_near(gflops(&m.deployed), 7.7115, 1e-5);
    built_table_free(&m);
    options.head[0].box_groups = 1;
    built_table_open(&m, "gelan-t", &options);
    assert_int_equal(model_count_params(&m.graph, -1), 2128720);
    assert_int_equal(model_count_params(&m.deployed, 22), 689440);
    assert_int_equal(model_count_params(&m.deployed, -1), 2094000);
    assert_near(gflops(&m.deployed), 8.2276, 1e-5);
    built_table_free(&m);
    options.head[0].box_groups = 3; /* divides neither 64 nor the logits */
    struct table t;
    struct graph g;
    assert_ok(table_open("gelan-t", &t));
    assert_int_equal(model_build(&t, &options, &g, NULL), E_SHAPE);
    assert_non_null(strstr(fail_text(), "gelan-t:"));
    assert_non_null(strstr(fail_text(), "3 groups do not divide"));
    table_free(&t);
}

/* --- names --- */

/* Official training names, shapes and order, from the golden checkpoints (yolov9-t and gelan-t with 3 classes). */
static void check_training_names(const char *path, const char *table)
{
    json_t *file;
    assert_ok(json_read_file(path, NULL, &file));
    struct built_table m;
    struct model_options options;
    model_options_init(&options);
    options.nc = 3;
    built_table_open(&m, table, &options);
    int p = 0;
    size_t i;
    json_t *tensor;
    json_array_foreach(json_object_get(file, "model"), i, tensor)
    {
        const char *name = json_string_value(json_object_get(tensor, "name"));
        if (strstr(name, "num_batches_tracked"))
            continue;
        assert_true(p < m.graph.n_params);
        assert_string_equal(m.graph.params[p].name, name);
        json_t *shape = json_object_get(tensor, "shape");
        assert_int_equal(m.graph.params[p].rank, json_array_size(shape));
        for (int d = 0; d < m.graph.params[p].rank; d++)
            assert_int_equal(m.graph.params[p].shape[d], json_integer_value(json_array_get(shape, (size_t)d)));
        p++;
    }
    assert_int_equal(p, m.graph.n_params);
    json_decref(file);
    built_table_free(&m);
}

static void test_training_names(void **state)
{
    (void)state;
    check_training_names(golden_file("pt/yolov9-t-nc3.json"), "yolov9-t");
    if (golden_is_here("pt/gelan-t-nc3.json"))
        check_training_names(golden_file("pt/gelan-t-nc3.json"), "gelan-t");
}

/* The official names and shapes of a converted and fused gelan-t, from a recorded conversion of yolov9-t: the table is
 * found by them, and both networks' deployed forms have them. */
static void test_deployed_names(void **state)
{
    (void)state;
    struct safetensors st;
    size_t n = 0;
    const char *name;
    json_t *shape;
    assert_ok(safetensors_open(golden_file("fuse/convert_yolov9-t.safetensors"), &st));
    json_t *shapes = json_loads(safetensors_metadata(&st, "fused_shapes"), 0, NULL);
    struct tensor_shape *tensors = calloc(json_object_size(shapes), sizeof *tensors);
    json_object_foreach(shapes, name, shape)
    {
        struct tensor_shape *t = &tensors[n++];
        *t = (struct tensor_shape){.name = name, .rank = (int)json_array_size(shape)};
        for (int d = 0; d < t->rank; d++)
            t->shape[d] = (int)json_integer_value(json_array_get(shape, (size_t)d));
    }
    struct match match;
    assert_ok(match_table("converted yolov9-t", tensors, (int)n, NULL, &match));
    assert_string_equal(match.table, "gelan-t");
    assert_true(match.fused && match.n_branches == 1 && match.options.nc == 80 && match.options.reg_max == 16);
    assert_true(match.options.head[0].c_cls == 128 && match.options.head[0].box_groups == 4);
    free(tensors);

    static const char *const sources[] = {"gelan-t", "yolov9-t"};
    for (int i = 0; i < COUNT(sources); i++) {
        struct built_table m;
        size_t found = 0;
        built_table_open(&m, sources[i], NULL);
        for (int p = 0; p < m.deployed.n_params; p++) {
            const struct param *param = &m.deployed.params[p];
            shape = json_object_get(shapes, param->name);
            if (strstr(param->name, ".dfl.")) /* frozen; the recorded list may leave it out */
                found += shape != NULL;
            else if (!shape || param->rank != (int)json_array_size(shape))
                fail_msg("%s is no official name", param->name);
            else
                found++;
            for (int d = 0; shape && d < param->rank; d++)
                assert_int_equal(param->shape[d], json_integer_value(json_array_get(shape, (size_t)d)));
        }
        assert_int_equal(found, n);
        built_table_free(&m);
    }
    json_decref(shapes);
    safetensors_close(&st);
}

/* SPEC 6.4: the converted names of yolov9-X are the training names of gelan-X, and so is the deployed table. */
static void check_conversion(const char *from, const char *to)
{
    struct built_table source, target;
    struct names names;
    struct table deployed;
    built_table_open(&source, from, NULL);
    built_table_open(&target, to, NULL);
    assert_ok(names_init(&source.table, &names));
    int found = 0;
    for (int p = 0; p < source.graph.n_params; p++) {
        char buffer[BUILDER_NAME];
        const char *name = names_convert(&names, source.graph.params[p].name, buffer, sizeof buffer);
        if (!name)
            continue;
        int q = graph_find_param(&target.graph, name);
        if (q < 0)
            fail_msg("%s: %s became %s, which %s does not have", from, source.graph.params[p].name, name, to);
        assert_int_equal(source.graph.params[p].count, target.graph.params[q].count);
        found++;
    }
    assert_int_equal(found, target.graph.n_params);
    names_free(&names);

    assert_ok(rows_deployed_table(&source.table, NULL, &deployed));
    assert_int_equal(deployed.n_rows, target.table.n_rows);
    assert_int_equal(deployed.n_backbone, target.table.n_backbone);
    for (int r = 0; r < deployed.n_rows; r++) {
        const struct table_row *a = &deployed.rows[r], *b = &target.table.rows[r];
        assert_string_equal(a->module, b->module);
        assert_int_equal(a->n_from, b->n_from);
        for (int i = 0; i < a->n_from; i++)
            assert_int_equal(table_source_row(&deployed, r, i), table_source_row(&target.table, r, i));
    }
    table_free(&deployed);
    built_table_free(&source);
    built_table_free(&target);
}

static void test_conversion(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(totals); i++)
        check_conversion(totals[i].name, totals[i].twin);
    check_conversion("gelan-t-pgi", "gelan-t");

    struct table t;
    struct names n;
    char buffer[BUILDER_NAME];
    assert_ok(table_open("yolov9-e", &t));
    assert_ok(names_init(&t, &n));
    assert_string_equal(names_convert(&n, "model.49.cv5.2.1.bn.weight", buffer, sizeof buffer),
                        "model.42.cv3.2.1.bn.weight");
    assert_string_equal(names_convert(&n, "model.49.dfl2.conv.weight", buffer, sizeof buffer),
                        "model.42.dfl.conv.weight");
    assert_null(names_convert(&n, "model.49.cv2.0.2.bias", buffer, sizeof buffer));
    assert_null(names_convert(&n, "model.30.cv1.conv.weight", buffer, sizeof buffer));
    assert_null(names_convert(&n, "modell.3.cv1.conv.weight", buffer, sizeof buffer));
    assert_null(names_convert(&n, "model.3", buffer, sizeof buffer));
    assert_string_equal(names_deploy(&n, "model.45.cv2.0.m.1.cv1.conv1.conv.weight", buffer, sizeof buffer),
                        "model.38.cv2.0.m.1.cv1.conv.weight");
    names_free(&n);
    table_free(&t);
}

/* --- writing a table --- */

static void test_write(void **state)
{
    (void)state;
    for (const struct builtin_table *b = builtin_tables; b->name; b++) {
        struct built_table m;
        built_table_open(&m, b->name, NULL);
        struct buf text = {0};
        struct table again;
        struct graph g;
        assert_ok(table_write(&m.table, &text));
        assert_ok(table_read(text.data, text.size, "again", &again));
        assert_ok(model_build(&again, NULL, &g, NULL));
        assert_int_equal(g.n_params, m.graph.n_params);
        assert_int_equal(g.n_nodes, m.graph.n_nodes);
        assert_int_equal(again.activation, m.table.activation);
        for (int p = 0; p < g.n_params; p++) {
            assert_string_equal(g.params[p].name, m.graph.params[p].name);
            assert_int_equal(g.params[p].count, m.graph.params[p].count);
        }
        for (int r = 0; r < again.n_rows; r++)
            assert_string_equal(again.rows[r].tag ? again.rows[r].tag : "",
                                m.table.rows[r].tag ? m.table.rows[r].tag : "");
        graph_free(&g);
        table_free(&again);
        buf_free(&text);
        built_table_free(&m);
    }
}

/* A deployed table carries the head that a checkpoint chose. */
static void test_deployed_table(void **state)
{
    (void)state;
    struct table t, deployed, again;
    struct model_options options;
    struct buf text = {0};
    struct graph g;
    model_options_init(&options);
    options.nc = 7;
    options.head[0] = (struct head_shape){.c_box = 96, .c_cls = 48, .box_groups = 2};
    options.head[1] = (struct head_shape){.c_box = 72, .c_cls = 40, .box_groups = 1};
    assert_ok(table_open("yolov9-t", &t));
    assert_ok(rows_deployed_table(&t, &options, &deployed));
    assert_ok(table_write(&deployed, &text));
    assert_ok(table_read(text.data, text.size, "metadata", &again));
    assert_ok(model_build(&again, NULL, &g, NULL));
    int box = graph_find_param(&g, "model.22.cv2.1.1.conv.weight"),
        cls = graph_find_param(&g, "model.22.cv3.1.2.weight");
    assert_true(box >= 0 && cls >= 0);
    assert_int_equal(g.params[box].shape[0], 72);
    assert_int_equal(g.params[box].shape[1], 72);
    assert_int_equal(g.params[cls].shape[0], 7);
    assert_int_equal(g.params[cls].shape[1], 40);
    graph_free(&g);
    table_free(&again);
    table_free(&deployed);
    table_free(&t);
    buf_free(&text);
}

/* --- recognising a checkpoint (SPEC 14.1) --- */

/* The tensors of a model as a checkpoint lists them, with a counter a BN; the caller frees. */
static struct tensor_shape *shapes_of(const struct graph *g, bool fused, int *n)
{
    struct tensor_shape *out = calloc((size_t)g->n_params * 2, sizeof *out);
    *n = 0;
    for (int p = 0; p < g->n_params; p++) {
        char buffer[BUILDER_NAME];
        const struct param *param = &g->params[p];
        const char *name = fused ? names_fused(param, buffer, sizeof buffer) : param->name;
        if (!name)
            continue;
        struct tensor_shape *t = &out[(*n)++];
        *t = (struct tensor_shape){.name = strdup(name), .rank = param->rank};
        memcpy(t->shape, param->shape, sizeof t->shape);
        if (!fused && param->role == PARAM_MEAN) {
            snprintf(buffer, sizeof buffer, "%.*s.num_batches_tracked", (int)strlen(name) - 13, name);
            out[(*n)++] = (struct tensor_shape){.name = strdup(buffer)};
        }
    }
    return out;
}

static void free_shapes(struct tensor_shape *tensors, int n)
{
    for (int i = 0; i < n; i++)
        free((char *)tensors[i].name);
    free(tensors);
}

static void test_match(void **state)
{
    (void)state;
    struct model_options options;
    model_options_init(&options);
    options.nc = 5;
    options.reg_max = 8;
    for (int i = 0; i < MAX_BRANCHES; i++)
        options.head[i] =
            (struct head_shape){.c_box = 72 + 8 * i, .c_cls = 90 + i, .box_groups = 1 << i, .cls_tower = i % 2};
    for (const struct builtin_table *b = builtin_tables; b->name; b++) {
        struct built_table m;
        built_table_open(&m, b->name, &options);
        for (int fused = 0; fused < 2; fused++) {
            struct match match;
            int n;
            struct tensor_shape *tensors = shapes_of(&m.graph, fused, &n);
            assert_ok(match_table("x.pt", tensors, n, NULL, &match));
            /* two tables of the same rows: the first one is found */
            bool twin = !strcmp(b->name, "gelan-s-csp3") || strstr(b->text, "\nbase:");
            if (!twin)
                assert_string_equal(match.table, b->name);
            assert_int_equal(match.fused, fused);
            assert_int_equal(match.n_branches, m.graph.n_branches);
            assert_int_equal(match.options.nc, 5);
            assert_int_equal(match.kind, m.graph.head.kind);
            assert_int_equal(match.options.reg_max, m.graph.head.reg_max);
            for (int i = 0; i < match.n_branches && match.kind == HEAD_DFL; i++)
                assert_memory_equal(&match.options.head[i], &options.head[i], sizeof options.head[i]);
            free_shapes(tensors, n);
        }
        built_table_free(&m);
    }
}

static void test_match_faults(void **state)
{
    (void)state;
    struct built_table m;
    struct match match;
    int n;
    built_table_open(&m, "gelan-t", NULL);
    struct tensor_shape *tensors = shapes_of(&m.graph, false, &n);
    int victim = -1;
    for (int i = 0; i < n; i++) {
        if (!strcmp(tensors[i].name, "model.6.cv1.conv.weight"))
            victim = i;
    }
    assert_true(victim >= 0);
    tensors[victim].shape[1]++;
    assert_int_equal(match_table("x.pt", tensors, n, NULL, &match), E_UNSUPPORTED);
    assert_non_null(strstr(fail_text(), "gelan-t, but model.6.cv1.conv.weight is missing or of another shape"));
    tensors[victim].shape[1]--;
    assert_ok(match_table("x.pt", tensors, n, NULL, &match));
    assert_int_equal(match_table("x.pt", tensors, 40, NULL, &match), E_FORMAT); /* without the head's tensors */
    for (int i = 0; i < n; i++) {
        if (!strcmp(tensors[i].name, "model.22.cv2.0.2.weight"))
            tensors[i].shape[0] = 63;
    }
    assert_int_equal(match_table("x.pt", tensors, n, NULL, &match), E_SHAPE);
    free_shapes(tensors, n);
    built_table_free(&m);
}

/* --- first values (SPEC 6.1, 3) --- */

static void test_init(void **state)
{
    (void)state;
    struct built_table m;
    built_table_open(&m, "yolov9-t", NULL);
    float *a = mem_alloc(m.graph.param_floats, sizeof *a), *b = mem_alloc(m.graph.param_floats, sizeof *b);
    model_init(&m.graph, 1, a);
    model_init(&m.graph, 1, b);
    assert_memory_equal(a, b, m.graph.param_floats * sizeof *a);
    model_init(&m.graph, 2, b);
    for (int p = 0; p < m.graph.n_params; p++) {
        const struct param *param = &m.graph.params[p];
        const float *x = a + param->first;
        double sum = 0, squares = 0, bound = 1 / sqrt((double)param->shape[1] * param->shape[2] * param->shape[3]);
        for (size_t i = 0; i < param->count; i++) {
            sum += x[i];
            squares += (double)x[i] * x[i];
            if (param->role == PARAM_WEIGHT)
                assert_true(fabs(x[i]) <= bound);
        }
        if (param->role == PARAM_WEIGHT && param->count > 1000) { /* uniform: mean 0, variance b^2/3 */
            assert_true(fabs(sum / (double)param->count) < 0.1 * bound);
            assert_near(squares / (double)param->count, bound * bound / 3, 0.1);
            assert_memory_not_equal(x, b + param->first, param->count * sizeof *x);
        }
        if (param->role == PARAM_VAR)
            assert_true(x[0] == 0.9f && x[param->count - 1] == 0.9f);
        if (param->role == PARAM_DFL)
            assert_true(x[0] == 0 && x[15] == 15);
    }
    static const struct {
        const char *name;
        float value;
    } biases[] = {
        {"model.29.cv3.0.2.bias", -11.536642f}, {"model.29.cv5.0.2.bias", -11.536642f},
        {"model.29.cv5.1.2.bias", -10.150347f}, {"model.29.cv3.2.2.bias", -8.764053f},
        {"model.29.cv2.1.2.bias", 1},           {"model.29.cv4.2.2.bias", 1},
    };
    for (int i = 0; i < COUNT(biases); i++) {
        int p = graph_find_param(&m.graph, biases[i].name);
        assert_true(p >= 0);
        const struct param *param = &m.graph.params[p];
        for (size_t k = 0; k < param->count; k++)
            assert_near(a[param->first + k], biases[i].value, 1e-6);
    }
    mem_free(a);
    mem_free(b);
    built_table_free(&m);
}

/* --- tables of a user's own --- */

#define HEADER "nc: 4\nbackbone:\n"
#define TAIL   "head:\n- [[-1], 1, DDetect, [nc]]\n"

static enum status build_text(const char *text, struct graph *g)
{
    struct table t;
    enum status rc = table_read(text, strlen(text), "my.yaml", &t);
    if (rc != OK)
        return rc;
    rc = model_build(&t, NULL, g, NULL);
    table_free(&t);
    return rc;
}

static void test_own_table(void **state)
{
    (void)state;
    struct graph g;
    assert_ok(build_text("nc: 4\ndepth_multiple: 0.5\nwidth_multiple: 0.5\nactivation: nn.ReLU()\nbackbone:\n"
                         "- [-1, 1, Conv, ['2*(nc+12)', 3, 2]]\n"      /* 32*0.5 = 16 */
                         "- [-1, 3, Conv, [30, 3, 1], C1]\n"           /* 3*0.5 = 2 copies of 15 -> 16 channels */
                         "- [-1, 4, BottleneckCSP, [32, False], C2]\n" /* n = 2 */
                         "- [[-1, C1], 1, Concat, [1]]\n"
                         "- [-2, 1, Conv, [64, 3, 2, None, 1, 1, False]]\n"
                         "head:\n- [[C2, -1], 1, Detect, []]\n",
                         &g));
    int p = graph_find_param(&g, "model.1.1.conv.weight");
    assert_true(p >= 0);
    assert_int_equal(g.params[p].shape[0], 16);
    assert_true(graph_find_param(&g, "model.1.2.conv.weight") < 0);
    assert_true(graph_find_param(&g, "model.2.m.1.cv2.conv.weight") >= 0);
    assert_true(graph_find_param(&g, "model.2.m.2.cv2.conv.weight") < 0);
    int v = graph_find_value(&g, "model.4"), relu = graph_find_value(&g, "model.0");
    assert_int_equal(g.nodes[g.values[v].writer].u.bn_act.act, ACT_NONE);
    assert_int_equal(g.nodes[g.values[relu].writer].u.bn_act.act, ACT_RELU);
    assert_int_equal(g.stride[1], 4);
    graph_free(&g);
}

static const struct {
    const char *text, *sentence; /* what the message must begin with and contain (after "...") */
} faults[] = {
    {"nc: 0\nbackbone: []\nhead: []\n", "my.yaml:1: "},
    {"backbone: []\nhead: []\n", "my.yaml:1: ... nc"},
    {"nc: 4\nbackbone: []\nhead: []\n", "my.yaml:1: ... no rows"},
    {"nc: 4\nactivation: nn.Foo()\nbackbone: []\nhead: []\n", "my.yaml:2: activation nn.Foo()"},
    {"nc: 4\nwidth_multiple: -1\nbackbone: []\nhead: []\n", "my.yaml:2: width_multiple"},
    {"nc: 4\nbox_groups: [4, x]\nbackbone: []\nhead: []\n", "my.yaml:2: "},
    {HEADER "- [-1, 1, Konv, [16]]\n" TAIL, "my.yaml:3: ... no module Konv"},
    {HEADER "- [-1, 1, Conv]\n" TAIL, "my.yaml:3: row 0 must be"},
    {HEADER "- [-1, 1, Conv, []]\n" TAIL, "my.yaml:3: row 0 (Conv): argument 1 (c2) is missing"},
    {HEADER "- [-1, 1, Conv, [16, 3, 2, None, 1, 1, True, 9]]\n" TAIL, "my.yaml:3: row 0 (Conv): 8 arguments"},
    {HEADER "- [-1, 1, Conv, [16, 3, 1, None, 1, 1, nn.LeakyReLU(0.2)]]\n" TAIL,
     "my.yaml:3: row 0 (Conv): activation nn.LeakyReLU(0.2) is not known; these are: nn.Identity()"},
    {HEADER "- [-1, 1, Conv, [16, 3, 1, None, 1, 1, 7]]\n" TAIL, "my.yaml:3: row 0 (Conv): argument act must be True"},
    {HEADER "- [-1, 1, Conv, [16, wide]]\n" TAIL, "my.yaml:3: row 0 (Conv): argument k must be a whole number"},
    {HEADER "- [-1, 1, Conv, [16.5]]\n" TAIL, "my.yaml:3: row 0 (Conv): argument c2 must be a whole number"},
    {HEADER "- [-1, 1, Conv, [nc/0]]\n" TAIL, "my.yaml:3: row 0 (Conv): argument c2 must"},
    {HEADER "- [-1, 1, Conv, [99999999]]\n" TAIL, "my.yaml:3: row 0 (Conv): argument c2 is 99999999"},
    {HEADER "- [-1, 1, Conv, [16, [1, 3]]]\n" TAIL, "my.yaml:3: row 0 (Conv): windows of 1x3"},
    {HEADER "- [-1, 1, Conv, [16, {a: 1}]]\n" TAIL, "my.yaml:3: an argument is"},
    {HEADER "- [-1, 1, Conv, [16, 3, 2, None, 5]]\n" TAIL, "my.yaml:3: row 0 (Conv): 5 groups do not divide"},
    {HEADER "- [1, 1, Conv, [16]]\n- [-1, 1, Conv, [16]]\n" TAIL, "my.yaml:3: row 0 reads row 1, which comes later"},
    {HEADER "- [0, 1, Conv, [16]]\n" TAIL, "my.yaml:3: row 0 reads itself"},
    {HEADER "- [-3, 1, Conv, [16]]\n" TAIL, "my.yaml:3: row 0 reads row -3, which does not exist"},
    {HEADER "- [B3, 1, Conv, [16]]\n" TAIL, "my.yaml:3: row 0 reads tag 'B3'"},
    {HEADER "- [-1, 1, Conv, [16], a]\n- [-1, 1, Conv, [16], a]\n" TAIL, "my.yaml:4: tag a is taken by row 0"},
    {HEADER "- [-1, 1, Conv, [16], 'a b']\n" TAIL, "my.yaml:3: tag 'a b'"},
    {HEADER "- [-1, 0, Conv, [16]]\n" TAIL, "my.yaml:3: "},
    {HEADER "- [-1, 2, Conv, [16]]\n" TAIL, "my.yaml:3: row 0 (Conv): 2 repeats need as many output"},
    {HEADER "- [-1, 999, Conv, [3]]\n" TAIL, "my.yaml:3: row 0 (Conv): 999 repeats"},
    {HEADER "- [-1, 1, RepNCSP, [16, 5000]]\n" TAIL, "my.yaml:3: row 0 (RepNCSP): argument n is 5000"},
    {HEADER "- [-1, 2, Concat, [1]]\n" TAIL, "my.yaml:3: row 0 (Concat): 2 repeats; only modules"},
    {HEADER "- [[-1, -1], 1, Conv, [16]]\n" TAIL, "my.yaml:3: row 0 (Conv): 2 inputs; it takes one"},
    {HEADER "- [-1, 1, Concat, [2]]\n" TAIL, "my.yaml:3: row 0 (Concat): argument dim can only be 1"},
    {HEADER "- [-1, 1, nn.Upsample, [None, 2, bilinear]]\n" TAIL, "my.yaml:3: row 0 (nn.Upsample): argument mode"},
    {HEADER "- [-1, 1, RepNCSPELAN4, [16, 15, 8, 1]]\n" TAIL, "my.yaml:3: row 0 (RepNCSPELAN4): 15 inner channels"},
    {HEADER "- [-1, 1, RepNCSPELAN4, [16, 8, 8, 1, csp3]]\n" TAIL, "my.yaml:3: row 0 (RepNCSPELAN4): argument block"},
    {HEADER "- [-1, 1, ADown, [16]]\n" TAIL, "my.yaml:3: row 0 (ADown): 3 to 16 channels"},
    {HEADER "- [-1, 1, CBLinear, [[8, 8]]]\n- [-1, 1, Conv, [16]]\n" TAIL,
     "my.yaml:4: row 1 (Conv): row 0 is a CBLinear"},
    {HEADER "- [-1, 1, CBLinear, [8]]\n" TAIL, "my.yaml:3: row 0 (CBLinear): argument c2s must be a list"},
    {HEADER "- [-1, 1, CBLinear, [[8, 8]]]\n- [-1, 1, CBFuse, [[0]]]\n" TAIL, "my.yaml:4: row 1 (CBFuse): the last"},
    {HEADER "- [-1, 1, Conv, [16]]\n- [0, 1, CBLinear, [[8]]]\n- [[1, 0], 1, CBFuse, [[0]]]\n" TAIL,
     "my.yaml:5: row 2 (CBFuse): input 0 gives a map of 8 channels, the target has 16"},
    {HEADER "- [-1, 1, Conv, [16]]\n- [0, 1, CBLinear, [[16]]]\n- [[1, 0], 1, CBFuse, [[3]]]\n" TAIL,
     "my.yaml:5: row 2 (CBFuse): index 3 of input 0"},
    {HEADER "- [-1, 1, Conv, [16]]\n- [[0, 0], 1, CBFuse, [[0]]]\n" TAIL, "my.yaml:4: ... is no CBLinear"},
    {HEADER "- [-1, 1, Conv, [16, 3, 2]]\n- [-1, 1, Conv, [16, 3, 2]]\n- [[0, 1], 1, Concat, [1]]\n" TAIL,
     "my.yaml:5: ... 128x128"},
    {HEADER "- [-1, 1, Conv, [16]]\nhead: []\n", "my.yaml:3: row 0 (Conv): the last row must be a head"},
    {HEADER "- [-1, 1, DDetect, [nc]]\n" TAIL, "my.yaml:3: row 0 (DDetect): the head must be the last"},
    {HEADER "- [-1, 1, Conv, [16]]\nhead:\n- [-1, 1, DualDDetect, [nc]]\n", "my.yaml:5: ... 2 branches"},
    {HEADER "- [-1, 1, Conv, [16]]\n- [&x -1, 1, Conv, [16]]\n", "my.yaml:"},
    {"nc: 4\nbackbone: 3\nhead: []\n", "my.yaml:2: "},
    {"- 1\n", "my.yaml:1: "},
    {"nc: [\n", "my.yaml:"},
    {"", "my.yaml:1: "},
};

static void test_faults(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(faults); i++) {
        struct graph g;
        if (build_text(faults[i].text, &g) == OK)
            fail_msg("this table was built:\n%s", faults[i].text);
        const char *dots = strstr(faults[i].sentence, "... ");
        size_t start = dots ? (size_t)(dots - faults[i].sentence) : strlen(faults[i].sentence);
        if (strncmp(fail_text(), faults[i].sentence, start) || (dots && !strstr(fail_text(), dots + 4)))
            fail_msg("\"%s\" was expected, not \"%s\", for\n%s", faults[i].sentence, fail_text(), faults[i].text);
    }
}

/* Tables must not make us allocate without bound. */
static void test_limits(void **state)
{
    (void)state;
    struct buf text = {0};
    struct graph g;
    assert_ok(buf_printf(&text, "nc: 4\nbackbone:\n"));
    for (int r = 0; r < 990; r++)
        assert_ok(buf_printf(&text, "- [-1, 100, RepNCSPELAN4, [%d, 16, 16, 100]]\n", r ? 16 : 3));
    assert_ok(buf_printf(&text, TAIL));
    assert_int_not_equal(build_text(text.data, &g), OK);
    text.size = 0;
    assert_ok(buf_printf(&text, "nc: 4\nbackbone:\n"));
    for (int r = 0; r < 2000; r++)
        assert_ok(buf_printf(&text, "- [-1, 1, Conv, [16]]\n"));
    assert_ok(buf_printf(&text, TAIL));
    assert_int_not_equal(build_text(text.data, &g), OK);
    buf_free(&text);
    assert_int_equal(build_text(HEADER "- [-1, 1, Conv, [65536]]\n- [-1, 1, Conv, [65536, 31]]\n" TAIL, &g), E_LIMIT);
    assert_int_equal(build_text(HEADER "- [-1, 1, Conv, [48]]\n- [-1, 99, RepNCSP, [48, 99]]\n"
                                       "- [-1, 99, RepNCSP, [48, 99]]\n" TAIL,
                                &g),
                     E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals),         cmocka_unit_test(test_rows),
        cmocka_unit_test(test_row_details),    cmocka_unit_test(test_studies),
        cmocka_unit_test(test_auxiliary_rows), cmocka_unit_test(test_head_widths),
        cmocka_unit_test(test_training_names), cmocka_unit_test(test_deployed_names),
        cmocka_unit_test(test_conversion),     cmocka_unit_test(test_write),
        cmocka_unit_test(test_deployed_table), cmocka_unit_test(test_own_table),
        cmocka_unit_test(test_match),          cmocka_unit_test(test_match_faults),
        cmocka_unit_test(test_init),           cmocka_unit_test(test_faults),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
