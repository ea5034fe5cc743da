/* image/: picture files of every kind, whole and damaged, and the moving about of pixels. */
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"
#include "image/decode.h"
#include "image/encode.h"
#include "image/image.h"
#include "support/folder.h"
#include "support/image_files.h"
#include "support/unit.h"

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void path_of(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", folder, name);
}

/* A smooth picture with a different gradient in each channel, so that no flip or swap leaves it equal. */
static void smooth(struct image *img, int h, int w)
{
    assert_int_equal(image_init(img, h, w), OK);
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            uint8_t *p = img->data + ((size_t)y * (size_t)w + (size_t)x) * 3;
            p[0] = (uint8_t)(255 * x / MAX(w - 1, 1));
            p[1] = (uint8_t)(255 * y / MAX(h - 1, 1));
            p[2] = (uint8_t)(128 + 100 * sin(0.05 * x) * cos(0.07 * y));
        }
    }
}

static void noise(struct image *img, int h, int w, uint64_t seed)
{
    struct rng r = rng_seed(seed, 0, 0);
    assert_int_equal(image_init(img, h, w), OK);
    for (size_t i = 0; i < (size_t)h * (size_t)w * 3; i++)
        img->data[i] = (uint8_t)rng_next(&r);
}

static int worst_difference(const struct image *a, const struct image *b)
{
    int worst = 0;
    assert_int_equal(a->h, b->h);
    assert_int_equal(a->w, b->w);
    for (size_t i = 0; i < (size_t)a->h * (size_t)a->w * 3; i++)
        worst = MAX(worst, abs(a->data[i] - b->data[i]));
    return worst;
}

static void assert_decodes(const struct buf *file, struct image *img)
{
    if (image_decode(file->data, file->size, "test", img) != OK)
        fail_msg("%s", fail_text());
}

static const uint8_t *pixel(const struct image *img, int y, int x)
{
    return img->data + ((size_t)y * (size_t)img->w + (size_t)x) * 3;
}

/* --- JPEG --- */

static void jpeg_kinds_come_back(void **state)
{
    (void)state;
    static const struct jpeg_recipe recipes[] = {
        {.components = 3},
        {.components = 3, .progressive = 1},
        {.components = 3, .full_colour = 1},
        {.components = 3, .restart = 1},
        {.components = 3, .progressive = 1, .full_colour = 1, .restart = 2},
    };
    struct image src = {0}, got = {0};
    struct buf file = {0};
    smooth(&src, 67, 101);
    for (int i = 0; i < COUNT(recipes); i++) {
        make_jpeg(src.data, src.h, src.w, &recipes[i], &file);
        assert_decodes(&file, &got);
        assert_in_range(worst_difference(&src, &got), 1, 16); /* 1: a lossy file does not come back exactly */
        assert_string_equal(image_kind_name(file.data, file.size), "JPEG");
    }
    image_free(&src);
    image_free(&got);
    buf_free(&file);
}

static void jpeg_grey_has_three_equal_channels(void **state)
{
    (void)state;
    uint8_t grey[40 * 30];
    struct image got = {0};
    struct buf file = {0};
    for (int i = 0; i < 40 * 30; i++)
        grey[i] = (uint8_t)(i / 5);
    make_jpeg(grey, 30, 40, &(struct jpeg_recipe){.components = 1, .quality = 100}, &file);
    assert_decodes(&file, &got);
    for (int i = 0; i < 40 * 30; i++) {
        assert_int_equal(got.data[3 * i], got.data[3 * i + 1]);
        assert_int_equal(got.data[3 * i], got.data[3 * i + 2]);
        assert_true(abs(got.data[3 * i] - grey[i]) <= 3);
    }
    image_free(&got);
    buf_free(&file);
}

