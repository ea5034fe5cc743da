/* Box maths, decoding and NMS against golden files, against each other, and on small cases done by hand. */
#include "support/unit.h"

#include "core/clock.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"
#include "detect/boxes.h"
#include "detect/nms.h"
#include "support/golden_eval.h"
#include "support/shared.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run_golden(int (*kind)(const char *, char *, size_t, double *), const char *name)
{
    char file[96], message[512];
    double worst;
    snprintf(file, sizeof(file), "%s.safetensors", name);
    if (kind(golden_file(file), message, sizeof(message), &worst) != 0)
        fail_msg("%s: %s", name, message);
    printf("%s: worst error %.2g of its tolerance\n", name, worst);
}

static void test_golden_ciou(void **state)
{
    (void)state;
    run_golden(golden_ciou, "post/ciou");
}

static void test_golden_dfl(void **state)
{
    (void)state;
    run_golden(golden_dfl, "modules/dfl");
}

static void test_golden_scale_boxes(void **state)
{
    (void)state;
    run_golden(golden_scale_boxes, "post/scale_boxes");
    run_golden(golden_scale_boxes_rounded, "post/scale_boxes_rounded");
}

static void test_golden_nms(void **state)
{
    static const char *const names[] = {"agnostic", "classes", "detect", "maxdet", "nc1", "none", "val"};
    (void)state;
    for (int i = 0; i < COUNT(names); i++) {
        char name[64];
        snprintf(name, sizeof(name), "post/nms_%s", names[i]);
        run_golden(golden_nms, name);
    }
}

static void test_forms(void **state)
{
    (void)state;
    float b[4] = {10, 20, 40, 30};
    box_cxcywh_to_xyxy(b, b);
    assert_true(b[0] == -10 && b[1] == 5 && b[2] == 30 && b[3] == 35);
    box_xyxy_to_xywh(b, b);
    assert_true(b[0] == -10 && b[1] == 5 && b[2] == 40 && b[3] == 30);
    box_xywh_to_xyxy(b, b);
    box_xyxy_to_ltrb(b, 0, 10, b);
    assert_true(b[0] == 10 && b[1] == 5 && b[2] == 30 && b[3] == 25);
    box_ltrb_to_xyxy(b, 0, 10, b);
    box_clip(b, 20, 30);
    assert_true(b[0] == 0 && b[1] == 5 && b[2] == 20 && b[3] == 30);
    box_xyxy_to_cxcywh(b, b);
    assert_true(b[0] == 10 && b[1] == 17.5f && b[2] == 20 && b[3] == 25);
}

/* The gradient of CIoU against central differences, with alpha held where it is (SPEC 7.3: it is a constant). */
static double ciou_frozen(const double p[4], const float t[4], double alpha)
{
    double w1 = p[2] - p[0], h1 = p[3] - p[1] + 1e-7, w2 = t[2] - t[0], h2 = t[3] - t[1] + 1e-7;
    double inter = fmax(fmin(p[2], t[2]) - fmax(p[0], t[0]), 0) * fmax(fmin(p[3], t[3]) - fmax(p[1], t[1]), 0);
    double iou = inter / (w1 * h1 + w2 * h2 - inter + 1e-7);
    double cw = fmax(p[2], t[2]) - fmin(p[0], t[0]), ch = fmax(p[3], t[3]) - fmin(p[1], t[1]);
    double dx = t[0] + t[2] - p[0] - p[2], dy = t[1] + t[3] - p[1] - p[3];
    double v = 4 / (M_PI * M_PI) * pow(atan(w2 / h2) - atan(w1 / h1), 2);
    if (alpha < 0)
        return v / (v - iou + 1 + 1e-7);
    return iou - ((dx * dx + dy * dy) / 4 / (cw * cw + ch * ch + 1e-7) + v * alpha);
}

