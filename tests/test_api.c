/* The public header, used as a stranger would: a random network, pictures in every form, every fault a sentence. */
#include "core/file.h"
#include "core/mem.h"
#include "image/encode.h"
#include "support/folder.h"
#include "support/shared.h"
#include "support/unit.h"
#include "weights/weights.h"
#include "yolo9.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 64, H = 50, W = 71 };

static struct yolo9_weights *weights;

static int make_weights(void **state)
{
    if (folder_make(state))
        return -1;
    draw_weights(folder_path("w.safetensors"));
    weights = yolo9_weights_open(folder_path("w.safetensors"), NULL);
    return weights ? 0 : -1;
}

static int remove_weights(void **state)
{
    yolo9_weights_close(weights);
    return folder_remove(state);
}

static struct yolo9_options options_for(int batch)
{
    struct yolo9_options o;
    yolo9_options_init(&o);
    o.height = o.width = SIDE;
    o.confidence = 1e-6;
    o.threads = 2;
    o.batch = batch;
    return o;
}

static struct yolo9_detector *open_detector(int batch)
{
    const struct yolo9_options o = options_for(batch);
    struct yolo9_detector *d = yolo9_detector_open(weights, &o);
    assert_non_null(d);
    return d;
}

/* Pixels that look like noise, of a seed. */
static void draw(unsigned char *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(((unsigned)i + seed * 977) * 2654435761u >> 24);
}

static void assert_same_boxes(const struct yolo9_result *r, const struct yolo9_result *s)
{
    assert_non_null(r);
    assert_non_null(s);
    assert_true(r->count > 0);
    assert_int_equal(r->count, s->count);
    assert_memory_equal(r->detections, s->detections, (size_t)r->count * sizeof *r->detections);
}

/* What `d` finds in the picture is what `r` says. */
static void assert_finds(struct yolo9_detector *d, const struct yolo9_picture *p, const struct yolo9_result *r)
{
    if (yolo9_detect(d, p, 1) != YOLO9_OK)
        fail_msg("%s", yolo9_error());
    assert_same_boxes(yolo9_detector_result(d, 0), r);
}

static void every_order_of_bytes_is_one_picture(void **state)
{
    (void)state;
    static const int places[][4] = {[YOLO9_RGB] = {0, 1, 2, 3},
                                    [YOLO9_BGR] = {2, 1, 0, 3},
                                    [YOLO9_RGBA] = {0, 1, 2, 4},
                                    [YOLO9_BGRA] = {2, 1, 0, 4}};
    struct yolo9_detector *d = open_detector(1), *e = open_detector(1);
    static unsigned char rgb[H * W * 3];
    draw(rgb, sizeof rgb, 1);
    struct yolo9_picture p = yolo9_picture_pixels(YOLO9_RGB, rgb, H, W, 0);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    const struct yolo9_result *r = yolo9_detector_result(d, 0);
    assert_true(r->count > 0 && r->height == H && r->width == W && r->input_height == SIDE);
    const struct yolo9_detection first = r->detections[0];
    assert_true(first.x1 >= 0 && first.x2 <= W && first.y1 >= 0 && first.y2 <= H && first.score <= 1);
    for (int f = YOLO9_RGB; f <= YOLO9_BGRA; f++) { /* rows 13 bytes apart, and not a byte behind the last */
        const size_t pixel = (size_t)places[f][3], stride = W * pixel + 13, bytes = (H - 1) * stride + W * pixel;
        unsigned char *other = malloc(bytes);
        assert_non_null(other);
        draw(other, bytes, 9);
        for (size_t i = 0; i < (size_t)H * W; i++)
            for (size_t c = 0; c < 3; c++)
                other[i / W * stride + i % W * pixel + (size_t)places[f][c]] = rgb[3 * i + c];
        p = yolo9_picture_pixels(f, other, H, W, stride);
        assert_finds(e, &p, r);
        free(other);
    }
    for (size_t i = 0; i < (size_t)H * W; i++)
        rgb[3 * i + 1] = rgb[3 * i + 2] = rgb[3 * i];
    p = yolo9_picture_pixels(YOLO9_RGB, rgb, H, W, 0);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    static unsigned char grey[H * W];
    for (size_t i = 0; i < sizeof grey; i++)
        grey[i] = rgb[3 * i];
    p = yolo9_picture_pixels(YOLO9_GREY, grey, H, W, 0);
    assert_finds(e, &p, yolo9_detector_result(d, 0));
    yolo9_detector_close(d);
    yolo9_detector_close(e);
}

