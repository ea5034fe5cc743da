/* Text in pictures and charts, in any script. Plain ASCII is drawn by cairo alone; other text goes through Pango, which
 * finds a font for each letter, joins and stacks letters and runs right to left where the script does.
 *
 * Why there are two: with Pango for all text, `detect` of one photo with gelan-t took 4.6 MB (8 %) and 4 ms (3 %) more,
 * and nearly all text here is digits and English class names. So libpangocairo is opened when the first other text
 * comes: its headers are needed to build, the library only then. Both use the same font and the same base line.
 *
 * A letter that no installed font has is never drawn as an empty square: a class is called "class 3" instead, other
 * texts get "?" in its place, and one sentence says so, once in a process. */
#ifndef Y9_IMAGE_TEXT_H
#define Y9_IMAGE_TEXT_H

#include <cairo.h>
#include <stdbool.h>
#include <stddef.h>

/* DejaVu Sans, or what fontconfig has in its place. */
void font_select(cairo_t *cr, double size, int bold);

/* Copy at most size-1 bytes of text as valid UTF-8 without control characters: cairo stops drawing at a broken byte. */
void text_clean(const char *text, char *out, size_t size);

/* Text with its reference point at x, y: align 0 left, 0.5 centre, 1 right; valign 0 top, 0.5 middle, 1 bottom (of the
 * font's ascent + descent). Any bytes may stand in `text`; 511 of them are drawn. */
void text_show(cairo_t *cr, double x, double y, double align, double valign, const char *text);
double text_width(cairo_t *cr, const char *text);
double text_height(cairo_t *cr);

/* out = text, shortened with three dots where it is wider than `room`: at its end, or where `keep_end` at its start
 * (file names differ at their ends). Empty where not even the dots fit. */
void text_shorten(cairo_t *cr, const char *text, double room, bool keep_end, char *out, size_t size);

/* How a class is called in a picture: its name, or "class 3" where it has none, an empty one, or one with letters that
 * no installed font has. names (n_names) may be NULL. */
void text_class(const char *const *names, int n_names, int class_index, char *out, size_t size);

/* A context for measuring only; cairo_destroy it. */
cairo_t *measure_create(void);

#endif