static void test_ciou_gradient(void **state)
{
    struct rng r = rng_seed(1, 2, 3);
    (void)state;
    for (int i = 0; i < 2000; i++) {
        float p[4], t[4], d[4];
        for (int k = 0; k < 2; k++) {
            p[k] = (float)rng_range(&r, 0, 6);
            t[k] = (float)rng_range(&r, 0, 6);
            p[k + 2] = p[k] + (float)rng_range(&r, 0.5, 6);
            t[k + 2] = t[k] + (float)rng_range(&r, 0.5, 6);
        }
        double q[4] = {p[0], p[1], p[2], p[3]}, alpha = ciou_frozen(q, t, -1);
        float value = box_ciou_gradient(p, t, 0, d);
        assert_true(fabs(value - ciou_frozen(q, t, alpha)) < 2e-6);
        for (int k = 0; k < 4; k++) {
            double up[4], down[4], e = 1e-6;
            memcpy(up, q, sizeof(up));
            memcpy(down, q, sizeof(down));
            up[k] += e;
            down[k] -= e;
            double want = (ciou_frozen(up, t, alpha) - ciou_frozen(down, t, alpha)) / (2 * e);
            if (fabs(d[k] - want) > 2e-5)
                fail_msg("case %d, corner %d: %g, expected %g", i, k, (double)d[k], want);
        }
    }
}

static void test_ciou_many(void **state)
{
    (void)state;
    static const float boxes[3][4] = {{0, 0, 4, 4}, {1, 1, 6, 3}, {8, 8, 9, 20}};
    struct ciou_box sides[3];
    float dst[3];
    for (int i = 0; i < 3; i++)
        ciou_box_init(&sides[i], boxes[i]);
    ciou_of_many(&sides[1], sides, 3, dst);
    for (int i = 0; i < 3; i++) {
        assert_true(dst[i] == box_ciou(boxes[1], boxes[i]));
        assert_true(dst[i] == box_ciou(boxes[i], boxes[1]));
    }
}

/* A head of random logits with a few confident cells. `rare` of 1000 cells have class logits near 0, the others far
 * below. */
static struct head_output random_head(const struct head *kind, int img, int images, int rare, uint64_t seed)
{
    const int channels = head_channels(kind), first = kind->kind == HEAD_DFL ? 4 * kind->reg_max : 0;
    struct head_output h = {
        .head = kind, .n = images, .channels = channels, .n_levels = 3, .stride = (size_t)channels + 5};
    struct rng r = rng_seed(seed, 0, 0);
    for (int l = 0; l < 3; l++) {
        int stride = 8 << l;
        h.level[l].h = h.level[l].w = img / stride;
        h.level[l].stride = stride;
        h.level[l].first = h.anchors;
        h.anchors += h.level[l].h * h.level[l].w;
    }
    h.image_stride = h.stride * (size_t)h.anchors + 3;
    h.logits = mem_alloc(h.image_stride * (size_t)images, sizeof(float));
    assert_non_null(h.logits);
    for (size_t i = 0; i < h.image_stride * (size_t)images; i++)
        h.logits[i] = (float)rng_range(&r, -4, 4);
    for (int b = 0; b < images; b++)
        for (int a = 0; a < h.anchors; a++) {
            float *x = h.logits + (size_t)b * h.image_stride + (size_t)a * h.stride;
            bool confident = rng_below(&r, 1000) < (uint64_t)rare;
            for (int k = first; k < channels; k++)
                x[k] = (float)rng_range(&r, -14, confident ? 1 : -7.2);
        }
    return h;
}

static void assert_same_candidates(const struct candidates *a, const struct candidates *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->n_boxes, b->n_boxes);
    for (size_t i = 0; i < a->count; i++) {
        assert_true(a->items[i].score == b->items[i].score);
        assert_int_equal(a->items[i].class, b->items[i].class);
        assert_int_equal(a->items[i].box, b->items[i].box);
    }
    for (size_t i = 0; i < a->n_boxes; i++)
        assert_memory_equal(a->boxes[i], b->boxes[i], sizeof(a->boxes[i]));
}

/* The fast path finds exactly what full decoding finds, with thresholds that sit on scores that occur. */
static void compare_paths(const struct head *kind)
{
    struct head_output h = random_head(kind, 96, 2, 300, 5);
    const size_t width = (size_t)head_row_width(kind);
    const int rows = head_rows(&h);
    float *full = mem_alloc((size_t)rows * width, sizeof(float));
    bool flags[7] = {true, false, true, true, false, true, true};
    struct candidates fast = {0}, slow = {0};
    assert_non_null(full);
    for (int image = 0; image < 2; image++) {
        decode_image(&h, image, full);
        for (int i = 0; i < 60; i++) {
            float threshold = i == 0   ? 0
                              : i == 1 ? 1
                              : i == 2 ? 0.001f
                                       : head_row_score(kind, full + (size_t)(i * 3) * width, i % kind->nc);
            for (int mode = 0; mode < 4; mode++) {
                struct candidate_rule rule = {threshold, mode & 1, mode & 2 ? flags : NULL};
                assert_int_equal(candidates_from_head(&fast, &h, image, &rule), OK);
                assert_int_equal(candidates_from_decoded(&slow, kind, full, rows, width, 1, &rule), OK);
                assert_same_candidates(&fast, &slow);
                assert_true(threshold > 0 || mode || fast.count == (size_t)rows);
                assert_true(threshold < 1 || fast.count == 0);
            }
        }
    }
    candidates_free(&fast);
    candidates_free(&slow);
    mem_free(full);
    mem_free(h.logits);
}

