/* image/: resize, letterbox, warps and HSV against the golden files, and against slow restatements of SPEC 11.4. */
#include "core/path.h"
#include "core/rng.h"
#include "image/hsv.h"
#include "image/letterbox.h"
#include "image/resize.h"
#include "image/warp.h"
#include "support/golden_image.h"
#include "support/shared.h"
#include "support/unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run_golden(int (*run)(const char *, char *, size_t, double *), const char *name)
{
    char file[64], message[512];
    double worst;
    snprintf(file, sizeof file, "post/%s.safetensors", name);
    if (run(golden_file(file), message, sizeof message, &worst))
        fail_msg("%s: %s", name, message);
}

static void golden_files(void **state)
{
    (void)state;
    run_golden(golden_letterbox, "letterbox");
    run_golden(golden_resize, "load_image_resize");
    run_golden(golden_hsv, "augment_hsv");
    run_golden(golden_perspective_pixels, "random_perspective");
}

static void noise(struct image *img, int h, int w, struct rng *r)
{
    assert_int_equal(image_init(img, h, w), OK);
    for (size_t i = 0; i < (size_t)h * (size_t)w * 3; i++)
        img->data[i] = (uint8_t)rng_next(r);
}

static int at(const struct image *img, int y, int x, int c)
{
    return img->data[((size_t)y * (size_t)img->w + (size_t)x) * 3 + (size_t)c];
}

static int clamp(int x, int low, int high)
{
    return MIN(MAX(x, low), high);
}

/* --- bilinear --- */

static void axis(int d, int src_n, int n, int horizontal, int *s, int weight[2])
{
    double scale = 1.0 / ((double)n / src_n);
    float f = (float)((d + 0.5) * scale - 0.5);
    *s = (int)floorf(f);
    f -= (float)*s;
    if (horizontal && (*s < 0 || *s >= src_n - 1)) {
        *s = *s < 0 ? 0 : src_n - 1;
        f = 0;
    }
    weight[0] = (int)rintf((1.0f - f) * 2048.0f);
    weight[1] = (int)rintf(f * 2048.0f);
}

static int linear_pixel(const struct image *src, int h, int w, int y, int x, int c)
{
    int sx, sy, a[2], b[2], row[2];
    if (src->w == 2 * w && src->h == 2 * h)
        return (at(src, 2 * y, 2 * x, c) + at(src, 2 * y, 2 * x + 1, c) + at(src, 2 * y + 1, 2 * x, c) +
                at(src, 2 * y + 1, 2 * x + 1, c) + 2) >>
               2;
    axis(x, src->w, w, 1, &sx, a);
    axis(y, src->h, h, 0, &sy, b);
    for (int k = 0; k < 2; k++) {
        int yy = clamp(sy + k, 0, src->h - 1);
        row[k] =
            sx + 1 >= src->w ? at(src, yy, sx, c) * 2048 : at(src, yy, sx, c) * a[0] + at(src, yy, sx + 1, c) * a[1];
    }
    return (((b[0] * (row[0] >> 4)) >> 16) + ((b[1] * (row[1] >> 4)) >> 16) + 2) >> 2;
}

static const int sizes[][4] = {
    {37, 53, 64, 91},     {100, 80, 64, 51}, {64, 64, 32, 32},     {50, 70, 100, 140},  {120, 90, 33, 47},
    {1, 1, 7, 5},         {1, 300, 1, 64},   {300, 1, 64, 1},      {5, 7, 1, 1},        {2, 2, 1, 1},
    {96, 96, 32, 32},     {96, 90, 32, 45},  {427, 640, 213, 320}, {200, 300, 123, 97}, {60, 80, 20, 20},
    {480, 640, 479, 639}, {33, 65, 32, 64},  {40, 60, 10, 5},
};

