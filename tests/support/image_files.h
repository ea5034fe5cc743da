/* Picture files of every kind a test wants, made with libjpeg, libpng and libwebp in memory. */
#ifndef Y9_TESTS_IMAGE_FILES_H
#define Y9_TESTS_IMAGE_FILES_H

#include "core/buf.h"
#include "image/image.h"

struct jpeg_recipe {
    int components;  /* samples a pixel: 1 grey, 3 RGB, 4 CMYK */
    int ycck;        /* four components: store YCCK */
    int progressive; /* several scans */
    int full_colour; /* 4:4:4 instead of 4:2:0 */
    int restart;     /* MCU rows between restart markers */
    int quality;     /* 0 = 95 */
    int orientation; /* 0 = no Exif block */
    int big_endian;  /* of the Exif block */
};

/* `samples` is (h, w, components). */
void make_jpeg(const uint8_t *samples, int h, int w, const struct jpeg_recipe *recipe, struct buf *out);

struct png_recipe {
    int colour_type; /* PNG_COLOR_TYPE_* */
    int bits;        /* a sample: 1, 2, 4, 8, 16 */
    int interlaced;
    int transparent;        /* a tRNS chunk */
    int orientation;        /* 0 = no eXIf chunk */
    int exif_last;          /* eXIf after the pixels */
    const uint8_t *palette; /* (2^bits, 3) */
};

/* `rows` holds packed PNG rows of row_bytes each. */
void make_png(const uint8_t *rows, size_t row_bytes, int h, int w, const struct png_recipe *recipe, struct buf *out);

/* rgba: (h, w, 4) or (h, w, 3). */
void make_webp(const uint8_t *pixels, int h, int w, int channels, int lossless, struct buf *out);

/* A TIFF block with Orientation in IFD0; returns its size (at most 64). */
size_t make_exif(int orientation, int big_endian, uint8_t out[64]);

#endif