/* NV12 and I420 are the same planes; that their colours are right is seen in test_image_pixels. */
static void video_planes(void **state)
{
    (void)state;
    enum { PAIRS = (W + 1) / 2, HALF = (H + 1) / 2 };
    static unsigned char light[H * W], pairs[HALF * PAIRS * 2], cb[HALF * PAIRS], cr[HALF * PAIRS];
    struct yolo9_detector *d = open_detector(1), *e = open_detector(1);
    draw(light, sizeof light, 3);
    draw(pairs, sizeof pairs, 4);
    for (size_t i = 0; i < sizeof cb; i++) {
        cb[i] = pairs[2 * i];
        cr[i] = pairs[2 * i + 1];
    }
    struct yolo9_picture nv12 = yolo9_picture_pixels(YOLO9_NV12, light, H, W, 0), i420 = nv12;
    nv12.plane[1] = pairs;
    nv12.mark = -7;
    i420.format = YOLO9_I420;
    i420.plane[1] = cb;
    i420.plane[2] = cr;
    assert_int_equal(yolo9_detect(d, &nv12, 1), YOLO9_OK);
    assert_int_equal(yolo9_detector_result(d, 0)->mark, -7);
    assert_finds(e, &i420, yolo9_detector_result(d, 0));
    nv12.colour = YOLO9_BT709_FULL;
    assert_int_equal(yolo9_detect(d, &nv12, 1), YOLO9_OK);
    const struct yolo9_result *r = yolo9_detector_result(d, 0), *s = yolo9_detector_result(e, 0);
    assert_true(r->count != s->count ||
                memcmp(r->detections, s->detections, (size_t)r->count * sizeof *r->detections) != 0);
    i420.plane[2] = NULL;
    assert_int_equal(yolo9_detect(e, &i420, 1), YOLO9_E_ARGUMENT);
    assert_null(yolo9_detector_result(e, 0));
    yolo9_detector_close(d);
    yolo9_detector_close(e);
}

static void encoded_pictures(void **state)
{
    (void)state;
    static const char *const names[] = {"a.png", "a.webp", "a.jpg"};
    struct yolo9_detector *d = open_detector(1), *e = open_detector(1);
    struct image img = {0};
    assert_ok(image_init(&img, H, W));
    draw(img.data, (size_t)H * W * 3, 5);
    for (int i = 0; i < COUNT(names); i++) {
        struct buf bytes = {0};
        assert_ok(image_write(folder_path(names[i]), &img));
        struct yolo9_picture p = yolo9_picture_file(folder_path(names[i]));
        assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
        assert_ok(file_read(folder_path(names[i]), 1 << 20, &bytes));
        p = yolo9_picture_encoded(bytes.data, bytes.size);
        assert_finds(e, &p, yolo9_detector_result(d, 0));
        if (!i) { /* nothing is lost in a PNG */
            p = yolo9_picture_pixels(YOLO9_RGB, img.data, H, W, 0);
            assert_finds(e, &p, yolo9_detector_result(d, 0));
        }
        p = yolo9_picture_encoded(bytes.data, bytes.size / 2);
        assert_int_equal(yolo9_detect(e, &p, 1), YOLO9_E_FORMAT);
        assert_int_equal(yolo9_detector_error_code(e), YOLO9_E_FORMAT);
        buf_free(&bytes);
    }
    struct yolo9_picture p = yolo9_picture_file("/no/such/picture.jpg");
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_E_IO);
    assert_non_null(strstr(yolo9_error(), "/no/such/picture.jpg"));
    assert_string_equal(yolo9_error(), yolo9_detector_error(d));
    image_free(&img);
    yolo9_detector_close(d);
    yolo9_detector_close(e);
}

