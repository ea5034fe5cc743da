/* Pictures of runs: results.png, labels.png, curves and confusion matrices, sheets of batches; from one epoch and one
 * class to 80 classes, and with nothing in them. */
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"
#include "data/batch_sheet.h"
#include "data/preview.h"
#include "eval/report.h"
#include "image/decode.h"
#include "image/palette.h"
#include "support/folder.h"
#include "support/unit.h"
#include "train/run_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct area {
    int x0, y0, x1, y1;
};

/* How many pixels of that colour lie there, and their mean place. */
static int count_colour(const struct image *img, struct colour c, struct area a, double *mean_x, double *mean_y)
{
    int n = 0;
    *mean_x = *mean_y = 0;
    for (int y = a.y0; y < a.y1; y++) {
        for (int x = a.x0; x < a.x1; x++) {
            const uint8_t *p = img->data + ((size_t)y * (size_t)img->w + (size_t)x) * 3;
            if (p[0] != c.red || p[1] != c.green || p[2] != c.blue)
                continue;
            n++;
            *mean_x += x;
            *mean_y += y;
        }
    }
    *mean_x /= n ? n : 1;
    *mean_y /= n ? n : 1;
    return n;
}

static void same_file(const char *a, const char *b)
{
    struct buf x = {0}, y = {0};
    char path[256];
    snprintf(path, sizeof path, "%s", folder_path(a));
    assert_ok(file_read(path, 1 << 26, &x));
    assert_ok(file_read(folder_path(b), 1 << 26, &y));
    if (x.size != y.size || memcmp(x.data, y.data, x.size) != 0)
        fail_msg("%s and %s differ", a, b);
    buf_free(&x);
    buf_free(&y);
}

/* --- results.png --- */

static void plot(struct run_progress *p, int rows, struct image *img)
{
    struct run_folder f = {.path = folder};
    for (int i = 0; i < rows; i++) {
        double row[RESULT_COLUMNS];
        for (int k = 0; k < RESULT_COLUMNS; k++)
            row[k] = k >= RESULT_PRECISION && k <= RESULT_MAP ? 0.2 + 0.1 * (i == 1) : 1 + k + 0.1 * i;
        assert_ok(run_progress_add_row(p, row));
    }
    assert_ok(run_plot_results(&f, p));
    assert_ok(image_read(folder_path("results.png"), img));
}

static void one_epoch_is_seen(void **state)
{
    (void)state;
    struct run_progress p;
    struct image img = {0}, again = {0};
    double x, y;
    assert_ok(run_progress_init(&p, 3));
    assert_ok(run_plot_results(&(struct run_folder){.path = folder}, &p)); /* nothing yet: no file */
    assert_false(path_exists(folder_path("results.png")));
    plot(&p, 1, &img);
    int panel_w = img.w / 3, panel_h = img.h / 2;
    for (int k = 0; k < 6; k++) { /* two points a panel, in the middle of its plot, below the legend */
        struct area a = {k % 3 * panel_w + panel_w / 3, k / 3 * panel_h + 5, k % 3 * panel_w + panel_w * 3 / 4,
                         (k / 3 + 1) * panel_h - 30};
        bool twice = k == 3 || k == 4; /* of equal metrics the first lies on top */
        assert_in_range(count_colour(&img, palette_get(0), a, &x, &y), 15, 120);
        assert_true(x - k % 3 * panel_w > 0.45 * panel_w && x - k % 3 * panel_w < 0.6 * panel_w);
        assert_true(twice || count_colour(&img, palette_get(1), a, &x, &y) >= 15);
    }
    assert_ok(run_plot_results(&(struct run_folder){.path = folder}, &p));
    assert_ok(image_read(folder_path("results.png"), &again));
    assert_memory_equal(img.data, again.data, (size_t)img.h * (size_t)img.w * 3);
    image_free(&img);
    image_free(&again);
    run_progress_free(&p);
}

