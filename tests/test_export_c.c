/* Exported C files, compiled as strictly as they promise and run: the head's maps are those of the plain C kernels, the
 * boxes those of NMS. Small networks of every op, both kinds of head, floats and 8 bits. `test_export_c NETWORK` does
 * it with a built-in network, two compilers, two levels and a 32-bit processor (scripts/prove-c-export). */
#include "core/file.h"
#include "detect/nms.h"
#include "export/c_source.h"
#include "model/model.h"
#include "ops/cpu.h"
#include "support/bench.h"
#include "support/folder.h"
#include "support/mini_tables.h"
#include "support/programs.h"
#include "support/runtimes.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 64, COLUMNS = 96, MOST = 100, BOX = 6 };

struct network {
    struct table table;
    struct bench bench; /* deployed */
    const char **names;
};

/* A table's text, or a built-in network. */
static void open_network(struct network *n, const char *text)
{
    struct bench training = {0};
    struct model_options options;
    *n = (struct network){0};
    model_options_init(&options);
    assert_ok(strchr(text, '\n') ? table_read(text, strlen(text), "mini", &n->table) : table_open(text, &n->table));
    assert_ok(model_build(&n->table, &options, &training.graph, NULL));
    assert_ok(bench_init(&training));
    assert_ok(model_deploy(&n->table, &training.graph, &n->bench.graph));
    bench_generate(&training, 1, 2.0);
    assert_ok(bench_evaluate(&training, &n->bench));
    bench_free(&training);
    n->names = mem_alloc((size_t)n->bench.graph.head.nc, sizeof *n->names);
    assert_non_null(n->names);
    for (int k = 0; k < n->bench.graph.head.nc; k++)
        n->names[k] = k ? "caf\xc3\xa9 \?\?= \"x\"" : "a\\b";
}

static void close_network(struct network *n)
{
    mem_free(n->names);
    bench_free(&n->bench);
    table_free(&n->table);
}

static struct c_options options_of(const struct network *n, bool eight_bit)
{
    return (struct c_options){.h = ROWS,
                              .w = COLUMNS,
                              .eight_bit = eight_bit,
                              .class_offset = head_class_offset(&n->bench.graph.head),
                              .model = "mini",
                              .names = n->names};
}

/* Every convolution reads its input in 8 bits, but for the third: its neighbours' maps are floats. */
static void put_into_eight_bits(struct network *n)
{
    int conv = 0;
    for (int i = 0; i < n->bench.graph.n_nodes; i++) {
        struct node *node = &n->bench.graph.nodes[i];
        if (node->op == OP_CONV2D)
            node->u.conv.quant = (struct conv_quant){.on = conv++ != 2, .scale = 0.031f, .zero = 19};
    }
}

/* --- ours --- */

struct answer {
    float *maps; /* cells x channels */
    size_t count;
    struct detection boxes[MOST];
    int n_boxes;
};

static void draw_picture(unsigned char *rgb)
{
    float *x = mem_alloc(ROWS * COLUMNS * 3, sizeof *x);
    assert_non_null(x);
    golden_uniform(3, "picture", 0, 256, x, ROWS * COLUMNS * 3);
    for (int i = 0; i < ROWS * COLUMNS * 3; i++)
        rgb[i] = (unsigned char)x[i];
    mem_free(x);
}

static void run_ours(struct network *n, bool eight_bit, const unsigned char *rgb, struct answer *a)
{
    const struct net_config config = {.backend = &cpu_backend,
                                      .mode = RUN_INFER,
                                      .exact = true,
                                      .precision = eight_bit ? PRECISION_INT8 : PRECISION_FP32};
    struct net *net;
    struct candidates candidates = {0};
    struct nms_workspace work = {0};
    assert_ok(net_create(&n->bench.graph, n->bench.params, NULL, &config, &net));
    assert_ok(net_plan(net, 1, ROWS, COLUMNS));
    struct tensor input = net_input(net);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        for (int c = 0; c < 3; c++)
            tensor_pixel(&input, 0, i / COLUMNS, i % COLUMNS)[c] = (float)rgb[3 * i + c] / 255;
    net_forward(net);
    const struct head_output head = net_output(net, 0);
    a->count = (size_t)head.anchors * (size_t)head.channels;
    a->maps = mem_alloc(a->count, sizeof *a->maps);
    assert_non_null(a->maps);
    for (int i = 0; i < head.anchors; i++)
        memcpy(a->maps + (size_t)i * (size_t)head.channels, head.logits + (size_t)i * head.stride,
               (size_t)head.channels * sizeof(float));
    assert_ok(candidates_from_head(&candidates, &head, 0, &(struct candidate_rule){.threshold = 0.25f}));
    assert_ok(nms_apply(&work, &candidates,
                        &(struct nms_config){.iou_threshold = 0.45f,
                                             .max_detections = MOST,
                                             .class_offset = head_class_offset(&n->bench.graph.head)},
                        a->boxes, &a->n_boxes));
    candidates_free(&candidates);
    nms_free(&work);
    net_destroy(net);
}