static void linear_equals_its_definition(void **state)
{
    (void)state;
    struct rng r = rng_seed(1, 0, 0);
    struct image src = {0}, dst = {0};
    for (int i = 0; i < COUNT(sizes); i++) {
        noise(&src, sizes[i][0], sizes[i][1], &r);
        assert_int_equal(image_resize(&src, sizes[i][2], sizes[i][3], RESIZE_LINEAR, &dst), OK);
        for (int y = 0; y < dst.h; y++) {
            for (int x = 0; x < dst.w * 3; x++) {
                int want = linear_pixel(&src, dst.h, dst.w, y, x / 3, x % 3);
                if (at(&dst, y, x / 3, x % 3) != want)
                    fail_msg("%d x %d to %d x %d at (%d, %d): %d, not %d", src.h, src.w, dst.h, dst.w, y, x / 3,
                             at(&dst, y, x / 3, x % 3), want);
            }
        }
    }
    image_free(&src);
    image_free(&dst);
}

static void an_exact_picture_stays(void **state)
{
    (void)state;
    struct rng r = rng_seed(2, 0, 0);
    struct image src = {0}, dst = {0};
    noise(&src, 31, 44, &r);
    assert_int_equal(image_resize(&src, 31, 44, RESIZE_LINEAR, &dst), OK);
    assert_memory_equal(src.data, dst.data, 31 * 44 * 3);
    image_fill(&src, 255, 0, 77); /* weights must sum to one everywhere */
    for (int filter = 0; filter < 2; filter++) {
        assert_int_equal(image_resize(&src, 13, 29, (enum resize_filter)filter, &dst), OK);
        for (int i = 0; i < 13 * 29; i++)
            assert_memory_equal(dst.data + 3 * i, ((uint8_t[]){255, 0, 77}), 3);
    }
    image_free(&src);
    image_free(&dst);
}

/* --- area --- */

struct taps {
    int n, s[512];
    float weight[512];
};

static void area_taps(int d, int src_n, int n, struct taps *t)
{
    double scale = 1.0 / ((double)n / src_n), f1 = d * scale, f2 = f1 + scale, cell = fmin(scale, src_n - f1);
    int s1 = (int)ceil(f1), s2 = MIN((int)floor(f2), src_n - 1);
    s1 = MIN(s1, s2);
    t->n = 0;
    if (s1 - f1 > 1e-3) {
        t->s[t->n] = s1 - 1;
        t->weight[t->n++] = (float)((s1 - f1) / cell);
    }
    for (int s = s1; s < s2; s++) {
        t->s[t->n] = s;
        t->weight[t->n++] = (float)(1.0 / cell);
    }
    if (f2 - s2 > 1e-3) {
        t->s[t->n] = s2;
        t->weight[t->n++] = (float)(fmin(fmin(f2 - s2, 1.0), cell) / cell);
    }
}

static int area_pixel(const struct image *src, int h, int w, int y, int x, int c)
{
    if (src->w % w == 0 && src->h % h == 0) {
        int kx = src->w / w, ky = src->h / h, sum = 0;
        for (int i = 0; i < kx * ky; i++)
            sum += at(src, y * ky + i / kx, x * kx + i % kx, c);
        return kx == 2 && ky == 2 ? (sum + 2) >> 2 : (int)rintf((float)sum * (float)(1.0 / (kx * ky)));
    }
    struct taps tx, ty;
    float total = 0;
    area_taps(x, src->w, w, &tx);
    area_taps(y, src->h, h, &ty);
    for (int j = 0; j < ty.n; j++) {
        float row = 0;
        for (int i = 0; i < tx.n; i++)
            row += (float)at(src, ty.s[j], tx.s[i], c) * tx.weight[i];
        total = j ? total + row * ty.weight[j] : row * ty.weight[j];
    }
    return clamp((int)rintf(total), 0, 255);
}

