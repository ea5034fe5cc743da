/* YOLOv8: one table with scales, its five networks, the rules of ultralytics' tables. Digests and figures were recorded
 * from that library. */
#include "core/log.h"
#include "model/init.h"
#include "model/match.h"
#include "model/model.h"
#include "support/programs.h"
#include "support/shared.h"
#include "support/state_digest.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct built {
    struct table table;
    struct graph graph, deployed;
    const struct model_row *rows;
};

static void build_table(struct built *m, int nc)
{
    struct model_options options;
    model_options_init(&options);
    options.nc = nc;
    assert_ok(model_build(&m->table, &options, &m->graph, &m->rows));
    assert_ok(model_deploy(&m->table, &m->graph, &m->deployed));
}

static void build(struct built *m, const char *name, int nc)
{
    assert_ok(table_open(name, &m->table));
    build_table(m, nc);
}

static void release(struct built *m)
{
    graph_free(&m->deployed);
    graph_free(&m->graph);
    table_free(&m->table);
}

static void assert_digest(const struct graph *g, const char *want, int entries)
{
    char digest[24];
    int n;
    state_digest(g, digest, &n);
    assert_string_equal(digest, want);
    assert_int_equal(n, entries);
}

/* --- the five networks --- */

static const struct {
    const char *name;
    int state;
    size_t params, deployed;
    double gflops;
    const char *digest, *fused;
    int entries, fused_entries;
} networks[] = {
    {"yolov8n", 355, 3157200, 3151904, 8.743, "0x83d1aa3e66effcc0", "0xb6c3aefd8a32133e", 297, 126},
    {"yolov8s", 355, 11166560, 11156544, 28.602, "0xe922533c46489098", "0xc3002a487d5e127b", 297, 126},
    {"yolov8m", 475, 25902640, 25886080, 78.936, "0xd9867d29b8a540f3", "0x9573396ef6471ad9", 397, 166},
    {"yolov8l", 595, 43691520, 43668288, 165.147, "0xb2387e2dc406f96c", "0xd7ff7571c66e2295", 497, 206},
    {"yolov8x", 595, 68229648, 68200608, 257.803, "0x8485f224a483c116", "0x5474ee9f03810c1b", 497, 206},
};

static void test_networks(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(networks); i++) {
        struct built m;
        double flops;
        build(&m, networks[i].name, 0);
        assert_digest(&m.graph, networks[i].digest, networks[i].entries);
        assert_digest(&m.deployed, networks[i].fused, networks[i].fused_entries);
        assert_int_equal(model_count_state(&m.graph), networks[i].state);
        assert_int_equal(model_count_params(&m.graph, -1), networks[i].params);
        assert_int_equal(model_count_params(&m.deployed, -1), networks[i].deployed);
        assert_ok(model_count_flops(&m.graph, 640, 640, NULL, &flops));
        assert_true(fabs(flops / 1e9 - networks[i].gflops) < 0.0006);
        assert_ok(model_count_flops(&m.deployed, 640, 640, NULL, &flops)); /* there is no RepConv to merge */
        assert_true(fabs(flops / 1e9 - networks[i].gflops) < 0.0006);
        for (int l = 0; l < 3; l++)
            assert_int_equal(m.graph.stride[l], 8 << l);
        release(&m);
    }
}

static void test_rows(void **state)
{
    (void)state;
    static const size_t params[] = {464,    4672, 7360, 18560, 49664, 73984, 197632, 295424, 460288, 164608, 0,     0,
                                    148224, 0,    0,    37248, 36992, 0,     123648, 147712, 0,      493056, 897664};
    struct built m;
    build(&m, "yolov8n", 0);
    assert_int_equal(m.table.n_rows, COUNT(params));
    for (int r = 0; r < m.table.n_rows; r++) {
        assert_int_equal(m.rows[r].params, params[r]);
        assert_int_equal(m.rows[r].use, ROW_MAIN);
    }
    assert_string_equal(m.rows[4].args, "64, 64, 2, True"); /* the repeats are C2f's own argument: 6 * 0.33, rounded */
    assert_string_equal(m.rows[12].args, "384, 128, 1");
    release(&m);
    build(&m, "yolov8m", 0);
    assert_string_equal(m.rows[8].args, "576, 576, 2, True"); /* 1024, at most 768, times 0.75 */
    release(&m);
}

