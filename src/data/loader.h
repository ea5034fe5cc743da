/* Batches of a dataset for training and validation, made ahead by worker threads. What a batch holds depends on
 * (seed, epoch, configuration) alone, never on the workers.
 *
 *   loader_open -> for each epoch: loader_start, then loader_next until it gives NULL -> loader_close */
#ifndef Y9_DATA_LOADER_H
#define Y9_DATA_LOADER_H

#include "data/augment.h"
#include "detect/boxes.h"
#include "image/resize.h"

struct loader_config {
    const struct dataset *dataset; /* borrowed; at least one picture */
    int size;                      /* image size, a multiple of stride */
    int batch;                     /* pictures a batch (of this rank); the last one may be short */
    bool training;                 /* augmented and shuffled; otherwise letterboxed, in the order of the dataset */
    struct augment_config augment; /* for training */
    bool rect;                     /* batches of similar shapes (SPEC 11.6); no shuffling, no mosaic */
    enum load_rule load;           /* how pictures are brought to the size */
    double rect_pad;               /* in strides: 0.5 in validation, 0 in training */
    int stride;                    /* of rect shapes: max(model's, 32) */
    uint64_t seed;
    int workers;          /* threads; 0: batches are made by loader_next */
    int rank, ranks;      /* data parallel: every rank gets as many pictures, some twice if need be */
    bool cache;           /* keep pictures in memory, */
    uint64_t cache_bytes; /* at most so many bytes; 0: half of what is free */
};

/* One epoch's choices. */
struct epoch_config {
    uint64_t epoch;
    long first;            /* number of the first batch that is wanted; 0 but for a run that is resumed */
    bool mosaic;           /* false in the last epochs of close_mosaic */
    const double *weights; /* [n_images] of image_weights; NULL: every picture once. Read by loader_start only */
};

struct batch_picture {
    int index;            /* of dataset.images */
    int photo_h, photo_w; /* upright */
    struct box_map map;   /* validation: from the batch back to the photo (SPEC 12.2) */
};

struct batch {
    long number; /* within the epoch */
    int n, h, w;
    uint8_t *pixels;                /* (n, h, w, RGB) */
    float (*targets)[6];            /* (n_targets): picture in the batch, class, cx, cy, w, h normalised; by picture */
    struct batch_picture *pictures; /* (n) */
    int n_targets;
    double read, letterbox; /* validation: seconds in the workers, all pictures together; reading includes decoding */
};
/* Picture i of the batch, as a view. */
struct image batch_image(const struct batch *b, int i);

struct loader;
/* E_ARGUMENT, E_NOMEM. */
enum status loader_open(const struct loader_config *config, struct loader **out);
void loader_close(struct loader *l);

long loader_batches(const struct loader *l);  /* of an epoch */
long loader_pictures(const struct loader *l); /* of an epoch, of this rank */

/* Begin an epoch; one that is not over is given up. Validation starts with epoch_config {0}. */
enum status loader_start(struct loader *l, const struct epoch_config *epoch);
/* The next batch, valid until the next call; NULL after the last. A picture that cannot be read is a failure with its
 * sentence. */
enum status loader_next(struct loader *l, const struct batch **out);

#endif
