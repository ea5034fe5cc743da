/* Networks with anchor boxes from file to detection: anchors of a checkpoint's buffers, files that the official code
 * has folded, both dialects of a saved network, class outputs that move, image sizes of a network with a level of
 * stride 64. (Modules, heads and whole networks against the official code: golden cases; training:
 * test_train_anchors.c.) */
#include "core/file.h"
#include "detect/detector.h"
#include "formats/safetensors.h"
#include "ops/cpu.h"
#include "support/bench.h"
#include "support/folder.h"
#include "support/unit.h"
#include "weights/checkpoint.h"
#include "weights/report.h"
#include "weights/weights.h"
#include "yolo9.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All modules of YOLOv7, four levels, an auxiliary head; one row with an activation of its own. */
static const char table_text[] = "nc: 3\n"
                                 "anchors: [[19,27, 44,40], [96,68, 86,152], [140,301, 303,264], [436,615, 739,380]]\n"
                                 "backbone:\n"
                                 "  - [-1, 1, ReOrg, []]\n"
                                 "  - [-1, 1, Conv, [8, 3, 2]]\n"
                                 "  - [-1, 1, RepConv, [8, 3, 1]]\n"
                                 "  - [-1, 1, Conv, [16, 3, 2, None, 1, nn.LeakyReLU(0.1)]]\n"
                                 "  - [-1, 1, DownC, [16]]\n"
                                 "  - [-1, 1, MP, []]\n"
                                 "  - [-1, 1, SP, [5]]\n"
                                 "  - [-1, 1, DownC, [16]]\n"
                                 "  - [-1, 1, SPPCSPC, [16]]\n"
                                 "head:\n"
                                 "  - [3, 1, Conv, [16, 1, 1]]\n"
                                 "  - [[3, 9], 1, Shortcut, [1]]\n"
                                 "  - [[10, 4, 6, 8, 9, 4, 6, 8], 1, IAuxDetect, [nc, anchors]]\n";

static int start(void **state)
{
    folder_make(state);
    assert_int_equal(file_write(folder_path("mini.yaml"), table_text, strlen(table_text)), OK);
    return 0;
}

static void random_network(struct weights *w, uint64_t seed)
{
    assert_ok(weights_random(folder_path("mini.yaml"), 3, seed, w));
    assert_ok(weights_deploy(w));
}

/* The head's logits for one picture; the caller frees. */
static float *answer(const struct graph *g, float *params, size_t *count)
{
    const struct net_config config = {.backend = &cpu_backend, .mode = RUN_INFER};
    struct net *net;
    assert_ok(net_create(g, params, NULL, &config, &net));
    assert_ok(net_plan(net, 1, 128, 192));
    struct tensor t = net_input(net);
    float *image = mem_alloc(3 * 128 * 192, sizeof *image);
    golden_uniform(3, "image", 0, 1, image, 3 * 128 * 192);
    golden_to_tensor(image, &t);
    mem_free(image);
    net_forward(net);
    struct head_output out = net_output(net, g->n_branches - 1);
    *count = (size_t)head_rows(&out) * (size_t)head_row_width(out.head);
    float *rows = mem_alloc(*count, sizeof *rows);
    decode_image(&out, 0, rows);
    net_destroy(net);
    return rows;
}

static void assert_same_answer(struct weights *a, struct weights *b, float tolerance)
{
    size_t n, m;
    float *x = answer(&a->deployed, a->deployed_params, &n), *y = answer(&b->deployed, b->deployed_params, &m);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(x[i] - y[i]) <= tolerance * (1 + fabsf(x[i]))))
            fail_msg("value %zu is %g, then %g", i, (double)x[i], (double)y[i]);
    mem_free(x);
    mem_free(y);
}

/* --- files --- */

enum { MOST = 400 };

struct file_tensors {
    struct safetensor_source list[MOST];
    char name[MOST][96];
    int n;
};

static void add(struct file_tensors *f, const char *name, const float *data, int rank, const int *shape)
{
    assert_true(f->n < MOST);
    snprintf(f->name[f->n], sizeof f->name[0], "%s", name);
    struct safetensor_source *t = &f->list[f->n];
    *t = (struct safetensor_source){.name = f->name[f->n], .dtype = DTYPE_F32, .rank = rank, .data = data};
    for (int i = 0; i < rank; i++)
        t->shape[i] = (size_t)shape[i];
    f->n++;
}

