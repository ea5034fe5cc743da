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
#include "support/programs.h"
#include "support/shared.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum runtime { ONNXRUNTIME, OPENCV };

static const char *runtime_name(enum runtime runtime)
{
    return runtime == OPENCV ? "OpenCV" : "ONNX Runtime";
}

struct work {
    char folder[64];
    char npm[4096];
    const char *python;
    json_t *jobs;
};

/* false: the runtime is not here, which was said. */
static bool begin(struct work *w, enum runtime runtime)
{
    *w = (struct work){0};
    if (runtime == ONNXRUNTIME ? !program_onnxruntime(w->npm, sizeof w->npm)
                               : !(w->python = program_python("cv2 numpy")))
        return false;
    program_folder(w->folder, sizeof w->folder);
    w->jobs = json_array();
    return true;
}

static void end(struct work *w)
{
    json_decref(w->jobs);
    program_remove(w->folder);
}

static char *file_in(const struct work *w, const char *name)
{
    char *path = path_join(w->folder, name);
    assert_non_null(path);
    return path;
}

static json_t *add_model(struct work *w, const char *model)
{
    char *path = file_in(w, model);
    json_t *runs = json_array();
    json_array_append_new(w->jobs, json_pack("{s:s, s:o}", "model", path, "runs", runs));
    mem_free(path);
    return runs;
}

/* `x` is (n, 3, h, w). An output goes to the file "<name>.<output>"; `outputs` ends with NULL. */
static void add_run(struct work *w, json_t *runs, const char *name, const float *x, const int dims[4],
                    const char *const *outputs)
{
    char input[128], path[256];
    snprintf(input, sizeof input, "%s/%s.input", w->folder, name);
    size_t count = (size_t)dims[0] * (size_t)dims[1] * (size_t)dims[2] * (size_t)dims[3];
    assert_int_equal(file_write(input, x, count * sizeof *x), OK);
    json_t *wanted = json_object();
    for (; *outputs; outputs++) {
        snprintf(path, sizeof path, "%s/%s.%s", w->folder, name, *outputs);
        json_object_set_new(wanted, *outputs, json_string(path));
    }
    json_array_append_new(runs, json_pack("{s:s, s:[iiii], s:o}", "input", input, "dims", dims[0], dims[1], dims[2],
                                          dims[3], "outputs", wanted));
}

static const char *const decoded[] = {"output0", NULL}, *const with_detections[] = {"output0", "detections", NULL};

static void run(const struct work *w, enum runtime runtime)
{
    char command[8192], *jobs = file_in(w, "jobs.json");
    assert_int_equal(json_write_file(jobs, w->jobs, 0), OK);
    if (runtime == ONNXRUNTIME)
        snprintf(command, sizeof command, "Y9_NPM='%s' node '%s/tests/export/onnxruntime.js' %s", w->npm, Y9_SOURCE_DIR,
                 jobs);
    else
        snprintf(command, sizeof command, "%s '%s/tests/export/opencv.py' %s", w->python, Y9_SOURCE_DIR, jobs);
    json_t *report = program_json(command);
    if (!report)
        fail_msg("%s does not run the exported files", runtime_name(runtime));
    json_decref(report);
    mem_free(jobs);
}

static struct buf result(const struct work *w, const char *name, const char *output)
{
    char path[256];
    struct buf bytes = {0};
    snprintf(path, sizeof path, "%s/%s.%s", w->folder, name, output);
    assert_int_equal(file_read(path, 1 << 28, &bytes), OK);
    return bytes;
}

/* --- errors --- */

struct errors {
    double score, box, sure_box; /* sure: where the score is above 0.25 */
    double best;                 /* largest score: a comparison of nothing would show here */
    int sure;
};