/* The dashed line stands at the second of four epochs. */
static void the_best_epoch_is_marked(void **state)
{
    (void)state;
    struct run_progress p;
    struct image img = {0};
    assert_ok(run_progress_init(&p, 3));
    plot(&p, 4, &img);
    int darkest[2] = {0, 0}; /* column, its dark pixels: the y axis aside */
    for (int x = img.w / 24; x < img.w / 3 - 120; x++) {
        int dark = 0;
        for (int y = 40; y < img.h / 2 - 60; y++) {
            const uint8_t *q = img.data + ((size_t)y * (size_t)img.w + (size_t)x) * 3;
            dark += q[0] < 100 && q[1] < 100 && q[2] < 100;
        }
        if (dark > darkest[1]) {
            darkest[0] = x;
            darkest[1] = dark;
        }
    }
    double place = (darkest[0] - img.w / 36.0) / (img.w / 3.0 - img.w / 24.0);
    assert_true(darkest[1] > 100 && place > 0.26 && place < 0.42);
    image_free(&img);
    run_progress_free(&p);
}

/* --- labels.png --- */

/* A dataset of one picture with n labels; classes in turn. */
static void draw_labels(int nc, int n, const char *file)
{
    struct dataset_image image = {.n_objects = n};
    struct dataset_object *objects = mem_calloc((size_t)n + 1, sizeof *objects);
    const char **names = mem_calloc((size_t)nc + 1, sizeof *names);
    for (int i = 0; i < n; i++)
        objects[i] = (struct dataset_object){.class = nc ? i % nc : 0, .cxcywh = {0.25f, 0.1f, 0.2f, 0.2f}};
    for (int i = 0; i < nc; i++)
        names[i] = i % 3 == 0   ? "a class with a name that is longer than any axis has room for, by far"
                   : i % 3 == 1 ? ""
                                : "\xFF";
    const struct dataset d = {
        .nc = nc, .names = names, .images = &image, .n_images = 1, .objects = objects, .n_objects = (size_t)n};
    assert_ok(preview_labels(&d, folder_path(file)));
    mem_free(objects);
    mem_free(names);
}

static void labels_are_drawn_for_any_number_of_classes(void **state)
{
    (void)state;
    struct image img = {0};
    double x, y;
    draw_labels(1, 30, "one.png");
    assert_ok(image_read(folder_path("one.png"), &img));
    /* positions: left and up, as in the picture */
    int n = count_colour(&img, palette_get(0), (struct area){60, img.h / 2 + 40, img.w / 2 - 20, img.h - 60}, &x, &y);
    assert_true(n > 5 && x < img.w * 0.2 && y < img.h * 0.62);
    /* the bar of one class leaves room beside it */
    n = count_colour(&img, palette_get(0), (struct area){0, 0, img.w / 2, img.h / 2}, &x, &y);
    assert_true(n > 10000 && n < img.w * img.h / 16);
    draw_labels(80, 400, "many.png");
    draw_labels(80, 400, "again.png");
    same_file("many.png", "again.png");
    draw_labels(3, 0, "none.png");
    draw_labels(0, 0, "nothing.png");
    assert_ok(image_read(folder_path("none.png"), &img));
    assert_int_equal(count_colour(&img, palette_get(0), (struct area){0, 0, img.w, img.h}, &x, &y), 0);
    image_free(&img);
}

/* --- curves and matrices --- */

static void evaluate(int nc, bool labels, const char *where)
{
    struct evaluation_config config = {0};
    struct evaluation e;
    struct evaluation_result r;
    struct rng rng = rng_seed(4, (uint64_t)nc, 0);
    const char **names = mem_calloc((size_t)nc, sizeof *names);
    assert_ok(evaluation_init(&e, nc, &config));
    for (int i = 0; i < 2 * nc && labels; i++) {
        struct eval_label label = {{10, 10, 60, 60}, i % nc, false, 2500};
        struct detection d[2] = {{{12, 11, 61, 59}, (float)rng_uniform(&rng), i % nc},
                                 {{200, 200, 250, 230}, 0.3f, (i + 1) % nc}};
        if (d[0].score < d[1].score) {
            struct detection swap = d[0];
            d[0] = d[1];
            d[1] = swap;
        }
        assert_ok(evaluation_add(&e, i, d, 2, &label, 1));
    }
    for (int i = 0; i < nc; i++)
        names[i] = i % 2 ? "even" : "a name that is longer than the legend of a chart has room for";
    assert_ok(evaluation_finish(&e, &r));
    assert_ok(path_make_folder(folder_path(where)));
    assert_ok(report_pictures(&e, &r, names, folder_path(where)));
    evaluation_result_free(&r);
    evaluation_free(&e);
    mem_free(names);
}

