#include "support/image_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <png.h>
#include <webp/encode.h>

/* These run on good input only: libjpeg's own error handler, which exits, will do. */

static size_t put(uint8_t *p, size_t at, unsigned value, int bytes, int big)
{
    for (int i = 0; i < bytes; i++)
        p[at + (size_t)i] = (uint8_t)(value >> 8 * (big ? bytes - 1 - i : i));
    return at + (size_t)bytes;
}

size_t make_exif(int orientation, int big, uint8_t out[64])
{
    size_t at = 4;
    memcpy(out, big ? "MM\0*" : "II*\0", 4);
    at = put(out, at, 8, 4, big); /* IFD0 */
    at = put(out, at, 2, 2, big); /* two entries */
    at = put(out, at, 0x0100, 2, big);
    at = put(out, at, 4, 2, big);
    at = put(out, at, 1, 4, big);
    at = put(out, at, 77, 4, big);
    at = put(out, at, 0x0112, 2, big);
    at = put(out, at, 3, 2, big);
    at = put(out, at, 1, 4, big);
    at = put(out, at, (unsigned)orientation, 2, big);
    at = put(out, at, 0, 2, big);
    return put(out, at, 0, 4, big); /* no IFD1 */
}

void make_jpeg(const uint8_t *samples, int h, int w, const struct jpeg_recipe *recipe, struct buf *out)
{
    struct jpeg_compress_struct c = {0};
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &bytes, &size);
    c.image_width = (JDIMENSION)w;
    c.image_height = (JDIMENSION)h;
    c.input_components = recipe->components;
    c.in_color_space = recipe->components == 1 ? JCS_GRAYSCALE : recipe->components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&c);
    jpeg_set_quality(&c, recipe->quality ? recipe->quality : 95, TRUE);
    if (recipe->ycck)
        jpeg_set_colorspace(&c, JCS_YCCK);
    if (recipe->progressive)
        jpeg_simple_progression(&c);
    if (recipe->full_colour)
        c.comp_info[0].h_samp_factor = c.comp_info[0].v_samp_factor = 1;
    c.restart_in_rows = recipe->restart;
    jpeg_start_compress(&c, TRUE);
    if (recipe->orientation) {
        uint8_t block[6 + 64] = "Exif\0";
        size_t n = make_exif(recipe->orientation, recipe->big_endian, block + 6);
        jpeg_write_marker(&c, JPEG_APP0 + 1, block, (unsigned)(n + 6));
    }
    for (int y = 0; y < h; y++) {
        uint8_t row[4 * 4096];
        memcpy(row, samples + (size_t)y * (size_t)w * (size_t)recipe->components, (size_t)(w * recipe->components));
        JSAMPROW rows = row;
        jpeg_write_scanlines(&c, &rows, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    buf_free(out);
    if (buf_append(out, bytes, size) != OK)
        abort();
    free(bytes);
}

static void png_append(png_structp png, png_bytep bytes, size_t n)
{
    if (buf_append(png_get_io_ptr(png), bytes, n) != OK)
        abort();
}

static void png_flushed(png_structp png)
{
    (void)png;
}

void make_png(const uint8_t *rows, size_t row_bytes, int h, int w, const struct png_recipe *recipe, struct buf *out)
{
    uint8_t exif[64];
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png), tail = png_create_info_struct(png);
    png_bytepp pointers = calloc((size_t)h, sizeof *pointers);
    if (!png || !info || !tail || !pointers || setjmp(png_jmpbuf(png)))
        abort();
    buf_free(out);
    png_set_write_fn(png, out, png_append, png_flushed);
    png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);
    png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, recipe->bits, recipe->colour_type,
                 recipe->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE,
                 PNG_FILTER_TYPE_BASE);
    if (recipe->palette)
        png_set_PLTE(png, info, (png_const_colorp)recipe->palette, 1 << recipe->bits);
    if (recipe->transparent) {
        png_byte alpha[2] = {0, 128};
        png_color_16 colour = {0};
        png_set_tRNS(png, info, alpha, recipe->palette ? 2 : 0, &colour);
    }
    if (recipe->orientation) {
        size_t n = make_exif(recipe->orientation, 1, exif);
        png_set_eXIf_1(png, recipe->exif_last ? tail : info, (png_uint_32)n, exif);
    }
    png_write_info(png, info);
    for (int y = 0; y < h; y++)
        pointers[y] = (png_bytep)(uintptr_t)(rows + (size_t)y * row_bytes);
    png_write_image(png, pointers);
    png_write_end(png, recipe->exif_last ? tail : NULL);
    png_destroy_info_struct(png, &tail);
    png_destroy_write_struct(&png, &info);
    free(pointers);
}

void make_webp(const uint8_t *pixels, int h, int w, int channels, int lossless, struct buf *out)
{
    uint8_t *bytes = NULL;
    size_t size;
    int stride = w * channels;
    if (channels == 4)
        size = lossless ? WebPEncodeLosslessRGBA(pixels, w, h, stride, &bytes)
                        : WebPEncodeRGBA(pixels, w, h, stride, 90, &bytes);
    else
        size = lossless ? WebPEncodeLosslessRGB(pixels, w, h, stride, &bytes)
                        : WebPEncodeRGB(pixels, w, h, stride, 90, &bytes);
    buf_free(out);
    if (!size || buf_append(out, bytes, size) != OK)
        abort();
    WebPFree(bytes);
}
