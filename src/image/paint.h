/* Drawing on pictures with cairo, at any picture size: the picture is painted tile by tile, so that cairo's limit of
 * 32767 pixels and the memory of its own copy do not matter. */
#ifndef Y9_IMAGE_PAINT_H
#define Y9_IMAGE_PAINT_H

#include "image/image.h"
#include "image/palette.h"
#include "image/text.h"

#include <cairo.h>

/* Draws everything, in picture coordinates: called once a tile, each time with the same state. */
typedef void paint_fn(cairo_t *cr, void *context);

enum status image_paint(struct image *img, paint_fn *fn, void *context);

/* img = what `surface` (CAIRO_FORMAT_RGB24 or ARGB32, opaque) holds. */
enum status image_from_surface(cairo_surface_t *surface, struct image *img);

void set_colour(cairo_t *cr, struct colour colour, double alpha);

#endif
