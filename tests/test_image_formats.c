/* BMP, TIFF and GIF, JPEG without an end, kinds that are refused: pixels are compared with those that were written. */
#include "support/folder.h"
#include "support/unit.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"
#include "image/decode.h"
#include "image/kinds.h"
#include "support/image_files.h"

#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>
#include <unistd.h>

/* The decoder sees a block of exactly these bytes, so that a sanitizer sees every step beyond it. */
static enum status decode(const void *bytes, size_t size, struct image *img)
{
    char *exact = malloc(MAX(size, 1));
    memcpy(exact, bytes, size);
    enum status rc = image_decode(exact, size, "pic", img);
    free(exact);
    return rc;
}

static void assert_pixels(const struct buf *file, int h, int w, const uint8_t *rgb)
{
    struct image img = {0};
    if (decode(file->data, file->size, &img) != OK)
        fail_msg("%s", fail_text());
    assert_int_equal(img.h, h);
    assert_int_equal(img.w, w);
    for (int i = 0; i < h * w * 3; i++) {
        if (img.data[i] != rgb[i])
            fail_msg("pixel %d, channel %d: %d, not %d", i / 3, i % 3, img.data[i], rgb[i]);
    }
    image_free(&img);
}

static void assert_refused(const void *bytes, size_t size, enum status code, const char *word)
{
    struct image img = {0};
    enum status rc = decode(bytes, size, &img);
    if (rc != code || strncmp(fail_text(), "pic: ", 5) != 0 || !strstr(fail_text(), word))
        fail_msg("status %d (%s), not %d with '%s'", rc, rc ? fail_text() : "", code, word);
    image_free(&img);
}

/* Every beginning of the file is refused, up to `spare` bytes that it can do without; what decodes also passes the
 * check of data sets. */
static void assert_beginnings_refused(const struct buf *file, size_t spare)
{
    struct image img = {0};
    const char *path = folder_path("beginning");
    for (size_t n = 0; n <= file->size; n++) {
        bool good = decode(file->data, n, &img) == OK;
        if (good != (n + spare >= file->size))
            fail_msg("%zu of %zu bytes: %s", n, file->size, good ? "accepted" : fail_text());
        if (n + 20 < file->size && n % 7)
            continue;
        assert_int_equal(file_write(path, file->data, n), OK);
        if ((image_check(path, NULL, NULL, NULL) == OK) != good)
            fail_msg("%zu of %zu bytes: detect and data sets disagree", n, file->size);
    }
    image_free(&img);
}

/* --- BMP --- */

struct bmp_recipe {
    int w, h, bits, compression, header, colours;
    const char *masks; /* 12 bytes behind a header of 40, or NULL */
    const uint8_t (*palette)[3];
};

static void put_number(struct buf *out, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        char byte = (char)(value >> 8 * i);
        assert_int_equal(buf_append(out, &byte, 1), OK);
    }
}

static void make_bmp(const struct bmp_recipe *r, const void *data, size_t size, struct buf *out)
{
    int header = r->header ? r->header : 40, entry = header == 12 ? 3 : 4, masks = r->masks ? 12 : 0;
    uint32_t offset = (uint32_t)(14 + header + masks + r->colours * entry);
    out->size = 0;
    assert_int_equal(buf_append(out, "BM", 2), OK);
    put_number(out, offset + (uint32_t)size, 4);
    put_number(out, 0, 4);
    put_number(out, offset, 4);
    put_number(out, (uint32_t)header, 4);
    put_number(out, (uint32_t)r->w, header == 12 ? 2 : 4);
    put_number(out, (uint32_t)r->h, header == 12 ? 2 : 4);
    put_number(out, 1, 2);
    put_number(out, (uint32_t)r->bits, 2);
    if (header > 12) {
        put_number(out, (uint32_t)r->compression, 4);
        for (int at = 20; at < header; at += 4)
            put_number(out, at == 32 ? (uint32_t)r->colours : 0, 4);
    }
    assert_int_equal(buf_append(out, r->masks ? r->masks : "", (size_t)masks), OK);
    for (int i = 0; i < r->colours; i++) {
        const uint8_t *c = r->palette[i];
        put_number(out, (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2], entry);
    }
    assert_int_equal(buf_append(out, data, size), OK);
}

static const uint8_t colours[5][3] = {{1, 2, 3}, {250, 20, 30}, {40, 240, 60}, {70, 80, 230}, {255, 255, 255}};

/* indices (h, w) through `colours` */
static void assert_indexed(const struct buf *file, int h, int w, const char *indices)
{
    uint8_t rgb[256];
    for (int i = 0; i < h * w; i++)
        memcpy(rgb + 3 * i, colours[indices[i] - '0'], 3);
    assert_pixels(file, h, w, rgb);
}

