/* image/: the palette, text in any script, and where labels go. Only DejaVu is known to fontconfig here, so that what a
 * font has does not depend on the machine. */
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"
#include "image/draw.h"
#include "image/label_place.h"
#include "image/paint.h"
#include "support/folder.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int make_folder(void **state)
{
    char path[96];
    static const char fonts[] = "<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\"><fontconfig>"
                                "<dir>/usr/share/fonts/truetype/dejavu</dir></fontconfig>";
    folder_make(state);
    snprintf(path, sizeof path, "%s/fonts.conf", folder);
    if (file_write(path, fonts, sizeof fonts - 1) != OK)
        return -1;
    return setenv("FONTCONFIG_FILE", path, 1);
}

/* --- palette --- */

static double light(uint8_t byte)
{
    double v = byte / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double lab_curve(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

enum eyes { NORMAL, PROTANOPIA, DEUTERANOPIA, EYES };

/* CIELAB of a colour as seen by these eyes, by the linear model of Vienot, Brettel and Mollon (1999). */
static void to_lab(struct colour c, enum eyes eyes, double lab[3])
{
    static const double seen[EYES][3][3] = {
        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
        {{0.11238, 0.88762, 0}, {0.11238, 0.88762, 0}, {0.00401, -0.00401, 1}},
        {{0.29275, 0.70725, 0}, {0.29275, 0.70725, 0}, {-0.02234, 0.02234, 1}},
    };
    static const double to_xyz[3][3] = {
        {0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}};
    static const double white[3] = {0.95047, 1, 1.08883};
    const double rgb[3] = {light(c.red), light(c.green), light(c.blue)};
    double f[3];
    for (int i = 0; i < 3; i++) {
        double sum = 0;
        for (int k = 0; k < 3; k++) {
            double v = 0;
            for (int j = 0; j < 3; j++)
                v += seen[eyes][k][j] * rgb[j];
            sum += to_xyz[i][k] * fmin(fmax(v, 0), 1);
        }
        f[i] = lab_curve(sum / white[i]);
    }
    lab[0] = 116 * f[1] - 16;
    lab[1] = 500 * (f[0] - f[1]);
    lab[2] = 200 * (f[1] - f[2]);
}

static double distance(struct colour a, struct colour b, enum eyes eyes)
{
    double x[3], y[3];
    to_lab(a, eyes, x);
    to_lab(b, eyes, y);
    return sqrt((x[0] - y[0]) * (x[0] - y[0]) + (x[1] - y[1]) * (x[1] - y[1]) + (x[2] - y[2]) * (x[2] - y[2]));
}

static double nearest(int n, enum eyes eyes)
{
    double least = INFINITY;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < i; k++)
            least = fmin(least, distance(palette_get(i), palette_get(k), eyes));
    }
    return least;
}

static void colours_stay_apart_for_all_eyes(void **state)
{
    (void)state;
    assert_true(fabs(distance((struct colour){255, 255, 255}, (struct colour){0, 0, 0}, NORMAL) - 100) < 0.1);
    for (int eyes = 0; eyes < EYES; eyes++) {
        assert_true(nearest(4, (enum eyes)eyes) > 35);
        assert_true(nearest(10, (enum eyes)eyes) > 18);
        assert_true(nearest(PALETTE_COLOURS, (enum eyes)eyes) > 9);
    }
    assert_true(nearest(10, NORMAL) > 30 && nearest(PALETTE_COLOURS, NORMAL) > 22);
    for (int i = 0; i < PALETTE_COLOURS; i++) {
        struct colour c = palette_get(i);
        assert_true(colour_contrast(c, (struct colour){255, 255, 255}) > 2.3); /* a line on paper */
        assert_true(colour_contrast(c, text_colour_on(c)) > 4.5);              /* text on it: level AA */
        for (int eyes = 0; eyes < EYES; eyes++)                                /* the line of all classes */
            assert_true(distance(c, colour_ink, (enum eyes)eyes) > 18);
        assert_true(palette_get(i + 20).red == c.red && palette_get(i - 20).green == c.green);
    }
    assert_true(fabs(colour_contrast((struct colour){0, 0, 0}, (struct colour){255, 255, 255}) - 21) < 0.01);
}

/* --- text --- */

static void text_is_made_valid(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"plain", "plain"},      {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"\xC0\x80", "??"},      {"a\xC3", "a?"},
        {"\xED\xA0\x80", "???"}, {"\xF4\x90\x80\x80", "????"},
        {"a\nb\x7f", "a?b\x7f"}, {"\xE2\x82", "??"},
    };
    char out[32];
    for (int i = 0; i < COUNT(pairs); i++) {
        text_clean(pairs[i][0], out, sizeof out);
        assert_string_equal(out, pairs[i][1]);
    }
    text_clean("ab\xE2\x82\xAC", out, 5); /* a character that does not fit whole is left out */
    assert_string_equal(out, "ab");
}