/* Five pictures in batches of two, the last one alone: what each of them gives alone. */
static void batches(void **state)
{
    (void)state;
    enum { N = 5 };
    static unsigned char rgb[N][H * W * 3];
    struct yolo9_picture p[N];
    struct yolo9_detector *one = open_detector(1), *two = open_detector(2);
    for (int i = 0; i < N; i++) {
        draw(rgb[i], sizeof rgb[i], (unsigned)i);
        p[i] = yolo9_picture_pixels(YOLO9_RGB, rgb[i], H - i, W, 0);
        p[i].mark = 100 + i;
    }
    assert_int_equal(yolo9_detect(two, p, N), YOLO9_OK);
    assert_null(yolo9_detector_result(two, N));
    assert_null(yolo9_detector_result(two, -1));
    for (int i = 0; i < N; i++) {
        assert_int_equal(yolo9_detect(one, &p[i], 1), YOLO9_OK);
        const struct yolo9_result *r = yolo9_detector_result(one, 0), *s = yolo9_detector_result(two, i);
        assert_int_equal(s->mark, 100 + i);
        assert_int_equal(s->height, H - i);
        assert_int_equal(r->count, s->count);
        for (int k = 0; k < 5; k++)
            assert_true(fabsf(r->detections[k].score - s->detections[k].score) < 1e-5f);
    }
    assert_int_equal(yolo9_detect(two, NULL, 0), YOLO9_OK);
    p[3].format = 99;
    assert_int_equal(yolo9_detect(two, p, N), YOLO9_E_ARGUMENT);
    assert_non_null(strstr(yolo9_error(), "picture 4 of 5"));
    assert_null(yolo9_detector_result(two, 0));
    yolo9_detector_close(one);
    yolo9_detector_close(two);
}

static void settings_change_without_opening_again(void **state)
{
    (void)state;
    static unsigned char rgb[H * W * 3];
    static const int only[] = {2};
    struct yolo9_detector *d = open_detector(1);
    draw(rgb, sizeof rgb, 1);
    const struct yolo9_picture p = yolo9_picture_pixels(YOLO9_RGB, rgb, H, W, 0);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    const int all = yolo9_detector_result(d, 0)->count;
    const double middle = (double)yolo9_detector_result(d, 0)->detections[all / 2].score;
    assert_int_equal(yolo9_set_confidence(d, middle), YOLO9_OK);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    assert_true(yolo9_detector_result(d, 0)->count <= all / 2 && yolo9_detector_result(d, 0)->count > 0);
    assert_int_equal(yolo9_set_confidence(d, 1e-6), YOLO9_OK);
    assert_int_equal(yolo9_set_max_detections(d, 3), YOLO9_OK);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    assert_int_equal(yolo9_detector_result(d, 0)->count, 3);
    assert_int_equal(yolo9_set_max_detections(d, 30000), YOLO9_OK);
    assert_int_equal(yolo9_set_iou(d, 1), YOLO9_OK);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    assert_int_equal(yolo9_detector_result(d, 0)->count, yolo9_points(d, 0, 0)); /* nothing is suppressed */
    assert_int_equal(yolo9_set_classes(d, only, 1), YOLO9_OK);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    for (int i = 0; i < yolo9_detector_result(d, 0)->count; i++)
        assert_int_equal(yolo9_detector_result(d, 0)->detections[i].class_index, 2);
    assert_int_equal(yolo9_set_classes(d, NULL, 0), YOLO9_OK);
    assert_int_equal(yolo9_set_iou(d, 0.1), YOLO9_OK);
    assert_int_equal(yolo9_set_class_agnostic(d, 1), YOLO9_OK);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    assert_true(yolo9_detector_result(d, 0)->count < all);
    assert_int_equal(yolo9_set_confidence(d, 1.5), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_set_iou(d, NAN), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_set_max_detections(d, 0), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_set_classes(d, (const int[]){80}, 1), YOLO9_E_ARGUMENT);
    assert_non_null(strstr(yolo9_detector_error(d), "class 80"));
    yolo9_detector_close(d);
}