/* SPEC 11.3: R = K - (((255 - C) K) >> 8). */
static void jpeg_with_four_colours(void **state)
{
    (void)state;
    uint8_t cmyk[32 * 32 * 4];
    struct image got = {0};
    struct buf file = {0};
    for (int i = 0; i < 32 * 32; i++)
        memcpy(cmyk + 4 * i, (uint8_t[]){200, 100, 20, 180}, 4);
    for (int ycck = 0; ycck < 2; ycck++) {
        make_jpeg(cmyk, 32, 32, &(struct jpeg_recipe){.components = 4, .ycck = ycck, .quality = 100}, &file);
        assert_decodes(&file, &got);
        const uint8_t *p = pixel(&got, 16, 16);
        assert_true(abs(p[0] - (180 - (55 * 180 >> 8))) <= 2);
        assert_true(abs(p[1] - (180 - (155 * 180 >> 8))) <= 2);
        assert_true(abs(p[2] - (180 - (235 * 180 >> 8))) <= 2);
    }
    image_free(&got);
    buf_free(&file);
}

/* --- EXIF --- */

/* Where the upright picture's pixel (y, x) lies in the stored h x w one, written out from SPEC 11.3. */
static void stored_place(int orientation, int h, int w, int y, int x, int *sy, int *sx)
{
    static const struct {
        int turn, up, left;
    } rule[9] = {{0}, {0, 0, 0}, {0, 0, 1}, {0, 1, 1}, {0, 1, 0}, {1, 0, 0}, {1, 1, 0}, {1, 1, 1}, {1, 0, 1}};
    *sy = rule[orientation].turn ? x : y;
    *sx = rule[orientation].turn ? y : x;
    if (rule[orientation].up)
        *sy = h - 1 - *sy;
    if (rule[orientation].left)
        *sx = w - 1 - *sx;
}

static void assert_upright(const struct image *stored, const struct image *got, int orientation)
{
    bool turned = orientation >= 5;
    assert_int_equal(got->h, turned ? stored->w : stored->h);
    assert_int_equal(got->w, turned ? stored->h : stored->w);
    for (int y = 0; y < got->h; y++) {
        for (int x = 0; x < got->w; x++) {
            int sy, sx;
            stored_place(orientation, stored->h, stored->w, y, x, &sy, &sx);
            assert_memory_equal(pixel(got, y, x), pixel(stored, sy, sx), 3);
        }
    }
}

static void exif_orientations(void **state)
{
    (void)state;
    struct image src = {0}, stored = {0}, got = {0};
    struct buf file = {0};
    char path[128];
    path_of("turned", path);
    smooth(&src, 37, 53);
    make_jpeg(src.data, src.h, src.w, &(struct jpeg_recipe){.components = 3}, &file);
    assert_decodes(&file, &stored);
    for (int orientation = 1; orientation <= 8; orientation++) {
        for (int form = 0; form < 4; form++) { /* JPEG little and big endian, PNG with the chunk before and after */
            int h = 0, w = 0, probed = 0;
            if (form < 2)
                make_jpeg(src.data, src.h, src.w,
                          &(struct jpeg_recipe){.components = 3, .orientation = orientation, .big_endian = form},
                          &file);
            else
                make_png(src.data, (size_t)src.w * 3, src.h, src.w,
                         &(struct png_recipe){PNG_COLOR_TYPE_RGB, 8, .orientation = orientation, .exif_last = form - 2},
                         &file);
            assert_decodes(&file, &got);
            assert_upright(form < 2 ? &stored : &src, &got, orientation);
            assert_int_equal(file_write(path, file.data, file.size), OK);
            assert_int_equal(image_probe_size(path, &w, &h, &probed), OK);
            assert_int_equal(w, 53);
            assert_int_equal(h, 37);
            assert_int_equal(probed, orientation);
        }
    }
    image_free(&src);
    image_free(&stored);
    image_free(&got);
    buf_free(&file);
}

