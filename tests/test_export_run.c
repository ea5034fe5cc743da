/* Exported files in other people's programs, against our own output of the same network and input: ONNX Runtime and
 * OpenCV, where they are. Whole detections come from the real weights on real photos where those are
 * (support/shared.h), else from drawn weights on drawn pictures. */
#include "core/file.h"
#include "core/path.h"
#include "data/synth.h"
#include "detect/decode.h"
#include "detect/detector.h"
#include "export/onnx.h"
#include "formats/json.h"
#include "image/decode.h"
#include "model/model.h"
#include "support/bench.h"
#include "support/mini_tables.h"
#include "support/runtimes.h"
#include "support/shared.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const decoded[] = {"output0", NULL}, *const with_detections[] = {"output0", "detections", NULL};

/* One network in one runtime at one or more sizes; false: the runtime is not here. */
static bool check_net(enum runtime runtime, struct net_under_test *n, bool dynamic, const int (*dims)[4], int n_dims)
{
    struct runtimes w;
    struct errors e = {0};
    char what[96], name[16];
    if (!runtimes_begin(&w, runtime))
        return false;
    struct onnx_options o = net_export_options(n, dims[0][2], dims[0][3]);
    o.dynamic = dynamic;
    o.n = dims[0][0];
    net_export(&w, n, &o, "net.onnx");
    json_t *runs = runtimes_model(&w, "net.onnx");
    for (int i = 0; i < n_dims; i++) {
        float *x = net_draw_input(dims[i]);
        snprintf(name, sizeof name, "%d", i);
        runtimes_add(&w, runs, name, x, dims[i], decoded);
        mem_free(x);
    }
    runtimes_run(&w, runtime);
    for (int i = 0; i < n_dims; i++) {
        float *x = net_draw_input(dims[i]);
        snprintf(name, sizeof name, "%d", i);
        struct buf theirs = runtimes_result(&w, name, "output0");
        net_compare(n, dims[i], x, &theirs, &e);
        buf_free(&theirs);
        mem_free(x);
    }
    snprintf(what, sizeof what, "%s%s, %s", n->table.name, dynamic ? " (dynamic)" : "", runtime_name(runtime));
    /* anchors make boxes of up to four times their size, 1500 pixels */
    errors_check(what, &e, 2e-4, 0.05, n->bench.graph.head.kind == HEAD_ANCHORS ? 3e-3 : 1e-3);
    runtimes_end(&w);
    return true;
}

static void check_model(const char *model, bool opencv)
{
    static const int dims[][4] = {{1, 3, 64, 96}};
    struct net_under_test n;
    net_open(&n, model, NULL);
    bool ran = check_net(ONNXRUNTIME, &n, false, dims, 1);
    ran |= opencv && check_net(OPENCV, &n, false, dims, 1);
    net_close(&n);
    if (!ran)
        skip();
}

static void gelan_t(void **state)
{
    (void)state;
    check_model("gelan-t", true);
}

static void yolov8n(void **state)
{
    (void)state;
    check_model("yolov8n", true);
}

/* Anchors and leaky ReLU. */
static void yolov7_tiny(void **state)
{
    (void)state;
    check_model("yolov7-tiny", true);
}

/* ReOrg, RepConv's identity, a Shortcut and four levels, at sizes that the file does not know; and one class, whose
 * score is the objectness. */
static void anchors_at_any_size(void **state)
{
    (void)state;
    static const char rows[] = MINI_ANCHORS;
    static const int sizes[][4] = {{1, 3, 64, 64}, {2, 3, 96, 64}};
    bool ran = true;
    for (int nc = 1; nc <= 3 && ran; nc += 2) {
        struct net_under_test n;
        char text[sizeof rows + 16];
        snprintf(text, sizeof text, "nc: %d\n%s", nc, rows);
        net_open(&n, "mini", text);
        ran = check_net(ONNXRUNTIME, &n, true, sizes, COUNT(sizes));
        net_close(&n);
    }
    if (!ran)
        skip();
}

static void gelan_c(void **state)
{
    (void)state;
    check_model("gelan-c", false);
}

/* CBFuse */
static void gelan_e(void **state)
{
    (void)state;
    check_model("gelan-e", true);
}

static void open_sizes_and_batches(void **state)
{
    (void)state;
    static const int sizes[][4] = {{1, 3, 64, 64}, {2, 3, 96, 64}, {1, 3, 32, 160}}, batch[][4] = {{3, 3, 64, 64}};
    struct net_under_test n;
    net_open(&n, "gelan-t", NULL);
    bool ran = check_net(ONNXRUNTIME, &n, true, sizes, COUNT(sizes)) && check_net(ONNXRUNTIME, &n, false, batch, 1);
    net_close(&n);
    if (!ran)
        skip();
}

