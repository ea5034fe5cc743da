/* image/: pictures of 8-bit RGB: reading and writing files, resizing and warping, and drawing boxes, texts and charts.
 *
 * 8-bit RGB pictures in memory, and moving their pixels about.
 * Pixel (y, x), channel c is data[(y*w + x)*3 + c], c = red, green, blue: rows lie back to back, without padding.
 * The golden files hold BGR; everything here but src/image/hsv.h treats channels alike. */
#ifndef Y9_IMAGE_IMAGE_H
#define Y9_IMAGE_IMAGE_H

#include "core/status.h"

#include <stdint.h>

enum {
    IMAGE_MAX_SIDE = 65535,     /* what a JPEG header can say */
    IMAGE_MAX_PIXELS = 1 << 28, /* 768 MB of RGB */
    IMAGE_BORDER = 114,         /* grey of letterbox bars, mosaics and warps (SPEC 11.5) */
};

struct image {
    uint8_t *data; /* (h, w, 3), owned, aligned to MEM_ALIGN, with at least 16 readable bytes after the last pixel */
    int h, w;
    size_t capacity; /* bytes of data without that slack */
};

struct image_limits {
    int max_side;
    size_t max_pixels;
};

/* Is (h, w) an allowed size? E_LIMIT or E_FORMAT (a side below 1) with a sentence that starts with `name`.
 * NULL limits = the defaults above. Ask before memory is taken. */
enum status image_check_size(const char *name, long long h, long long w, const struct image_limits *limits);

/* Make `img` h x w, contents undefined. It must be {0} or a live image, whose buffer is used again when it is large
 * enough: a loop over pictures allocates only when they grow. On failure it is empty. */
enum status image_init(struct image *img, int h, int w);
void image_free(struct image *img); /* leaves {0} */

enum status image_copy(const struct image *src, struct image *dst); /* dst as in image_init */
void image_fill(struct image *img, uint8_t red, uint8_t green, uint8_t blue);
/* Copy the h x w rectangle at (sy, sx) of src to (dy, dx) of dst; what lies outside of either is left out. */
void image_paste(const struct image *src, int sy, int sx, int h, int w, struct image *dst, int dy, int dx);
/* dst = the rectangle x1 <= x < x2, y1 <= y < y2 of src, clipped to it; E_ARGUMENT when nothing is left. */
enum status image_crop(const struct image *src, int x1, int y1, int x2, int y2, struct image *dst);

void image_flip_left_right(struct image *img);
void image_flip_up_down(struct image *img);
/* Apply an EXIF orientation 1..8 (SPEC 11.3): afterwards the picture stands upright. */
enum status image_orient(struct image *img, int orientation);

/* Pixels to a network input: dst[(y*w + x)*pixel_stride + c] = byte / 255 (the correctly rounded float32 quotient).
 * pixel_stride >= 3; channels beyond 3 are not touched. */
void image_to_float(const struct image *img, float *dst, size_t pixel_stride);

#endif