/* `ours` is (anchors, 4 + nc), `theirs` (4 + nc, anchors). */
static void compare(const float *ours, const float *theirs, int anchors, int nc, struct errors *e)
{
    for (int a = 0; a < anchors; a++) {
        const float *row = ours + (size_t)a * (size_t)(4 + nc);
        double best = 0, box = 0;
        for (int k = 0; k < 4 + nc; k++) {
            double error = fabs((double)row[k] - (double)theirs[(size_t)k * (size_t)anchors + (size_t)a]);
            error = isnan(error) ? INFINITY : error;
            if (k < 4)
                box = MAX(box, error);
            else
                e->score = MAX(e->score, error);
            if (k >= 4)
                best = MAX(best, (double)row[k]);
        }
        e->box = MAX(e->box, box);
        if (best > 0.25) {
            e->sure_box = MAX(e->sure_box, box);
            e->sure++;
        }
        e->best = MAX(e->best, best);
    }
}

static void check_errors(const char *what, const struct errors *e, double score, double box, double sure_box)
{
    print_message("%-28s scores %.2g, boxes %.2g px, %.2g px of %d above 0.25\n", what, e->score, e->box, e->sure_box,
                  e->sure);
    assert_true(e->best > 0.01);
    assert_true(e->score <= score);
    assert_true(e->box <= box);
    assert_true(e->sure_box <= sure_box);
}

/* --- our own output --- */

struct net_under_test {
    struct table table;
    struct bench bench; /* deployed */
    const char **names;
};

/* A table's network with generated parameters (support/golden.h), so that maps and scores are of a lively size. */
static void open_net(struct net_under_test *n, const char *source, const char *text)
{
    struct bench training = {0};
    struct model_options options;
    *n = (struct net_under_test){0};
    model_options_init(&options);
    enum status rc = text ? table_read(text, strlen(text), source, &n->table) : table_open(source, &n->table);
    if (rc != OK || model_build(&n->table, &options, &training.graph, NULL) != OK || bench_init(&training) != OK ||
        model_deploy(&n->table, &training.graph, &n->bench.graph) != OK)
        fail_msg("%s: %s", source, fail_text());
    bench_generate(&training, 1, 2.0);
    assert_int_equal(bench_evaluate(&training, &n->bench), OK);
    bench_free(&training);
    n->names = mem_alloc((size_t)n->bench.graph.head.nc, sizeof *n->names);
    assert_non_null(n->names);
    for (int k = 0; k < n->bench.graph.head.nc; k++)
        n->names[k] = "thing";
    assert_int_equal(bench_net(&n->bench, RUN_INFER, NULL, 0), OK);
}

static void close_net(struct net_under_test *n)
{
    mem_free(n->names);
    bench_free(&n->bench);
    table_free(&n->table);
}

static struct onnx_options net_options(const struct net_under_test *n, int h, int w)
{
    return (struct onnx_options){
        .n = 1, .h = h, .w = w, .opset = ONNX_OPSET, .model = n->table.name, .names = n->names};
}

static void write_net(const struct work *w, const struct net_under_test *n, const struct onnx_options *o,
                      const char *name)
{
    char *path = file_in(w, name);
    if (onnx_write(path, &n->bench.graph, n->bench.params, o) != OK)
        fail_msg("%s: %s", n->table.name, fail_text());
    mem_free(path);
}

/* A generated batch through our own net, compared with what a runtime gave as (n, 4 + nc, anchors). */
static float *generate_input(const int dims[4])
{
    size_t count = (size_t)dims[0] * (size_t)dims[1] * (size_t)dims[2] * (size_t)dims[3];
    float *x = mem_alloc(count, sizeof *x);
    assert_non_null(x);
    golden_uniform(3, "images", 0, 1, x, count);
    return x;
}