/* Every prefix and every wrong byte of an Exif block must be survived; nothing but 1..8 may come out. */
static void exif_damaged(void **state)
{
    (void)state;
    struct image img = {0};
    struct buf file = {0};
    uint8_t grey[8 * 16] = {0};
    make_jpeg(grey, 8, 16, &(struct jpeg_recipe){.components = 1, .orientation = 6}, &file);
    char *block = memmem(file.data, file.size, "Exif", 4);
    assert_non_null(block);
    for (int at = 6; at < 6 + 38; at++) {
        for (int bit = 0; bit < 8; bit++) {
            block[at] = (char)(block[at] ^ 1 << bit);
            assert_decodes(&file, &img);
            assert_true((img.h == 8 && img.w == 16) || (img.h == 16 && img.w == 8));
            block[at] = (char)(block[at] ^ 1 << bit);
        }
    }
    image_free(&img);
    buf_free(&file);
}

/* --- PNG and WebP --- */

static void png_kinds(void **state)
{
    (void)state;
    enum { H = 9, W = 13 };
    static const struct {
        int type, bits, samples;
    } kinds[] = {
        {PNG_COLOR_TYPE_GRAY, 1, 1},      {PNG_COLOR_TYPE_GRAY, 2, 1},       {PNG_COLOR_TYPE_GRAY, 4, 1},
        {PNG_COLOR_TYPE_GRAY, 8, 1},      {PNG_COLOR_TYPE_GRAY, 16, 1},      {PNG_COLOR_TYPE_RGB, 8, 3},
        {PNG_COLOR_TYPE_RGB, 16, 3},      {PNG_COLOR_TYPE_PALETTE, 1, 1},    {PNG_COLOR_TYPE_PALETTE, 4, 1},
        {PNG_COLOR_TYPE_PALETTE, 8, 1},   {PNG_COLOR_TYPE_GRAY_ALPHA, 8, 2}, {PNG_COLOR_TYPE_GRAY_ALPHA, 16, 2},
        {PNG_COLOR_TYPE_RGB_ALPHA, 8, 4}, {PNG_COLOR_TYPE_RGB_ALPHA, 16, 4},
    };
    uint8_t palette[256 * 3], rows[H * W * 8];
    struct rng r = rng_seed(1, 2, 3);
    struct image img = {0};
    struct buf file = {0};
    for (int i = 0; i < 256 * 3; i++)
        palette[i] = (uint8_t)rng_next(&r);
    for (int i = 0; i < H * W * 8; i++)
        rows[i] = (uint8_t)rng_next(&r);
    for (int k = 0; k < COUNT(kinds) * 4; k++) {
        int type = kinds[k / 4].type, bits = kinds[k / 4].bits, samples = kinds[k / 4].samples;
        size_t row = ((size_t)(W * samples * bits) + 7) / 8;
        struct png_recipe recipe = {type, bits, .interlaced = k & 1, .transparent = k & 2 && !(type & 4)};
        if (type == PNG_COLOR_TYPE_PALETTE)
            recipe.palette = palette;
        make_png(rows, row, H, W, &recipe, &file);
        assert_decodes(&file, &img);
        assert_int_equal(img.h, H);
        assert_int_equal(img.w, W);
        for (int i = 0; i < H * W * 3; i++) {
            int y = i / (3 * W), x = i / 3 % W, c = i % 3;
            int sample = x * samples + (samples >= 3 ? c : 0), bit = sample * bits;
            int raw = rows[(size_t)y * row + (size_t)(bit / 8)]; /* of 16 bits the high byte stands first */
            if (bits < 8)
                raw = raw >> (8 - bits - bit % 8) & ((1 << bits) - 1);
            int want = type == PNG_COLOR_TYPE_PALETTE ? palette[raw * 3 + c]
                       : bits < 8                     ? raw * 255 / ((1 << bits) - 1)
                                                      : raw;
            if (img.data[i] != want)
                fail_msg("colour type %d, %d bits, pixel (%d, %d): %d, not %d", type, bits, y, x, img.data[i], want);
        }
    }
    image_free(&img);
    buf_free(&file);
}