static void area_equals_its_definition(void **state)
{
    (void)state;
    struct rng r = rng_seed(3, 0, 0);
    struct image src = {0}, dst = {0};
    for (int i = 0; i < COUNT(sizes); i++) {
        if (sizes[i][2] > sizes[i][0] || sizes[i][3] > sizes[i][1])
            continue;
        noise(&src, sizes[i][0], sizes[i][1], &r);
        assert_int_equal(image_resize(&src, sizes[i][2], sizes[i][3], RESIZE_AREA, &dst), OK);
        for (int y = 0; y < dst.h; y++) {
            for (int x = 0; x < dst.w * 3; x++) {
                int want = area_pixel(&src, dst.h, dst.w, y, x / 3, x % 3);
                if (at(&dst, y, x / 3, x % 3) != want)
                    fail_msg("%d x %d to %d x %d at (%d, %d): %d, not %d", src.h, src.w, dst.h, dst.w, y, x / 3,
                             at(&dst, y, x / 3, x % 3), want);
            }
        }
    }
    image_free(&src);
    image_free(&dst);
}

/* --- letterbox --- */

static void letterbox_fits_any_photo(void **state)
{
    (void)state;
    struct rng r = rng_seed(4, 0, 0);
    struct image src = {0}, dst = {0};
    for (int i = 0; i < 300; i++) {
        int h = 1 + (int)rng_below(&r, 200), w = 1 + (int)rng_below(&r, 200);
        struct letterbox_options o = {
            .h = 64, .w = i % 3 ? 64 : 96, .stride = 32, .rect = i % 2, .no_grow = i % 5 == 0};
        if (i == 7)
            w = 30000;
        noise(&src, h, w, &r);
        struct letterbox box = letterbox_plan(h, w, &o);
        assert_int_equal(image_letterbox(&src, &box, &dst), OK);
        assert_true(dst.h == box.h && dst.w == box.w && box.h <= o.h && box.w <= o.w);
        if (!o.rect)
            assert_true(box.h == o.h && box.w == o.w);
        else if (!o.no_grow)
            assert_true(box.h % 32 == 0 && box.w % 32 == 0);
        assert_true(fabs(box.pad_h - (box.top + box.bottom) / 2.0) < 1e-9);
        for (int y = 0; y < box.h; y++) {
            for (int x = 0; x < box.w; x++) {
                int iy = y - box.top, ix = x - box.left;
                bool inside = iy >= 0 && iy < box.inner_h && ix >= 0 && ix < box.inner_w;
                bool same = box.inner_h == h && box.inner_w == w;
                int want = !inside ? IMAGE_BORDER
                           : same  ? at(&src, iy, ix, 1)
                                   : linear_pixel(&src, box.inner_h, box.inner_w, iy, ix, 1);
                assert_int_equal(at(&dst, y, x, 1), want);
            }
        }
    }
    image_free(&src);
    image_free(&dst);
}

/* --- warps --- */

static int border_tap(const struct image *src, long y, long x, int c)
{
    return y < 0 || y >= src->h || x < 0 || x >= src->w ? 114 : at(src, (int)y, (int)x, c);
}

static int warp_pixel(const struct image *src, long x32, long y32, int c)
{
    long x = x32 >> 5, y = y32 >> 5, ax = x32 & 31, ay = y32 & 31;
    long sum = border_tap(src, y, x, c) * (32 - ax) * (32 - ay) * 32 +
               border_tap(src, y, x + 1, c) * ax * (32 - ay) * 32 + border_tap(src, y + 1, x, c) * (32 - ax) * ay * 32 +
               border_tap(src, y + 1, x + 1, c) * ax * ay * 32;
    return (int)((sum + 16384) >> 15);
}

