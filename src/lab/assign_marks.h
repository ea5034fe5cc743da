/* Anchor points drawn: their shape and size is their level, their colour the object they answer for. */
#ifndef Y9_LAB_ASSIGN_MARKS_H
#define Y9_LAB_ASSIGN_MARKS_H

#include "image/paint.h"
#include "lab/assign.h"

/* A photo's view within a picture: pixels of the input times scale, from (x, y). */
struct photo_place {
    double x, y, scale;
};

/* A mark of a level (0 the finest) at a place of the picture, filled with that colour as far as `fill` says, 0 to 1. */
void mark_point(cairo_t *cr, double x, double y, int level, struct colour colour, double fill);
double mark_radius(int level);

/* All points of a view; the fuller a mark, the larger its target score. */
void mark_view(cairo_t *cr, const struct photo_place *at, const struct assign_view *v);

/* The photo with the objects' boxes and their numbers, from 1 on, in their colours; numbers keep off the view's points
 * where they can. */
enum status mark_objects(const struct assign_figure *f, const struct assign_view *v, const struct image *input, int w,
                         int h, struct image *out);

/* One line with the marks of all levels and their strides. Returns where it ends. */
double mark_legend(cairo_t *cr, double x, double y, const struct head_output *shape);

#endif
