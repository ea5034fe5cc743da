/* One map as one number a pixel, and what its channels have in common. */
#ifndef Y9_LAB_MAP_NUMBERS_H
#define Y9_LAB_MAP_NUMBERS_H

#include "graph/tensor.h"
#include "image/image.h"
#include "image/letterbox.h"
#include "lab/features.h"

/* Fills values, inner_h, inner_w, directions and the correlations of `out` from the map `t` (n 1) of the letterboxed
 * picture. */
enum status map_measure(const struct tensor *t, const struct image *input, const struct letterbox *box,
                        enum reduction reduction, struct feature_map *out);

#endif