/* One map (c, h, w) of theirs against channels first..first+c of our logits of level l. */
static double worst_logit(const struct head_output *head, int l, int first, int c, const struct buf *theirs)
{
    double worst = 0;
    int places = head->level[l].h * head->level[l].w;
    assert_int_equal(theirs->size, (size_t)c * (size_t)places * sizeof(float));
    const float *map = (const float *)(const void *)theirs->data;
    for (int k = 0; k < c; k++) {
        for (int i = 0; i < places; i++) {
            size_t at = (size_t)(head->level[l].first + i) * head->stride + (size_t)(first + k);
            double error = fabs((double)head->logits[at] - (double)map[(size_t)k * (size_t)places + (size_t)i]);
            worst = isnan(error) ? INFINITY : MAX(worst, error);
        }
    }
    return worst;
}

static void raw_maps(void **state)
{
    (void)state;
    static const char *const outputs[] = {"box_8", "cls_8", "box_16", "cls_16", "box_32", "cls_32", NULL};
    static const int dims[] = {1, 3, 64, 96};
    struct runtimes w;
    struct net_under_test n;
    double worst = 0;
    if (!runtimes_begin(&w, ONNXRUNTIME))
        skip();
    net_open(&n, "gelan-t", NULL);
    struct onnx_options o = net_export_options(&n, dims[2], dims[3]);
    o.raw = true;
    net_export(&w, &n, &o, "net.onnx");
    float *x = net_draw_input(dims);
    runtimes_add(&w, runtimes_model(&w, "net.onnx"), "0", x, dims, outputs);
    runtimes_run(&w, ONNXRUNTIME);
    assert_int_equal(net_plan(n.bench.net, 1, dims[2], dims[3]), OK);
    struct tensor input = net_input(n.bench.net);
    golden_to_tensor(x, &input);
    net_forward(n.bench.net);
    struct head_output head = net_output(n.bench.net, 0);
    for (int k = 0; k < 6; k++) {
        struct buf theirs = runtimes_result(&w, "0", outputs[k]);
        worst = fmax(worst, worst_logit(&head, k / 2, k % 2 ? 64 : 0, k % 2 ? 80 : 64, &theirs));
        buf_free(&theirs);
    }
    print_message("raw logits differ by %.2g\n", worst);
    assert_true(worst <= 1e-4);
    mem_free(x);
    net_close(&n);
    runtimes_end(&w);
}

static void unusual_network(void **state)
{
    (void)state;
    static const int dims[][4] = {{1, 3, 64, 96}, {1, 3, 160, 224}};
    struct net_under_test n;
    net_open(&n, "unusual", unusual_table);
    bool ran = check_net(ONNXRUNTIME, &n, false, &dims[0], 1) && check_net(ONNXRUNTIME, &n, false, &dims[1], 1);
    net_close(&n);
    if (!ran)
        skip();
}

static void a_ratio_that_depends_on_the_size_is_refused(void **state)
{
    (void)state;
    struct net_under_test n;
    net_open(&n, "unusual", unusual_table);
    struct onnx_options o = net_export_options(&n, 64, 96);
    o.dynamic = true;
    assert_int_equal(onnx_write("/no/such/folder/x.onnx", &n.bench.graph, n.bench.params, &o), E_UNSUPPORTED);
    net_close(&n);
}

/* --- real weights --- */

enum { SIDE = 640, INPUTS = 13, FIRST_PHOTO = 3 };

static const char *const prepared[FIRST_PHOTO] = {"horses", "000000000139", "000000000785"};

struct real {
    struct runtimes w;
    struct weights weights;
    struct team *team;
    struct detector *detector;
    struct image image; /* letterboxed */
    float *x;           /* (3, SIDE, SIDE) */
};

static void open_real(struct real *r, enum runtime runtime)
{
    struct detector_config config = {.h = SIDE, .w = SIDE, .conf = 0.25f, .iou = 0.45, .max_det = 1000};
    *r = (struct real){0};
    if (!runtimes_begin(&r->w, runtime))
        skip();
    const char *weights = shared_file("weights/gelan-t-coco.pt");
    char *drawn = runtimes_file(&r->w, "drawn.safetensors");
    if (!weights)
        draw_weights(drawn);
    if (weights_load(weights ? weights : drawn, NULL, &r->weights, NULL) != OK)
        fail_msg("%s", fail_text());
    mem_free(drawn);
    assert_int_equal(weights_deploy(&r->weights), OK);
    r->team = golden_team();
    config.team = r->team;
    assert_int_equal(detector_create(&r->weights.deployed, r->weights.deployed_params, &config, &r->detector), OK);
    r->x = mem_alloc(3 * SIDE * SIDE, sizeof *r->x);
    assert_non_null(r->x);
}