/* The same picture as a tensor, in every type, layout and order, and the decoded output that its boxes come from. */
static void tensors(void **state)
{
    (void)state;
    enum { N = 3, PIXELS = SIDE * SIDE };
    static unsigned char rgb[N][PIXELS * 3], bytes[N * PIXELS * 3];
    static float floats[N * PIXELS * 3];
    struct yolo9_detector *d = open_detector(1), *e = open_detector(2);
    struct yolo9_tensor t;
    yolo9_tensor_init(&t);
    t.count = N;
    t.height = t.width = SIDE;
    for (int i = 0; i < N; i++)
        draw(rgb[i], sizeof rgb[i], (unsigned)i);
    const struct yolo9_picture p = yolo9_picture_pixels(YOLO9_RGB, rgb[2], SIDE, SIDE, 0);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    for (int form = 0; form < 3 * 2 * 2; form++) {
        t.type = form % 3;
        t.layout = form / 3 % 2;
        t.order = form / 6;
        t.data = t.type == YOLO9_UINT8 ? (const void *)bytes : floats;
        for (size_t i = 0; i < (size_t)N * PIXELS * 3; i++) {
            const size_t pixel = i / 3 % PIXELS, image = i / 3 / PIXELS, c = t.order == YOLO9_BGR ? 2 - i % 3 : i % 3;
            const size_t to = image * 3 * PIXELS + (t.layout == YOLO9_NCHW ? c * PIXELS + pixel : 3 * pixel + c);
            bytes[to] = rgb[image][3 * pixel + i % 3];
            floats[to] = (float)bytes[to] / (t.type == YOLO9_FLOAT32 ? 255.0f : 1.0f);
        }
        if (yolo9_detect_tensor(e, &t) != YOLO9_OK)
            fail_msg("%s", yolo9_error());
        assert_same_boxes(yolo9_detector_result(e, 2), yolo9_detector_result(d, 0));
    }
    const int points = yolo9_points(e, 0, 0), rows = 4 + yolo9_weights_class_count(weights);
    assert_int_equal(points, SIDE * SIDE / 64 + SIDE * SIDE / 256 + SIDE * SIDE / 1024);
    const size_t picture = (size_t)points * (size_t)rows;
    float *out = malloc(N * picture * sizeof *out), best = 0;
    assert_int_equal(yolo9_decode_tensor(e, &t, out, N * picture - 1), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_decode_tensor(e, &t, out, N * picture), YOLO9_OK);
    assert_null(yolo9_detector_result(e, 0));
    const float *o = out + 2 * picture;
    size_t at = 0;
    for (size_t i = (size_t)4 * (size_t)points; i < picture; i++) {
        if (o[i] > best) {
            best = o[i];
            at = i % (size_t)points;
        }
    }
    const struct yolo9_detection *first = &yolo9_detector_result(d, 0)->detections[0];
    assert_true(best == first->score);
    const float x2 = o[at] + o[2 * (size_t)points + at] / 2;
    assert_true(fabsf((x2 > SIDE ? SIDE : x2) - first->x2) < 1e-3f);
    free(out);
    t.height = 2 * SIDE;
    assert_int_equal(yolo9_detect_tensor(e, &t), YOLO9_E_ARGUMENT);
    yolo9_detector_close(d);
    yolo9_detector_close(e);
}