/* The class tower has at least the first level's channels, and nc of them only up to 100. */
static void test_class_tower(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int nc, width;
    } cases[] = {{"yolov8n", 80, 80}, {"yolov8n", 3, 64}, {"yolov8n", 365, 100}, {"yolov8m", 80, 192}};
    for (int i = 0; i < COUNT(cases); i++) {
        struct built m;
        build(&m, cases[i].name, cases[i].nc);
        const struct param *p = &m.graph.params[graph_find_param(&m.graph, "model.22.cv3.0.0.conv.weight")];
        assert_int_equal(p->shape[0], cases[i].width);
        release(&m);
    }
}

/* A width that equals nc is neither limited nor scaled: an accident of that library which its weights carry. */
static void test_width_of_nc(void **state)
{
    (void)state;
    static const struct {
        int nc;
        size_t params;
    } cases[] = {{127, 3354321}, {128, 3532032}, {129, 3354927}};
    for (int i = 0; i < COUNT(cases); i++) {
        struct built m;
        build(&m, "yolov8n", cases[i].nc);
        assert_int_equal(model_count_params(&m.graph, -1), cases[i].params);
        assert_int_equal(m.graph.values[m.rows[1].maps.map[0]].c, cases[i].nc == 128 ? 128 : 32);
        release(&m);
    }
}

static void test_bias(void **state)
{
    (void)state;
    struct built m;
    build(&m, "yolov8n", 3);
    float *params = mem_alloc(m.graph.param_floats, sizeof *params);
    model_init(&m.graph, 1, params);
    const struct param *box = &m.graph.params[graph_find_param(&m.graph, "model.22.cv2.1.2.bias")],
                       *cls = &m.graph.params[graph_find_param(&m.graph, "model.22.cv3.1.2.bias")];
    assert_true(params[box->first] == 1);
    assert_true(fabs((double)params[cls->first] - log(5.0 / 3 / (40.0 * 40.0))) < 1e-6);
    mem_free(params);
    release(&m);
}

/* --- users' own tables --- */

#define ROWS                                                                                    \
    "backbone: [[-1, 1, Conv, [64, 3, 2]], [-1, 3, C2f, [1024, True]], [-1, 1, SPPF, [256]]]\n" \
    "head: [[[2], 1, Detect, [nc]]]\n"
#define SCALES "nc: 5\nscales: {n: [0.33, 0.25, 1024], s: [0.5, 0.5, 512]}\n"

static int width_of(const char *name, const char *text, const char *scale)
{
    struct built m;
    assert_ok(table_read(text, strlen(text), name, &m.table));
    assert_string_equal(m.table.scale ? m.table.scale : "", scale);
    build_table(&m, 0);
    int c = m.graph.values[m.rows[1].maps.map[0]].c;
    release(&m);
    return c;
}

static void test_scale_is_chosen(void **state)
{
    (void)state;
    log_set_level(LOG_QUIET);
    assert_int_equal(width_of("yolov8s.yaml", SCALES ROWS, "s"), 256); /* by the letter of the name */
    assert_int_equal(width_of("dir/yolov8n-mine.yaml", SCALES ROWS, "n"), 256);
    assert_int_equal(width_of("mine.yaml", SCALES "scale: s\n" ROWS, "s"), 256);
    assert_int_equal(width_of("yolov8n.yaml", SCALES "scale: s\n" ROWS, "s"), 256); /* what is written wins */
    assert_int_equal(width_of("yolov8.yaml", SCALES ROWS, "n"), 256);               /* the first */
    assert_int_equal(width_of("mens.yaml", "nc: 5\nscales: {n: [1, 1, 1024], s: [1, 0.5, 512]}\n" ROWS, "n"), 1024);
    assert_int_equal(width_of("yolov8n.yaml", "nc: 5\ndepth_multiple: 0.33\nwidth_multiple: 0.25\n" ROWS, ""), 256);
    log_set_level(LOG_WARN);
}

/* 3 * 0.5 is 1.5 and 5 * 0.5 is 2.5: both round to 2, the even number. */
static void test_repeats(void **state)
{
    (void)state;
    static const char *const text = "nc: 5\nscales: {n: [0.5, 0.25, 1024]}\n"
                                    "backbone: [[-1, 3, C2f, [64]], [-1, 5, C2f, [64]], [-1, 1, C2f, [64]]]\n"
                                    "head: [[[2], 1, Detect, [nc]]]\n";
    struct built m;
    assert_ok(table_read(text, strlen(text), "yolov8n", &m.table));
    build_table(&m, 0);
    assert_string_equal(m.rows[0].args, "3, 16, 2");
    assert_string_equal(m.rows[1].args, "16, 16, 2");
    assert_string_equal(m.rows[2].args, "16, 16, 1");
    release(&m);
}

