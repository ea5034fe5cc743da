/* The random geometry of training (SPEC 11.6 random_perspective): rotation, scale, shear, shift and a little
 * perspective as one matrix, applied to pixels, boxes and polygons. */
#ifndef Y9_DATA_PERSPECTIVE_H
#define Y9_DATA_PERSPECTIVE_H

#include "data/draws.h"
#include "data/labels.h"
#include "image/image.h"

struct perspective_range {
    double degrees, translate, scale, shear, perspective; /* hyper-parameters of these names */
};

struct perspective {
    double m[9];     /* row-major: input (x, y, 1) to output places */
    double scale;    /* the factor drawn */
    int h, w;        /* of the output */
    bool projective; /* warp with perspective; otherwise the last row is 0 0 1 */
    bool identity;   /* nothing moves and the sizes are equal */
};

/* Draw the eight numbers for an input of h x w; the output is that plus border (negative: cropped) on each side. */
struct perspective perspective_draw(const struct perspective_range *range, int h, int w, int border_h, int border_w,
                                    struct draws *d);

/* dst (p->h, p->w) = src warped; dst not src. E_NOMEM. */
enum status perspective_warp(const struct perspective *p, const struct image *src, struct image *dst);

/* The labels in the output, those that are left, in their order; polygons are used up. Labels with a polygon get the
 * box around what is left of it. */
void perspective_labels(const struct perspective *p, struct labels *l);

/* The part of the input that the output can show: x1 <= x < x2, y1 <= y < y2, perhaps a little too large. */
struct source_region {
    int x1, y1, x2, y2;
};
struct source_region perspective_region(const struct perspective *p, int h, int w);

#endif
