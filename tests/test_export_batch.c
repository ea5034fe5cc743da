/* What ONNX Runtime makes of exported batches with NMS, and of 8-bit weights, against our own. */
#include "detect/nms.h"
#include "ops/cpu.h"
#include "support/runtimes.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What our own NMS makes of image `image` of the net's last batch. */
static int suppress(const struct net_under_test *n, int image, int max_det, struct detection *to)
{
    const struct head_output head = net_output(n->bench.net, 0);
    struct candidates c = {0};
    struct nms_workspace work = {0};
    int count;
    assert_ok(candidates_from_head(&c, &head, image, &(struct candidate_rule){.threshold = 0.25f}));
    assert_ok(
        nms_apply(&work, &c, &(struct nms_config){.iou_threshold = 0.45f, .max_detections = max_det}, to, &count));
    candidates_free(&c);
    nms_free(&work);
    return count;
}

enum { BATCH = 4, MOST = 5 };

/* Rows of one file's detections, image by image, at most MOST each, against ours. */
static void check_batch(struct net_under_test *n, const int dims[4], const float *x, const struct buf *theirs)
{
    const float *row = (const float *)(const void *)theirs->data;
    size_t rows = 0;
    assert_ok(net_plan(n->bench.net, dims[0], dims[2], dims[3]));
    struct tensor input = net_input(n->bench.net);
    golden_to_tensor(x, &input);
    net_forward(n->bench.net);
    for (int image = 0; image < dims[0]; image++) {
        struct detection ours[MOST];
        const int count = suppress(n, image, MOST, ours);
        assert_int_equal(count, MOST); /* the limit is reached, so that it is seen */
        for (int i = 0; i < count; i++, rows++, row += 7) {
            assert_true((rows + 1) * 7 * sizeof *row <= theirs->size);
            assert_int_equal((int)row[0], image);
            assert_int_equal((int)row[5], ours[i].class);
            for (int k = 0; k < 4; k++)
                assert_true(fabs((double)row[1 + k] - (double)ours[i].xyxy[k]) <= 0.01);
            assert_true(fabs((double)row[6] - (double)ours[i].score) <= 2e-4);
        }
    }
    assert_int_equal(rows * 7 * sizeof *row, theirs->size);
}

/* A batch of one and of four, fixed and open. */
static void nms_for_a_batch(void **state)
{
    (void)state;
    static const char *const outputs[] = {"detections", NULL};
    static const int dims[][4] = {{BATCH, 3, 64, 96}, {1, 3, 64, 96}};
    struct runtimes w;
    struct net_under_test n;
    if (!runtimes_begin(&w, ONNXRUNTIME))
        skip();
    net_open(&n, "gelan-t", NULL);
    for (int open = 0; open < 2; open++) {
        struct onnx_options o = net_export_options(&n, 64, 96);
        o.n = BATCH;
        o.dynamic = open;
        o.nms = NMS_ONNX;
        o.conf = 0.25f;
        o.iou = 0.45f;
        o.max_det = MOST;
        net_export(&w, &n, &o, open ? "open.onnx" : "fixed.onnx");
        json_t *runs = runtimes_model(&w, open ? "open.onnx" : "fixed.onnx");
        for (int i = 0; i <= open; i++) {
            float *x = net_draw_input(dims[i]);
            runtimes_add(&w, runs, open ? i ? "open1" : "open4" : "fixed", x, dims[i], outputs);
            mem_free(x);
        }
    }
    runtimes_run(&w, ONNXRUNTIME);
    for (int k = 0; k < 3; k++) {
        static const char *const name[] = {"fixed", "open4", "open1"};
        float *x = net_draw_input(dims[k == 2]);
        struct buf theirs = runtimes_result(&w, name[k], "detections");
        check_batch(&n, dims[k == 2], x, &theirs);
        buf_free(&theirs);
        mem_free(x);
    }
    net_close(&n);
    runtimes_end(&w);
}

/* Our own net with every convolution in 8 bits against the same scales in ONNX Runtime, on generated weights: integers
 * that fall on the other side of a half, and bytes kept between convolutions here, are all the difference. */
static void eight_bits(void **state)
{
    (void)state;
    static const int dims[4] = {1, 3, 64, 96};
    struct runtimes w;
    struct net_under_test n;
    struct errors e = {0};
    if (!runtimes_begin(&w, ONNXRUNTIME))
        skip();
    net_open(&n, "gelan-t", NULL);
    for (int i = 0; i < n.bench.graph.n_nodes; i++) {
        if (n.bench.graph.nodes[i].op == OP_CONV2D)
            n.bench.graph.nodes[i].u.conv.quant = (struct conv_quant){.on = true, .scale = 8 / 255.0f, .zero = 9};
    }
    const struct net_config config = {
        .backend = &cpu_backend, .team = golden_team(), .mode = RUN_INFER, .precision = PRECISION_INT8};
    net_destroy(n.bench.net);
    n.bench.net = NULL;
    assert_ok(net_create(&n.bench.graph, n.bench.params, NULL, &config, &n.bench.net));
    struct onnx_options o = net_export_options(&n, dims[2], dims[3]);
    o.eight_bit = true;
    o.opset = ONNX_OPSET_EIGHT_BIT;
    net_export(&w, &n, &o, "net.onnx");
    float *x = net_draw_input(dims);
    runtimes_add(&w, runtimes_model(&w, "net.onnx"), "bytes", x, dims, (const char *const[]){"output0", NULL});
    runtimes_run(&w, ONNXRUNTIME);
    struct buf theirs = runtimes_result(&w, "bytes", "output0");
    net_compare(&n, dims, x, &theirs, &e);
    errors_check("8-bit weights", &e, 0.05, 6, 6);
    buf_free(&theirs);
    mem_free(x);
    net_close(&n);
    runtimes_end(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nms_for_a_batch),
        cmocka_unit_test(eight_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