static void test_family(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"nc: 5\nbackbone: [[-1, 1, Conv, [64, 3, 2]]]\nhead: [[[0], 1, Detect, [nc]]]\n", "ultralytics"},
        {"nc: 5\nbackbone: [[-1, 1, Conv, [64, 3, 2]]]\nhead: [[[0], 1, DDetect, [nc]]]\n", "official"},
        {"nc: 5\nanchors: 3\nbackbone: [[-1, 1, Conv, [64, 3, 2]]]\nhead: [[[0], 1, Detect, [nc]]]\n", "official"},
        {"nc: 5\ndepth_multiple: 1.0\nwidth_multiple: 1.0\n" ROWS, "ultralytics"},
        {"nc: 5\nfamily: official\n" ROWS, "official"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct table t;
        assert_ok(table_read(cases[i].text, strlen(cases[i].text), "x", &t));
        assert_string_equal(t.family->name, cases[i].want);
        struct buf text = {0};
        struct table again;
        assert_ok(table_write(&t, &text));
        assert_ok(table_read(text.data, text.size, "again", &again));
        assert_string_equal(again.family->name, cases[i].want);
        table_free(&again);
        buf_free(&text);
        table_free(&t);
    }
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"nc: 5\nscales: {n: [0.33, 0.25, 1024]}\nscale: q\n" ROWS, "scale q is none of"},
        {"nc: 5\nscales: {}\n" ROWS, "scales has no entry"},
        {"nc: 5\nscales: {n: [0.33, 0.25]}\n" ROWS, "x:2: a scale"},
        {"nc: 5\nscales: {n: [0.33, 0, 1024]}\n" ROWS, "width is 0"},
        {"nc: 5\nscales: {n: [1000, 1, 1024]}\n" ROWS, "depth is 1000"},
        {"nc: 5\nscales: [1, 2, 3]\n" ROWS, "scales must be a map"},
        {"nc: 5\nfamily: french\n" ROWS, "there is no family french"},
        {"nc: 5\nmax_channels: 0\n" ROWS, "max_channels"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct table t;
        assert_int_not_equal(table_read(cases[i].text, strlen(cases[i].text), "x", &t), OK);
        if (!strstr(fail_text(), cases[i].sentence))
            fail_msg("case %d: %s", i, fail_text());
    }
    static const char *const sppf = "nc: 5\nbackbone: [[-1, 1, Conv, [64, 3, 2]], [-1, 1, SPPF, [64, 5, 3, True]]]\n"
                                    "head: [[[1], 1, Detect, [nc]]]\n";
    struct table t;
    struct graph g;
    assert_ok(table_read(sppf, strlen(sppf), "x", &t));
    assert_int_equal(model_build(&t, NULL, &g, NULL), E_UNSUPPORTED);
    assert_non_null(strstr(fail_text(), "argument add can only be False"));
    table_free(&t);
}

/* --- the verbs --- */

static char folder[64];

static void expect(const char *arguments, const char *says)
{
    char command[512];
    struct buf said = {0};
    snprintf(command, sizeof command, "cd %s && %s/yolo9 %s 2>&1", folder, Y9_BINARY_DIR, arguments);
    int code = program_run(command, false, &said);
    if (code != 0 || !strstr(said.data ? said.data : "", says))
        fail_msg("yolo9 %s: code %d, wanted \"%s\"; it said:\n%s", arguments, code, says, said.data ? said.data : "");
    buf_free(&said);
}