static void bmp_palettes(void **state)
{
    (void)state;
    struct buf file = {0};
    struct bmp_recipe r = {.w = 3, .h = 2, .bits = 8, .colours = 5, .palette = colours};
    make_bmp(&r, "\4\3\2\0\0\1\2\0", 8, &file);
    assert_indexed(&file, 2, 3, "012432");
    assert_beginnings_refused(&file, 1); /* the padding of the last row */
    r.h = -2;                            /* from the top */
    make_bmp(&r, "\4\3\2\0\0\1\2\0", 8, &file);
    assert_indexed(&file, 2, 3, "432012");
    r = (struct bmp_recipe){.w = 3, .h = 2, .bits = 4, .colours = 5, .palette = colours};
    make_bmp(&r, "\x43\x20\0\0\x01\x20\0\0", 8, &file);
    assert_indexed(&file, 2, 3, "012432");
    r = (struct bmp_recipe){.w = 5, .h = 1, .bits = 2, .colours = 4, .palette = colours};
    make_bmp(&r, "\x1b\xc0\0\0", 4, &file);
    assert_indexed(&file, 1, 5, "01233");
    r = (struct bmp_recipe){.w = 10, .h = 1, .bits = 1, .colours = 2, .palette = colours, .header = 124};
    make_bmp(&r, "\xa5\x40\0\0", 4, &file);
    assert_indexed(&file, 1, 10, "1010010101");
    r = (struct bmp_recipe){.w = 3, .h = 2, .bits = 8, .colours = 5, .palette = colours, .header = 12}; /* OS/2 */
    make_bmp(&r, "\4\3\2\0\0\1\2\0", 8, &file);
    assert_indexed(&file, 2, 3, "012432");
    r.header = 64;
    make_bmp(&r, "\4\3\2\0\0\1\2\0", 8, &file);
    assert_indexed(&file, 2, 3, "012432");
    buf_free(&file);
}

static void bmp_runs(void **state)
{
    (void)state;
    /* a run, an odd literal with its padding, the end of a row, a step of two pixels and one row, the end */
    static const char rle8[] = "\2\1\0\3\2\3\4\0\0\0"
                               "\1\2\0\2\2\1\1\4\0\0"
                               "\5\3\0\1";
    static const char rle4[] = "\5\x12\0\0"
                               "\0\5\x34\x21\x40\0\0\0"
                               "\0\1";
    struct buf file = {0};
    struct bmp_recipe r = {.w = 5, .h = 4, .bits = 8, .compression = 1, .colours = 5, .palette = colours};
    make_bmp(&r, rle8, sizeof rle8 - 1, &file);
    assert_indexed(&file, 4, 5,
                   "33333"
                   "00040"
                   "20000"
                   "11234");
    assert_beginnings_refused(&file, 2); /* all rows are there: the end may be missing */
    r = (struct bmp_recipe){.w = 5, .h = 3, .bits = 4, .compression = 2, .colours = 5, .palette = colours};
    make_bmp(&r, rle4, sizeof rle4 - 1, &file);
    assert_indexed(&file, 3, 5,
                   "00000"
                   "34214"
                   "12121");
    buf_free(&file);
}

static void bmp_true_colours(void **state)
{
    (void)state;
    static const uint8_t five[] = {248, 248, 248, 32, 136, 160}, six[] = {248, 252, 248, 16, 68, 160};
    static const uint8_t eight[] = {3, 2, 1, 6, 5, 4}, ten[] = {0xaa, 0xaf, 0x44};
    struct buf file = {0};
    struct bmp_recipe r = {.w = 2, .h = 1, .bits = 16};
    make_bmp(&r, "\xff\x7f\x34\x12", 4, &file); /* values that OpenCV 4.6 gives */
    assert_pixels(&file, 1, 2, five);
    r.compression = 3;
    r.masks = "\0\xf8\0\0\xe0\x07\0\0\x1f\0\0\0";
    make_bmp(&r, "\xff\xff\x34\x12", 4, &file);
    assert_pixels(&file, 1, 2, six);
    r = (struct bmp_recipe){.w = 2, .h = 1, .bits = 24};
    make_bmp(&r, "\1\2\3\4\5\6\0\0", 8, &file);
    assert_pixels(&file, 1, 2, eight);
    assert_beginnings_refused(&file, 2);
    r.bits = 32; /* the fourth byte is nothing, or alpha */
    make_bmp(&r, "\1\2\3\x80\4\5\6\0", 8, &file);
    assert_pixels(&file, 1, 2, eight);
    r = (struct bmp_recipe){
        .w = 1, .h = 1, .bits = 32, .compression = 3, .masks = "\0\0\xf0\x3f\0\xfc\x0f\0\xff\x03\0\0"};
    make_bmp(&r, "\x12\xf1\xaa\x2a", 4, &file); /* ten bits each: 2aa, 2bc, 112 */
    assert_pixels(&file, 1, 1, ten);
    buf_free(&file);
}