/* --- theirs --- */

static const char strict[] = "-std=c99 -pedantic -Wall -Wextra -Werror";

static void shell(const char *command)
{
    struct buf said = {0};
    if (program_run(command, true, &said) != 0)
        fail_msg("%s: %s", command, said.data);
    buf_free(&said);
}

/* A compiler, and what runs the programs that it makes. */
struct way {
    const char *compiler, *runner;
};

static void run_theirs(const struct way *way, const unsigned char *rgb, struct buf *result)
{
    char command[1024];
    assert_ok(file_write(folder_path("picture.rgb"), rgb, ROWS * COLUMNS * 3));
    snprintf(command, sizeof command, "%s %s -I%s -o %s/run %s/tests/export/c_driver.c %s/net.c -lm", way->compiler,
             strict, folder, folder, Y9_SOURCE_DIR, folder);
    shell(command);
    snprintf(command, sizeof command, "%s %s/run %s/picture.rgb %s/results", way->runner, folder, folder, folder);
    shell(command);
    assert_ok(file_read(folder_path("results"), 1 << 24, result));
}

/* Maps within `error`; boxes in the same order, within 0.01 pixels. */
static void compare(const struct answer *ours, const struct buf *theirs, double error)
{
    const float *x = (const float *)(const void *)theirs->data, *box = x + ours->count;
    double worst = 0, farthest = 0;
    assert_int_equal(theirs->size, (ours->count + (size_t)ours->n_boxes * BOX) * sizeof *x);
    for (size_t i = 0; i < ours->count; i++) {
        assert_true(isfinite(x[i]));
        worst = fmax(worst, fabs((double)x[i] - (double)ours->maps[i]));
    }
    for (int i = 0; i < ours->n_boxes; i++, box += BOX) {
        for (int k = 0; k < 4; k++)
            farthest = fmax(farthest, fabs((double)box[k] - (double)ours->boxes[i].xyxy[k]));
        assert_true(fabsf(box[4] - ours->boxes[i].score) <= 1e-4f);
        assert_int_equal((int)box[5], ours->boxes[i].class);
    }
    print_message("maps differ by %.2g, %d boxes by %.2g px\n", worst, ours->n_boxes, farthest);
    assert_true(worst <= error);
    assert_true(ours->n_boxes > 0);
    assert_true(farthest <= 0.01);
}

static const struct way *ways_of_a_test(int *count)
{
    static const struct way with_clang[] = {{"gcc -O1", ""}, {"clang -O1", ""}}, without[] = {{"gcc -O1", ""}};
    struct buf said = {0};
    const bool there = program_run("clang --version 2>&1", false, &said) == 0;
    buf_free(&said);
    *count = there ? COUNT(with_clang) : COUNT(without);
    return there ? with_clang : without;
}

static void check_ways(const char *table, bool eight_bit, double error, const struct way *ways, int count)
{
    static unsigned char rgb[ROWS * COLUMNS * 3];
    struct network n;
    struct answer ours = {0};
    struct c_sizes sizes;
    open_network(&n, table);
    if (eight_bit)
        put_into_eight_bits(&n);
    const struct c_options o = options_of(&n, eight_bit);
    assert_ok(c_source_write(folder_path("net.c"), &n.bench.graph, n.bench.params, &o, &sizes));
    assert_true(sizes.weights > 0 && sizes.arena > 0);
    draw_picture(rgb);
    run_ours(&n, eight_bit, rgb, &ours);
    for (int i = 0; i < count; i++) {
        struct buf theirs = {0};
        run_theirs(&ways[i], rgb, &theirs);
        print_message("%s: ", ways[i].compiler);
        compare(&ours, &theirs, error);
        buf_free(&theirs);
    }
    mem_free(ours.maps);
    close_network(&n);
}

