/* The whole road on real photos: an official checkpoint -> boxes, against those of the official detection code, and
 * the raw outputs of three prepared inputs (../shared/weights/README.md). Skipped where ../shared is absent. */
#include "core/cpu.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "detect/boxes.h"
#include "detect/detector.h"
#include "formats/json.h"
#include "image/decode.h"
#include "support/unit.h"
#include "weights/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED Y9_SOURCE_DIR "/../shared/"
#define PHOTOS SHARED "data/coco128/images/train2017"

static const double CONF = 0.25, EDGE = 0.001;

static void need_shared(void)
{
    if (!path_exists(SHARED "weights/gelan-t-coco.pt")) {
        print_message("skipped: ../shared/weights is not here\n");
        skip();
    }
}

struct road {
    struct weights weights;
    struct team *team;
    struct detector *detector;
};

static void open_road(struct road *r, const char *file, bool rect)
{
    struct detector_config config = {
        .h = 640, .w = 640, .rect = rect, .conf = (float)CONF, .iou = 0.45, .max_det = 1000};
    *r = (struct road){0};
    if (weights_load(file, NULL, &r->weights, NULL) != OK)
        fail_msg("%s", fail_text());
    if (r->weights.params)
        assert_int_equal(weights_deploy(&r->weights), OK);
    assert_int_equal(team_create(cpu_count(), &r->team), OK);
    config.team = r->team;
    assert_int_equal(detector_create(&r->weights.deployed, r->weights.deployed_params, &config, &r->detector), OK);
}

static void close_road(struct road *r)
{
    detector_destroy(r->detector);
    team_destroy(r->team);
    weights_free(&r->weights);
}

struct tally {
    int wanted, found, given, extra;
};

static bool near_threshold(double score)
{
    return fabs(score - CONF) <= EDGE;
}

/* Is `ref` (COCO result) among the detections? Marks the one it is. */
static bool find(const json_t *ref, const struct detection *d, int n, bool *used, double min_iou, double max_score)
{
    const json_t *b = json_object_get(ref, "bbox");
    float xywh[4], box[4];
    for (size_t k = 0; k < 4; k++)
        xywh[k] = (float)json_number_value(json_array_get(b, k));
    box_xywh_to_xyxy(xywh, box);
    double score = json_number_value(json_object_get(ref, "score"));
    int class = (int)json_integer_value(json_object_get(ref, "category_id"));
    for (int i = 0; i < n; i++) {
        if (!used[i] && d[i].class == class && fabs(d[i].score - score) <= max_score &&
            (double)box_iou(box, d[i].xyxy, 0) >= min_iou)
            return used[i] = true;
    }
    return false;
}

static void compare_photo(const json_t *refs, int id, const struct detection *d, int n, struct tally *t)
{
    bool used[1000] = {false};
    for (size_t i = 0; i < json_array_size(refs); i++) {
        const json_t *ref = json_array_get(refs, i);
        if (json_integer_value(json_object_get(ref, "image_id")) != id)
            continue;
        if (near_threshold(json_number_value(json_object_get(ref, "score")))) {
            find(ref, d, n, used, 0.9, 0.01); /* neither wanted nor extra */
            continue;
        }
        t->wanted++;
        t->found += find(ref, d, n, used, 0.99, 0.003);
    }
    for (int i = 0; i < n; i++) {
        t->given += !near_threshold(d[i].score);
        t->extra += !near_threshold(d[i].score) && !used[i];
    }
}

static void run_photos(const char *file, bool rect)
{
    struct road road;
    struct tally tally = {0};
    json_t *refs = NULL;
    char **names, path[4096];
    int n_names;
    struct image photo = {0};
    struct detector_input input = {0};
    snprintf(path, sizeof path, SHARED "weights/detections-train2017-%s-conf0.25-iou0.45.json",
             rect ? "rect" : "square");
    assert_int_equal(json_read_file(path, NULL, &refs), OK);
    open_road(&road, file, rect);
    assert_int_equal(path_list(PHOTOS, &names, &n_names), OK);
    for (int i = 0; i < n_names; i++) {
        const struct detection *d;
        struct detector_times times;
        int n;
        snprintf(path, sizeof path, PHOTOS "/%s", names[i]);
        assert_int_equal(image_read(path, &photo), OK);
        assert_int_equal(detector_prepare(road.detector, &photo, &input), OK);
        assert_int_equal(detector_run(road.detector, &input, &d, &n, &times), OK);
        compare_photo(refs, atoi(names[i]), d, n, &tally);
    }
    print_message("%s %s: %d of %d reference detections found, %d of %d extra\n", path_name(file),
                  rect ? "rect" : "square", tally.found, tally.wanted, tally.extra, tally.given);
    assert_true(tally.wanted > 500);
    assert_true(tally.found >= 0.995 * tally.wanted);
    assert_true(tally.extra <= 0.005 * tally.wanted);
    path_list_free(names, n_names);
    image_free(&photo);
    detector_input_free(&input);
    close_road(&road);
    json_decref(refs);
}

