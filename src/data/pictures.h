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

/* Room for the photo as read, and for it at its size; {0} to begin with. */
struct picture_buffer {
    struct image photo, resized;
    double read; /* seconds that the last picture took to read and decode; 0: it was kept in memory */
};
void picture_buffer_free(struct picture_buffer *b); /* leaves {0} */

/* Gives picture `index` at its size: in the buffer or kept elsewhere; *out is valid until the next call with the same
 * buffer. Called from several threads, each with a buffer of its own. */
typedef enum status picture_pixels_fn(void *context, int index, struct picture_buffer *buffer,
                                      const struct image **out);

struct pictures {
    const struct picture *items;
    int count;
    const float (*points)[2]; /* polygons of the objects */
    picture_pixels_fn *pixels;
    void *context;
};

#endif