static const struct head anchor_head = {
    .kind = HEAD_ANCHORS,
    .nc = 7,
    .n_anchors = 2,
    .anchor = {{{10, 13}, {16, 30}}, {{30, 61}, {62, 45}}, {{116, 90}, {373, 326}}}};

static void test_fast_path_is_full_decode(void **state)
{
    (void)state;
    struct head one_class = anchor_head;
    one_class.nc = 1;
    compare_paths(&(struct head){.kind = HEAD_DFL, .nc = 7, .reg_max = 16});
    compare_paths(&anchor_head);
    compare_paths(&one_class);
}

/* Rows of an anchor head: anchor by anchor, a box in multiples of its anchor, objectness before the classes; and with
 * one class the objectness alone is the score. */
static void test_anchors_by_hand(void **state)
{
    (void)state;
    struct head kind = {.kind = HEAD_ANCHORS, .nc = 2, .n_anchors = 2, .anchor = {{{10, 13}, {16, 30}}}};
    float logits[2 * 14] = {0}, out[4 * 7]; /* two cells side by side */
    struct head_output h = {.head = &kind, .logits = logits, .stride = 14, .image_stride = 28, .n = 1, .anchors = 2};
    h.channels = 14;
    h.n_levels = 1;
    h.level[0].h = 1;
    h.level[0].w = 2;
    h.level[0].stride = 8;
    logits[14 + 7 + 0] = 200; /* the second cell's second box: x at its most, w at its least */
    logits[14 + 7 + 2] = -200;
    logits[14 + 7 + 6] = 200;
    assert_int_equal(head_rows(&h), 4);
    decode_image(&h, 0, out);
    assert_true(out[0] == 4 && out[1] == 4 && out[2] == 10 && out[3] == 13 && out[4] == 0.5f && out[6] == 0.5f);
    assert_true(out[7] == 12 && out[7 + 2] == 10 && out[14] == 4 && out[14 + 3] == 30);
    assert_true(out[21] == 20 && out[21 + 1] == 4 && out[21 + 2] == 0 && out[21 + 3] == 30 && out[21 + 6] == 1);
    assert_true(head_row_score(&kind, out + 21, 0) == 0.25f && head_row_score(&kind, out + 21, 1) == 0.5f);
    kind.nc = 1;
    assert_true(head_row_score(&kind, out + 21, 0) == 0.5f);
}

static void test_decode_by_hand(void **state)
{
    (void)state;
    /* one anchor point, two bins: each side is p(bin 1); logits 0,0 -> 0.5; stride 8, point (0.5, 0.5) */
    float logits[10] = {0, 0, 0, 0, 0, 0, 0, 200, 0, -2}, out[6];
    const struct head kind = {.kind = HEAD_DFL, .nc = 2, .reg_max = 2};
    struct head_output h = {
        .head = &kind, .logits = logits, .stride = 10, .image_stride = 10, .n = 1, .anchors = 1, .channels = 10};
    h.n_levels = 1;
    h.level[0].h = h.level[0].w = 1;
    h.level[0].stride = 8;
    decode_image(&h, 0, out);
    /* x: 0 .. 1, y: 0 .. 1.5 in cells */
    assert_true(fabsf(out[0] - 4) < 1e-5 && fabsf(out[1] - 6) < 1e-5);
    assert_true(fabsf(out[2] - 8) < 1e-5 && fabsf(out[3] - 12) < 1e-5);
    assert_true(out[4] == 0.5f && fabsf(out[5] - 0.119202922f) < 1e-7);
}