static void webp_kinds(void **state)
{
    (void)state;
    enum { H = 20, W = 31 };
    uint8_t rgba[H * W * 4];
    struct image src = {0}, got = {0};
    struct buf file = {0};
    smooth(&src, H, W);
    for (int i = 0; i < H * W; i++) {
        memcpy(rgba + 4 * i, src.data + 3 * i, 3);
        rgba[4 * i + 3] = (uint8_t)(1 + i % 255);
    }
    make_webp(src.data, H, W, 3, 1, &file);
    assert_decodes(&file, &got);
    assert_int_equal(worst_difference(&src, &got), 0);
    make_webp(rgba, H, W, 4, 1, &file);
    assert_decodes(&file, &got);
    assert_int_equal(worst_difference(&src, &got), 0); /* alpha dropped, not blended */
    make_webp(src.data, H, W, 3, 0, &file);
    assert_decodes(&file, &got);
    assert_in_range(worst_difference(&src, &got), 1, 40);
    image_free(&src);
    image_free(&got);
    buf_free(&file);
}

/* --- damaged and unusual files --- */

static void assert_refused(const void *bytes, size_t size, enum status code, const char *word)
{
    struct image img = {0};
    enum status rc = image_decode(bytes, size, "pic.x", &img);
    if (rc != code || strncmp(fail_text(), "pic.x: ", 7) != 0 || (word && !strstr(fail_text(), word)))
        fail_msg("status %d (%s), not %d with '%s'", rc, rc ? fail_text() : "", code, word ? word : "");
    image_free(&img);
}

static void truncated_files_are_refused(void **state)
{
    (void)state;
    struct image src = {0};
    struct buf file = {0};
    smooth(&src, 120, 160);
    for (int kind = 0; kind < 7; kind++) {
        if (kind < 3)
            make_jpeg(src.data, src.h, src.w,
                      &(struct jpeg_recipe){.components = 3, .progressive = kind == 1, .restart = kind == 2}, &file);
        else if (kind < 5)
            make_png(src.data, (size_t)src.w * 3, src.h, src.w,
                     &(struct png_recipe){PNG_COLOR_TYPE_RGB, 8, .interlaced = kind == 4}, &file);
        else
            make_webp(src.data, src.h, src.w, 3, kind == 6, &file);
        for (size_t i = 0; i < 50; i++) {
            size_t n = file.size * i / 50;
            char *exact = malloc(n + 1); /* its own block, so that the sanitizer sees a step beyond the end */
            memcpy(exact, file.data, n);
            exact = realloc(exact, MAX(n, 1));
            struct image img = {0};
            enum status rc = image_decode(exact, n, "cut", &img);
            if (rc != E_FORMAT && !(n < 12 && rc == E_UNSUPPORTED))
                fail_msg("kind %d cut at %zu of %zu: status %d", kind, n, file.size, rc);
            image_free(&img);
            free(exact);
        }
        if (kind == 3 || kind == 4) /* without the end chunk; for JPEG see tests/test_image_formats.c */
            assert_refused(file.data, file.size - 12, E_FORMAT, NULL);
    }
    image_free(&src);
    buf_free(&file);
}

/* Flipped bits anywhere: no crash, no leak, and either a picture or a sentence. */
static void damaged_files_are_survived(void **state)
{
    (void)state;
    struct image src = {0}, img = {0};
    struct buf file = {0};
    struct rng r = rng_seed(7, 7, 7);
    smooth(&src, 40, 48);
    for (int kind = 0; kind < 5; kind++) {
        if (kind < 2)
            make_jpeg(src.data, src.h, src.w, &(struct jpeg_recipe){.components = 3, .progressive = kind == 1}, &file);
        else if (kind == 2)
            make_png(src.data, (size_t)src.w * 3, src.h, src.w, &(struct png_recipe){PNG_COLOR_TYPE_RGB, 8}, &file);
        else
            make_webp(src.data, src.h, src.w, 3, kind == 4, &file);
        for (int i = 0; i < 300; i++) {
            size_t at = rng_below(&r, i % 2 ? file.size : MIN(file.size, 200));
            char keep = file.data[at];
            file.data[at] = (char)(keep ^ 1 << rng_below(&r, 8));
            struct image_limits limits = {4096, 1 << 22};
            if (image_decode_limited(file.data, file.size, "bits", &limits, &img) != OK)
                assert_int_equal(strncmp(fail_text(), "bits: ", 6), 0);
            file.data[at] = keep;
        }
    }
    image_free(&src);
    image_free(&img);
    buf_free(&file);
}