static void affine_equals_its_definition(void **state)
{
    (void)state;
    struct rng r = rng_seed(5, 0, 0);
    struct image src = {0}, dst = {0};
    for (int i = 0; i < 20; i++) {
        double m[6], k[6];
        noise(&src, 20 + (int)rng_below(&r, 80), 20 + (int)rng_below(&r, 80), &r);
        for (int j = 0; j < 6; j++)
            m[j] = j % 3 == 2 ? rng_range(&r, -40, 40) : rng_range(&r, -1.5, 1.5);
        assert_int_equal(image_warp_affine(&src, m, 61, 83, &dst), OK);
        double d = 1 / (m[0] * m[4] - m[1] * m[3]);
        k[0] = m[4] * d;
        k[1] = m[1] * -d;
        k[3] = m[3] * -d;
        k[4] = m[0] * d;
        k[2] = -k[0] * m[2] - k[1] * m[5];
        k[5] = -k[3] * m[2] - k[4] * m[5];
        for (int y = 0; y < 61; y++) {
            for (int x = 0; x < 83; x++) {
                long px = lrint((k[1] * y + k[2]) * 1024) + 16 + lrint(k[0] * x * 1024);
                long py = lrint((k[4] * y + k[5]) * 1024) + 16 + lrint(k[3] * x * 1024);
                for (int c = 0; c < 3; c++)
                    assert_int_equal(at(&dst, y, x, c), warp_pixel(&src, px >> 5, py >> 5, c));
            }
        }
    }
    image_free(&src);
    image_free(&dst);
}

static void warps_keep_and_shift(void **state)
{
    (void)state;
    struct rng r = rng_seed(6, 0, 0);
    struct image src = {0}, dst = {0};
    noise(&src, 30, 40, &r);
    assert_int_equal(image_warp_affine(&src, (double[]){1, 0, 0, 0, 1, 0}, 30, 40, &dst), OK);
    assert_memory_equal(src.data, dst.data, 30 * 40 * 3);
    assert_int_equal(image_warp_perspective(&src, (double[]){1, 0, 5, 0, 1, -3, 0, 0, 1}, 30, 40, &dst), OK);
    for (int y = 0; y < 30; y++) {
        for (int x = 0; x < 40; x++)
            assert_int_equal(at(&dst, y, x, 0), border_tap(&src, y + 3, x - 5, 0));
    }
    /* Places beyond all integers, and a singular matrix, must not be undefined behaviour. */
    assert_int_equal(image_warp_affine(&src, (double[]){1e-300, 0, 0, 0, 1e300, 0}, 30, 40, &dst), OK);
    assert_int_equal(image_warp_perspective(&src, (double[]){0, 0, 1e300, 0, 1e-300, 0, 1, 1, 0}, 30, 40, &dst), OK);
    assert_int_equal(image_warp_affine(&src, (double[6]){0}, 30, 40, &dst), OK);
    image_free(&src);
    image_free(&dst);
}

/* --- HSV and flips --- */

static void hsv_comes_back(void **state)
{
    (void)state;
    for (int i = 0; i < 1 << 24; i += 7) {
        uint8_t rgb[3] = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)}, hsv[3], back[3];
        rgb_to_hsv(rgb, 1, hsv);
        assert_true(hsv[0] < 180 && hsv[2] == MAX(MAX(rgb[0], rgb[1]), rgb[2]));
        hsv_to_rgb(hsv, 1, back);
        for (int c = 0; c < 3; c++)
            assert_true(abs(back[c] - rgb[c]) <= 6); /* half degrees of hue: 255 / 30 levels a step, rounded */
    }
}

static void hsv_adjust_is_its_steps(void **state)
{
    (void)state;
    struct rng r = rng_seed(8, 0, 0);
    struct image img = {0}, want = {0};
    noise(&img, 20, 30, &r);
    assert_int_equal(image_copy(&img, &want), OK);
    for (int i = 0; i < 20 * 30; i++) {
        uint8_t hsv[3];
        rgb_to_hsv(want.data + 3 * i, 1, hsv);
        hsv[0] = (uint8_t)fmod(hsv[0] * 1.5, 180);
        hsv[1] = (uint8_t)fmin(hsv[1] * 1.7, 255);
        hsv[2] = (uint8_t)fmin(hsv[2] * 0.6, 255);
        hsv_to_rgb(hsv, 1, want.data + 3 * i);
    }
    hsv_adjust(&img, 1.5, 1.7, 0.6);
    assert_memory_equal(img.data, want.data, 20 * 30 * 3);
    image_free(&img);
    image_free(&want);
}

