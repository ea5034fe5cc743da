/* The anchors of a checkpoint. They are in buffers beside the weights: `anchor_grid` in pixels, and `anchors` in cells,
 * which half precision has rounded. What the table of the file says may be older: auto-anchor changes the buffers. */
#ifndef Y9_WEIGHTS_ANCHORS_H
#define Y9_WEIGHTS_ANCHORS_H

#include "model/match.h"
#include "weights/checkpoint.h"

/* Give a table that ends in an anchor head the anchors of the file, where it has any: those of this program have them
 * in the table. E_FORMAT: they are none. */
enum status anchors_apply(const struct checkpoint *c, const struct match *match, struct table *table);

#endif