static void candidates_set(struct candidates *c, struct candidate *items, float (*boxes)[4], size_t n)
{
    *c = (struct candidates){items, n, n, boxes, n, n};
}

static void test_nms_by_hand(void **state)
{
    (void)state;
    /* 0 and 1 overlap with IoU 0.5 exactly; 2 is 0 in another class; 3 equals 0 in score, far away */
    float boxes[4][4] = {{0, 0, 10, 10}, {0, 0, 10, 5}, {0, 0, 10, 10}, {50, 50, 60, 60}};
    struct candidate items[4] = {{0.9f, 1, 0}, {0.8f, 1, 1}, {0.95f, 2, 2}, {0.9f, 1, 3}};
    struct candidates c;
    struct nms_workspace w = {0};
    struct nms_config config = {0.5, 10, false, 0};
    struct detection d[10];
    int n;
    candidates_set(&c, items, boxes, 4);
    assert_int_equal(nms_apply(&w, &c, &config, d, &n), OK);
    assert_int_equal(n, 4); /* IoU 0.5 is not above 0.5 */
    assert_true(d[0].class == 2 && d[1].xyxy[0] == 0 && d[2].xyxy[0] == 50 && d[3].score == 0.8f);
    config.iou_threshold = 0.49;
    assert_int_equal(nms_apply(&w, &c, &config, d, &n), OK);
    assert_int_equal(n, 3);
    config.agnostic = true;
    assert_int_equal(nms_apply(&w, &c, &config, d, &n), OK);
    assert_int_equal(n, 2);
    assert_true(d[0].class == 2 && d[1].xyxy[0] == 50);
    config.max_detections = 1;
    assert_int_equal(nms_apply(&w, &c, &config, d, &n), OK);
    assert_int_equal(n, 1);
    config.max_detections = 0;
    assert_int_equal(nms_apply(&w, &c, &config, d, &n), OK);
    assert_int_equal(n, 0);
    nms_free(&w);
}

/* Greedy suppression as SPEC 12.1 words it: shift by class in single precision, compare all pairs. */
static int nms_plain(const struct candidates *c, const struct nms_config *config, const uint32_t *order, size_t n,
                     struct detection *dst)
{
    bool *dead = mem_calloc(n, sizeof(bool));
    int kept = 0;
    assert_non_null(dead);
    for (size_t i = 0; i < n; i++) {
        if (dead[i])
            continue;
        const struct candidate *a = &c->items[order[i]];
        if (kept < config->max_detections) {
            memcpy(dst[kept].xyxy, c->boxes[a->box], sizeof(dst[kept].xyxy));
            dst[kept].score = a->score;
            dst[kept++].class = a->class;
        }
        for (size_t j = i + 1; j < n; j++) {
            const struct candidate *b = &c->items[order[j]];
            float p[4], q[4];
            for (int k = 0; k < 4; k++) {
                p[k] = c->boxes[a->box][k] + (config->agnostic ? 0 : (float)a->class * 7680);
                q[k] = c->boxes[b->box][k] + (config->agnostic ? 0 : (float)b->class * 7680);
            }
            dead[j] |= (double)box_iou(p, q, 0) > config->iou_threshold;
        }
    }
    mem_free(dead);
    return kept;
}

static const struct candidates *sorting; /* for the comparison below */
static int by_score(const void *a, const void *b)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    float x = sorting->items[i].score, y = sorting->items[j].score;
    return x > y ? -1 : x < y ? 1 : i < j ? -1 : 1;
}

