/* The colours of classes and lines, one set for boxes on photos and for charts. Twenty colours that stay apart for
 * people with red-green colour blindness too: the CIELAB distance of the nearest two, also as seen with protanopia and
 * deuteranopia, is above 35 among the first four, above 18 among the first ten and above 9 among all
 * (tests/test_image_text.c computes them). Each one has a contrast of more than 2.3 with white paper, and boxes get an
 * edge of the opposite brightness, so that no class vanishes on a photo of its own colour. The official code has
 * another set, whose first three are shades of one red. */
#ifndef Y9_IMAGE_PALETTE_H
#define Y9_IMAGE_PALETTE_H

#include <stdint.h>

enum { PALETTE_COLOURS = 20 };

struct colour {
    uint8_t red, green, blue;
};

/* Text, axes, and the line of all classes together. */
static const struct colour colour_ink = {26, 28, 32};
/* What stands in the background: the lines of classes without a colour of their own. */
static const struct colour colour_faint = {186, 190, 197};

/* Colour of a class or of a chart's line: number mod 20, also for negative numbers. */
struct colour palette_get(int number);
/* Of heat maps, 0 to 1: white over blue to dark blue, also readable in grey print. */
struct colour palette_heat(double t);
/* Black or white, whichever has the higher contrast with `background`. */
struct colour text_colour_on(struct colour background);
/* Contrast ratio of WCAG 2: 1 (equal) to 21 (black and white). */
double colour_contrast(struct colour a, struct colour b);

#endif