static void header_sizes_are_checked_first(void **state)
{
    (void)state;
    static const uint8_t grey[4] = {1, 2, 3, 4};
    struct buf file = {0};
    struct image img = {0};
    make_png(grey, 2, 2, 2, &(struct png_recipe){PNG_COLOR_TYPE_GRAY, 8}, &file);
    memcpy(file.data + 16, "\0\0\0\0", 4);
    assert_refused(file.data, file.size, E_FORMAT, "empty");
    memcpy(file.data + 16, "\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF", 8);
    assert_refused(file.data, file.size, E_LIMIT, "65535");
    memcpy(file.data + 16, "\0\0\xEA\x60\0\0\xEA\x60", 8);
    assert_refused(file.data, file.size, E_LIMIT, "268435456");
    make_jpeg(grey, 2, 2, &(struct jpeg_recipe){.components = 1}, &file);
    uint8_t *frame = memmem(file.data, file.size, "\xFF\xC0", 2);
    assert_non_null(frame);
    memcpy(frame + 5, "\xFD\xE8\xFD\xE8", 4);
    assert_refused(file.data, file.size, E_LIMIT, "65000 x 65000");
    memcpy(frame + 5, "\0\0\0\2", 4);
    assert_refused(file.data, file.size, E_FORMAT, NULL);
    memcpy(frame + 5, "\0\2\0\2", 4);
    struct image_limits limits = {100, 3};
    assert_int_equal(image_decode_limited(file.data, file.size, "x", &limits, &img), E_LIMIT);
    limits.max_pixels = 4;
    assert_int_equal(image_decode_limited(file.data, file.size, "x", &limits, &img), OK);
    image_free(&img);
    buf_free(&file);
}

static void extreme_shapes(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {1, 30000}, {30000, 1}, {31, 17}};
    struct image src = {0}, got = {0};
    char path[128];
    for (int i = 0; i < COUNT(sizes); i++) {
        int w = 0, h = 0;
        smooth(&src, sizes[i][0], sizes[i][1]);
        path_of("thin.png", path);
        assert_int_equal(image_write(path, &src), OK);
        assert_int_equal(image_read(path, &got), OK);
        assert_int_equal(worst_difference(&src, &got), 0);
        path_of("thin.JPG", path);
        assert_int_equal(image_write(path, &src), OK);
        assert_int_equal(image_read(path, &got), OK);
        assert_true(worst_difference(&src, &got) < 40);
        assert_int_equal(image_probe_size(path, &w, &h, NULL), OK);
        assert_true(h == src.h && w == src.w);
    }
    image_free(&src);
    image_free(&got);
}

static void other_files(void **state)
{
    (void)state;
    char path[128];
    struct image img = {0};
    assert_refused("", 0, E_FORMAT, "empty");
    assert_refused("BM123456789", 11, E_UNSUPPORTED, "not a picture");
    assert_refused("GIF89a......", 12, E_FORMAT, "GIF");
    assert_refused("hello, world", 12, E_UNSUPPORTED, "not a picture");
    assert_refused("\xFF\xD8\xFF", 3, E_FORMAT, NULL);
    assert_null(image_kind_name("BM12", 4));
    path_of("absent.jpg", path);
    assert_int_equal(image_read(path, &img), E_IO);
    assert_non_null(strstr(fail_text(), "absent.jpg"));
    assert_int_equal(image_probe_size(path, NULL, NULL, NULL), E_IO);
    assert_int_equal(image_read(folder, &img), E_IO);
    smooth(&img, 4, 4);
    path_of("a.bmp", path);
    assert_int_equal(image_write(path, &img), E_UNSUPPORTED);
    path_of("none/a.png", path);
    assert_int_equal(image_write(path, &img), E_IO);
    assert_int_equal(image_init(&img, 1, 65501), OK);
    path_of("wide.jpg", path);
    assert_int_equal(image_write(path, &img), E_LIMIT);
    assert_non_null(strstr(fail_text(), "wide.jpg"));
    assert_false(path_exists(path));
    path_of("wide.webp", path);
    assert_int_equal(image_write(path, &img), E_LIMIT);
    image_free(&img);
}