static void bmp_hostile(void **state)
{
    (void)state;
    struct buf file = {0};
    struct bmp_recipe r = {.w = 3, .h = 2, .bits = 8, .colours = 5, .palette = colours};
    make_bmp(&r, "\4\3\5\0\0\1\2\0", 8, &file);
    assert_refused(file.data, file.size, E_FORMAT, "colour 5 of a palette of 5");
    r.w = 70000;
    make_bmp(&r, "\4", 1, &file);
    assert_refused(file.data, file.size, E_LIMIT, "70000");
    r.w = -3;
    make_bmp(&r, "\4", 1, &file);
    assert_refused(file.data, file.size, E_FORMAT, "empty");
    r = (struct bmp_recipe){.w = 3, .h = INT32_MIN, .bits = 24};
    make_bmp(&r, "\4", 1, &file);
    assert_refused(file.data, file.size, E_LIMIT, "2147483648");
    r = (struct bmp_recipe){.w = 60000, .h = 4000, .bits = 24}; /* 720 MB by its header */
    make_bmp(&r, "\4\3\2\1", 4, &file);
    assert_refused(file.data, file.size, E_FORMAT, "truncated");
    r = (struct bmp_recipe){.w = 3, .h = 2, .bits = 24, .compression = 4};
    make_bmp(&r, "\4\3\2\1", 4, &file);
    assert_refused(file.data, file.size, E_UNSUPPORTED, "compression 4");
    r = (struct bmp_recipe){.w = 2, .h = 1, .bits = 16, .compression = 3, .masks = "\5\0\0\0\2\0\0\0\1\0\0\0"};
    make_bmp(&r, "\4\3\2\1", 4, &file);
    assert_refused(file.data, file.size, E_FORMAT, "00000005");
    r = (struct bmp_recipe){.w = 3, .h = 1, .bits = 8, .compression = 1, .colours = 5, .palette = colours};
    make_bmp(&r, "\4\1\0\1", 4, &file);
    assert_refused(file.data, file.size, E_FORMAT, "beyond the edge");
    make_bmp(&r, "\0\2\xff\xff\1\1\0\1", 8, &file);
    assert_refused(file.data, file.size, E_FORMAT, "beyond the edge");
    make_bmp(&r, "\0\x09\1\1", 4, &file);
    assert_refused(file.data, file.size, E_FORMAT, "truncated");
    memcpy(file.data + 10, "\xff\xff\xff\x7f", 4); /* where the pixels begin */
    assert_refused(file.data, file.size, E_FORMAT, "begin at byte");
    buf_free(&file);
}

/* --- TIFF --- */

struct tiff_recipe {
    int photometric, samples, bits, compression;
    int tiled, separate, orientation, float_samples;
    const char *mode;
};

enum { TIFF_W = 45, TIFF_H = 37 };

/* Sample c of pixel (y, x) in `bits`, never the same in two channels. */
static unsigned sample(const struct tiff_recipe *r, int y, int x, int c)
{
    unsigned value = (unsigned)(y * 3 + x * 2 + c * 60) & 255;
    return r->bits == 16 ? value << 8 | (value * 7 & 255) : r->bits == 1 ? (unsigned)(x / 3 + y) & 1 : value;
}

static void put_sample(const struct tiff_recipe *r, uint8_t *row, int i, unsigned value)
{
    if (r->bits == 16)
        memcpy(row + 2 * i, &(uint16_t){(uint16_t)value}, 2);
    else if (r->bits == 8)
        row[i] = (uint8_t)value;
    else
        row[i / 8] |= (uint8_t)(value << (7 - i % 8));
}

static void write_tiff_rows(TIFF *t, const struct tiff_recipe *r)
{
    enum { TILE = 16, PLANE = 16 * 16 * 8 };
    uint8_t data[PLANE * 4];
    int planes = r->separate ? r->samples : 1, each = r->separate ? 1 : r->samples;
    for (int plane = 0; plane < planes; plane++) {
        for (int y0 = 0; y0 < TIFF_H; y0 += r->tiled ? TILE : 1) {
            for (int x0 = 0; x0 < TIFF_W; x0 += r->tiled ? TILE : TIFF_W) {
                int h = r->tiled ? TILE : 1, w = r->tiled ? TILE : TIFF_W;
                memset(data, 0, sizeof data);
                for (int i = 0; i < h * w * each; i++)
                    put_sample(r, data, i, sample(r, y0 + i / each / w, x0 + i / each % w, plane + i % each));
                if (r->tiled)
                    assert_int_not_equal(TIFFWriteTile(t, data, (uint32_t)x0, (uint32_t)y0, 0, (uint16_t)plane), -1);
                else
                    assert_int_equal(TIFFWriteScanline(t, data, (uint32_t)y0, (uint16_t)plane), 1);
            }
        }
    }
}