static void add_params(struct file_tensors *f, const struct graph *g, const float *params)
{
    for (int i = 0; i < g->n_params; i++)
        add(f, g->params[i].name, params + g->params[i].first, g->params[i].rank, g->params[i].shape);
}

static void add_anchors(struct file_tensors *f, const float *pixels)
{
    add(f, "model.11.anchor_grid", pixels, 6, (const int[]){4, 1, 2, 1, 1, 2});
}

/* A state dict of tensors alone, as the official code gives it. */
static void write_bare(const struct file_tensors *f, const char *path)
{
    assert_ok(safetensors_write(path, f->list, f->n, NULL, 0));
}

static void anchors_come_from_the_buffers(void **state)
{
    (void)state;
    static struct file_tensors f;
    struct weights a, b, again;
    float pixels[16];
    for (int i = 0; i < 16; i++)
        pixels[i] = (float)(5 + 10 * i);
    random_network(&a, 1);
    f.n = 0;
    add_params(&f, &a.training, a.params);
    add_anchors(&f, pixels);
    write_bare(&f, folder_path("bare.safetensors"));
    assert_ok(weights_load(folder_path("bare.safetensors"), folder_path("mini.yaml"), &b, NULL));
    assert_int_equal(b.nc, 3);
    assert_true(b.training.head.anchor[0][1][0] == 25 && b.deployed.head.anchor[3][1][1] == 155);
    /* they stay with the network, in both of its forms */
    assert_ok(weights_deploy(&b));
    for (int deployed = 0; deployed < 2; deployed++) {
        assert_ok(weights_save(folder_path("own.safetensors"), &b, deployed, false));
        assert_ok(weights_load(folder_path("own.safetensors"), NULL, &again, NULL));
        assert_memory_equal(again.deployed.head.anchor, b.deployed.head.anchor, sizeof again.deployed.head.anchor);
        if (!deployed)
            assert_ok(weights_deploy(&again));
        assert_int_equal(again.deployed.n_branches, 1);
        assert_same_answer(&b, &again, 0);
        weights_free(&again);
    }
    pixels[3] = -1;
    write_bare(&f, folder_path("bad.safetensors"));
    assert_int_equal(weights_load(folder_path("bad.safetensors"), folder_path("mini.yaml"), &again, NULL), E_FORMAT);
    assert_non_null(strstr(fail_text(), "bad.safetensors"));
    weights_free(&a);
    weights_free(&b);
}

/* The official code folds the implicit vectors into the convolutions and leaves them in the file, and the auxiliary
 * convolutions too: they must not count twice. */
static void folded_files_keep_their_vectors(void **state)
{
    (void)state;
    static struct file_tensors f;
    struct weights a, b;
    random_network(&a, 2);
    f.n = 0;
    add_params(&f, &a.deployed, a.deployed_params);
    for (int i = 0; i < a.training.n_params; i++) {
        const struct param *p = &a.training.params[i];
        if (p->role == PARAM_IMPLICIT || strstr(p->name, ".m2."))
            add(&f, p->name, a.params + p->first, p->rank, p->shape);
    }
    write_bare(&f, folder_path("folded.safetensors"));
    assert_ok(weights_load(folder_path("folded.safetensors"), folder_path("mini.yaml"), &b, NULL));
    assert_null(b.params);
    assert_same_answer(&a, &b, 0);
    weights_free(&a);
    weights_free(&b);
}

/* Vectors that are not folded in have no place in a network without them. */
static void vectors_without_a_place_are_refused(void **state)
{
    (void)state;
    static struct file_tensors f;
    struct weights a, b;
    char plain[sizeof table_text];
    snprintf(plain, sizeof plain, "%s", table_text);
    char *head = strstr(plain, "9, 4, 6, 8], 1, IAuxDetect");
    assert_non_null(head);
    snprintf(head - 2, sizeof plain - (size_t)(head - 2 - plain), "], 1, Detect, [nc, anchors]]\n");
    assert_int_equal(file_write(folder_path("plain.yaml"), plain, strlen(plain)), OK);
    random_network(&a, 3);
    f.n = 0;
    add_params(&f, &a.training, a.params);
    write_bare(&f, folder_path("live.safetensors"));
    assert_int_equal(weights_load(folder_path("live.safetensors"), folder_path("plain.yaml"), &b, NULL), E_UNSUPPORTED);
    assert_non_null(strstr(fail_text(), "is an implicit vector, for which"));
    /* a start of training takes what fits, and reports the rest */
    struct checkpoint c;
    struct weights_report report = {0};
    assert_ok(checkpoint_open(folder_path("live.safetensors"), &c));
    assert_ok(weights_random(folder_path("plain.yaml"), 3, 1, &b));
    assert_ok(weights_transfer(&c, &b.training, b.params, NULL, &report));
    assert_true(report.taken == b.training.n_params && report.count[MISMATCH_UNEXPECTED] > 0);
    report_free(&report);
    checkpoint_close(&c);
    weights_free(&b);
    weights_free(&a);
}

