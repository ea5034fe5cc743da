/* Pictures in other programs' memory and order of bytes, read in place: rows of red, green, blue are made of them one
 * at a time, when they are wanted. */
#ifndef Y9_IMAGE_PIXELS_H
#define Y9_IMAGE_PIXELS_H

#include "image/image.h"

#include <stdbool.h>
#include <stddef.h>

enum pixel_format {
    PIXELS_RGB, /* plane[0]: three bytes a pixel, in the order of the letters */
    PIXELS_BGR,
    PIXELS_RGBA, /* four bytes a pixel; alpha is not looked at */
    PIXELS_BGRA,
    PIXELS_GREY, /* one byte a pixel */
    PIXELS_NV12, /* plane[0]: brightness; plane[1]: a pair of Cb, Cr for two by two pixels, sides rounded up */
    PIXELS_I420, /* plane[0]: brightness; plane[1]: Cb, plane[2]: Cr, each for two by two pixels, sides rounded up */
    PIXELS_FORMATS
};

/* What brightness and colour differences of NV12 and I420 mean. */
enum pixel_matrix {
    PIXELS_BT601_LIMITED, /* brightness 16 .. 235, differences 16 .. 240 */
    PIXELS_BT601_FULL,    /* both 0 .. 255 (JPEG) */
    PIXELS_BT709_LIMITED,
    PIXELS_BT709_FULL,
    PIXELS_MATRICES
};

struct pixels {
    enum pixel_format format;
    enum pixel_matrix matrix;
    int h, w;
    const uint8_t *plane[3]; /* borrowed */
    size_t stride[3];        /* bytes from a row to the next */
    bool slack;              /* four bytes behind the last row of plane[0] can be read, as of struct image */
};

int pixels_planes(enum pixel_format format);
/* Bytes that a row of plane `plane` takes at least. */
size_t pixels_row_bytes(const struct pixels *p, int plane);

struct pixels pixels_of_image(const struct image *img);

/* Row y as red, green, blue, with at least PIXELS_SLACK readable bytes behind its last pixel: in place where it is
 * that already, else made in `row` (3 * w + PIXELS_SLACK bytes). */
enum { PIXELS_SLACK = 4 };
const uint8_t *pixels_row(const struct pixels *p, int y, uint8_t *row);

#endif
