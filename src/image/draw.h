/* Detections drawn on a photo: boxes in the class's colour (palette.h) with "name 0.87" on a filled ground. Line width
 * and text grow with the picture. A label lies beside its box where it covers no small box and no better label, always
 * inside the picture, and is shortened where the picture is too narrow for it. */
#ifndef Y9_IMAGE_DRAW_H
#define Y9_IMAGE_DRAW_H

#include "image/paint.h"

#include <stdbool.h>

struct draw_options {
    int line_thickness; /* pixels; 0 = by the size of the picture */
    double text_size;   /* pixels; 0 = by the size of the picture */
    bool hide_labels;   /* boxes only */
    bool hide_conf;     /* names without scores */
    /* (n_avoid, 4) xyxy: what labels cover only where they find no other place; NULL = nothing */
    const float *avoid;
    int n_avoid;
};

/* boxes (n, 4) xyxy in pixels of img, finite; scores (n), NULL = none (labels); classes (n); names (n_names), a class
 * without a name is told by its number. Box 0 is drawn last, over the others: give them best first. NULL options = all
 * zero. E_NOMEM. */
enum status draw_detections(struct image *img, const float *boxes, const float *scores, const int *classes, int n,
                            const char *const *names, int n_names, const struct draw_options *options);

#endif