/* --- pixels --- */

static void floats_are_exact_quotients(void **state)
{
    (void)state;
    struct image img = {0};
    assert_int_equal(image_init(&img, 8, 32), OK);
    for (int i = 0; i < 8 * 32 * 3; i++)
        img.data[i] = (uint8_t)i;
    for (size_t stride = 3; stride <= 5; stride++) {
        float *dst = mem_calloc(8 * 32 * stride, sizeof *dst);
        image_to_float(&img, dst, stride);
        for (size_t i = 0; i < 8 * 32 * 3; i++)
            assert_true(dst[i / 3 * stride + i % 3] == (float)((double)(i % 256) / 255.0));
        for (size_t i = 0; i < 8 * 32 * stride; i++)
            assert_true(i % stride < 3 || dst[i] == 0);
        mem_free(dst);
    }
    image_free(&img);
}

static void paste_and_crop_are_clipped(void **state)
{
    (void)state;
    struct image src = {0}, dst = {0}, part = {0};
    noise(&src, 10, 12, 1);
    assert_int_equal(image_init(&dst, 9, 7), OK);
    for (int sy = -4; sy < 12; sy += 3) {
        for (int dx = -5; dx < 9; dx += 2) {
            image_fill(&dst, 1, 2, 3);
            image_paste(&src, sy, 2, 5, 6, &dst, 3, dx);
            for (int y = 0; y < 9; y++) {
                for (int x = 0; x < 7; x++) {
                    int fy = sy + y - 3, fx = 2 + x - dx;
                    bool inside = y >= 3 && y < 8 && x >= dx && x < dx + 6 && fy >= 0 && fy < 10 && fx >= 0 && fx < 12;
                    const uint8_t *want = inside ? pixel(&src, fy, fx) : (const uint8_t[]){1, 2, 3};
                    assert_memory_equal(pixel(&dst, y, x), want, 3);
                }
            }
        }
    }
    assert_int_equal(image_crop(&src, -3, 4, 5, 99, &part), OK);
    assert_int_equal(part.w, 5);
    assert_int_equal(part.h, 6);
    assert_memory_equal(pixel(&part, 1, 2), pixel(&src, 5, 2), 3);
    assert_int_equal(image_crop(&src, 5, 5, 5, 9, &part), E_ARGUMENT);
    image_free(&src);
    image_free(&dst);
    image_free(&part);
}

static void buffers_are_used_again(void **state)
{
    (void)state;
    struct image img = {0};
    assert_int_equal(image_init(&img, 100, 100), OK);
    const uint8_t *before = img.data;
    assert_int_equal(image_init(&img, 3, 70), OK);
    assert_ptr_equal(img.data, before);
    assert_int_equal((uintptr_t)img.data % MEM_ALIGN, 0);
    image_free(&img);
    assert_null(img.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jpeg_kinds_come_back),
        cmocka_unit_test(jpeg_grey_has_three_equal_channels),
        cmocka_unit_test(jpeg_with_four_colours),
        cmocka_unit_test(exif_orientations),
        cmocka_unit_test(exif_damaged),
        cmocka_unit_test(png_kinds),
        cmocka_unit_test(webp_kinds),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(damaged_files_are_survived),
        cmocka_unit_test(header_sizes_are_checked_first),
        cmocka_unit_test(extreme_shapes),
        cmocka_unit_test(other_files),
        cmocka_unit_test(floats_are_exact_quotients),
        cmocka_unit_test(paste_and_crop_are_clipped),
        cmocka_unit_test(buffers_are_used_again),
    };
    return cmocka_run_group_tests_name("image", tests, folder_make, folder_remove);
}
