/* Drawing on pictures with cairo, at any picture size: the picture is painted tile by tile, so that cairo's limit of
 * 32767 pixels and the memory of its own copy do not matter. */
#ifndef Y9_IMAGE_PAINT_H
#define Y9_IMAGE_PAINT_H

#include "image/image.h"

#include <cairo.h>

struct colour {
    uint8_t red, green, blue;
};

/* Draws everything, in picture coordinates: called once a tile, each time with the same state. */
typedef void paint_fn(cairo_t *cr, void *context);

enum status image_paint(struct image *img, paint_fn *fn, void *context);

/* img = what `surface` (CAIRO_FORMAT_RGB24 or ARGB32, opaque) holds. */
enum status image_from_surface(cairo_surface_t *surface, struct image *img);

/* The 20 colours of SPEC 13; class mod 20, also for negative numbers. */
struct colour palette_get(int class_index);
/* Black or white, whichever is easier to read on `background`. */
struct colour text_colour_on(struct colour background);
void set_colour(cairo_t *cr, struct colour colour, double alpha);

/* --- text ------------------------------------------------------------------------------------------------------ */
/* DejaVu Sans, or what fontconfig has in its place. */
void font_select(cairo_t *cr, double size, int bold);

/* Copy at most size-1 bytes of text as valid UTF-8: cairo stops drawing altogether at a broken byte. */
void text_clean(const char *text, char *out, size_t size);

/* Text with its reference point at x, y: align 0 left, 0.5 centre, 1 right; valign 0 top, 0.5 middle, 1 bottom (of the
 * font's ascent + descent). Any bytes may stand in `text`. */
void text_show(cairo_t *cr, double x, double y, double align, double valign, const char *text);
double text_width(cairo_t *cr, const char *text);
double text_height(cairo_t *cr);

/* A context for measuring only; cairo_destroy it. */
cairo_t *measure_create(void);

#endif
