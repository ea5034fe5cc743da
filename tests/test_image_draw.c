/* image/: detections drawn on photos of any size, charts, heat maps and sheets of pictures. */
#include "core/file.h"
#include "core/path.h"
#include "image/chart.h"
#include "image/chart_frame.h"
#include "image/decode.h"
#include "image/draw.h"
#include "image/grid.h"
#include "support/folder.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void grey(struct image *img, int h, int w)
{
    assert_ok(image_init(img, h, w));
    image_fill(img, 100, 101, 102);
}

static const uint8_t *pixel(const struct image *img, int y, int x)
{
    return img->data + ((size_t)y * (size_t)img->w + (size_t)x) * 3;
}

static bool is_colour(const uint8_t *p, struct colour c)
{
    return p[0] == c.red && p[1] == c.green && p[2] == c.blue;
}

static bool is_ground(const uint8_t *p)
{
    return is_colour(p, (struct colour){100, 101, 102});
}

/* Pixels of colour c in the picture, and the rectangle that holds them. */
static int find_colour(const struct image *img, struct colour c, int box[4])
{
    int n = 0;
    box[0] = img->w;
    box[1] = img->h;
    box[2] = box[3] = -1;
    for (int y = 0; y < img->h; y++) {
        for (int x = 0; x < img->w; x++) {
            if (!is_colour(pixel(img, y, x), c))
                continue;
            n++;
            box[0] = MIN(box[0], x);
            box[1] = MIN(box[1], y);
            box[2] = MAX(box[2], x);
            box[3] = MAX(box[3], y);
        }
    }
    return n;
}

static const char *const names[] = {"cat", "dog"};

static void boxes_stand_where_they_should(void **state)
{
    (void)state;
    struct image img = {0};
    const float box[4] = {30, 40, 90, 70};
    struct draw_options hidden = {.line_thickness = 2, .hide_labels = true};
    grey(&img, 100, 120);
    assert_ok(draw_detections(&img, box, NULL, (const int[]){1}, 1, names, 2, &hidden));
    struct colour c = palette_get(1);
    for (int y = 0; y < 100; y++) {
        for (int x = 0; x < 120; x++) {
            bool outer = x >= 29 && x < 91 && y >= 39 && y < 71, inner = x >= 31 && x < 89 && y >= 41 && y < 69;
            bool far = x < 28 || x > 91 || y < 38 || y > 71 || (x > 31 && x < 88 && y > 41 && y < 68);
            if (outer && !inner)
                assert_true(is_colour(pixel(&img, y, x), c));
            else /* its edge is one pixel wide, and darker or lighter than the ground */
                assert_int_equal(is_ground(pixel(&img, y, x)), far);
        }
    }
    grey(&img, 100, 120); /* a box that leaves the picture keeps whole lines inside */
    assert_ok(draw_detections(&img, (const float[]){-50, -3, 500, 104}, NULL, (const int[]){1}, 1, names, 2, &hidden));
    for (int x = 0; x < 120; x++) {
        assert_true(is_colour(pixel(&img, 0, x), c) && is_colour(pixel(&img, 1, x), c));
        assert_true(is_colour(pixel(&img, 98, x), c) && is_colour(pixel(&img, 99, x), c));
    }
    assert_true(is_ground(pixel(&img, 50, 60)));
    assert_ok(draw_detections(&img, NULL, NULL, NULL, 0, names, 2, NULL));
    image_free(&img);
}

/* The filled ground of the label lies wholly inside the picture, wherever the box is. */
static void labels_stay_inside(void **state)
{
    (void)state;
    struct image img = {0};
    struct colour c = palette_get(0);
    for (int i = 0; i < 9; i++) {
        int found[4], left = i % 3 * 140 - 10, top = i / 3 * 95 - 10;
        float box[4] = {(float)left, (float)top, (float)left + 40, (float)top + 30}, score = 0.5f;
        grey(&img, 200, 300);
        assert_ok(
            draw_detections(&img, box, &score, (const int[]){0}, 1, names, 2, &(struct draw_options){.text_size = 14}));
        int n = find_colour(&img, c, found);
        int widest = 0, rows = 0; /* rows that hold a run as long as the label: it is complete */
        for (int y = 0; y < 200; y++) {
            int coloured = 0;
            for (int x = 0; x < 300; x++)
                coloured += !is_ground(pixel(&img, y, x));
            widest = MAX(widest, coloured);
            rows += coloured >= 55;
        }
        assert_true(n > 400 && widest >= 55 && rows >= 15);
        assert_true(found[0] >= 0 && found[2] < 300);
    }
    image_free(&img);
}