/* How many boxes these weights find in a grey picture, at the size of the options or their own. */
static int count_boxes(const char *path, int size)
{
    static const unsigned char rgb[3 * 64 * 64];
    struct yolo9_options o;
    yolo9_options_init(&o);
    o.height = o.width = size;
    o.confidence = 0;
    o.iou = 1;
    o.max_detections = 30000;
    struct yolo9_weights *w = yolo9_weights_open(path, NULL);
    struct yolo9_detector *d = yolo9_detector_open(w, &o);
    yolo9_weights_close(w); /* the detector goes on */
    assert_non_null(d);
    const struct yolo9_picture p = yolo9_picture_pixels(YOLO9_RGB, rgb, 64, 64, 0);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    const int n = yolo9_detector_result(d, 0)->count;
    yolo9_detector_close(d);
    return n;
}

static void size_of_the_weights(void **state)
{
    (void)state;
    struct weights w;
    int height, width;
    assert_int_equal(yolo9_weights_input_size(weights, &height, &width), 0);
    assert_int_equal(height, 640);
    assert_ok(weights_random("gelan-t", 3, 5, &w));
    w.img_h = w.img_w = 90; /* rounded up to 96 */
    assert_ok(weights_save(folder_path("img"), &w, false, false));
    weights_free(&w);
    int n = count_boxes(folder_path("img"), 0);
    assert_int_equal(n, count_boxes(folder_path("img"), 96));
    assert_true(n > count_boxes(folder_path("img"), 64));
    assert_string_equal(yolo9_weights_network(weights), "gelan-t");
    assert_int_equal(yolo9_weights_stride(weights), 32);
    assert_int_equal(yolo9_weights_class_count(weights), 80);
    assert_string_equal(yolo9_weights_class_name(weights, 79), "thing 79");
    assert_string_equal(yolo9_weights_class_name(weights, 80), "");
}

static void detect_with(struct yolo9_weights *w, int precision)
{
    static const unsigned char rgb[3 * 64 * 64];
    struct yolo9_options o = options_for(1);
    o.precision = precision;
    struct yolo9_detector *d = yolo9_detector_open(w, &o);
    assert_non_null(d);
    const struct yolo9_picture p = yolo9_picture_pixels(YOLO9_RGB, rgb, 64, 64, 0);
    assert_int_equal(yolo9_detect(d, &p, 1), YOLO9_OK);
    yolo9_detector_close(d);
}

static void precisions(void **state)
{
    (void)state;
    struct weights w;
    for (int i = YOLO9_AUTOMATIC; i <= YOLO9_BF16; i++)
        detect_with(weights, i);
    assert_ok(weights_load(folder_path("w.safetensors"), NULL, &w, NULL));
    assert_ok(weights_deploy(&w));
    for (int i = 0; i < w.deployed.n_nodes; i++) {
        if (w.deployed.nodes[i].op == OP_CONV2D)
            w.deployed.nodes[i].u.conv.quant = (struct conv_quant){.on = true, .scale = 0.05f, .zero = 10};
    }
    assert_ok(weights_save_eight_bit(folder_path("int8"), &w));
    weights_free(&w);
    struct yolo9_weights *eight = yolo9_weights_open(folder_path("int8"), NULL);
    assert_int_equal(yolo9_weights_precision(eight), YOLO9_INT8);
    for (int i = YOLO9_AUTOMATIC; i <= YOLO9_INT8; i++)
        detect_with(eight, i);
    yolo9_weights_close(eight);
}

/* The last options set: the detector is not made, and the sentence has `words`. */
static void assert_refused(const struct yolo9_options *o, const char *words)
{
    assert_null(yolo9_detector_open(weights, o));
    assert_int_equal(yolo9_error_code(), YOLO9_E_ARGUMENT);
    if (!strstr(yolo9_error(), words))
        fail_msg("'%s' has no '%s'", yolo9_error(), words);
}