static void flips(void **state)
{
    (void)state;
    struct rng r = rng_seed(9, 0, 0);
    struct image src = {0}, img = {0};
    for (int w = 1; w < 5; w++) {
        noise(&src, w + 1, w, &r);
        assert_int_equal(image_copy(&src, &img), OK);
        image_flip_left_right(&img);
        for (int i = 0; i < (w + 1) * w; i++)
            assert_int_equal(at(&img, i / w, i % w, 1), at(&src, i / w, w - 1 - i % w, 1));
        image_flip_up_down(&img);
        for (int i = 0; i < (w + 1) * w; i++)
            assert_int_equal(at(&img, i / w, i % w, 2), at(&src, w - i / w, w - 1 - i % w, 2));
    }
    image_free(&src);
    image_free(&img);
}

/* 333x250 at 320: the official code cuts 240.24 off, the Ultralytics package goes up, and never beyond the size. */
static void load_rules(void **state)
{
    (void)state;
    static const struct {
        enum load_rule rule;
        int src_h, src_w, size, h, w;
        enum resize_filter filter;
    } cases[] = {
        {LOAD_AREA, 333, 250, 320, 320, 240, RESIZE_AREA},     {LOAD_AREA, 250, 333, 640, 480, 640, RESIZE_LINEAR},
        {LOAD_LINEAR, 333, 250, 320, 320, 240, RESIZE_LINEAR}, {LOAD_UP, 333, 250, 320, 320, 241, RESIZE_LINEAR},
        {LOAD_UP, 1000, 3, 640, 640, 2, RESIZE_LINEAR},        {LOAD_AREA, 1000, 1, 640, 640, 1, RESIZE_AREA},
        {LOAD_UP, 641, 641, 640, 640, 640, RESIZE_LINEAR},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        int h, w;
        enum resize_filter filter;
        assert_true(load_size(cases[i].src_h, cases[i].src_w, cases[i].size, cases[i].rule, &h, &w, &filter));
        assert_int_equal(h, cases[i].h);
        assert_int_equal(w, cases[i].w);
        assert_int_equal(filter, cases[i].filter);
    }
}

/* --- other programs' pixels --- */

/* Red, green and blue of brightness and differences, from the definition of the standard, in double precision. */
static void rgb_of(enum pixel_matrix m, int y, int cb, int cr, double rgb[3])
{
    const bool limited = m == PIXELS_BT601_LIMITED || m == PIXELS_BT709_LIMITED;
    const double kr = m <= PIXELS_BT601_FULL ? 0.299 : 0.2126, kb = m <= PIXELS_BT601_FULL ? 0.114 : 0.0722;
    const double light = limited ? (y - 16) / 219.0 : y / 255.0;
    const double b = (cb - 128) / (limited ? 224.0 : 255.0), r = (cr - 128) / (limited ? 224.0 : 255.0);
    rgb[0] = light + 2 * (1 - kr) * r;
    rgb[2] = light + 2 * (1 - kb) * b;
    rgb[1] = (light - kr * rgb[0] - kb * rgb[2]) / (1 - kr - kb);
    for (int c = 0; c < 3; c++)
        rgb[c] = 255 * fmin(fmax(rgb[c], 0), 1);
}

