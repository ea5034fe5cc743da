/* Metrics against golden files, against cases done by hand (tests/golden/coco_cases.json,
 * confusion_cases.json). */
#include "support/unit.h"

#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"
#include "eval/report.h"
#include "formats/json.h"
#include "support/golden_eval.h"
#include "support/shared.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES Y9_SOURCE_DIR "/tests/golden/"

static void run_golden(int (*kind)(const char *, char *, size_t, double *), const char *name)
{
    char file[96], message[512];
    double worst;
    snprintf(file, sizeof(file), "%s.safetensors", name);
    if (kind(golden_file(file), message, sizeof(message), &worst) != 0)
        fail_msg("%s: %s", name, message);
    printf("%s: worst error %.2g of its tolerance\n", name, worst);
}

static void test_golden_ap(void **state)
{
    (void)state;
    run_golden(golden_ap, "post/ap_basic");
    run_golden(golden_ap, "post/ap_sparse");
}

static void test_golden_compute_ap(void **state)
{
    (void)state;
    run_golden(golden_compute_ap, "post/compute_ap");
}

/* --- cases done by hand --- */

static json_t *read_cases(const char *name)
{
    char path[512];
    json_t *root;
    snprintf(path, sizeof(path), CASES "%s", name);
    if (json_read_file(path, NULL, &root) != OK)
        fail_msg("%s", fail_text());
    assert_true(json_array_size(json_object_get(root, "cases")) > 0);
    return root;
}

static double number(const json_t *row, size_t i)
{
    return json_number_value(json_array_get(row, i));
}

enum { MOST = 200 };

static void add_coco_image(struct coco *coco, const json_t *image)
{
    struct coco_detection detections[MOST];
    struct coco_label labels[MOST];
    const json_t *d = json_object_get(image, "detections"), *l = json_object_get(image, "labels");
    size_t n = json_array_size(d), m = json_array_size(l);
    assert_true(n <= MOST && m <= MOST);
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(d, i);
        detections[i] = (struct coco_detection){
            {number(row, 0), number(row, 1), number(row, 2), number(row, 3)}, number(row, 4), (int)number(row, 5)};
    }
    for (size_t i = 0; i < m; i++) {
        const json_t *row = json_array_get(l, i);
        labels[i] = (struct coco_label){{number(row, 0), number(row, 1), number(row, 2), number(row, 3)},
                                        number(row, 5),
                                        (int)number(row, 4),
                                        number(row, 6) != 0};
    }
    int64_t id = json_integer_value(json_object_get(image, "id"));
    assert_int_equal(coco_add(coco, id, detections, (int)n, labels, (int)m), OK);
}

static void test_coco_cases(void **state)
{
    (void)state;
    json_t *root = read_cases("coco_cases.json");
    const json_t *cases = json_object_get(root, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i), *images = json_object_get(c, "images");
        struct coco *coco;
        struct coco_result result;
        assert_int_equal(coco_create((int)json_integer_value(json_object_get(c, "nc")), 1000, &coco), OK);
        for (size_t k = 0; k < json_array_size(images); k++)
            add_coco_image(coco, json_array_get(images, k));
        assert_int_equal(coco_finish(coco, &result), OK);
        for (int k = 0; k < COCO_NUMBERS; k++) {
            const json_t *want = json_object_get(json_object_get(c, "expect"), coco_number_name(k));
            assert_non_null(want);
            if (!(fabs(result.value[k] - json_number_value(want)) < 1e-12))
                fail_msg("%s: %s is %.15g, expected %.15g", json_string_value(json_object_get(c, "name")),
                         coco_number_name(k), result.value[k], json_number_value(want));
        }
        coco_result_free(&result);
        coco_destroy(coco);
    }
    json_decref(root);
}

static void test_confusion_cases(void **state)
{
    (void)state;
    json_t *root = read_cases("confusion_cases.json");
    const json_t *cases = json_object_get(root, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *c = json_array_get(cases, i), *images = json_object_get(c, "images");
        struct confusion confusion;
        int nc = (int)json_integer_value(json_object_get(c, "nc"));
        assert_int_equal(confusion_init(&confusion, nc), OK);
        for (size_t k = 0; k < json_array_size(images); k++) {
            const json_t *d = json_object_get(json_array_get(images, k), "detections");
            const json_t *l = json_object_get(json_array_get(images, k), "labels");
            struct detection detections[MOST] = {{{0}}};
            struct eval_label labels[MOST] = {{{0}}};
            for (size_t j = 0; j < json_array_size(d); j++) {
                for (size_t x = 0; x < 4; x++)
                    detections[j].xyxy[x] = (float)number(json_array_get(d, j), x);
                detections[j].score = (float)number(json_array_get(d, j), 4);
                detections[j].class = (int)number(json_array_get(d, j), 5);
            }
            for (size_t j = 0; j < json_array_size(l); j++) {
                for (size_t x = 0; x < 4; x++)
                    labels[j].xyxy[x] = (float)number(json_array_get(l, j), x);
                labels[j].class = (int)number(json_array_get(l, j), 4);
            }
            assert_int_equal(
                confusion_add(&confusion, detections, (int)json_array_size(d), labels, (int)json_array_size(l)), OK);
        }
        for (int row = 0; row <= nc; row++)
            for (int column = 0; column <= nc; column++) {
                double want = number(json_array_get(json_object_get(c, "cells"), (size_t)row), (size_t)column);
                double got = (double)confusion.cells[row * (nc + 1) + column];
                if (got != want)
                    fail_msg("%s: cell (%d, %d) is %g, expected %g", json_string_value(json_object_get(c, "name")), row,
                             column, got, want);
            }
        confusion_free(&confusion);
    }
    json_decref(root);
}

