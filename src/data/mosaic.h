/* Mosaics (SPEC 11.6): four or nine pictures side by side on a canvas of twice the image size, of which the random
 * perspective then shows about a quarter. Placing and painting are two steps, so that pictures which the output cannot
 * show need not be read. */
#ifndef Y9_DATA_MOSAIC_H
#define Y9_DATA_MOSAIC_H

#include "data/draws.h"
#include "data/labels.h"
#include "data/perspective.h"
#include "data/pictures.h"

enum { MOSAIC_MAX_TILES = 9 };

struct mosaic {
    int side; /* of the canvas: twice the image size */
    int n;
    struct mosaic_tile {
        int picture;
        int x, y; /* its top-left corner on the canvas, which may lie outside */
    } tiles[MOSAIC_MAX_TILES];
};

/* Picture `index` and three (eight) others out of `indices` (n_indices; NULL: of all) around it; labels are replaced by
 * those on the canvas. E_NOMEM. */
enum status mosaic4_place(const struct pictures *pictures, const int *indices, int n_indices, int index, int size,
                          struct draws *d, struct mosaic *m, struct labels *labels);
enum status mosaic9_place(const struct pictures *pictures, const int *indices, int n_indices, int index, int size,
                          struct draws *d, struct mosaic *m, struct labels *labels);

/* Paint those tiles that `region` of the canvas meets; the rest is grey or undefined. `buffer` as of picture_pixels_fn.
 * Fails as reading a picture does. */
enum status mosaic_paint(const struct mosaic *m, const struct pictures *pictures, const struct source_region *region,
                         struct picture_buffer *buffer, struct image *canvas);

#endif