/* Fine-tuning with the classes in another order: outputs move with them, box by box; a class that is new keeps its own.
 */
static void class_outputs_move(void **state)
{
    (void)state;
    static struct file_tensors f;
    struct weights a, b;
    struct checkpoint c;
    struct weights_report report = {0};
    const int rows[3] = {2, 0, -1};
    random_network(&a, 4);
    random_network(&b, 5);
    f.n = 0;
    add_params(&f, &a.training, a.params);
    write_bare(&f, folder_path("moved.safetensors"));
    assert_ok(checkpoint_open(folder_path("moved.safetensors"), &c));
    const struct param *p = &b.training.params[graph_find_param(&b.training, "model.11.m.1.bias")];
    const float own = b.params[p->first + 8 + 5 + 2], *from = a.params + p->first, *to = b.params + p->first;
    assert_ok(weights_transfer(&c, &b.training, b.params, rows, &report));
    for (int box = 0; box < 2; box++, from += 8, to += 8) {
        assert_memory_equal(to, from, 5 * sizeof *to);
        assert_true(to[5] == from[7] && to[6] == from[5]);
        assert_true(box == 0 || to[7] == own);
    }
    report_free(&report);
    checkpoint_close(&c);
    weights_free(&a);
    weights_free(&b);
}

/* --- sizes --- */

static void sides_are_multiples_of_64(void **state)
{
    (void)state;
    struct weights w;
    struct image photo = {0};
    struct detector_input in = {0};
    const struct detection *found;
    struct detector_times times;
    struct detector *d;
    int h, w_side, count;
    random_network(&w, 6);
    assert_int_equal(graph_largest_stride(&w.deployed), 64);
    assert_int_equal(graph_round_side(&w.deployed, 160), 192);
    assert_false(weights_image_size(&w, &h, &w_side));
    assert_true(h == 1280 && w_side == 1280);
    const struct detector_config config = {.h = 192, .w = 192, .rect = true, .conf = 0.01f, .iou = 0.45, .max_det = 50};
    assert_ok(detector_create(&w.deployed, w.deployed_params, &config, &d));
    assert_ok(image_init(&photo, 60, 150));
    memset(photo.data, 90, (size_t)60 * 150 * 3);
    const struct pixels seen = pixels_of_image(&photo);
    assert_ok(detector_prepare(d, &seen, &in));
    assert_int_equal(in.pixels.h, 128);
    assert_int_equal(in.pixels.w, 192);
    assert_ok(detector_run(d, &in, &found, &count, &times));
    for (int i = 0; i < count; i++)
        assert_true(found[i].score > 0.01f && found[i].xyxy[2] <= 150 && found[i].xyxy[3] <= 60);
    detector_input_free(&in);
    image_free(&photo);
    detector_destroy(d);
    weights_free(&w);
}

static void the_api_names_the_stride(void **state)
{
    (void)state;
    struct weights w;
    struct yolo9_options o;
    random_network(&w, 8);
    assert_ok(weights_save(folder_path("api.safetensors"), &w, true, false));
    weights_free(&w);
    yolo9_options_init(&o);
    o.height = o.width = 96;
    struct yolo9_weights *opened = yolo9_weights_open(folder_path("api.safetensors"), NULL);
    assert_int_equal(yolo9_weights_stride(opened), 64);
    assert_null(yolo9_detector_open(opened, &o));
    assert_non_null(strstr(yolo9_error(), "multiples of 64"));
    o.height = 128;
    o.width = 192;
    struct yolo9_detector *y = yolo9_detector_open(opened, &o);
    assert_non_null(y);
    assert_int_equal(yolo9_weights_class_count(yolo9_detector_weights(y)), 3);
    yolo9_detector_close(y);
    yolo9_weights_close(opened);
}