static void compare_net(struct net_under_test *n, const int dims[4], const float *x, const struct buf *theirs,
                        struct errors *e)
{
    if (net_plan(n->bench.net, dims[0], dims[2], dims[3]) != OK)
        fail_msg("%s", fail_text());
    struct tensor input = net_input(n->bench.net);
    golden_to_tensor(x, &input);
    net_forward(n->bench.net);
    struct head_output head = net_output(n->bench.net, 0);
    int nc = n->bench.graph.head.nc, rows = head_rows(&head), width = head_row_width(head.head);
    size_t count = (size_t)rows * (size_t)(4 + nc);
    float *ours = mem_alloc(count, sizeof *ours), *decoded_rows = mem_alloc((size_t)rows, (size_t)width * sizeof *ours);
    assert_non_null(ours);
    assert_non_null(decoded_rows);
    assert_int_equal(theirs->size, (size_t)dims[0] * count * sizeof *ours);
    for (int i = 0; i < dims[0]; i++) {
        decode_image(&head, i, decoded_rows);
        for (int r = 0; r < rows; r++) { /* a score a class, objectness and all */
            const float *row = decoded_rows + (size_t)r * (size_t)width;
            float *to = ours + (size_t)r * (size_t)(4 + nc);
            memcpy(to, row, 4 * sizeof *to);
            for (int k = 0; k < nc; k++)
                to[4 + k] = head_row_score(head.head, row, k);
        }
        compare(ours, (const float *)(const void *)theirs->data + (size_t)i * count, rows, nc, e);
    }
    mem_free(ours);
    mem_free(decoded_rows);
}

/* One network in one runtime at one or more sizes; false: the runtime is not here. */
static bool check_net(enum runtime runtime, struct net_under_test *n, bool dynamic, const int (*dims)[4], int n_dims)
{
    struct work w;
    struct errors e = {0};
    char what[96], name[16];
    if (!begin(&w, runtime))
        return false;
    struct onnx_options o = net_options(n, dims[0][2], dims[0][3]);
    o.dynamic = dynamic;
    o.n = dims[0][0];
    write_net(&w, n, &o, "net.onnx");
    json_t *runs = add_model(&w, "net.onnx");
    for (int i = 0; i < n_dims; i++) {
        float *x = generate_input(dims[i]);
        snprintf(name, sizeof name, "%d", i);
        add_run(&w, runs, name, x, dims[i], decoded);
        mem_free(x);
    }
    run(&w, runtime);
    for (int i = 0; i < n_dims; i++) {
        float *x = generate_input(dims[i]);
        snprintf(name, sizeof name, "%d", i);
        struct buf theirs = result(&w, name, "output0");
        compare_net(n, dims[i], x, &theirs, &e);
        buf_free(&theirs);
        mem_free(x);
    }
    snprintf(what, sizeof what, "%s%s, %s", n->table.name, dynamic ? " (dynamic)" : "", runtime_name(runtime));
    /* anchors make boxes of up to four times their size, 1500 pixels */
    check_errors(what, &e, 2e-4, 0.05, n->bench.graph.head.kind == HEAD_ANCHORS ? 3e-3 : 1e-3);
    end(&w);
    return true;
}