static const char CHINESE[] = "\xE5\x9C\x86\xE7\x9B\x98", HEBREW[] = "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",
                  ACCENTS[] = "e\xCC\x81t\xCC\x82", CYRILLIC[] = "\xD1\x81\xD0\xBB\xD0\xBE\xD0\xBD";

/* What this class name is drawn as, on grey. */
static void draw_name(const char *name, struct image *img)
{
    const char *const names[] = {name};
    assert_ok(image_init(img, 120, 240));
    image_fill(img, 100, 101, 102);
    assert_ok(draw_detections(img, (const float[]){40, 40, 140, 100}, (const float[]){0.5f}, (const int[]){0}, 1, names,
                              1, &(struct draw_options){.text_size = 16}));
}

static bool same(const struct image *a, const struct image *b)
{
    return a->h == b->h && a->w == b->w && memcmp(a->data, b->data, (size_t)a->h * (size_t)a->w * 3) == 0;
}

/* Run with standard error in a file: the sentence comes once, however many names are drawn. */
static void unknown_letters_are_told_once(void **state)
{
    (void)state;
    char path[96], word[64];
    struct buf text = {0};
    struct image chinese = {0}, number = {0};
    const char *const names[] = {CHINESE, "\xE6\x98\x9F", NULL, ""};
    snprintf(path, sizeof path, "%s/stderr.txt", folder);
    fflush(stderr);
    int old = dup(2);
    assert_non_null(freopen(path, "w", stderr));
    log_set_sink(terminal_log, NULL);
    text_class(names, 4, 0, word, sizeof word);
    assert_string_equal(word, "class 0");
    text_class(names, 4, 1, word, sizeof word);
    assert_string_equal(word, "class 1");
    draw_name(CHINESE, &chinese);
    draw_name("class 0", &number);
    fflush(stderr);
    dup2(old, 2);
    close(old);
    assert_true(same(&chinese, &number)); /* and no empty squares */
    assert_ok(file_read(path, 1 << 16, &text));
    const char *first = strstr(text.data, "no installed font has");
    assert_non_null(first);
    assert_non_null(strstr(text.data, CHINESE));
    assert_null(strstr(first + 1, "no installed font has"));
    for (int i = 2; i < 6; i++) { /* no name, an empty one, and numbers beyond the names */
        char wanted[16];
        snprintf(wanted, sizeof wanted, "class %d", i == 5 ? -1 : i);
        text_class(names, 4, i == 5 ? -1 : i, word, sizeof word);
        assert_string_equal(word, wanted);
    }
    buf_free(&text);
    image_free(&chinese);
    image_free(&number);
}

/* Hebrew, Cyrillic and combining marks, which DejaVu has, are drawn as themselves; the letters run right to left. */
static void other_scripts_are_drawn(void **state)
{
    (void)state;
    struct image a = {0}, b = {0};
    const char *const names[] = {HEBREW, CYRILLIC, ACCENTS, "plain"};
    for (int i = 0; i < COUNT(names); i++) {
        char word[64];
        text_class(names, COUNT(names), i, word, sizeof word);
        assert_string_equal(word, names[i]);
        draw_name(names[i], &a);
        draw_name("class 0", &b);
        assert_false(same(&a, &b));
        draw_name(names[i], &b);
        assert_true(same(&a, &b)); /* the same bytes every time */
    }
    cairo_t *cr = measure_create();
    font_select(cr, 20, 0);
    double width = text_width(cr, "e");
    assert_true(fabs(text_width(cr, "e\xCC\x81") - width) < 1.01); /* the accent stands on its letter */
    assert_true(text_width(cr, HEBREW) > 2 * width);
    cairo_destroy(cr);
    image_free(&a);
    image_free(&b);
}