/* The deployed and lowered network says what the training form says. */
static void forms_agree(void **state)
{
    (void)state;
    struct weights w;
    size_t n, m;
    random_network(&w, 7);
    float *x = answer(&w.training, w.params, &n), *y = answer(&w.deployed, w.deployed_params, &m);
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        assert_true(fabsf(x[i] - y[i]) <= 2e-4f * (1 + fabsf(x[i])));
    mem_free(x);
    mem_free(y);
    weights_free(&w);
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static void assert_gflops(const struct graph *g, double want)
{
    double flops;
    assert_ok(model_count_flops(g, 640, 640, NULL, &flops));
    if (!(fabs(flops * 1e-9 - want) <= 1e-3))
        fail_msg("%.4f GFLOPs, not %.4f", flops * 1e-9, want);
}

/* Networks with anchors: the official state_dict has `anchors` and `anchor_grid` beside what is counted here. */
static void totals_are_the_official_ones(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int state, levels;
        size_t params, deployed;
        double gflops, deployed_gflops;
    } want[] = {
        {"yolov7-tiny", 344 - 2, 3, 6228762, 6219709, 13.701, 13.701},
        {"yolov7", 566 - 2, 3, 37622682, 36905341, 105.769, 104.511},
        {"yolov7-w6", 668 - 2, 4, 82312436, 70394300, 105.028, 89.929},
    };
    for (int i = 0; i < COUNT(want); i++) {
        struct table t;
        struct graph g, deployed;
        assert_ok(table_open(want[i].name, &t));
        assert_ok(model_build(&t, NULL, &g, NULL));
        assert_ok(model_deploy(&t, &g, &deployed));
        assert_int_equal(model_count_params(&g, -1), want[i].params);
        assert_int_equal(model_count_state(&g), want[i].state);
        assert_int_equal(model_count_params(&deployed, -1), want[i].deployed);
        assert_gflops(&g, want[i].gflops);
        assert_gflops(&deployed, want[i].deployed_gflops);
        assert_int_equal(g.branch[0].n_levels, want[i].levels);
        for (int l = 0; l < want[i].levels; l++)
            assert_int_equal(g.stride[l], 8 << l);
        assert_true(g.head.anchor[0][0][0] < g.head.anchor[want[i].levels - 1][2][0]);
        graph_free(&deployed);
        graph_free(&g);
        table_free(&t);
    }
}

/* A table whose anchors are listed against its strides: they are turned, and more or fewer than levels are refused. */
static void lists_of_anchors(void **state)
{
    (void)state;
    static const char rows[] = "nc: 2\nanchors: [[300,200], [30,20]%s]\nbackbone:\n- [-1, 1, Conv, [8, 3, 8]]\n"
                               "- [-1, 1, Conv, [8, 3, 2]]\nhead:\n- [[0, 1], 1, Detect, [nc, anchors]]\n";
    char text[512];
    struct table t;
    struct graph g;
    snprintf(text, sizeof text, rows, "");
    assert_ok(table_read(text, strlen(text), "turned", &t));
    assert_ok(model_build(&t, NULL, &g, NULL));
    assert_true(g.head.kind == HEAD_ANCHORS && g.head.n_anchors == 1);
    assert_true(g.head.anchor[0][0][0] == 30 && g.head.anchor[1][0][1] == 200);
    assert_int_equal(g.values[g.branch[0].level[0]].c, 7);
    graph_free(&g);
    table_free(&t);
    snprintf(text, sizeof text, rows, ", [1,2]");
    assert_ok(table_read(text, strlen(text), "three", &t));
    assert_int_not_equal(model_build(&t, NULL, &g, NULL), OK);
    assert_non_null(strstr(fail_text(), "anchors of 3 levels for 2"));
    table_free(&t);
    snprintf(text, sizeof text, rows, ", [1,2,3,4]");
    assert_int_equal(table_read(text, strlen(text), "uneven", &t), E_FORMAT);
    snprintf(text, sizeof text, rows, ", [0,2]");
    assert_int_equal(table_read(text, strlen(text), "none", &t), E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anchors_come_from_the_buffers),
        cmocka_unit_test(folded_files_keep_their_vectors),
        cmocka_unit_test(vectors_without_a_place_are_refused),
        cmocka_unit_test(class_outputs_move),
        cmocka_unit_test(sides_are_multiples_of_64),
        cmocka_unit_test(forms_agree),
        cmocka_unit_test(the_api_names_the_stride),
        cmocka_unit_test(totals_are_the_official_ones),
        cmocka_unit_test(lists_of_anchors),
    };
    return cmocka_run_group_tests_name("yolov7", tests, start, folder_remove);
}