static void check(const char *table, bool eight_bit, double error)
{
    int count;
    const struct way *ways = ways_of_a_test(&count);
    check_ways(table, eight_bit, error, ways, count);
}

/* What the networks of YOLOv9 are made of. */
static const char usual[] = "nc: 2\nbackbone:\n"
                            "  - [-1, 1, Conv, [16, 3, 2]]\n"
                            "  - [-1, 1, Conv, [16, 3, 2]]\n"
                            "  - [-1, 1, ELAN1, [16, 16, 8]]\n"
                            "  - [-1, 1, AConv, [32]]\n"
                            "  - [-1, 1, RepNCSPELAN4, [32, 32, 16, 1]]\n"
                            "  - [-1, 1, ADown, [32]]\n"
                            "  - [-1, 1, SPPELAN, [32, 16]]\n"
                            "head:\n"
                            "  - [-1, 1, nn.Upsample, [None, 2, 'nearest']]\n"
                            "  - [[-1, 4], 1, Concat, [1]]\n"
                            "  - [-1, 1, RepNCSPELAN4, [32, 32, 16, 1]]\n"
                            "  - [[9, 6], 1, DDetect, [nc]]\n";

static const char anchored[] = "nc: 2\n" MINI_ANCHORS;

static void floats(void **state)
{
    (void)state;
    check(usual, false, 1e-5);
}

static void rare_ops(void **state)
{
    (void)state;
    check(unusual_table, false, 1e-4);
}

static void anchor_boxes(void **state)
{
    (void)state;
    check(anchored, false, 1e-4);
}

/* The same integers, and the same floats made of them. */
static void eight_bits(void **state)
{
    (void)state;
    check(usual, true, 0);
}

static void what_cannot_be_had_is_said(void **state)
{
    (void)state;
    struct network n;
    struct c_sizes sizes;
    open_network(&n, usual);
    struct c_options o = options_of(&n, false);
    assert_int_equal(c_source_write(folder_path("net.h"), &n.bench.graph, n.bench.params, &o, &sizes), E_ARGUMENT);
    o.w = 100;
    assert_int_equal(c_source_write(folder_path("bad.c"), &n.bench.graph, n.bench.params, &o, &sizes), E_ARGUMENT);
    o.w = COLUMNS;
    n.bench.params[n.bench.graph.params[0].first] = NAN;
    assert_int_equal(c_source_write(folder_path("bad.c"), &n.bench.graph, n.bench.params, &o, &sizes), E_NUMERIC);
    assert_non_null(strstr(fail_text(), n.bench.graph.params[0].name));
    close_network(&n);
    struct file_map map;
    assert_int_equal(file_map_open(folder_path("bad.c"), &map), E_IO);
}

static void names_begin_with_that_of_the_file(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"a/b/detector.c", "detector"}, {"my net-2.c", "my_net_2"}, {"320.c", "net_320"}};
    for (int i = 0; i < COUNT(pairs); i++) {
        char *prefix = c_source_prefix(pairs[i][0]);
        assert_string_equal(prefix, pairs[i][1]);
        mem_free(prefix);
    }
}

/* A network that the command line names. */
static const char *named;

static void named_network(void **state)
{
    static const struct way ways[] = {{"gcc -O1", ""},
                                      {"gcc -O3", ""},
                                      {"clang -O2", ""},
                                      {"arm-linux-gnueabihf-gcc -O2", "qemu-arm -L /usr/arm-linux-gnueabihf"}};
    (void)state;
    for (int eight_bit = 0; eight_bit < 2; eight_bit++) {
        print_message("%s, %s\n", named, eight_bit ? "8 bits" : "floats");
        check_ways(named, eight_bit, eight_bit ? 0 : 1e-4, ways, COUNT(ways));
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_begin_with_that_of_the_file),
        cmocka_unit_test(floats),
        cmocka_unit_test(rare_ops),
        cmocka_unit_test(anchor_boxes),
        cmocka_unit_test(eight_bits),
        cmocka_unit_test(what_cannot_be_had_is_said),
    };
    static const struct CMUnitTest of_a_network[] = {cmocka_unit_test(named_network)};
    setenv("Y9_CPU", "c", 1); /* the kernels whose sums the files make */
    named = argc > 1 ? argv[1] : NULL;
    return named ? cmocka_run_group_tests(of_a_network, folder_make, folder_remove)
                 : cmocka_run_group_tests(tests, folder_make, folder_remove);
}