/* Of 150 detections of one image and class the best 100 take part: the true one is the 101st, then the 100th. */
static void test_coco_hundred(void **state)
{
    (void)state;
    for (int place = 100; place >= 99; place--) {
        struct coco_detection d[150];
        struct coco_label label = {{0, 0, 20, 20}, 400, 0, false};
        struct coco *coco;
        struct coco_result r;
        for (int i = 0; i < 150; i++) {
            d[i] = (struct coco_detection){{500 + i, 500, 20, 20}, 0.9 - 0.001 * i, 0};
            if (i == place)
                memset(d[i].xywh, 0, 2 * sizeof(double));
        }
        assert_int_equal(coco_create(1, 1000, &coco), OK);
        assert_int_equal(coco_add(coco, 1, d, 150, &label, 1), OK);
        assert_int_equal(coco_finish(coco, &r), OK);
        assert_true(r.value[COCO_AR100] == (place == 99 ? 1 : 0) && r.value[COCO_AR10] == 0);
        assert_true(fabs(r.value[COCO_AP] - (place == 99 ? 0.01 : 0)) < 1e-12); /* precision 1/100 */
        assert_true(r.class_ap[0] == r.value[COCO_AP]);
        coco_result_free(&r);
        coco_destroy(coco);
    }
}

/* --- the accumulator --- */

static void test_matching_quirk(void **state)
{
    (void)state;
    /* both detections want the label; the first has IoU 0.6, the second 1: at 0.5, 0.55, 0.6 the first is right, above
     * the second */
    struct detection d[2] = {{{0, 0, 10, 6}, 0.9f, 0}, {{0, 0, 10, 10}, 0.5f, 0}};
    struct eval_label label = {{0, 0, 10, 10}, 0, false, 100};
    uint16_t correct[2], taken[1];
    float t[EVAL_IOUS];
    matching_thresholds(t);
    assert_true(t[0] == 0.5f && t[9] == 0.95f && fabsf(t[5] - 0.75f) < 1e-6);
    match_detections(d, 2, &label, 1, correct, taken);
    assert_int_equal(correct[0] & 3, 3);
    assert_int_equal(correct[0] >> 3, 0);
    assert_int_equal(correct[0] | correct[1], 0x3ff);
    assert_int_equal(correct[0] & correct[1], 0);
    d[0].class = 1; /* another class wants nothing */
    match_detections(d, 2, &label, 1, correct, taken);
    assert_int_equal(correct[0], 0);
    assert_int_equal(correct[1], 0x3ff);
}

static void assert_contains(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("'%s' does not say '%s'", text ? text : "", part);
}

/* Text, JSON and pictures of a finished evaluation; the pictures stay in the build folder to be looked at. */
static void write_report(const struct evaluation *e, const struct evaluation_result *r, const char *const *names,
                         const char *folder)
{
    static const char *const files[] = {"PR_curve", "P_curve",          "R_curve",
                                        "F1_curve", "confusion_matrix", "confusion_matrix_counts"};
    struct buf text = {0};
    json_t *json;
    char path[512], line[128];
    assert_int_equal(report_table(e, r, names, true, 0, &text), OK);
    assert_int_equal(report_coco_table(r, 0, &text), OK);
    snprintf(line, sizeof(line), "%22s%11d%11d%11.3g", "all", (int)e->images, (int)e->instances, r->official.precision);
    assert_contains(text.data,
                    "                 Class     Images  Instances          P          R      mAP50   mAP50-95\n");
    assert_contains(text.data, line);
    snprintf(line, sizeof(line), "maxDets=100 ] = %6.4f\n", r->coco.value[COCO_AP]);
    assert_contains(text.data, line);
    buf_free(&text);
    assert_int_equal(report_json(e, r, names, &json), OK);
    assert_true(json_number_value(json_object_get(json, "map")) == r->official.map);
    assert_true(json_number_value(json_object_get(json_object_get(json, "coco"), "ARl")) == r->coco.value[COCO_ARL]);
    assert_int_equal(json_array_size(json_object_get(json, "classes")), r->official.n_classes);
    json_decref(json);
    assert_int_equal(path_make_folder(folder), OK);
    if (report_pictures(e, r, names, folder) != OK)
        fail_msg("%s", fail_text());
    for (int i = 0; i < 2 * COUNT(files); i++) {
        snprintf(path, sizeof(path), "%s/%s.%s", folder, files[i / 2], i % 2 ? "svg" : "png");
        assert_true(path_exists(path));
        if (strstr(folder, "empty"))
            remove(path);
    }
}