static void check_model(const char *model, bool opencv)
{
    static const int dims[][4] = {{1, 3, 64, 96}};
    struct net_under_test n;
    open_net(&n, model, NULL);
    bool ran = check_net(ONNXRUNTIME, &n, false, dims, 1);
    ran |= opencv && check_net(OPENCV, &n, false, dims, 1);
    close_net(&n);
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
    static const char rows[] = "anchors: [[19,27, 44,40], [96,68, 86,152]]\n"
                               "backbone:\n"
                               "  - [-1, 1, ReOrg, []]\n"
                               "  - [-1, 1, Conv, [8, 3, 2]]\n"
                               "  - [-1, 1, RepConv, [8, 3, 1]]\n"
                               "  - [-1, 1, Conv, [16, 3, 2]]\n"
                               "  - [-1, 1, Conv, [16, 1, 1]]\n"
                               "  - [[3, 4], 1, Shortcut, [1]]\n"
                               "  - [-1, 1, DownC, [24]]\n"
                               "  - [-1, 1, SPPCSPC, [16]]\n"
                               "head:\n"
                               "  - [[5, 7], 1, IDetect, [nc, anchors]]\n";
    static const int sizes[][4] = {{1, 3, 64, 64}, {2, 3, 96, 64}};
    bool ran = true;
    for (int nc = 1; nc <= 3 && ran; nc += 2) {
        struct net_under_test n;
        char text[sizeof rows + 16];
        snprintf(text, sizeof text, "nc: %d\n%s", nc, rows);
        open_net(&n, "mini", text);
        ran = check_net(ONNXRUNTIME, &n, true, sizes, COUNT(sizes));
        close_net(&n);
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
    open_net(&n, "gelan-t", NULL);
    bool ran = check_net(ONNXRUNTIME, &n, true, sizes, COUNT(sizes)) && check_net(ONNXRUNTIME, &n, false, batch, 1);
    close_net(&n);
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
    struct work w;
    struct net_under_test n;
    double worst = 0;
    if (!begin(&w, ONNXRUNTIME))
        skip();
    open_net(&n, "gelan-t", NULL);
    struct onnx_options o = net_options(&n, dims[2], dims[3]);
    o.raw = true;
    write_net(&w, &n, &o, "net.onnx");
    float *x = generate_input(dims);
    add_run(&w, add_model(&w, "net.onnx"), "0", x, dims, outputs);
    run(&w, ONNXRUNTIME);
    assert_int_equal(net_plan(n.bench.net, 1, dims[2], dims[3]), OK);
    struct tensor input = net_input(n.bench.net);
    golden_to_tensor(x, &input);
    net_forward(n.bench.net);
    struct head_output head = net_output(n.bench.net, 0);
    for (int k = 0; k < 6; k++) {
        struct buf theirs = result(&w, "0", outputs[k]);
        worst = fmax(worst, worst_logit(&head, k / 2, k % 2 ? 64 : 0, k % 2 ? 80 : 64, &theirs));
        buf_free(&theirs);
    }
    print_message("raw logits differ by %.2g\n", worst);
    assert_true(worst <= 1e-4);
    mem_free(x);
    close_net(&n);
    end(&w);
}

/* What no built-in network has: fused maps of ratios 22/32, 32/8 ... up and down, BN that no convolution takes in,
 * every activation that is no SiLU, GELU and ReLU as nodes of their own, three classes. */
static const char unusual_table[] = "nc: 3\n"
                                    "depth_multiple: 1.0\n"
                                    "width_multiple: 1.0\n"
                                    "anchors: 3\n"
                                    "activation: nn.ReLU()\n"
                                    "backbone:\n"
                                    "  - [-1, 1, Silence, []]\n"
                                    "  - [-1, 1, Conv, [16, 3, 2]]\n"
                                    "  - [0, 1, Conv, [16, 3, 3, None, 1, 1, nn.LeakyReLU(0.1)]]\n"
                                    "  - [-1, 1, CBLinear, [[24, 16]]]\n"
                                    "  - [[3, 1], 1, CBFuse, [[1]]]\n"
                                    "  - [-1, 1, BottleneckCSP, [24]]\n"
                                    "  - [-1, 1, CBLinear, [[16]]]\n"
                                    "  - [[6, 2], 1, CBFuse, [[0]]]\n"
                                    "  - [-1, 1, CBLinear, [[32]]]\n"
                                    "  - [5, 1, Conv, [32, 3, 2, None, 1, 1, nn.ReLU6()]]\n"
                                    "  - [-1, 1, Conv, [32, 3, 2, None, 1, 1, nn.Hardswish()]]\n"
                                    "  - [[8, -1], 1, CBFuse, [[0]]]\n"
                                    "  - [-1, 1, nn.GELU, []]\n"
                                    "  - [-1, 1, BasicBlock, [32]]\n"
                                    "  - [-1, 1, ADown, [32]]\n"
                                    "  - [-1, 1, ADown, [32]]\n"
                                    "head:\n"
                                    "  - [[13, 14, 15], 1, DDetect, [nc]]\n";

static void unusual_network(void **state)
{
    (void)state;
    static const int dims[][4] = {{1, 3, 64, 96}, {1, 3, 160, 224}};
    struct net_under_test n;
    open_net(&n, "unusual", unusual_table);
    bool ran = check_net(ONNXRUNTIME, &n, false, &dims[0], 1) && check_net(ONNXRUNTIME, &n, false, &dims[1], 1);
    close_net(&n);
    if (!ran)
        skip();
}

static void a_ratio_that_depends_on_the_size_is_refused(void **state)
{
    (void)state;
    struct net_under_test n;
    open_net(&n, "unusual", unusual_table);
    struct onnx_options o = net_options(&n, 64, 96);
    o.dynamic = true;
    assert_int_equal(onnx_write("/no/such/folder/x.onnx", &n.bench.graph, n.bench.params, &o), E_UNSUPPORTED);
    close_net(&n);
}

/* --- real weights --- */

enum { SIDE = 640, INPUTS = 13, FIRST_PHOTO = 3 };

static const char *const prepared[FIRST_PHOTO] = {"horses", "000000000139", "000000000785"};

struct real {
    struct work w;
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
    if (!begin(&r->w, runtime))
        skip();
    const char *weights = shared_file("weights/gelan-t-coco.pt");
    char *drawn = file_in(&r->w, "drawn.safetensors");
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
    end(&r->w);
}

static void write_real(struct real *r, const char *name, bool half, bool nms, bool dynamic)
{
    const struct onnx_options o = {.n = 1,
                                   .h = SIDE,
                                   .w = SIDE,
                                   .half = half,
                                   .nms = nms,
                                   .dynamic = dynamic,
                                   .conf = 0.25f,
                                   .iou = 0.45f,
                                   .max_det = 1000,
                                   .opset = ONNX_OPSET,
                                   .model = r->weights.table.name,
                                   .names = (const char *const *)r->weights.names};
    char *path = file_in(&r->w, name);
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
        add_run(&r->w, runs, name, r->x, (const int[]){1, 3, SIDE, SIDE}, outputs);
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
    struct buf theirs = result(&r->w, name, "output0");
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
    compare(ours, (const float *)(const void *)theirs.data, head.anchors, 80, e);
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
    add_real_runs(&r, add_model(&r.w, "real.onnx"), "", count, decoded);
    run(&r.w, runtime);
    for (int i = 0; i < count; i++)
        compare_real(&r, "", i, &e, &d, &n);
    snprintf(what, sizeof what, "%d pictures, %s", count, runtime_name(runtime));
    check_errors(what, &e, 2e-4, 0.05, 1e-3);
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

/* (n, 6) of x1 y1 x2 y2 score class against our own detections, in order. */
static void compare_detections(const struct buf *theirs, const struct detection *d, int n, double worst[2])
{
    assert_int_equal(theirs->size, (size_t)n * 6 * sizeof(float));
    const float *row = (const float *)(const void *)theirs->data;
    for (int i = 0; i < n; i++, row += 6) {
        for (int k = 0; k < 4; k++) {
            double edge = fmin(fmax((double)row[k], 0), SIDE); /* ours are clipped to the picture */
            worst[1] = fmax(worst[1], fabs(edge - (double)d[i].xyxy[k]));
        }
        worst[0] = fmax(worst[0], fabs((double)row[4] - (double)d[i].score));
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
    add_real_runs(&r, add_model(&r.w, "nms.onnx"), "fixed", FIRST_PHOTO, with_detections);
    add_real_runs(&r, add_model(&r.w, "dynamic.onnx"), "open", FIRST_PHOTO, with_detections);
    run(&r.w, ONNXRUNTIME);
    for (int i = 0; i < FIRST_PHOTO; i++) {
        struct errors e = {0};
        const struct detection *d;
        int n;
        char name[32];
        for (int open = 0; open < 2; open++) {
            const char *prefix = open ? "open" : "fixed";
            compare_real(&r, prefix, i, &e, &d, &n);
            snprintf(name, sizeof name, "%s%d", prefix, i);
            struct buf theirs = result(&r.w, name, "detections");
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
    add_real_runs(&r, add_model(&r.w, "half.onnx"), "", FIRST_PHOTO, decoded);
    run(&r.w, ONNXRUNTIME);
    for (int i = 0; i < FIRST_PHOTO; i++)
        compare_real(&r, "", i, &e, &d, &n);
    check_errors("16-bit weights", &e, 0.05, 16, 4);
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