static void video_colours_equal_their_definition(void **state)
{
    (void)state;
    enum { ROWS = 7, COLUMNS = 13, PAIRS = 7, STRIDE = 20 };
    struct rng r = rng_seed(4, 0, 0);
    uint8_t light[ROWS * STRIDE], pairs[4 * STRIDE], row[3 * COLUMNS + PIXELS_SLACK];
    for (int m = 0; m < PIXELS_MATRICES; m++) {
        for (int i = 0; i < COUNT(light); i++)
            light[i] = (uint8_t)rng_next(&r);
        for (int i = 0; i < COUNT(pairs); i++)
            pairs[i] = (uint8_t)rng_next(&r);
        const struct pixels p = {PIXELS_NV12,    (enum pixel_matrix)m, ROWS, COLUMNS,
                                 {light, pairs}, {STRIDE, STRIDE},     false};
        for (int y = 0; y < ROWS; y++) {
            const uint8_t *got = pixels_row(&p, y, row);
            for (int x = 0; x < COLUMNS; x++) {
                const uint8_t *pair = pairs + y / 2 * STRIDE + x / 2 * 2;
                double rgb[3];
                rgb_of(p.matrix, light[y * STRIDE + x], pair[0], pair[1], rgb);
                for (int c = 0; c < 3; c++)
                    assert_true(fabs(got[3 * x + c] - rgb[c]) <= 0.51);
            }
        }
    }
    assert_int_equal(pixels_row_bytes(&(struct pixels){.format = PIXELS_NV12, .w = COLUMNS}, 1), 2 * PAIRS);
}

/* Every format, at sizes that are copied, halved and resized, gives the letterbox of the same picture in RGB. */
static void formats_are_read_in_place(void **state)
{
    (void)state;
    static const int sizes[][2] = {{32, 32}, {64, 64}, {33, 50}, {1, 1}, {2, 1}, {90, 41}};
    struct image rgb = {0}, expected = {0}, got = {0};
    struct rng r = rng_seed(4, 0, 0);
    for (int i = 0; i < COUNT(sizes); i++) {
        const struct letterbox_options o = {.h = 32, .w = 32, .stride = 32};
        const struct letterbox box = letterbox_plan(sizes[i][0], sizes[i][1], &o);
        noise(&rgb, sizes[i][0], sizes[i][1], &r);
        assert_int_equal(image_letterbox(&rgb, &box, &expected), OK);
        for (enum pixel_format f = PIXELS_RGB; f <= PIXELS_BGRA; f++) {
            const int pixel = f >= PIXELS_RGBA ? 4 : 3, red = f == PIXELS_BGR || f == PIXELS_BGRA ? 2 : 0;
            uint8_t *bytes =
                malloc((size_t)rgb.h * (size_t)rgb.w * (size_t)pixel); /* not one more, for the sanitizer */
            for (int k = 0; k < rgb.h * rgb.w; k++)
                for (int c = 0; c < 3; c++)
                    bytes[k * pixel + (red ? 2 - c : c)] = rgb.data[3 * k + c];
            const struct pixels p = {
                .format = f, .h = rgb.h, .w = rgb.w, .plane = {bytes}, .stride = {(size_t)(rgb.w * pixel)}};
            assert_int_equal(pixels_letterbox(&p, &box, &got), OK);
            assert_memory_equal(got.data, expected.data, (size_t)32 * 32 * 3);
            free(bytes);
        }
    }
    image_free(&rgb);
    image_free(&expected);
    image_free(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_files),
        cmocka_unit_test(linear_equals_its_definition),
        cmocka_unit_test(an_exact_picture_stays),
        cmocka_unit_test(area_equals_its_definition),
        cmocka_unit_test(letterbox_fits_any_photo),
        cmocka_unit_test(affine_equals_its_definition),
        cmocka_unit_test(warps_keep_and_shift),
        cmocka_unit_test(hsv_comes_back),
        cmocka_unit_test(hsv_adjust_is_its_steps),
        cmocka_unit_test(load_rules),
        cmocka_unit_test(flips),
        cmocka_unit_test(video_colours_equal_their_definition),
        cmocka_unit_test(formats_are_read_in_place),
    };
    return cmocka_run_group_tests_name("image_pixels", tests, NULL, NULL);
}