static void set_tiff_fields(TIFF *t, const struct tiff_recipe *r)
{
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, TIFF_W);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, TIFF_H);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, r->bits);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, r->samples);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, r->photometric);
    TIFFSetField(t, TIFFTAG_COMPRESSION, r->compression);
    TIFFSetField(t, TIFFTAG_PLANARCONFIG, r->separate ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    if (r->tiled) {
        TIFFSetField(t, TIFFTAG_TILEWIDTH, 16);
        TIFFSetField(t, TIFFTAG_TILELENGTH, 16);
    } else {
        TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 5);
    }
    if (r->orientation)
        TIFFSetField(t, TIFFTAG_ORIENTATION, r->orientation);
    if (r->float_samples)
        TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP);
    if (r->photometric == PHOTOMETRIC_PALETTE) {
        uint16_t map[3][256];
        for (int i = 0; i < 256; i++) {
            map[0][i] = (uint16_t)(i << 8);
            map[1][i] = (uint16_t)((255 - i) << 8);
            map[2][i] = (uint16_t)((i ^ 85) << 8);
        }
        TIFFSetField(t, TIFFTAG_COLORMAP, map[0], map[1], map[2]);
    }
}

static void make_tiff(const struct tiff_recipe *r, struct buf *out)
{
    const char *path = folder_path("made.tif");
    TIFF *t = TIFFOpen(path, r->mode ? r->mode : "w");
    assert_non_null(t);
    for (int page = 0; page < 2; page++) { /* only the first one is the picture */
        struct tiff_recipe second = {PHOTOMETRIC_MINISBLACK, 1, 8, COMPRESSION_NONE, .mode = NULL};
        set_tiff_fields(t, page ? &second : r);
        write_tiff_rows(t, page ? &second : r);
        assert_int_equal(TIFFWriteDirectory(t), 1);
    }
    TIFFClose(t);
    assert_int_equal(file_read(path, 1 << 20, out), OK);
}

static void tiff_pixel(const struct tiff_recipe *r, int y, int x, uint8_t rgb[3])
{
    for (int c = 0; c < 3; c++) {
        unsigned v = sample(r, y, x, r->samples >= 3 ? c : 0), k = r->samples == 4 ? sample(r, y, x, 3) : 0;
        if (r->photometric == PHOTOMETRIC_PALETTE)
            v = c == 0 ? v : c == 1 ? 255 - v : v ^ 85;
        else if (r->bits == 16)
            v = r->samples == 1 ? v >> 8 : (v + 128) / 257;
        else if (r->bits == 1)
            v = v ? 255 : 0;
        if (r->photometric == PHOTOMETRIC_MINISWHITE)
            v = 255 - v;
        if (r->photometric == PHOTOMETRIC_SEPARATED)
            v = (255 - v) * (255 - k) / 255;
        rgb[c] = (uint8_t)v;
    }
}

static void tiff_kinds(void **state)
{
    (void)state;
    static const struct tiff_recipe recipes[] = {
        {PHOTOMETRIC_RGB, 3, 8, COMPRESSION_NONE, .mode = "w"},
        {PHOTOMETRIC_RGB, 3, 8, COMPRESSION_LZW, .mode = "wb"}, /* b: big-endian */
        {PHOTOMETRIC_RGB, 3, 8, COMPRESSION_ADOBE_DEFLATE, .tiled = 1, .mode = "w8"},
        {PHOTOMETRIC_RGB, 3, 8, COMPRESSION_PACKBITS, .separate = 1, .mode = "w"},
        {PHOTOMETRIC_RGB, 3, 8, COMPRESSION_LZW, .separate = 1, .tiled = 1, .mode = "w"},
        {PHOTOMETRIC_RGB, 3, 16, COMPRESSION_ADOBE_DEFLATE, .mode = "w"},
        {PHOTOMETRIC_RGB, 3, 16, COMPRESSION_NONE, .tiled = 1, .mode = "wb"},
        {PHOTOMETRIC_MINISBLACK, 1, 8, COMPRESSION_LZW, .mode = "w"},
        {PHOTOMETRIC_MINISBLACK, 1, 16, COMPRESSION_LZW, .mode = "w"},
        {PHOTOMETRIC_MINISWHITE, 1, 8, COMPRESSION_NONE, .mode = "w"},
        {PHOTOMETRIC_MINISBLACK, 1, 1, COMPRESSION_CCITTFAX4, .mode = "w"},
        {PHOTOMETRIC_PALETTE, 1, 8, COMPRESSION_LZW, .mode = "w"},
        {PHOTOMETRIC_SEPARATED, 4, 8, COMPRESSION_ADOBE_DEFLATE, .mode = "w"},
    };
    uint8_t rgb[TIFF_H * TIFF_W * 3];
    struct buf file = {0};
    for (int i = 0; i < COUNT(recipes); i++) {
        make_tiff(&recipes[i], &file);
        for (int k = 0; k < TIFF_H * TIFF_W; k++)
            tiff_pixel(&recipes[i], k / TIFF_W, k % TIFF_W, rgb + 3 * k);
        assert_string_equal(image_kind_name(file.data, file.size), "TIFF");
        assert_pixels(&file, TIFF_H, TIFF_W, rgb);
    }
    buf_free(&file);
}

