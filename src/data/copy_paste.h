/* Copy-paste (Ghiasi et al. 2021, as SPEC 11.6 has it): some objects with polygons are added a second time, mirrored
 * left to right, where they hide little of the others. */
#ifndef Y9_DATA_COPY_PASTE_H
#define Y9_DATA_COPY_PASTE_H

#include "data/draws.h"
#include "data/labels.h"
#include "image/image.h"

/* What was chosen, and memory kept from sample to sample. {0} to begin with. */
struct copy_paste {
    int *chosen; /* [count] numbers of labels to paste, whose mirrored twins were appended to the labels */
    int count;
    int *candidates, capacity;
    uint8_t *mask; /* (h, w) */
    size_t mask_capacity;
};
void copy_paste_free(struct copy_paste *c);

/* Draw which labels of a picture w pixels wide are pasted (a share p of those possible), and append their twins. Draws
 * nothing when there are no polygons or p is 0. E_NOMEM. */
enum status copy_paste_choose(struct copy_paste *c, double p, int w, struct labels *labels, struct draws *d);

/* Paste the pixels of what was chosen. */
enum status copy_paste_apply(struct copy_paste *c, const struct labels *labels, struct image *img);

#endif