static void refuses(void **state)
{
    (void)state;
    struct yolo9_weights_options table;
    assert_null(yolo9_weights_open("/no/such/weights.pt", NULL));
    assert_int_equal(yolo9_error_code(), YOLO9_E_IO);
    assert_non_null(strstr(yolo9_error(), "/no/such/weights.pt"));
    yolo9_weights_options_init(&table);
    table.table = "no-such-network";
    assert_null(yolo9_weights_open(folder_path("w.safetensors"), &table));
    assert_null(yolo9_weights_open_memory("no weights at all", 17, NULL));
    assert_int_equal(yolo9_error_code(), YOLO9_E_FORMAT);
    struct yolo9_options o = options_for(1);
    o.height = 100;
    assert_refused(&o, "multiples of 32");
    o = options_for(1);
    o.confidence = 2;
    assert_refused(&o, "confidence 2");
    o = options_for(1);
    o.precision = YOLO9_INT8;
    assert_refused(&o, "yolo9 quantize");
    o.precision = 9;
    assert_refused(&o, "precision 9");
    o = options_for(0);
    assert_refused(&o, "batch 0");
    o = options_for(1);
    o.reserved[7] = 1;
    assert_refused(&o, "reserved");
}

/* A program that was built against a later header, and one that forgot the size. */
static void structures_of_other_versions(void **state)
{
    (void)state;
    struct {
        struct yolo9_picture p;
        uint64_t later;
    } later[2];
    static unsigned char rgb[H * W * 3];
    struct yolo9_detector *d = open_detector(1);
    draw(rgb, sizeof rgb, 1);
    memset(later, 0, sizeof later);
    for (int i = 0; i < 2; i++) {
        later[i].p = yolo9_picture_pixels(YOLO9_RGB, rgb, H, W, 0);
        later[i].p.size = sizeof later[i];
        later[i].p.mark = i;
    }
    assert_int_equal(yolo9_detect(d, &later[0].p, 2), YOLO9_OK);
    assert_int_equal(yolo9_detector_result(d, 1)->mark, 1);
    later[1].later = 1;
    assert_int_equal(yolo9_detect(d, &later[0].p, 2), YOLO9_E_ARGUMENT);
    assert_non_null(strstr(yolo9_error(), "newer version"));
    later[0].p.size = 0;
    assert_int_equal(yolo9_detect(d, &later[0].p, 1), YOLO9_E_ARGUMENT);
    struct yolo9_options short_one = options_for(1);
    short_one.size = 4;
    assert_refused(&short_one, "size is 4");
    unsigned char room[16 + sizeof short_one];
    memset(room, 0xAA, sizeof room);
    yolo9_options_defaults((struct yolo9_options *)(void *)memset(&short_one, 0x55, sizeof short_one), 16);
    assert_int_equal(short_one.size, 16);
    assert_int_equal(short_one.threads, 0x55555555); /* an old program's structure ends before it */
    yolo9_detector_close(d);
}