static void labels_have_text_unless_hidden(void **state)
{
    (void)state;
    struct image shown = {0}, bare = {0}, hidden = {0};
    const float box[4] = {50, 60, 150, 160}, score = 0.87f;
    int unused[4], dark[2];
    grey(&shown, 200, 200);
    grey(&bare, 200, 200);
    grey(&hidden, 200, 200);
    assert_ok(draw_detections(&shown, box, &score, (const int[]){1}, 1, names, 2, NULL));
    assert_ok(
        draw_detections(&bare, box, &score, (const int[]){1}, 1, names, 2, &(struct draw_options){.hide_conf = true}));
    assert_ok(draw_detections(&hidden, box, &score, (const int[]){1}, 1, names, 2,
                              &(struct draw_options){.hide_labels = true}));
    dark[0] = find_colour(&shown, palette_get(1), unused);
    dark[1] = find_colour(&bare, palette_get(1), unused);
    assert_true(dark[0] > dark[1] + 50); /* the score makes the ground wider */
    assert_true(dark[1] > find_colour(&hidden, palette_get(1), unused) + 50);
    int letters = 0;
    for (int i = 0; i < 200 * 200; i++)
        letters += shown.data[3 * i + 2] > 200; /* white on red */
    assert_true(letters > 20);
    image_free(&shown);
    image_free(&bare);
    image_free(&hidden);
}

/* From one pixel to more than cairo can hold in one surface, with names that are no UTF-8. */
static void any_size_and_any_name(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {2, 64}, {64, 64}, {5, 40000}, {40000, 5}, {2100, 2070}};
    static const char *const odd[] = {"\xFF\xFE bad \xC3", "",
                                      "a name that is far too long for any picture at all, really"};
    struct image img = {0};
    for (int i = 0; i < COUNT(sizes); i++) {
        int h = sizes[i][0], w = sizes[i][1], found[4];
        float boxes[12];
        for (int k = 0; k < 3; k++) {
            boxes[4 * k] = (float)w * 0.1f * (float)k;
            boxes[4 * k + 1] = (float)h * 0.1f * (float)k;
            boxes[4 * k + 2] = (float)w * 0.99f;
            boxes[4 * k + 3] = (float)h * 0.99f;
        }
        grey(&img, h, w);
        assert_ok(
            draw_detections(&img, boxes, (const float[]){0.9f, 0.8f, 0.7f}, (const int[]){0, 1, 5}, 3, odd, 3, NULL));
        if (!find_colour(&img, palette_get(0), found))
            fail_msg("%d x %d", h, w);
        if (h > 2048 && w > 2048) { /* the first box's left line runs through both tiles without a gap */
            for (int y = 100; y < 2000; y++)
                assert_true(is_colour(pixel(&img, y, 0), palette_get(0)));
        }
    }
    image_free(&img);
}

/* --- charts --- */

static void ticks_are_round(void **state)
{
    (void)state;
    static const double ranges[][2] = {{0, 1},
                                       {0, 97},
                                       {-3, 4},
                                       {0.001, 0.0052},
                                       {1e6, 9e6},
                                       {5, 5.5},
                                       {0, 1e-7},
                                       {0.06699, 0.06705},
                                       {0.0382895, 0.0383205},
                                       {2e6, 2.00001e6}};
    struct tick ticks[MAX_TICKS];
    for (int i = 0; i < COUNT(ranges); i++) {
        struct scale s = {ranges[i][0], ranges[i][1], false};
        int n = axis_ticks(&s, 6, ticks);
        assert_in_range(n, 2, 13);
        double step = ticks[1].value - ticks[0].value, unit = pow(10, floor(log10(step) + 1e-9));
        double ratio = step / unit;
        assert_true(fabs(ratio - 1) < 1e-6 || fabs(ratio - 2) < 1e-6 || fabs(ratio - 2.5) < 1e-6 ||
                    fabs(ratio - 5) < 1e-6);
        for (int k = 0; k < n; k++) {
            assert_true(ticks[k].value >= s.low - step * 1e-6 && ticks[k].value <= s.high + step * 1e-6);
            assert_true(fabs(atof(ticks[k].text) - ticks[k].value) <= fabs(ticks[k].value) * 2e-3 + 1e-12);
            for (int j = 0; j < k; j++)
                assert_string_not_equal(ticks[k].text, ticks[j].text);
        }
    }
    struct scale s = {1e-5, 100, true};
    assert_int_equal(axis_ticks(&s, 20, ticks), 8);
    assert_string_equal(ticks[0].text, "1e-5");
    assert_string_equal(ticks[7].text, "100");
}

