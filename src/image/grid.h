/* A sheet of pictures with captions: what a batch looks like in training and validation. */
#ifndef Y9_IMAGE_GRID_H
#define Y9_IMAGE_GRID_H

#include "image/image.h"

struct grid_options {
    int cols;     /* 0 = as square as n allows */
    int max_side; /* of the cells together in pixels: they shrink to fit; 0 = 1920 */
    int gap;      /* pixels between cells */
};

/* out = n pictures, row by row, each fitted into the cell (the largest of them, shrunk so that the sheet fits) without
 * distortion; captions (n, entries may be NULL; or NULL) on a line above each, shortened at their start. out as in
 * image_init; NULL options = all zero. E_ARGUMENT for n < 1, E_NOMEM. */
enum status image_grid(const struct image *pictures, const char *const *captions, int n,
                       const struct grid_options *options, struct image *out);

#endif
