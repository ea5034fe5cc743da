/* Where augmentation takes its pictures from: sizes and labels are known at once, pixels are had when asked for. */
#ifndef Y9_DATA_PICTURES_H
#define Y9_DATA_PICTURES_H

#include "data/dataset.h"
#include "image/image.h"

struct picture {
    int h, w;                             /* once brought to the image size on its longer side (SPEC 11.3) */
    const struct dataset_object *objects; /* labels, normalised */
    int n_objects;
};

/* Gives picture `index` at its size: in *buffer (as in image_init), with *out = buffer, or kept elsewhere. *out is
 * valid until the next call with the same buffer. Called from several threads, each with buffers of its own. */
typedef enum status picture_pixels_fn(void *context, int index, struct image *buffer, const struct image **out);

struct pictures {
    const struct picture *items;
    int count;
    const float (*points)[2]; /* polygons of the objects */
    picture_pixels_fn *pixels;
    void *context;
};

#endif