static void close_real(struct real *r)
{
    detector_destroy(r->detector);
    weights_free(&r->weights);
    image_free(&r->image);
    mem_free(r->x);
    runtimes_end(&r->w);
}

static void write_real(struct real *r, const char *name, bool half, bool nms, bool dynamic)
{
    const struct onnx_options o = {.n = 1,
                                   .h = SIDE,
                                   .w = SIDE,
                                   .half = half,
                                   .nms = nms ? NMS_ONNX : NMS_NONE,
                                   .dynamic = dynamic,
                                   .conf = 0.25f,
                                   .iou = 0.45f,
                                   .max_det = 1000,
                                   .opset = ONNX_OPSET,
                                   .model = r->weights.table.name,
                                   .names = (const char *const *)r->weights.names};
    char *path = runtimes_file(&r->w, name);
    if (onnx_write(path, &r->weights.deployed, r->weights.deployed_params, &o) != OK)
        fail_msg("%s", fail_text());
    mem_free(path);
}

static void prepared_input(struct real *r, const char *stem)
{
    char name[64];
    struct buf bytes = {0};
    snprintf(name, sizeof name, "weights/%s.u8", stem);
    assert_int_equal(file_read(shared_file(name), 3 * SIDE * SIDE, &bytes), OK);
    assert_int_equal(image_init(&r->image, SIDE, SIDE), OK);
    memcpy(r->image.data, bytes.data, 3 * SIDE * SIDE);
    buf_free(&bytes);
}

static void photo_input(struct real *r, const char *folder, int i)
{
    char **names, path[4096];
    int n;
    struct image photo = {0};
    struct detector_input input = {0};
    assert_int_equal(path_list(folder, &names, &n), OK);
    assert_true(n >= INPUTS);
    snprintf(path, sizeof path, "%s/%s", folder, names[i * 9 % n]);
    assert_int_equal(image_read(path, &photo), OK);
    const struct pixels seen = pixels_of_image(&photo);
    assert_int_equal(detector_prepare(r->detector, &seen, &input), OK);
    assert_int_equal(image_copy(&input.pixels, &r->image), OK);
    image_free(&photo);
    detector_input_free(&input);
    path_list_free(names, n);
}

/* Input i: three prepared ones, then photos, or drawn pictures in their place; into r->image and r->x. */
static void real_input(struct real *r, int i)
{
    const char *photos = shared_file("data/coco128/images/train2017");
    struct synth_picture drawn = {0};
    if (!photos) {
        assert_int_equal(synth_draw(5, (uint64_t)i, SYNTH_MAX_CLASSES, SIDE, SIDE, &drawn), OK);
        assert_int_equal(image_copy(&drawn.image, &r->image), OK);
        image_free(&drawn.image);
    } else if (i < FIRST_PHOTO) {
        prepared_input(r, prepared[i]);
    } else {
        photo_input(r, photos, i);
    }
    for (int k = 0; k < SIDE * SIDE; k++)
        for (int c = 0; c < 3; c++)
            r->x[c * SIDE * SIDE + k] = (float)r->image.data[3 * k + c] / 255.0f;
}

static void add_real_runs(struct real *r, json_t *runs, const char *prefix, int count, const char *const *outputs)
{
    char name[32];
    for (int i = 0; i < count; i++) {
        real_input(r, i);
        snprintf(name, sizeof name, "%s%d", prefix, i);
        runtimes_add(&r->w, runs, name, r->x, (const int[]){1, 3, SIDE, SIDE}, outputs);
    }
}

/* Our detections of input i, and the whole decoded output in `e` against a result. */
static void compare_real(struct real *r, const char *prefix, int i, struct errors *e, const struct detection **d,
                         int *n)
{
    char name[32];
    struct detector_times times;
    struct detector_input input = {0};
    snprintf(name, sizeof name, "%s%d", prefix, i);
    struct buf theirs = runtimes_result(&r->w, name, "output0");
    real_input(r, i);
    const struct pixels seen = pixels_of_image(&r->image);
    assert_int_equal(detector_prepare(r->detector, &seen, &input), OK);
    assert_int_equal(detector_run(r->detector, &input, d, n, &times), OK);
    detector_input_free(&input);
    struct head_output head = net_output(detector_net(r->detector), 0);
    float *ours = mem_alloc((size_t)head.anchors * 84, sizeof *ours);
    assert_non_null(ours);
    assert_int_equal(theirs.size, (size_t)head.anchors * 84 * sizeof *ours);
    decode_image(&head, 0, ours);
    errors_decoded(ours, (const float *)(const void *)theirs.data, head.anchors, 80, e);
    mem_free(ours);
    buf_free(&theirs);
}