/* Random candidates, some with equal scores, boxes inside a photo or spread wider than the class offset. */
static void test_nms_is_offset_nms(void **state)
{
    struct rng r = rng_seed(9, 9, 9);
    struct nms_workspace w = {0};
    (void)state;
    for (int round = 0; round < 60; round++) {
        size_t n = 1 + rng_below(&r, 500);
        int nc = round % 3 == 0 ? 1 : 85;
        double spread = round % 4 == 0 ? 20000 : 300;
        float boxes[500][4];
        struct candidate items[500];
        uint32_t order[500];
        struct detection got[500], want[500];
        struct candidates c;
        candidates_set(&c, items, boxes, n);
        for (size_t i = 0; i < n; i++) {
            double x = rng_range(&r, -spread / 4, spread), y = rng_range(&r, 0, 60);
            boxes[i][0] = (float)x;
            boxes[i][1] = (float)y;
            boxes[i][2] = (float)(x + rng_range(&r, 0, spread / 3));
            boxes[i][3] = (float)(y + rng_range(&r, 0, 200));
            items[i] =
                (struct candidate){(float)(1 + rng_below(&r, 400)) / 400, (int)rng_below(&r, (uint64_t)nc), (int)i};
            order[i] = (uint32_t)i;
        }
        sorting = &c;
        qsort(order, n, sizeof(order[0]), by_score);
        struct nms_config config = {rng_range(&r, 0, 0.9), (int)rng_below(&r, 300), round % 5 == 0, 0};
        int count, expected = nms_plain(&c, &config, order, n, want);
        assert_int_equal(nms_apply(&w, &c, &config, got, &count), OK);
        assert_int_equal(count, expected);
        for (int i = 0; i < count; i++) {
            assert_memory_equal(got[i].xyxy, want[i].xyxy, sizeof(got[i].xyxy));
            assert_true(got[i].score == want[i].score && got[i].class == want[i].class);
        }
    }
    nms_free(&w);
}

/* The cap of SPEC 12.1: the best 30000 candidates take part, the rest is dropped. */
static void test_nms_cap(void **state)
{
    (void)state;
    size_t n = NMS_MAX_CANDIDATES + 500;
    struct candidate *items = mem_alloc(n, sizeof(*items));
    float(*boxes)[4] = mem_alloc(n, sizeof(*boxes));
    struct detection *d = mem_alloc(n, sizeof(*d));
    struct nms_workspace w = {0};
    struct candidates c;
    int count;
    assert_true(items && boxes && d);
    for (size_t i = 0; i < n; i++) {
        float x = (float)(i % 200) * 10, y = (float)(i / 200) * 10;
        memcpy(boxes[i], (float[4]){x, y, x + 5, y + 5}, sizeof(boxes[i]));
        items[i] = (struct candidate){0.5f - (float)i * 1e-6f, 0, (int)i};
    }
    candidates_set(&c, items, boxes, n);
    struct nms_config config = {0.7, (int)n, false, 0};
    assert_int_equal(nms_apply(&w, &c, &config, d, &count), OK);
    assert_int_equal(count, NMS_MAX_CANDIDATES);
    nms_free(&w);
    mem_free(items);
    mem_free(boxes);
    mem_free(d);
}

/* Time of one photo at validation settings, printed; the budget of 2 ms is checked with a wide margin, because the
 * machine may be busy. */
static void test_speed(void **state)
{
    (void)state;
    const struct head kind = {.kind = HEAD_DFL, .nc = 80, .reg_max = 16};
    struct head_output h = random_head(&kind, 640, 1, 40, 77);
    struct candidates c = {0};
    struct nms_workspace w = {0};
    struct candidate_rule rule = {0.001f, true, NULL};
    struct nms_config config = {0.7, 300, false, 0};
    struct detection d[300];
    double best_scan = 1, best_nms = 1;
    int count = 0;
    for (int i = 0; i < 20; i++) {
        double t0 = clock_seconds();
        assert_int_equal(candidates_from_head(&c, &h, 0, &rule), OK);
        double t1 = clock_seconds();
        assert_int_equal(nms_apply(&w, &c, &config, d, &count), OK);
        double t2 = clock_seconds();
        best_scan = MIN(best_scan, t1 - t0);
        best_nms = MIN(best_nms, t2 - t1);
    }
    printf("8400 x 80 at 0.001: %zu candidates of %zu anchor points; scan and decode %.3f ms, NMS %.3f ms, %d kept\n",
           c.count, c.n_boxes, best_scan * 1e3, best_nms * 1e3, count);
    assert_true(best_scan + best_nms < 0.05);
    candidates_free(&c);
    nms_free(&w);
    mem_free(h.logits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_ciou),
        cmocka_unit_test(test_golden_dfl),
        cmocka_unit_test(test_golden_scale_boxes),
        cmocka_unit_test(test_golden_nms),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_ciou_gradient),
        cmocka_unit_test(test_ciou_many),
        cmocka_unit_test(test_fast_path_is_full_decode),
        cmocka_unit_test(test_anchors_by_hand),
        cmocka_unit_test(test_decode_by_hand),
        cmocka_unit_test(test_nms_by_hand),
        cmocka_unit_test(test_nms_is_offset_nms),
        cmocka_unit_test(test_nms_cap),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