static void test_square(void **state)
{
    (void)state;
    need_shared();
    run_photos(SHARED "weights/gelan-t-coco.pt", false);
}

static void test_rect(void **state)
{
    (void)state;
    need_shared();
    run_photos(SHARED "weights/gelan-t-coco.pt", true);
}

static void test_other_forms(void **state)
{
    (void)state;
    need_shared();
    run_photos(SHARED "weights/gelan-t-coco-g4w256.pt", false);
    run_photos(SHARED "weights/gelan-t-coco-fused.safetensors", false);
}

/* Both of our own files: training form and deployed. */
static void test_converted(void **state)
{
    (void)state;
    need_shared();
    for (int deployed = 0; deployed < 2; deployed++) {
        struct weights w;
        char path[] = "/tmp/yolo9-test-XXXXXX";
        assert_int_not_equal(mkstemp(path), -1);
        assert_int_equal(weights_load(SHARED "weights/gelan-t-coco.pt", NULL, &w, NULL), OK);
        assert_int_equal(weights_deploy(&w), OK);
        assert_int_equal(weights_save(path, &w, deployed, false), OK);
        weights_free(&w);
        run_photos(path, false);
        remove(path);
    }
}

/* Scores within 2e-4, boxes within 0.05 px everywhere and 1e-3 px where the score is above 0.25. */
static void compare_raw(const float *ours, const float *ref, int anchors, int nc, double worst[3])
{
    for (int a = 0; a < anchors; a++) {
        const float *row = ours + (size_t)a * (size_t)(4 + nc);
        double best = 0;
        for (int k = 4; k < 4 + nc; k++) {
            double r = ref[(size_t)k * (size_t)anchors + (size_t)a];
            worst[0] = fmax(worst[0], fabs(row[k] - r));
            best = fmax(best, r);
        }
        for (int k = 0; k < 4; k++) {
            double error = fabs(row[k] - ref[(size_t)k * (size_t)anchors + (size_t)a]);
            worst[1] = fmax(worst[1], error);
            worst[2] = best > 0.25 ? fmax(worst[2], error) : worst[2];
        }
    }
}

static void test_raw_outputs(void **state)
{
    (void)state;
    need_shared();
    static const char *const stems[] = {"horses", "000000000139", "000000000785"};
    struct road road;
    open_road(&road, SHARED "weights/gelan-t-coco.pt", false);
    for (int i = 0; i < COUNT(stems); i++) {
        char path[4096];
        struct buf bytes = {0}, expected = {0};
        double worst[3] = {0};
        snprintf(path, sizeof path, SHARED "weights/%s.u8", stems[i]);
        assert_int_equal(file_read(path, 1 << 24, &bytes), OK);
        snprintf(path, sizeof path, SHARED "weights/%s.out.f32", stems[i]);
        assert_int_equal(file_read(path, 1 << 24, &expected), OK);
        struct net *net = detector_net(road.detector);
        assert_int_equal(net_plan(net, 1, 640, 640), OK);
        struct tensor x = net_input(net);
        struct image view = {.data = (uint8_t *)bytes.data, .h = 640, .w = 640};
        image_to_float(&view, x.data, x.pixel_stride);
        net_forward(net);
        struct head_output head = net_output(net, 0);
        float *decoded = mem_alloc((size_t)head.anchors * 84, sizeof *decoded);
        decode_image(&head, 0, 80, decoded);
        compare_raw(decoded, (const float *)(const void *)expected.data, head.anchors, 80, worst);
        print_message("%s: worst score %.2e, box %.2e px, box of a sure one %.2e px\n", stems[i], worst[0], worst[1],
                      worst[2]);
        assert_true(worst[0] <= 2e-4 && worst[1] <= 0.05 && worst[2] <= 1e-3);
        mem_free(decoded);
        buf_free(&bytes);
        buf_free(&expected);
    }
    close_road(&road);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_outputs), cmocka_unit_test(test_square),    cmocka_unit_test(test_rect),
        cmocka_unit_test(test_other_forms), cmocka_unit_test(test_converted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