static void check_real(enum runtime runtime, int count)
{
    struct real r;
    struct errors e = {0};
    const struct detection *d;
    int n;
    char what[96];
    open_real(&r, runtime);
    write_real(&r, "real.onnx", false, false, false);
    add_real_runs(&r, runtimes_model(&r.w, "real.onnx"), "", count, decoded);
    runtimes_run(&r.w, runtime);
    for (int i = 0; i < count; i++)
        compare_real(&r, "", i, &e, &d, &n);
    snprintf(what, sizeof what, "%d pictures, %s", count, runtime_name(runtime));
    errors_check(what, &e, 2e-4, 0.05, 1e-3);
    assert_true(e.sure > 10 * count);
    close_real(&r);
}

static void real_weights_in_onnxruntime(void **state)
{
    (void)state;
    check_real(ONNXRUNTIME, INPUTS);
}

static void real_weights_in_opencv(void **state)
{
    (void)state;
    check_real(OPENCV, FIRST_PHOTO);
}

/* (n, 7) of image x1 y1 x2 y2 class score against our own detections, in order. */
static void compare_detections(const struct buf *theirs, const struct detection *d, int n, double worst[2])
{
    assert_int_equal(theirs->size, (size_t)n * 7 * sizeof(float));
    const float *row = (const float *)(const void *)theirs->data;
    for (int i = 0; i < n; i++, row += 7) {
        assert_int_equal((int)row[0], 0);
        for (int k = 0; k < 4; k++) {
            double edge = fmin(fmax((double)row[1 + k], 0), SIDE); /* ours are clipped to the picture */
            worst[1] = fmax(worst[1], fabs(edge - (double)d[i].xyxy[k]));
        }
        worst[0] = fmax(worst[0], fabs((double)row[6] - (double)d[i].score));
        assert_int_equal((int)row[5], d[i].class);
    }
}

static void nms_in_the_graph_gives_our_detections(void **state)
{
    (void)state;
    struct real r;
    int total = 0;
    double worst[2] = {0, 0};
    open_real(&r, ONNXRUNTIME);
    write_real(&r, "nms.onnx", false, true, false);
    write_real(&r, "dynamic.onnx", false, true, true);
    add_real_runs(&r, runtimes_model(&r.w, "nms.onnx"), "fixed", FIRST_PHOTO, with_detections);
    add_real_runs(&r, runtimes_model(&r.w, "dynamic.onnx"), "open", FIRST_PHOTO, with_detections);
    runtimes_run(&r.w, ONNXRUNTIME);
    for (int i = 0; i < FIRST_PHOTO; i++) {
        struct errors e = {0};
        const struct detection *d;
        int n;
        char name[32];
        for (int open = 0; open < 2; open++) {
            const char *prefix = open ? "open" : "fixed";
            compare_real(&r, prefix, i, &e, &d, &n);
            snprintf(name, sizeof name, "%s%d", prefix, i);
            struct buf theirs = runtimes_result(&r.w, name, "detections");
            compare_detections(&theirs, d, n, worst);
            buf_free(&theirs);
            total += n;
        }
    }
    print_message("%d detections: scores %.2g, boxes %.2g px\n", total, worst[0], worst[1]);
    assert_true(total > 20);
    assert_true(worst[0] <= 2e-4);
    assert_true(worst[1] <= 2e-3);
    close_real(&r);
}

/* Weights and maps of 11 bits of precision. The weights of this file are half-precision numbers already; where the
 * runtime computes in float32 after all, as on most processors, nothing is lost. */
static void half_precision(void **state)
{
    (void)state;
    struct real r;
    struct errors e = {0};
    const struct detection *d;
    int n;
    open_real(&r, ONNXRUNTIME);
    write_real(&r, "half.onnx", true, false, false);
    add_real_runs(&r, runtimes_model(&r.w, "half.onnx"), "", FIRST_PHOTO, decoded);
    runtimes_run(&r.w, ONNXRUNTIME);
    for (int i = 0; i < FIRST_PHOTO; i++)
        compare_real(&r, "", i, &e, &d, &n);
    errors_check("16-bit weights", &e, 0.05, 16, 4);
    close_real(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gelan_t),
        cmocka_unit_test(yolov8n),
        cmocka_unit_test(yolov7_tiny),
        cmocka_unit_test(anchors_at_any_size),
        cmocka_unit_test(gelan_c),
        cmocka_unit_test(gelan_e),
        cmocka_unit_test(open_sizes_and_batches),
        cmocka_unit_test(raw_maps),
        cmocka_unit_test(unusual_network),
        cmocka_unit_test(a_ratio_that_depends_on_the_size_is_refused),
        cmocka_unit_test(real_weights_in_onnxruntime),
        cmocka_unit_test(real_weights_in_opencv),
        cmocka_unit_test(nms_in_the_graph_gives_our_detections),
        cmocka_unit_test(half_precision),
    };
    return cmocka_run_group_tests_name("export_run", tests, NULL, NULL);
}
