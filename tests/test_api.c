/* The public header, used as a stranger would: a random network, a picture in memory, every fault a sentence. */
#include "core/log.h"
#include "core/mem.h"
#include "support/unit.h"
#include "weights/weights.h"
#include "yolo9.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char weights_path[] = "/tmp/yolo9-api-XXXXXX";

static int make_weights(void **state)
{
    (void)state;
    struct weights w;
    int fd = mkstemp(weights_path);
    if (fd < 0 || weights_random("gelan-t", 3, 5, &w) != OK)
        return -1;
    int rc = weights_save(weights_path, &w, false, false);
    weights_free(&w);
    return rc;
}

static int remove_weights(void **state)
{
    (void)state;
    return remove(weights_path);
}

static void test_detects(void **state)
{
    (void)state;
    struct yolo9_options options;
    yolo9_options_init(&options);
    options.height = options.width = 64;
    options.confidence = 1e-6f; /* an untrained network is sure of nothing */
    options.threads = 2;
    struct yolo9 *y = yolo9_open(weights_path, &options);
    assert_non_null(y);
    assert_int_equal(yolo9_class_count(y), 3);
    assert_string_equal(yolo9_class_name(y, 2), "2");
    assert_string_equal(yolo9_class_name(y, 3), "");
    enum { H = 50, W = 70, STRIDE = 3 * W + 10 };
    unsigned char *rgb = mem_calloc(H, STRIDE), *tight = mem_calloc(H, 3 * W);
    for (int i = 0; i < H * STRIDE; i++)
        rgb[i] = (unsigned char)(i * 2654435761u >> 24);
    for (int i = 0; i < H; i++)
        memcpy(tight + (size_t)i * 3 * W, rgb + (size_t)i * STRIDE, 3 * W);
    int n = yolo9_detect(y, rgb, H, W, STRIDE);
    assert_true(n > 0);
    struct yolo9_detection first = *yolo9_detection(y, 0);
    assert_true(first.x1 >= 0 && first.x2 <= W && first.y1 >= 0 && first.y2 <= H && first.score <= 1);
    assert_int_equal(yolo9_detect(y, tight, H, W, 0), n); /* the same picture without gaps between rows */
    assert_memory_equal(&first, yolo9_detection(y, 0), sizeof first);
    assert_null(yolo9_detection(y, n));
    assert_int_equal(yolo9_detect(y, rgb, 0, W, 0), -1);
    assert_int_equal(yolo9_detect(y, rgb, H, W, 10), -1);
    assert_int_equal(yolo9_detect_file(y, "/no/such/picture.jpg"), -1);
    assert_non_null(strstr(yolo9_error(), "/no/such/picture.jpg"));
    yolo9_close(y);
    mem_free(rgb);
    mem_free(tight);
}

/* How many boxes these weights find in a grey picture, at the size of the options or their own. */
static int count_boxes(const char *path, int size)
{
    static const unsigned char rgb[3 * 64 * 64];
    struct yolo9_options options;
    yolo9_options_init(&options);
    options.height = options.width = size;
    options.confidence = 0;
    options.iou = 1;
    options.max_detections = 30000;
    struct yolo9 *y = yolo9_open(path, &options);
    assert_non_null(y);
    int n = yolo9_detect(y, rgb, 64, 64, 0);
    yolo9_close(y);
    return n;
}

static void test_size_of_the_weights(void **state)
{
    (void)state;
    char path[sizeof weights_path + 8];
    struct weights w;
    snprintf(path, sizeof path, "%s.img", weights_path);
    assert_int_equal(weights_random("gelan-t", 3, 5, &w), OK);
    w.img_h = w.img_w = 90; /* rounded up to 96 */
    assert_int_equal(weights_save(path, &w, false, false), OK);
    weights_free(&w);
    int n = count_boxes(path, 0);
    assert_int_equal(n, count_boxes(path, 96));
    assert_true(n > count_boxes(path, 64));
    remove(path);
}

static void test_precisions(void **state)
{
    (void)state;
    static const unsigned char rgb[3 * 64 * 64];
    static const enum yolo9_precision floats[] = {YOLO9_AUTOMATIC, YOLO9_FP32, YOLO9_BF16};
    static const enum yolo9_precision all[] = {YOLO9_AUTOMATIC, YOLO9_FP32, YOLO9_BF16, YOLO9_INT8};
    char path[sizeof weights_path + 8];
    struct yolo9_options options;
    struct weights w;
    yolo9_options_init(&options);
    options.height = options.width = 64;
    for (int i = 0; i < COUNT(floats); i++) {
        options.precision = floats[i];
        struct yolo9 *y = yolo9_open(weights_path, &options);
        assert_non_null(y);
        assert_true(yolo9_detect(y, rgb, 64, 64, 0) >= 0);
        yolo9_close(y);
    }
    snprintf(path, sizeof path, "%s.int8", weights_path);
    assert_int_equal(weights_load(weights_path, NULL, &w, NULL), OK);
    assert_int_equal(weights_deploy(&w), OK);
    for (int i = 0; i < w.deployed.n_nodes; i++) {
        if (w.deployed.nodes[i].op == OP_CONV2D)
            w.deployed.nodes[i].u.conv.quant = (struct conv_quant){.on = true, .scale = 0.05f, .zero = 10};
    }
    assert_int_equal(weights_save_eight_bit(path, &w), OK);
    weights_free(&w);
    for (int i = 0; i < COUNT(all); i++) {
        options.precision = all[i];
        struct yolo9 *y = yolo9_open(path, &options);
        assert_non_null(y);
        assert_true(yolo9_detect(y, rgb, 64, 64, 0) >= 0);
        yolo9_close(y);
    }
    assert_int_equal(remove(path), 0);
}

static void test_refuses(void **state)
{
    (void)state;
    struct yolo9_options options;
    log_set_level(LOG_INFO);
    assert_null(yolo9_open("/no/such/weights.pt", NULL));
    assert_int_equal(log_level(), LOG_QUIET); /* nothing is printed */
    assert_non_null(strstr(yolo9_error(), "/no/such/weights.pt"));
    yolo9_options_init(&options);
    options.height = 100;
    assert_null(yolo9_open(weights_path, &options));
    yolo9_options_init(&options);
    options.confidence = 2;
    assert_null(yolo9_open(weights_path, &options));
    yolo9_options_init(&options);
    options.table = "no-such-network";
    assert_null(yolo9_open(weights_path, &options));
    yolo9_options_init(&options);
    options.precision = YOLO9_INT8;
    assert_null(yolo9_open(weights_path, &options));
    assert_non_null(strstr(yolo9_error(), "yolo9 quantize"));
    options.precision = (enum yolo9_precision)9;
    assert_null(yolo9_open(weights_path, &options));
    yolo9_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_detects), cmocka_unit_test(test_size_of_the_weights),
                                       cmocka_unit_test(test_precisions), cmocka_unit_test(test_refuses)};
    return cmocka_run_group_tests(tests, make_weights, remove_weights);
}