static void path_of(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", folder, name);
}

/* A line from corner to corner of a fixed range is drawn from corner to corner of the frame. */
static void lines_follow_their_data(void **state)
{
    (void)state;
    struct image img = {0};
    char path[128];
    const double x[] = {0, 1, NAN, 2, 3}, y[] = {0, 1, 1, 1, 0};
    struct series s = {
        .style = SERIES_LINE, .x = x, .y = y, .n = 5, .coloured = true, .colour = {255, 0, 0}, .width = 3};
    struct chart c = {
        .x = {.low = 0, .high = 3}, .y = {.low = 0, .high = 1}, .series = &s, .n_series = 1, .w = 400, .h = 300};
    path_of("line.png", path);
    assert_ok(chart_write(&c, path));
    assert_ok(image_read(path, &img));
    assert_true(img.w == 400 && img.h == 300);
    int found[4], middle = 0;
    assert_true(find_colour(&img, s.colour, found) > 300);
    assert_true(found[0] < 60 && found[2] > 370 && found[1] < 30 && found[3] > 250);
    for (int yy = 0; yy < 300; yy++) /* the gap between x = 1 and 2 */
        middle += is_colour(pixel(&img, yy, (found[0] + found[2]) / 2), s.colour);
    assert_int_equal(middle, 0);
    image_free(&img);
}

static void odd_charts_are_drawn(void **state)
{
    (void)state;
    char path[128];
    const double zero[3] = {0}, mixed[3] = {-1, 1e300, INFINITY}, one[1] = {5};
    struct series s[4] = {
        {"flat", SERIES_LINE, NULL, zero, 3},
        {"\xFF", SERIES_POINTS, NULL, mixed, 3},
        {"one", SERIES_BARS, NULL, one, 1},
        {"none", SERIES_LINE_POINTS, NULL, zero, 0},
    };
    for (int i = 0; i < 16; i++) {
        struct chart c = {
            .title = i & 1 ? "\xFF title" : NULL, .series = &s[i % 4], .n_series = 1, .w = 30 + 100 * (i / 4)};
        c.h = i & 2 ? 20 : 200;
        c.y.logarithmic = i >= 8;
        c.x.names = i >= 12 ? names : NULL;
        c.x.n_names = i >= 12 ? 2 : 0;
        path_of(i & 4 ? "odd.svg" : "odd.png", path);
        assert_ok(chart_write(&c, path));
    }
    struct chart empty = {.title = "nothing"};
    assert_ok(chart_write(&empty, path));
    const double cells[6] = {1, 0, NAN, 0.5, -1, 2};
    struct heatmap m = {.title = "m", .values = cells, .rows = 2, .cols = 3, .row_names = names, .decimals = 1};
    path_of("heat.png", path);
    assert_ok(heatmap_write(&m, path));
    m.values = (const double[6]){0};
    m.blank_zero = true;
    path_of("heat.svg", path);
    assert_ok(heatmap_write(&m, path));
    path_of("chart.gif", path);
    assert_int_equal(chart_write(&empty, path), E_UNSUPPORTED);
    path_of("absent/chart.svg", path);
    assert_int_equal(chart_write(&empty, path), E_IO);
    empty.w = 40000;
    path_of("wide.png", path);
    assert_int_equal(chart_write(&empty, path), E_LIMIT);
    assert_false(path_exists(path));
}