static void curves_are_the_same_bytes_every_time(void **state)
{
    (void)state;
    static const char *const files[] = {"PR_curve", "P_curve",          "R_curve",
                                        "F1_curve", "confusion_matrix", "confusion_matrix_counts"};
    evaluate(80, true, "a");
    evaluate(80, true, "b");
    evaluate(1, true, "single");
    evaluate(3, false, "empty");
    for (int i = 0; i < 2 * COUNT(files); i++) {
        char a[64], b[64];
        snprintf(a, sizeof a, "a/%s.%s", files[i / 2], i % 2 ? "svg" : "png");
        snprintf(b, sizeof b, "b/%s.%s", files[i / 2], i % 2 ? "svg" : "png");
        same_file(a, b);
    }
}

/* The line of all classes is drawn in ink, which no class has. */
static void all_classes_stand_out(void **state)
{
    (void)state;
    struct image img = {0};
    double x, y;
    assert_ok(image_read(folder_path("a/F1_curve.png"), &img));
    struct area plot_area = {80, 60, img.w / 2, img.h - 70}, legend = {img.w * 3 / 4, 40, img.w, 60};
    assert_true(count_colour(&img, colour_ink, plot_area, &x, &y) > 500);
    assert_true(count_colour(&img, colour_ink, legend, &x, &y) > 40);
    for (int i = 0; i < 10; i++) /* five best, five worst, in the legend */
        assert_true(count_colour(&img, palette_get(i), (struct area){img.w * 3 / 5, 40, img.w, img.h / 2}, &x, &y) >
                    10);
    int faint = count_colour(&img, colour_faint, plot_area, &x, &y);
    if (faint < 100)
        fail_msg("%d pixels of faint lines", faint);
    image_free(&img);
}

/* --- sheets --- */

/* Small pictures are enlarged, so that what is drawn on them can be read. */
static void sheets_enlarge_small_pictures(void **state)
{
    (void)state;
    enum { SIDE = 32, N = 2 };
    uint8_t *pixels = mem_calloc(N * SIDE * SIDE * 3 + 16, 1);
    float targets[1][6] = {{1, 0, 0.5f, 0.5f, 0.5f, 0.5f}};
    struct batch_picture pictures[N] = {{.index = 0}, {.index = 1}};
    struct dataset_image images[N] = {{.path = "in/a.jpg"}, {.path = "in/b.jpg"}};
    const char *const names[] = {"thing"};
    const struct dataset d = {.nc = 1, .names = names, .images = images, .n_images = N};
    struct batch b = {.n = N, .h = SIDE, .w = SIDE, .n_targets = 1};
    struct image sheet = {0};
    double x, y;
    b.pixels = pixels;
    b.targets = targets;
    b.pictures = pictures;
    assert_ok(preview_batch(&b, &d, folder_path("sheet.png")));
    assert_ok(image_read(folder_path("sheet.png"), &sheet));
    assert_true(sheet.w >= 2 * 5 * SIDE && sheet.h >= 5 * SIDE);
    assert_int_equal(count_colour(&sheet, palette_get(0), (struct area){0, 0, sheet.w / 2, sheet.h}, &x, &y), 0);
    assert_true(count_colour(&sheet, palette_get(0), (struct area){sheet.w / 2, 0, sheet.w, sheet.h}, &x, &y) > 300);
    const struct detection low = {{8, 8, 24, 24}, 0.2f, 0};
    struct batch_sheet s = {.dataset = &d};
    assert_ok(batch_sheet_write(&s, folder_path("no.png"))); /* of nothing */
    assert_false(path_exists(folder_path("no.png")));
    pictures[0].map.gain = pictures[1].map.gain = 1;
    assert_ok(batch_sheet_add(&s, &b, 0, &low, 1)); /* too unsure to be shown */
    assert_ok(batch_sheet_write(&s, folder_path("low.png")));
    assert_ok(image_read(folder_path("low.png"), &sheet));
    assert_int_equal(count_colour(&sheet, palette_get(0), (struct area){0, 0, sheet.w, sheet.h}, &x, &y), 0);
    batch_sheet_free(&s);
    image_free(&sheet);
    mem_free(pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_epoch_is_seen),
        cmocka_unit_test(the_best_epoch_is_marked),
        cmocka_unit_test(labels_are_drawn_for_any_number_of_classes),
        cmocka_unit_test(curves_are_the_same_bytes_every_time),
        cmocka_unit_test(all_classes_stand_out),
        cmocka_unit_test(sheets_enlarge_small_pictures),
    };
    return cmocka_run_group_tests_name("run_pictures", tests, folder_make, folder_remove);
}
