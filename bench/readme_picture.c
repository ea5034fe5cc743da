/* The picture at the top of the README: photos with what was found in them, beside the curves of the training.
 *
 *   readme_picture OUT.jpg RESULTS.csv DETECTIONS.json PHOTO PHOTO PHOTO PHOTO
 *
 * DETECTIONS.json is what `yolo9 detect --json` writes about these photos; scripts/readme-picture makes everything. */
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"
#include "image/chart.h"
#include "image/decode.h"
#include "image/draw.h"
#include "image/encode.h"
#include "image/resize.h"
#include "results_csv.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PHOTOS = 4, PHOTO_W = 400, PHOTO_H = 300, GAP = 8, CHART_W = 464, MAX_BOXES = 64, QUALITY = 88 };
enum { HEIGHT = 2 * PHOTO_H + 3 * GAP, WIDTH = 2 * PHOTO_W + 3 * GAP + CHART_W };

struct found {
    float boxes[MAX_BOXES][4], scores[MAX_BOXES];
    int classes[MAX_BOXES], n;
    char names[MAX_BOXES][32];
    const char *known[MAX_BOXES]; /* by class */
};

/* What the file says of a photo, scaled. The list runs by falling score within a photo. */
static enum status collect(json_t *list, const char *photo, double scale, struct found *f)
{
    size_t index;
    json_t *item;
    memset(f, 0, sizeof *f);
    json_array_foreach(list, index, item)
    {
        const char *image = json_string_value(json_object_get(item, "image"));
        json_t *box = json_object_get(item, "bbox");
        int class = (int)json_integer_value(json_object_get(item, "category_id"));
        double v[4];
        if (!image || json_array_size(box) != 4 || class < 0 || class >= MAX_BOXES)
            return fail(E_FORMAT, "not what detect --json writes");
        if (strcmp(path_name(image), path_name(photo)) != 0 || f->n == MAX_BOXES)
            continue;
        for (int k = 0; k < 4; k++)
            v[k] = json_number_value(json_array_get(box, (size_t)k)) * scale;
        const float xyxy[4] = {(float)v[0], (float)v[1], (float)(v[0] + v[2]), (float)(v[1] + v[3])};
        memcpy(f->boxes[f->n], xyxy, sizeof xyxy);
        f->scores[f->n] = (float)json_number_value(json_object_get(item, "score"));
        f->classes[f->n++] = class;
        snprintf(f->names[class], sizeof f->names[class], "%s", json_string_value(json_object_get(item, "category")));
        f->known[class] = f->names[class];
    }
    return OK;
}

static enum status add_photo(json_t *list, const char *path, int place, struct image *out)
{
    enum status rc = OK;
    struct image photo = {0}, small = {0};
    struct found found;
    TRY_CLEAN(image_read(path, &photo));
    double scale = MIN((double)PHOTO_W / photo.w, (double)PHOTO_H / photo.h);
    int w = MIN((int)rint(photo.w * scale), PHOTO_W), h = MIN((int)rint(photo.h * scale), PHOTO_H);
    TRY_CLEAN(collect(list, path, scale, &found));
    TRY_CLEAN(image_resize(&photo, h, w, scale < 1 ? RESIZE_AREA : RESIZE_LINEAR, &small));
    TRY_CLEAN(draw_detections(&small, found.boxes[0], found.scores, found.classes, found.n, found.known, MAX_BOXES,
                              &(struct draw_options){.text_size = 14, .line_thickness = 2}));
    image_paste(&small, 0, 0, h, w, out, GAP + place / 2 * (PHOTO_H + GAP), GAP + place % 2 * (PHOTO_W + GAP));
cleanup:
    image_free(&photo);
    image_free(&small);
    return rc;
}

static enum status add_chart(const struct chart *chart, int place, struct image *out)
{
    enum status rc = OK;
    struct image drawn = {0};
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, CHART_W, PHOTO_H);
    cairo_t *cr = cairo_create(surface);
    chart_draw(cr, CHART_W, PHOTO_H, chart);
    cairo_destroy(cr);
    TRY_CLEAN(image_from_surface(surface, &drawn));
    image_paste(&drawn, 0, 0, PHOTO_H, CHART_W, out, GAP + place * (PHOTO_H + GAP), 2 * (PHOTO_W + GAP) + GAP);
cleanup:
    cairo_surface_destroy(surface);
    image_free(&drawn);
    return rc;
}

static enum status add_curves(const char *path, struct image *out)
{
    enum { LINES = 5 };
    static const int columns[LINES] = {RESULT_TRAIN_LOSS, RESULT_TRAIN_LOSS + 1, RESULT_TRAIN_LOSS + 2, RESULT_MAP50,
                                       RESULT_MAP};
    static const char *const names[LINES] = {"box", "class", "box edges", "mAP50", "mAP50-95"};
    double *values[LINES] = {NULL}, *epochs = NULL;
    struct series series[LINES];
    enum status rc = OK;
    int n = 0;
    TRY_CLEAN(results_csv_load(path, columns, LINES, values, &n));
    epochs = mem_alloc((size_t)n + 1, sizeof *epochs);
    TRY_CLEAN(epochs ? OK : E_NOMEM);
    for (int i = 0; i < n; i++)
        epochs[i] = i + 1;
    for (int k = 0; k < LINES; k++)
        series[k] = (struct series){
            .name = names[k], .style = SERIES_LINE_POINTS, .x = epochs, .y = values[k], .n = n, .width = 2.5};
    const struct axis x = {.label = "Epoch", .whole = true};
    const struct chart losses = {.title = "Training losses", .x = x, .series = series, .n_series = 3};
    const struct chart accuracy = {.title = "Accuracy on unseen pictures",
                                   .x = x,
                                   .y = {.low = 0, .high = 1.02},
                                   .series = series + 3,
                                   .n_series = 2};
    TRY_CLEAN(add_chart(&losses, 0, out));
    TRY_CLEAN(add_chart(&accuracy, 1, out));
cleanup:
    for (int k = 0; k < LINES; k++)
        mem_free(values[k]);
    mem_free(epochs);
    return rc;
}

int main(int argc, char **argv)
{
    log_set_sink(terminal_log, NULL);
    enum status rc = OK;
    struct image out = {0};
    json_error_t error;
    json_t *list = NULL;
    if (argc != 4 + PHOTOS) {
        fprintf(stderr, "usage: readme_picture OUT.jpg RESULTS.csv DETECTIONS.json PHOTO PHOTO PHOTO PHOTO\n");
        return 2;
    }
    list = json_load_file(argv[3], 0, &error);
    if (!list)
        TRY_CLEAN(fail(E_FORMAT, "%s: %s", argv[3], error.text));
    TRY_CLEAN(image_init(&out, HEIGHT, WIDTH));
    image_fill(&out, 255, 255, 255);
    for (int i = 0; i < PHOTOS; i++)
        TRY_CLEAN(add_photo(list, argv[4 + i], i, &out));
    TRY_CLEAN(add_curves(argv[2], &out));
    TRY_CLEAN(image_write_jpeg(argv[1], &out, QUALITY));
cleanup:
    if (rc != OK)
        fprintf(stderr, "readme_picture: %s\n", fail_text());
    json_decref(list);
    image_free(&out);
    return rc == OK ? 0 : 1;
}
