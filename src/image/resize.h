/* Resizing with the exact bytes of OpenCV 4.6 for 8-bit pictures (SPEC 11.4): training and validation must see the
 * pixels that the official models saw. */
#ifndef Y9_IMAGE_RESIZE_H
#define Y9_IMAGE_RESIZE_H

#include "image/pixels.h"

#include <stdbool.h>

enum resize_filter {
    RESIZE_LINEAR, /* INTER_LINEAR: two by two pixels, fixed point of 11 bits; a plain 2 x 2 mean when exactly halved */
    RESIZE_AREA,   /* INTER_AREA: mean over the covered area; only for shrinking in both directions */
};

/* dst (h, w) = src resized; dst as in image_init, not src. An equal size copies. E_NOMEM. */
enum status image_resize(const struct image *src, int h, int w, enum resize_filter filter, struct image *dst);

/* The same into the h x w rectangle at (top, left) of an existing picture, which must hold it. */
enum status image_resize_into(const struct image *src, int h, int w, enum resize_filter filter, struct image *dst,
                              int top, int left);

/* The same for a picture in any format, RESIZE_LINEAR; nothing but the rows that are needed is ever converted. */
enum status pixels_resize_into(const struct pixels *src, int h, int w, struct image *dst, int top, int left);

/* How the data loader brings a photo to `size` on its longer side. */
enum load_rule {
    LOAD_AREA,   /* (h, w) truncated, by area where it shrinks, else bilinear: official validation (SPEC 11.3) */
    LOAD_LINEAR, /* the same, always bilinear: official training */
    LOAD_UP,     /* (h, w) rounded up, at most size, bilinear: the Ultralytics package */
};
/* (h, w) are at least 1. Returns whether the size changes at all. */
bool load_size(int src_h, int src_w, int size, enum load_rule rule, int *h, int *w, enum resize_filter *filter);
enum status image_load_resize(const struct image *src, int size, enum load_rule rule, struct image *dst);

#endif