static void nothing_at_all(void **state)
{
    (void)state;
    struct yolo9_input *input = NULL;
    struct yolo9_detector *d = open_detector(1);
    const struct yolo9_picture empty = yolo9_picture_pixels(YOLO9_RGB, NULL, H, W, 0);
    const struct yolo9_picture no_path = yolo9_picture_file(NULL), no_bytes = yolo9_picture_encoded(NULL, 5);
    const unsigned char pixel[3] = {0};
    const struct yolo9_picture flat = yolo9_picture_pixels(YOLO9_RGB, pixel, 0, 1, 0);
    const struct yolo9_picture narrow = yolo9_picture_pixels(YOLO9_RGB, pixel, 1, 1, 2);
    const struct yolo9_picture *const bad[] = {NULL, &empty, &no_path, &no_bytes, &narrow};
    struct yolo9_tensor t;
    yolo9_tensor_init(&t);
    assert_null(yolo9_weights_open(NULL, NULL));
    assert_null(yolo9_weights_open_memory(NULL, 0, NULL));
    assert_null(yolo9_detector_open(NULL, NULL));
    yolo9_weights_close(NULL);
    yolo9_detector_close(NULL);
    yolo9_input_close(NULL);
    yolo9_options_defaults(NULL, 100);
    assert_int_equal(yolo9_weights_class_count(NULL), 0);
    assert_string_equal(yolo9_weights_class_name(NULL, 0), "");
    assert_string_equal(yolo9_weights_network(NULL), "");
    assert_int_equal(yolo9_weights_input_size(NULL, NULL, NULL), 0);
    assert_int_equal(yolo9_weights_stride(NULL) + yolo9_weights_precision(NULL), 0);
    assert_null(yolo9_detector_weights(NULL));
    for (int i = 0; i < COUNT(bad); i++) {
        assert_int_equal(yolo9_detect(d, bad[i], 1), YOLO9_E_ARGUMENT);
        assert_int_equal(yolo9_input_prepare(d, bad[i], &input), YOLO9_E_ARGUMENT);
        assert_null(input);
    }
    assert_int_equal(yolo9_detect(d, &flat, 1), YOLO9_E_FORMAT);
    assert_int_equal(yolo9_detect(NULL, &flat, 1), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_detect(d, NULL, -1), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_input_prepare(NULL, &flat, &input), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_input_prepare(d, &flat, NULL), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_run(d, &input, 1), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_run(d, NULL, 1), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_run(NULL, NULL, 0), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_detect_tensor(d, &t), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_detect_tensor(d, NULL), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_decode_tensor(d, &t, NULL, 0), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_points(NULL, 0, 0), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_set_confidence(NULL, 0.5), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_set_iou(NULL, 0.5), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_set_max_detections(NULL, 5), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_set_class_agnostic(NULL, 1), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_set_classes(NULL, NULL, 0), YOLO9_E_ARGUMENT);
    assert_int_equal(yolo9_set_classes(d, NULL, 2), YOLO9_E_ARGUMENT);
    assert_null(yolo9_detector_result(NULL, 0));
    assert_int_equal(yolo9_detector_error_code(NULL), YOLO9_E_ARGUMENT);
    yolo9_detector_close(d);
}

struct heard {
    int count, level;
    char text[256];
};

static void listen(void *context, int level, const char *text)
{
    struct heard *h = context;
    h->count++;
    h->level = level;
    snprintf(h->text, sizeof h->text, "%s", text);
}

static void messages_go_to_the_callback(void **state)
{
    (void)state;
    static const char *const two[] = {"cat", "dog"};
    struct heard heard = {0};
    struct weights w;
    assert_ok(weights_random("gelan-t", 3, 5, &w));
    const struct weights_meta meta = {.table = &w.table, .names = two, .nc = 2};
    assert_ok(weights_write(folder_path("two"), &w.training, w.params, &meta));
    weights_free(&w);
    yolo9_set_log(YOLO9_LOG_WARNING, listen, &heard);
    struct yolo9_weights *opened = yolo9_weights_open(folder_path("two"), NULL);
    assert_non_null(opened);
    assert_string_equal(yolo9_weights_class_name(opened, 1), "dog");
    yolo9_weights_close(opened);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.level, YOLO9_LOG_WARNING);
    assert_non_null(strstr(heard.text, "2 class names for 3 classes"));
    yolo9_set_log(YOLO9_LOG_NOTHING, listen, &heard);
    yolo9_weights_close(yolo9_weights_open(folder_path("two"), NULL));
    yolo9_set_log(YOLO9_LOG_DEBUG, NULL, NULL);
    yolo9_weights_close(yolo9_weights_open(folder_path("two"), NULL));
    assert_int_equal(heard.count, 1);
    assert_int_equal(yolo9_version_number(), YOLO9_VERSION_NUMBER);
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", YOLO9_VERSION_MAJOR, YOLO9_VERSION_MINOR, YOLO9_VERSION_PATCH);
    assert_string_equal(yolo9_version(), version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_bytes_is_one_picture),
        cmocka_unit_test(video_planes),
        cmocka_unit_test(encoded_pictures),
        cmocka_unit_test(batches),
        cmocka_unit_test(settings_change_without_opening_again),
        cmocka_unit_test(tensors),
        cmocka_unit_test(size_of_the_weights),
        cmocka_unit_test(precisions),
        cmocka_unit_test(refuses),
        cmocka_unit_test(structures_of_other_versions),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(messages_go_to_the_callback),
    };
    return cmocka_run_group_tests(tests, make_weights, remove_weights);
}