static void tiff_orientations(void **state)
{
    (void)state;
    struct image plain = {0}, got = {0};
    struct buf file = {0};
    for (int orientation = 1; orientation <= 8; orientation++) {
        struct tiff_recipe r = {PHOTOMETRIC_RGB, 3, 8, COMPRESSION_LZW, .tiled = orientation % 2, .mode = "w"};
        make_tiff(&r, &file);
        assert_int_equal(decode(file.data, file.size, &plain), OK);
        assert_int_equal(image_orient(&plain, orientation), OK);
        r.orientation = orientation;
        make_tiff(&r, &file);
        assert_int_equal(decode(file.data, file.size, &got), OK);
        assert_int_equal(got.h, plain.h);
        assert_memory_equal(got.data, plain.data, (size_t)TIFF_H * TIFF_W * 3);
        int w, h, probed;
        assert_int_equal(image_probe_size(folder_path("made.tif"), &w, &h, &probed), OK);
        assert_true(w == TIFF_W && h == TIFF_H && probed == orientation);
    }
    image_free(&plain);
    image_free(&got);
    buf_free(&file);
}

/* The entry of a tag in the first directory of a little-endian file. */
static uint8_t *tiff_entry(struct buf *file, unsigned tag)
{
    uint32_t at;
    memcpy(&at, file->data + 4, 4);
    for (uint8_t *p = (uint8_t *)file->data + at + 2; p + 12 <= (uint8_t *)file->data + file->size; p += 12) {
        if ((p[0] | (unsigned)p[1] << 8) == tag)
            return p;
    }
    fail_msg("no tag %u", tag);
    return NULL;
}

static void tiff_hostile(void **state)
{
    (void)state;
    struct buf file = {0};
    struct tiff_recipe r = {PHOTOMETRIC_RGB, 3, 8, COMPRESSION_LZW, .mode = "w"};
    struct image img = {0};
    make_tiff(&r, &file);
    for (size_t n = 8; n < file.size; n += 11) { /* the first directory may stand before what is cut */
        if (decode(file.data, n, &img) != OK)
            assert_int_equal(strncmp(fail_text(), "pic: ", 5), 0);
    }
    assert_refused(file.data, 60, E_FORMAT, "TIFF");
    memcpy(tiff_entry(&file, TIFFTAG_IMAGEWIDTH) + 2, "\4\0\1\0\0\0\x70\x11\1\0", 10); /* of type LONG */
    assert_refused(file.data, file.size, E_LIMIT, "70000");
    r.tiled = 1;
    make_tiff(&r, &file);
    memcpy(tiff_entry(&file, TIFFTAG_TILEWIDTH) + 8, "\xf0\xff\0\0", 4);
    memcpy(tiff_entry(&file, TIFFTAG_TILELENGTH) + 8, "\xf0\xff\0\0", 4);
    assert_refused(file.data, file.size, E_LIMIT, "parts of");
    r = (struct tiff_recipe){PHOTOMETRIC_MINISBLACK, 1, 16, COMPRESSION_NONE, .float_samples = 1, .mode = "w"};
    make_tiff(&r, &file);
    assert_refused(file.data, file.size, E_UNSUPPORTED, "convert to PNG");
    struct rng rng = rng_seed(3, 3, 3);
    r = (struct tiff_recipe){PHOTOMETRIC_RGB, 3, 8, COMPRESSION_ADOBE_DEFLATE, .tiled = 1, .mode = "w"};
    make_tiff(&r, &file);
    for (int i = 0; i < 400; i++) { /* a sentence that begins with the name, or a picture; nothing printed */
        size_t at = (size_t)rng_below(&rng, file.size);
        char keep = file.data[at];
        struct image_limits limits = {4096, 1 << 20};
        file.data[at] = (char)rng_below(&rng, 256);
        if (image_decode_limited(file.data, file.size, "pic", &limits, &img) != OK)
            assert_int_equal(strncmp(fail_text(), "pic: ", 5), 0);
        file.data[at] = keep;
    }
    image_free(&img);
    buf_free(&file);
}

