/* One training sample (SPEC 11.6): a mosaic, perhaps mixed with a second one, or a single picture in its letterbox;
 * random perspective, colour jitter and flips. Everything random comes from `struct draws`. */
#ifndef Y9_DATA_AUGMENT_H
#define Y9_DATA_AUGMENT_H

#include "data/copy_paste.h"
#include "data/mosaic.h"

struct augment_config {
    double hsv_h, hsv_s, hsv_v; /* hyper-parameters of these names */
    struct perspective_range geometry;
    double flipud, fliplr, mosaic, mixup, copy_paste;
};

/* Shared by all workers, unchanged while they run. */
struct augment {
    struct augment_config config;
    int size;                        /* image size: of mosaics and square samples */
    bool mosaic;                     /* false: none at all, nor mixup (rect batches; the last epochs of close_mosaic) */
    const struct pictures *pictures; /* borrowed */
    const int *indices;              /* pictures that partners of a mosaic are drawn from; NULL: all of them */
    int n_indices;
};

/* What one worker keeps from sample to sample; {0} to begin with. */
struct augment_work {
    struct picture_buffer buffer;
    struct image canvas, second;
    struct labels labels, more;
    struct copy_paste paste;
    struct perspective used[2]; /* by the last sample, in order of use */
    int n_used;
    bool paint_all; /* read pictures also where the output cannot show them: makes no difference but time */
};
void augment_work_free(struct augment_work *work); /* leaves {0} */

/* A sample in the making: *out (size, size) is warped already; work->labels are its labels in pixels. */
enum status augment_mosaic4(const struct augment *a, int index, struct draws *d, struct augment_work *work,
                            struct image *out);
enum status augment_mosaic9(const struct augment *a, int index, struct draws *d, struct augment_work *work,
                            struct image *out);

/* Labels of a whole sample: class, and the box as parts of the sample's width and height. */
struct target {
    int class;
    float cxcywh[4];
};
struct sample {
    struct image image;
    struct target *targets;
    int count, capacity;
};
void sample_free(struct sample *s); /* leaves {0} */

/* The whole training sample `index`, h x w: the image size on both sides, or the shape of a rect batch (then
 * a->mosaic is off). Fails as reading a picture does. */
enum status augment_sample(const struct augment *a, int index, int h, int w, struct draws *d, struct augment_work *work,
                           struct sample *out);

/* The same for validation: letterboxed to h x w without enlarging, nothing random; *box tells where it lies. */
struct letterbox;
enum status plain_sample(const struct pictures *pictures, int index, int h, int w, struct augment_work *work,
                         struct letterbox *box, struct sample *out);

#endif
