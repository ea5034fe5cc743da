/* What the laboratory's pictures are put together from: the photo as a pale ground, words that fit their room. */
#ifndef Y9_LAB_PANEL_H
#define Y9_LAB_PANEL_H

#include "image/paint.h"

/* The input at w x h pixels, mixed with white so that what is drawn on it stands out: fade 0 as it is, 1 white. */
enum status panel_photo(const struct image *input, double fade, int w, int h, struct image *out);

/* Darken a panel of the whole input by the colours of palette_heat, a cell of the map (rows, cols) by its value: 0
 * leaves it as it is, `most` or more is darkest. */
void panel_heat(struct image *panel, const float *map, int rows, int cols, float most);

/* Text with its top left corner at x, y, shortened to `room`. */
void panel_write(cairo_t *cr, double x, double y, double room, const char *text);

/* The colours of palette_heat from left to right, with a word right of them. */
void panel_heat_bar(cairo_t *cr, double x, double y, const char *words);

#endif