static void long_texts_are_shortened(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a long class name of many words", "photos/2024/some picture.jpg", HEBREW, "", "x",
        "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"};
    cairo_t *cr = measure_create();
    font_select(cr, 14, 0);
    for (int i = 0; i < COUNT(texts); i++) {
        for (int room = 0; room < 300; room += 7) {
            char out[64], clean[64];
            text_shorten(cr, texts[i], room, i == 1, out, sizeof out);
            text_clean(texts[i], clean, sizeof clean);
            assert_true(out[0] == 0 || text_width(cr, out) <= room);
            if (text_width(cr, clean) <= room)
                assert_string_equal(out, clean);
            else if (out[0])
                assert_non_null(i == 1 ? strstr(out, "...") == out ? out : NULL : strstr(out, "..."));
            else
                assert_true(text_width(cr, "...") + 14 > room);
        }
    }
    char out[16]; /* bytes can be short too */
    text_shorten(cr, texts[0], 1e6, false, out, sizeof out);
    assert_string_equal(out, "a long class...");
    cairo_destroy(cr);
}

/* --- labels --- */

static double overlap(struct rect r, const float b[4])
{
    double w = fmin(r.x + r.w, b[2]) - fmax(r.x, b[0]), h = fmin(r.y + r.h, b[3]) - fmax(r.y, b[1]);
    return w > 0 && h > 0 ? w * h : 0;
}

/* Small boxes that stand apart keep free of their own label and those of others. */
static void labels_do_not_bury_small_boxes(void **state)
{
    (void)state;
    enum { N = 40 };
    struct label_map map;
    float boxes[N][4];
    assert_ok(label_map_init(&map, 480, 640, 12));
    for (int i = 0; i < N; i++) {
        float x = 8 + (float)(i % 5) * 128, y = 6 + (float)(i / 5) * 60;
        const float box[4] = {x, y, x + 14, y + 12};
        memcpy(boxes[i], box, sizeof box);
        label_map_protect(&map, boxes[i], 70, 15);
    }
    for (int i = 0; i < N; i++) {
        struct rect r = label_map_place(&map, boxes[i], 70, 15, 2);
        assert_true(r.x >= 0 && r.y >= 0 && r.x + r.w <= 640 && r.y + r.h <= 480);
        for (int k = 0; k < N; k++)
            assert_true(overlap(r, boxes[k]) < 0.05 * 14 * 12);
    }
    label_map_free(&map);
}

/* From 1 x 1 to more than a photo: inside the picture, and touching the box. */
static void labels_stay_with_their_boxes(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {32, 32}, {64, 48}, {480, 640}, {6000, 8000}, {5, 40000}};
    for (int s = 0; s < COUNT(sizes); s++) {
        int h = sizes[s][0], w = sizes[s][1];
        struct label_map map;
        double size = fmax(6, 0.022 * (h + w) / 2), label_w = fmin(5 * size, w), label_h = fmin(1.2 * size, h);
        assert_ok(label_map_init(&map, h, w, size));
        for (int i = 0; i < 50; i++) {
            float x = (float)(w * (i * 37 % 50) / 50.0), y = (float)(h * (i * 13 % 50) / 50.0);
            const float box[4] = {x, y, fminf(x + (float)w * 0.1f, (float)w), fminf(y + (float)h * 0.1f, (float)h)};
            label_map_protect(&map, box, label_w, label_h);
            struct rect r = label_map_place(&map, box, label_w, label_h, 1);
            assert_true(r.x >= 0 && r.y >= 0 && r.x + r.w <= w + 1e-9 && r.y + r.h <= h + 1e-9);
            const float grown[4] = {box[0] - 3, box[1] - 3, box[2] + 3, box[3] + 3};
            assert_true(overlap(r, grown) > 0);
        }
        label_map_free(&map);
    }
}

/* A name in a picture of 32 x 32 leaves most of it to be seen. */
static void tiny_pictures_are_not_filled(void **state)
{
    (void)state;
    const char *const names[] = {"person"};
    struct image img = {0};
    assert_ok(image_init(&img, 32, 32));
    image_fill(&img, 100, 101, 102);
    assert_ok(draw_detections(&img, (const float[]){8, 14, 24, 28}, (const float[]){0.8f}, (const int[]){0}, 1, names,
                              1, NULL));
    int kept = 0;
    for (int i = 0; i < 32 * 32; i++)
        kept += img.data[3 * i] == 100 && img.data[3 * i + 2] == 102;
    assert_in_range(kept, 600, 900);
    image_free(&img);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_stay_apart_for_all_eyes), cmocka_unit_test(text_is_made_valid),
        cmocka_unit_test(unknown_letters_are_told_once),   cmocka_unit_test(other_scripts_are_drawn),
        cmocka_unit_test(long_texts_are_shortened),        cmocka_unit_test(labels_do_not_bury_small_boxes),
        cmocka_unit_test(labels_stay_with_their_boxes),    cmocka_unit_test(tiny_pictures_are_not_filled),
    };
    return cmocka_run_group_tests_name("image_text", tests, make_folder, folder_remove);
}