static void test_empty_evaluations(void **state)
{
    (void)state;
    static const char *const names[] = {"cat", "dog", "a \xff broken <name>"};
    struct evaluation_config config = {.coco = true};
    struct evaluation_result r;
    struct evaluation e;
    struct detection d = {{0, 0, 10, 10}, 0.9f, 1};
    struct eval_label label = {{0, 0, 10, 10}, 1, true, 100};
    assert_int_equal(evaluation_init(&e, 3, &config), OK);
    assert_int_equal(evaluation_finish(&e, &r), OK); /* nothing at all */
    assert_true(r.official.n_classes == 0 && r.official.map == 0 && r.official.fitness == 0);
    assert_true(r.has_coco && r.coco.value[COCO_AP] == -1);
    write_report(&e, &r, names, Y9_BINARY_DIR "/report-empty");
    evaluation_result_free(&r);
    assert_int_equal(evaluation_add(&e, 1, &d, 1, NULL, 0), OK);   /* no label */
    assert_int_equal(evaluation_add(&e, 2, &d, 1, &label, 1), OK); /* a crowd: metric A never sees it */
    assert_int_equal(evaluation_finish(&e, &r), OK);
    assert_true(e.images == 2 && e.instances == 0 && r.official.n_classes == 0 && r.official.map50 == 0);
    evaluation_result_free(&r);
    label.crowd = false;
    assert_int_equal(evaluation_add(&e, 3, NULL, 0, &label, 1), OK); /* no detection */
    assert_int_equal(evaluation_finish(&e, &r), OK);
    assert_true(r.official.n_classes == 1 && r.official.class[0] == 1 && r.official.labels[0] == 1);
    assert_true(r.official.map == 0 && r.coco.value[COCO_AP] == 0 && r.coco.class_ap[0] == -1);
    evaluation_result_free(&r);
    label.class = 3;
    assert_int_equal(evaluation_add(&e, 4, NULL, 0, &label, 1), E_ARGUMENT);
    d.class = -1;
    assert_int_equal(evaluation_add(&e, 4, &d, 1, NULL, 0), E_ARGUMENT);
    evaluation_free(&e);
}

static void test_limit(void **state)
{
    (void)state;
    struct evaluation_config config = {.coco = true, .max_detections = 3};
    struct evaluation e;
    struct detection d[2] = {{{0, 0, 10, 10}, 0.9f, 0}, {{0, 0, 10, 10}, 0.8f, 0}};
    assert_int_equal(evaluation_init(&e, 1, &config), OK);
    assert_int_equal(evaluation_add(&e, 1, d, 2, NULL, 0), OK);
    assert_int_equal(evaluation_add(&e, 2, d, 2, NULL, 0), E_LIMIT);
    evaluation_free(&e);
}

/* Tables and pictures of as many classes as COCO has; every label is found by a detection that is off by four pixels.
 */
static void test_many_classes(void **state)
{
    enum { CLASSES = 80, PICTURES = 60, A_PICTURE = 12 };
    static char words[CLASSES][16];
    const char *names[CLASSES];
    struct evaluation e;
    struct evaluation_config config = {.coco = true};
    struct evaluation_result r;
    struct rng rng = rng_seed(3, 0, 0);
    (void)state;
    for (int k = 0; k < CLASSES; k++) {
        snprintf(words[k], sizeof(words[k]), "thing %d", k);
        names[k] = words[k];
    }
    assert_int_equal(evaluation_init(&e, CLASSES, &config), OK);
    for (int i = 0; i < PICTURES; i++) {
        struct detection d[A_PICTURE];
        struct eval_label l[A_PICTURE];
        for (int k = 0; k < A_PICTURE; k++) {
            float x = (float)(44 * k), size = (float)(30 + rng_next(&rng) % 8);
            l[k] = (struct eval_label){.xyxy = {x, 10, x + size, 10 + size}, .class = (i * A_PICTURE + k) % CLASSES};
            l[k].area = (double)size * (double)size;
            d[k] = (struct detection){{x + 4, 10, x + size, 10 + size}, 0.95f - 0.05f * (float)k, l[k].class};
        }
        assert_int_equal(evaluation_add(&e, i, d, A_PICTURE, l, A_PICTURE), OK);
    }
    assert_int_equal(evaluation_finish(&e, &r), OK);
    assert_int_equal(r.official.n_classes, CLASSES);
    assert_true(r.official.map50 > 0.99 && r.official.map < 0.99);
    write_report(&e, &r, names, Y9_BINARY_DIR "/report");
    evaluation_result_free(&r);
    evaluation_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_ap),         cmocka_unit_test(test_golden_compute_ap),
        cmocka_unit_test(test_coco_cases),        cmocka_unit_test(test_coco_hundred),
        cmocka_unit_test(test_confusion_cases),   cmocka_unit_test(test_matching_quirk),
        cmocka_unit_test(test_empty_evaluations), cmocka_unit_test(test_limit),
        cmocka_unit_test(test_many_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
