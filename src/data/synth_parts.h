/* Inside of synth.c: the parts of a drawn picture. */
#ifndef Y9_DATA_SYNTH_PARTS_H
#define Y9_DATA_SYNTH_PARTS_H

#include "core/rng.h"
#include "image/paint.h"

/* synth_shapes.c: the outline of a class within [-1, 1] x [-1, 1], y down, added to the current path; even-odd. */
void shape_path(cairo_t *cr, int class);
const char *shape_name(int class);

/* synth_ground.c: a ground of one of several kinds on every pixel; E_NOMEM. */
enum status ground_draw(struct image *img, struct rng *r);

/* synth_photo.c: what a lens and a sensor do: light, vignette, colour cast, blur, noise; E_NOMEM. */
enum status photo_effects(struct image *img, struct rng *r);

struct colour colour_hsv(double hue, double saturation, double value); /* hue in turns, the others 0..1 */

#endif