static void raw_files_of_cameras_are_named(void **state)
{
    (void)state;
    struct buf file = {0};
    struct tiff_recipe r = {PHOTOMETRIC_RGB, 3, 8, COMPRESSION_NONE, .mode = "w"};
    TIFF *t = TIFFOpen(folder_path("made.dng"), "w");
    assert_non_null(t);
    set_tiff_fields(t, &r);
    TIFFSetField(t, TIFFTAG_DNGVERSION, "\1\4\0\0");
    write_tiff_rows(t, &r);
    TIFFClose(t);
    assert_int_equal(file_read(folder_path("made.dng"), 1 << 20, &file), OK);
    assert_refused(file.data, file.size, E_UNSUPPORTED, "raw pictures of cameras");
    buf_free(&file);
}

/* --- GIF --- */

struct gif_recipe {
    int w, h; /* of the screen */
    int left, top, frame_w, frame_h, interlaced, local_palette, transparent;
};

static int append_bytes(GifFileType *gif, const GifByteType *bytes, int n)
{
    return buf_append(gif->UserData, bytes, (size_t)n) == OK ? n : 0;
}

/* Two frames: the pixels, then all of colour 4. */
static void make_gif(const struct gif_recipe *r, const char *indices, struct buf *out)
{
    GifColorType entries[2][8] = {{{0}}};
    for (int i = 0; i < COUNT(colours); i++) {
        entries[0][i] = (GifColorType){colours[i][0], colours[i][1], colours[i][2]};
        entries[1][i] = (GifColorType){colours[i][2], colours[i][1], colours[i][0]};
    }
    ColorMapObject *screen = GifMakeMapObject(8, entries[0]), *local = GifMakeMapObject(8, entries[1]);
    out->size = 0;
    GifFileType *gif = EGifOpen(out, append_bytes, NULL);
    assert_non_null(gif);
    EGifSetGifVersion(gif, true);
    assert_int_equal(EGifPutScreenDesc(gif, r->w, r->h, 8, 3, screen), GIF_OK);
    for (int frame = 0; frame < 2; frame++) {
        GifByteType control[4] = {(GifByteType)(r->transparent > 0), 0, 0, (GifByteType)r->transparent};
        assert_int_equal(EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, 4, control), GIF_OK);
        assert_int_equal(EGifPutImageDesc(gif, r->left, r->top, r->frame_w, r->frame_h, r->interlaced,
                                          r->local_palette ? local : NULL),
                         GIF_OK);
        for (int pass = r->interlaced ? 0 : 4; pass < 5; pass += pass == 3 ? 2 : 1) {
            static const int first[] = {0, 4, 2, 1, 0}, step[] = {8, 8, 4, 2, 1};
            for (int y = first[pass]; y < r->frame_h; y += step[pass]) {
                GifPixelType row[16];
                for (int x = 0; x < r->frame_w; x++)
                    row[x] = frame ? 4 : (GifPixelType)(indices[y * r->frame_w + x] - '0');
                assert_int_equal(EGifPutLine(gif, row, r->frame_w), GIF_OK);
            }
        }
    }
    assert_int_equal(EGifCloseFile(gif, NULL), GIF_OK);
    GifFreeMapObject(screen);
    GifFreeMapObject(local);
}

static void gif_first_frame(void **state)
{
    (void)state;
    static const char picture[] = "0123401234012340123401234012340123401234"; /* 4 wide, 10 high */
    struct buf file = {0};
    struct gif_recipe r = {.w = 4, .h = 10, .frame_w = 4, .frame_h = 10};
    make_gif(&r, picture, &file);
    assert_string_equal(image_kind_name(file.data, file.size), "GIF");
    assert_indexed(&file, 10, 4, picture);
    r.transparent = 2; /* keeps the colour of its place in the palette */
    r.interlaced = 1;
    make_gif(&r, picture, &file);
    assert_indexed(&file, 10, 4, picture);
    r = (struct gif_recipe){.w = 4, .h = 3, .left = 1, .top = 1, .frame_w = 2, .frame_h = 1};
    make_gif(&r, "12", &file); /* the rest has the background's colour */
    assert_indexed(&file, 3, 4,
                   "3333"
                   "3123"
                   "3333");
    r = (struct gif_recipe){.w = 1, .h = 1, .left = 1, .top = 0, .frame_w = 2, .frame_h = 1, .local_palette = 1};
    make_gif(&r, "12", &file);
    static const uint8_t local[] = {70, 80, 230, 30, 20, 250, 60, 240, 40};
    assert_pixels(&file, 1, 3, local);
    buf_free(&file);
}

