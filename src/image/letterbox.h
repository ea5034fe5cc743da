/* Letterbox: a photo resized with its proportions kept and centred in the network's input, the rest grey (SPEC 11.5).
 * One function plans it for detection, validation and training, and boxes are brought back with the same numbers. */
#ifndef Y9_IMAGE_LETTERBOX_H
#define Y9_IMAGE_LETTERBOX_H

#include "image/pixels.h"

#include <stdbool.h>

struct letterbox {
    int src_h, src_w;             /* the photo */
    int h, w;                     /* the network input */
    int inner_h, inner_w;         /* the resized photo in it */
    int top, bottom, left, right; /* grey rows and columns around it */
    double ratio_h, ratio_w;      /* inner / photo before rounding; equal unless stretched */
    double pad_h, pad_w;          /* half of the grey rows and columns, NOT rounded: the official code moves boxes by
                                     these, although the pixels sit at top, left */
};

struct letterbox_options {
    int h, w;     /* wanted input */
    int stride;   /* of the smallest rectangle, e.g. 32 */
    bool rect;    /* the smallest rectangle of multiples of stride that holds the photo ("auto") */
    bool stretch; /* fill the input, proportions lost ("scaleFill") */
    bool no_grow; /* never enlarge (the opposite of "scaleup") */
};

/* All sizes must be at least 1. A photo so thin that it would vanish keeps one pixel. */
struct letterbox letterbox_plan(int src_h, int src_w, const struct letterbox_options *options);

/* dst = the network input; as in image_init. E_NOMEM. */
enum status image_letterbox(const struct image *src, const struct letterbox *box, struct image *dst);
enum status pixels_letterbox(const struct pixels *src, const struct letterbox *box, struct image *dst);

#endif
