#include "image/encode.h"

#include "core/file.h"
#include "core/path.h"

#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <png.h>
#include <setjmp.h>
#include <string.h>
#include <strings.h>
#include <webp/encode.h>

/* Everything that lives across the longjmp of a libjpeg error. */
struct jpeg_writer {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    jmp_buf escape;
    unsigned char *bytes; /* malloc'ed by libjpeg */
    unsigned long size;
    enum status rc;
};

static void jpeg_give_up(j_common_ptr common)
{
    struct jpeg_writer *w = common->client_data;
    char text[JMSG_LENGTH_MAX];
    common->err->format_message(common, text);
    w->rc = fail(E_LIMIT, "JPEG cannot be written: %s", text);
    longjmp(w->escape, 1);
}

static void jpeg_run(struct jpeg_writer *w, const struct image *img, int quality)
{
    jpeg_create_compress(&w->c);
    jpeg_mem_dest(&w->c, &w->bytes, &w->size);
    w->c.image_width = (JDIMENSION)img->w;
    w->c.image_height = (JDIMENSION)img->h;
    w->c.input_components = 3;
    w->c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&w->c);
    jpeg_set_quality(&w->c, quality, TRUE);
    jpeg_start_compress(&w->c, TRUE);
    while (w->c.next_scanline < w->c.image_height) {
        JSAMPROW row = img->data + (size_t)w->c.next_scanline * (size_t)img->w * 3;
        jpeg_write_scanlines(&w->c, &row, 1);
    }
    jpeg_finish_compress(&w->c);
}

static enum status encode_jpeg(const struct image *img, int quality, struct buf *out)
{
    struct jpeg_writer w = {.rc = OK};
    w.c.err = jpeg_std_error(&w.errors);
    w.c.client_data = &w;
    w.errors.error_exit = jpeg_give_up;
    if (setjmp(w.escape) == 0) {
        jpeg_run(&w, img, quality);
        w.rc = buf_append(out, w.bytes, w.size);
    }
    jpeg_destroy_compress(&w.c);
    free(w.bytes);
    return w.rc;
}

struct png_writer {
    struct buf *out;
    enum status rc;
};

static void png_give_up(png_structp png, png_const_charp message)
{
    struct png_writer *w = png_get_error_ptr(png);
    if (w->rc == OK)
        w->rc = fail(E_LIMIT, "PNG cannot be written: %s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void png_ignore(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void png_put(png_structp png, png_bytep bytes, size_t n)
{
    struct png_writer *w = png_get_io_ptr(png);
    w->rc = buf_append(w->out, bytes, n);
    if (w->rc != OK)
        png_error(png, "out of memory");
}

static void png_done(png_structp png)
{
    (void)png;
}

static enum status encode_png(const struct image *img, struct buf *out)
{
    struct png_writer w = {.out = out, .rc = OK};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, png_give_up, png_ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        w.rc = fail_memory(NULL, 0);
    } else if (setjmp(png_jmpbuf(png)) == 0) {
        png_set_write_fn(png, &w, png_put, png_done);
        png_set_compression_level(png, 4); /* a third of the time of the usual 6 for a few per cent more bytes */
        png_set_IHDR(png, info, (png_uint_32)img->w, (png_uint_32)img->h, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
        png_write_info(png, info);
        for (int y = 0; y < img->h; y++)
            png_write_row(png, img->data + (size_t)y * (size_t)img->w * 3);
        png_write_end(png, NULL);
    }
    png_destroy_write_struct(&png, &info);
    return w.rc;
}

static enum status encode_webp(const struct image *img, int quality, struct buf *out)
{
    if (img->w > WEBP_MAX_DIMENSION || img->h > WEBP_MAX_DIMENSION)
        return fail(E_LIMIT, "a WebP picture has at most %d pixels a side, not %d x %d", WEBP_MAX_DIMENSION, img->w,
                    img->h);
    uint8_t *bytes = NULL;
    size_t size = WebPEncodeRGB(img->data, img->w, img->h, img->w * 3, (float)quality, &bytes);
    enum status rc = size ? buf_append(out, bytes, size) : fail(E_NOMEM, "libwebp could not encode the picture");
    WebPFree(bytes);
    return rc;
}

enum status image_encode(const struct image *img, enum image_kind kind, int quality, struct buf *out)
{
    quality = MIN(MAX(quality, 1), 100);
    switch (kind) {
    case IMAGE_JPEG:
        return encode_jpeg(img, quality, out);
    case IMAGE_PNG:
        return encode_png(img, out);
    case IMAGE_WEBP:
        return encode_webp(img, quality, out);
    }
    return fail(E_ARGUMENT, "unknown kind of picture %d", (int)kind);
}

static enum status write_kind(const char *path, const struct image *img, enum image_kind kind, int quality)
{
    struct buf bytes = {0};
    enum status rc = image_encode(img, kind, quality, &bytes);
    if (rc != OK)
        fail_prefix(rc, "%s", path);
    else
        rc = file_write(path, bytes.data, bytes.size);
    buf_free(&bytes);
    return rc;
}

enum status image_write_jpeg(const char *path, const struct image *img, int quality)
{
    return write_kind(path, img, IMAGE_JPEG, quality);
}

enum status image_write_png(const char *path, const struct image *img)
{
    return write_kind(path, img, IMAGE_PNG, 0);
}

static const struct writable {
    const char *extension;
    enum image_kind kind;
} writable[] = {{"jpg", IMAGE_JPEG}, {"jpeg", IMAGE_JPEG}, {"png", IMAGE_PNG}, {"webp", IMAGE_WEBP}};

static const struct writable *find_writable(const char *path)
{
    const char *extension = path_extension(path);
    for (int i = 0; i < COUNT(writable); i++) {
        if (strcasecmp(extension, writable[i].extension) == 0)
            return &writable[i];
    }
    return NULL;
}

bool image_can_write(const char *path)
{
    return find_writable(path) != NULL;
}

enum status image_write(const char *path, const struct image *img)
{
    const struct writable *w = find_writable(path);
    return w ? write_kind(path, img, w->kind, IMAGE_QUALITY)
             : fail(E_UNSUPPORTED, "%s: pictures are written as .jpg, .png or .webp", path);
}