static void gif_hostile(void **state)
{
    (void)state;
    struct buf file = {0};
    struct image img = {0};
    struct gif_recipe r = {.w = 4, .h = 4, .frame_w = 4, .frame_h = 4};
    make_gif(&r, "0123012301230123", &file);
    size_t good = 0; /* what follows the first frame is not needed */
    for (size_t n = file.size; n > 0; n--) {
        if (decode(file.data, n, &img) == OK)
            good = n;
        else
            assert_int_equal(strncmp(fail_text(), "pic: ", 5), 0);
    }
    assert_in_range(good, file.size / 2, file.size - 10);
    assert_refused(file.data, good - 1, E_FORMAT, "ends early");
    uint8_t *frame = memchr(file.data + 40, ',', file.size - 40);
    assert_non_null(frame);
    memcpy(frame + 5, "\xff\xff\xff\xff", 4);
    assert_refused(file.data, file.size, E_LIMIT, "65535 x 65535");
    memcpy(frame + 5, "\0\0\4\0", 4);
    assert_refused(file.data, file.size, E_FORMAT, "empty");
    assert_refused("GIF89a\4\0\4\0\0\0\0;", 14, E_FORMAT, "without a picture");
    image_free(&img);
    buf_free(&file);
}

/* --- WebP animations --- */

static void put_chunk(struct buf *out, const char *name, const void *data, size_t size)
{
    assert_int_equal(buf_append(out, name, 4), OK);
    put_number(out, (uint32_t)size, 4);
    assert_int_equal(buf_append(out, data, size), OK);
    if (size % 2)
        put_number(out, 0, 1);
}

/* A canvas of w x h with two frames of 4 x 2 at (2, 2): the pixels, then black. */
static void make_animation(int w, int h, const uint8_t *rgb, struct buf *out)
{
    static const uint8_t black[4 * 2 * 3];
    struct buf parts = {0}, frame = {0}, picture = {0};
    put_number(&frame, 2, 4); /* flags: animation */
    put_number(&frame, (uint32_t)w - 1, 3);
    put_number(&frame, (uint32_t)h - 1, 3);
    put_chunk(&parts, "VP8X", frame.data, frame.size);
    put_chunk(&parts, "ANIM", "\x1e\x14\x0a\xff\0\0", 6); /* background 10, 20, 30 */
    for (int i = 0; i < 2; i++) {
        frame.size = 0;
        put_number(&frame, 1, 3);
        put_number(&frame, 1, 3);
        put_number(&frame, 3, 3);
        put_number(&frame, 1, 3);
        put_number(&frame, 40, 4);
        make_webp(i ? black : rgb, 2, 4, 3, 1, &picture);
        assert_int_equal(buf_append(&frame, picture.data + 12, picture.size - 12), OK);
        put_chunk(&parts, "ANMF", frame.data, frame.size);
    }
    out->size = 0;
    assert_int_equal(buf_append(out, "RIFF", 4), OK);
    put_number(out, (uint32_t)parts.size + 4, 4);
    assert_int_equal(buf_append(out, "WEBP", 4), OK);
    assert_int_equal(buf_append(out, parts.data, parts.size), OK);
    buf_free(&parts);
    buf_free(&frame);
    buf_free(&picture);
}

static void webp_first_frame(void **state)
{
    (void)state;
    uint8_t frame[4 * 2 * 3], canvas[7 * 5 * 3];
    struct buf file = {0};
    struct image img = {0};
    for (int i = 0; i < COUNT(frame); i++)
        frame[i] = (uint8_t)(i * 9);
    for (int i = 0; i < 5 * 7; i++) {
        int y = i / 7 - 2, x = i % 7 - 2;
        for (int c = 0; c < 3; c++)
            canvas[3 * i + c] =
                (uint8_t)(y >= 0 && y < 2 && x >= 0 && x < 4 ? frame[(y * 4 + x) * 3 + c] : 10 * (c + 1));
    }
    make_animation(7, 5, frame, &file);
    assert_pixels(&file, 5, 7, canvas);
    for (size_t n = 12; n < file.size; n++) {
        if (decode(file.data, n, &img) != OK)
            assert_int_equal(strncmp(fail_text(), "pic: ", 5), 0);
    }
    assert_refused(file.data, 70, E_FORMAT, "WebP");
    make_animation(5, 5, frame, &file);
    assert_refused(file.data, file.size, E_FORMAT, "beyond its canvas");
    image_free(&img);
    buf_free(&file);
}

/* --- JPEG, and kinds by name --- */