static void svg_is_whole(void **state)
{
    (void)state;
    char path[128];
    struct buf text = {0};
    const double y[] = {1, 3, 2};
    struct series s = {"three", SERIES_LINE_POINTS, NULL, y, 3};
    struct chart c = {.title = "title", .series = &s, .n_series = 1};
    struct panel panels[3] = {{chart_draw, &c}, {NULL, NULL}, {chart_draw, &c}};
    path_of("sheet.svg", path);
    assert_ok(figure_write(path, 900, 300, panels, 1, 3));
    assert_ok(file_read(path, 1 << 20, &text));
    assert_non_null(strstr(text.data, "<svg"));
    assert_non_null(strstr(text.data, "</svg>"));
    buf_free(&text);
}

static void heat_cells_are_coloured(void **state)
{
    (void)state;
    char path[128];
    struct image img = {0};
    const double cells[4] = {1, 0, 0, 0.5};
    struct heatmap m = {.values = cells,
                        .rows = 2,
                        .cols = 2,
                        .low = 0,
                        .high = 1,
                        .decimals = -1,
                        .blank_zero = true,
                        .w = 400,
                        .h = 400};
    path_of("cells.png", path);
    assert_ok(heatmap_write(&m, path));
    assert_ok(image_read(path, &img));
    assert_true(pixel(&img, 100, 100)[0] < 20 && pixel(&img, 100, 100)[2] < 120); /* 1: darkest, upper left */
    assert_int_equal(pixel(&img, 100, 260)[0], 255);                              /* 0: left empty */
    assert_in_range(pixel(&img, 300, 260)[0], 90, 130);                           /* 0.5: the middle of the scale */
    image_free(&img);
}

static void histograms_count(void **state)
{
    (void)state;
    const double v[] = {0, 0.1, 0.25, 0.5, 0.999, 1, 1.5, -0.1, NAN};
    double counts[4], centres[4];
    histogram_count(v, COUNT(v), 0, 1, 4, counts, centres);
    assert_true(counts[0] == 2 && counts[1] == 1 && counts[2] == 1 && counts[3] == 2);
    assert_true(centres[0] == 0.125 && centres[3] == 0.875);
}

static void sheets_hold_every_picture(void **state)
{
    (void)state;
    struct image pictures[5] = {{0}}, sheet = {0};
    static const char *const captions[5] = {"one", NULL, "a very long caption that does not fit/in its cell.jpg",
                                            "\xFF", ""};
    for (int i = 0; i < 5; i++) {
        assert_ok(image_init(&pictures[i], 80 + 10 * i, 120 - 10 * i));
        image_fill(&pictures[i], (uint8_t)(40 * i), 10, 200);
    }
    assert_ok(image_grid(pictures, captions, 5, NULL, &sheet));
    const int strip = 13; /* of captions of 9 pixels, above each picture */
    assert_true(sheet.w == 3 * 120 && sheet.h == 2 * (120 + strip));
    for (int i = 0; i < 5; i++) {
        int y = strip + i / 3 * (120 + strip), x = i % 3 * 120, left = x + (120 - pictures[i].w) / 2;
        assert_memory_equal(pixel(&sheet, y + 60, x + 60), pixel(&pictures[i], 9, 9), 3);
        for (int k = 0; k < pictures[i].w; k++) /* nothing is written on it */
            assert_memory_equal(pixel(&sheet, y + (120 - pictures[i].h) / 2, left + k), pixel(&pictures[i], 9, 9), 3);
    }
    assert_ok(image_grid(pictures, NULL, 5, &(struct grid_options){.cols = 5, .max_side = 100, .gap = 1}, &sheet));
    assert_true(sheet.w == 5 * 21 + 1 && sheet.h == 22);
    assert_int_equal(image_grid(pictures, NULL, 0, NULL, &sheet), E_ARGUMENT);
    for (int i = 0; i < 5; i++)
        image_free(&pictures[i]);
    image_free(&sheet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_stand_where_they_should),
        cmocka_unit_test(labels_stay_inside),
        cmocka_unit_test(labels_have_text_unless_hidden),
        cmocka_unit_test(any_size_and_any_name),
        cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(lines_follow_their_data),
        cmocka_unit_test(odd_charts_are_drawn),
        cmocka_unit_test(svg_is_whole),
        cmocka_unit_test(heat_cells_are_coloured),
        cmocka_unit_test(histograms_count),
        cmocka_unit_test(sheets_hold_every_picture),
    };
    return cmocka_run_group_tests_name("image_draw", tests, folder_make, folder_remove);
}