/* What a GELAN network can do, YOLOv8 can. */
static void test_every_verb(void **state)
{
    (void)state;
    char set[96];
    program_folder(folder, sizeof folder);
    snprintf(set, sizeof set, "%s/set", folder);
    draw_dataset(set, 10);
#define TRAIN "train --data set --img 64 --batch 4 --noplots --project runs --exist-ok "
    expect(TRAIN "--cfg yolov8n.yaml --epochs 1 --name a", "recipe yolov8");
    expect("info --weights runs/a/weights/last.safetensors", "yolov8n");
    expect(TRAIN
           "--weights runs/a/weights/last.safetensors --epochs 1 --freeze 10 --hyp yolov9 --assigner tal --name b",
           "298 of 298 tensors taken");
    expect("train --resume runs/b", "this run is finished");
    expect("val --weights runs/b/weights/last.safetensors --data set --img 64 --noplots", "results in");
    expect("convert runs/b/weights/last.safetensors deployed.safetensors --deploy", "deployed form of yolov8n");
    expect("detect --weights deployed.safetensors --img 64 --nosave --conf 0 set/images/val", "detections");
    expect("detect --weights deployed.safetensors --img 64 --nosave --half set/images/val", "pictures");
    expect("quantize --weights deployed.safetensors --data set --img 64 --images 4 --out bytes.safetensors",
           "63 of 63");
    expect("val --weights bytes.safetensors --data set --img 64 --noplots", "results in");
    expect("export --weights deployed.safetensors --img 64 --nms --out a.onnx", "yolov8n");
    expect("bench --weights bytes.safetensors --img 64 --runs 1", "int8");
    program_remove(folder);
}

static float *trained(const char *name, size_t *n)
{
    char path[160];
    struct weights w;
    snprintf(path, sizeof path, "%s/runs/%s/weights/last.safetensors", folder, name);
    assert_ok(weights_load(path, NULL, &w, NULL));
    float *params = w.params;
    *n = w.training.param_floats;
    w.params = NULL;
    weights_free(&w);
    return params;
}

/* Any network can be trained with either assigner. */
static void test_assigner_is_an_option(void **state)
{
    (void)state;
    char set[96];
    size_t n, m;
    program_folder(folder, sizeof folder);
    snprintf(set, sizeof set, "%s/set", folder);
    draw_dataset(set, 10);
    expect(TRAIN "--cfg gelan-t --epochs 2 --name own", "2 epochs done");
    expect(TRAIN "--cfg gelan-t --epochs 2 --name tal --assigner tal", "2 epochs done");
    expect(TRAIN "--cfg gelan-t --epochs 2 --name inside --assigner tal-inside", "2 epochs done");
    float *own = trained("own", &n), *tal = trained("tal", &m), *inside = trained("inside", &m);
    assert_int_equal(n, m);
    assert_memory_equal(own, tal, n * sizeof *own);
    assert_true(memcmp(own, inside, n * sizeof *own) != 0);
    mem_free(own);
    mem_free(tal);
    mem_free(inside);
    program_remove(folder);
}

/* The table of families reads graph, table and recipe. */
static void test_families(void **state)
{
    (void)state;
    char command[256];
    struct buf said = {0};
    snprintf(command, sizeof command, "%s/yolo9 info yolov8n yolov9-t --families", Y9_BINARY_DIR);
    assert_int_equal(program_run(command, false, &said), 0);
    static const char *const words[] = {"yolov8n       3.15M    8.74", "tal-inside none", "+1.28M",
                                        "yolov8: box 7.5, cls 0.5, dfl 1.5\n", "yolov9, auxiliary branch: times 0.25"};
    for (int i = 0; i < COUNT(words); i++)
        if (!strstr(said.data, words[i]))
            fail_msg("it does not say %s:\n%s", words[i], said.data);
    buf_free(&said);
    snprintf(command, sizeof command, "%s/yolo9 info yolov9-t --families --nc 3 --json -", Y9_BINARY_DIR);
    json_t *told = program_json(command), *head = json_object_get(told, "head");
    assert_int_equal(json_integer_value(json_object_get(head, "outputs_a_cell")), 4 * 16 + 3);
    assert_int_equal(json_integer_value(json_object_get(head, "branches")), 2);
    assert_string_equal(json_string_value(json_object_get(told, "assigner")), "tal");
    assert_string_equal(json_string_value(json_object_get(told, "recipe")), "yolov9");
    json_decref(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),    cmocka_unit_test(test_rows),
        cmocka_unit_test(test_class_tower), cmocka_unit_test(test_width_of_nc),
        cmocka_unit_test(test_bias),        cmocka_unit_test(test_scale_is_chosen),
        cmocka_unit_test(test_repeats),     cmocka_unit_test(test_family),
        cmocka_unit_test(test_faults),      cmocka_unit_test(test_every_verb),
        cmocka_unit_test(test_families),    cmocka_unit_test(test_assigner_is_an_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