/* Wherever the file is cut: what is accepted has the pixels of the whole file. And without the end marker it is. */
static void jpeg_without_end_marker(void **state)
{
    (void)state;
    static const struct jpeg_recipe recipes[] = {
        {.components = 3}, {.components = 3, .progressive = 1}, {.components = 3, .restart = 1, .full_colour = 1},
        {.components = 1}, {.components = 4, .ycck = 1},
    };
    uint8_t samples[24 * 40 * 4];
    struct image whole = {0}, img = {0};
    struct buf file = {0};
    for (int i = 0; i < COUNT(samples); i++)
        samples[i] = (uint8_t)(i * 7 % 251 ^ i / 97);
    for (int i = 0; i < COUNT(recipes); i++) {
        make_jpeg(samples, 24, 40, &recipes[i], &file);
        assert_int_equal(decode(file.data, file.size, &whole), OK);
        for (size_t n = 0; n < file.size; n++) {
            if (decode(file.data, n, &img) != OK) {
                assert_true(n < file.size - 2);
                continue;
            }
            if (n < file.size - 4 || memcmp(img.data, whole.data, (size_t)whole.h * (size_t)whole.w * 3) != 0)
                fail_msg("recipe %d, %zu of %zu bytes: accepted with other pixels", i, n, file.size);
        }
        assert_int_equal(file_write(folder_path("no-end.jpg"), file.data, file.size - 2), OK);
        assert_int_equal(image_check(folder_path("no-end.jpg"), NULL, NULL, NULL), OK);
        assert_int_equal(file_write(folder_path("half.jpg"), file.data, file.size / 2), OK);
        assert_int_equal(image_check(folder_path("half.jpg"), NULL, NULL, NULL), E_FORMAT);
    }
    image_free(&whole);
    image_free(&img);
    buf_free(&file);
}

/* A file of several pictures, as stereo cameras write: the first one counts. */
static void mpo_first_picture(void **state)
{
    (void)state;
    uint8_t samples[2][16 * 16 * 3];
    struct image first = {0}, img = {0};
    struct buf file = {0}, second = {0};
    memset(samples[0], 200, sizeof samples[0]);
    memset(samples[1], 20, sizeof samples[1]);
    make_jpeg(samples[0], 16, 16, &(struct jpeg_recipe){.components = 3}, &file);
    make_jpeg(samples[1], 16, 16, &(struct jpeg_recipe){.components = 3}, &second);
    assert_int_equal(decode(file.data, file.size, &first), OK);
    assert_int_equal(buf_append(&file, second.data, second.size), OK);
    assert_int_equal(decode(file.data, file.size, &img), OK);
    assert_memory_equal(img.data, first.data, sizeof samples[0]);
    image_free(&first);
    image_free(&img);
    buf_free(&file);
    buf_free(&second);
}

static void kinds_by_name(void **state)
{
    (void)state;
    static const char *const pictures[] = {"a.JPG", "b/c.jpeg", "x.mpo", "x.bmp",  "x.TIF", "x.tiff",
                                           "x.gif", "x.webp",   "x.png", "x.heic", "x.dng", "x.jfif"};
    static const char *const others[] = {"a.txt", "jpg", "a.jpg.txt", "a.", "", "a.jpgx", "a.jp", "a.jpg,", "a.svg"};
    static const struct {
        const char *bytes, *word;
    } refused[] = {{"\1\1\1\x18"
                    "ftypheic\1\1\1\1",
                    "HEIC"},
                   {"\1\1\1\x18"
                    "ftypmif1\1\1\1\1",
                    "HEIF"},
                   {"\1\1\1\x1c"
                    "ftypavif\1\1\1\1",
                    "AVIF"},
                   {"%PDF-1.7 ....", "PDF"},
                   {"<svg xmlns=''>", "SVG"},
                   {"PF\n4 4\n-1.0\n", "PFM"},
                   {"8BPS........", "Photoshop"},
                   {"hello, world", "not a picture"}};
    for (int i = 0; i < COUNT(pictures); i++)
        assert_true(image_is_picture_name(pictures[i]));
    for (int i = 0; i < COUNT(others); i++)
        assert_false(image_is_picture_name(others[i]));
    for (int i = 0; i < COUNT(refused); i++)
        assert_refused(refused[i].bytes, strlen(refused[i].bytes), E_UNSUPPORTED, refused[i].word);
    assert_string_equal(image_kind_of_name("x.MPO"), "JPEG");
    assert_string_equal(image_kind_of_name("x.tif"), "TIFF");
    assert_null(image_kind_of_name("x.dng"));
    assert_null(image_kind_of_name("x.txt"));
    int n = 0;
    for (char name[16]; image_suffix(n); n++) {
        snprintf(name, sizeof name, "x.%s", image_suffix(n));
        assert_non_null(image_kind_of_name(name));
    }
    assert_int_equal(n, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bmp_palettes),      cmocka_unit_test(bmp_runs),
        cmocka_unit_test(bmp_true_colours),  cmocka_unit_test(bmp_hostile),
        cmocka_unit_test(tiff_kinds),        cmocka_unit_test(tiff_orientations),
        cmocka_unit_test(tiff_hostile),      cmocka_unit_test(raw_files_of_cameras_are_named),
        cmocka_unit_test(gif_first_frame),   cmocka_unit_test(gif_hostile),
        cmocka_unit_test(webp_first_frame),  cmocka_unit_test(jpeg_without_end_marker),
        cmocka_unit_test(mpo_first_picture), cmocka_unit_test(kinds_by_name),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
