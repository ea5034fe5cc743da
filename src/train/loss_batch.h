/* What the losses of all kinds of heads do with a batch: labels grouped by image, sums of parts. Private to loss_*.c.
 */
#ifndef Y9_TRAIN_LOSS_BATCH_H
#define Y9_TRAIN_LOSS_BATCH_H

#include "core/status.h"

#include <stddef.h>

/* Starts as {0} and grows to the largest batch. */
struct label_groups {
    int *first; /* (images + 1) an image's labels are first[image] .. first[image + 1] - 1 */
    int *next;  /* (images) the place of its next one */
    int capacity;
};
/* `targets`: n rows (image, class, cx, cy, w, h). E_NOMEM */
enum status label_groups_make(struct label_groups *g, int images, const float *targets, int n);
/* The place of a row's label; asked once for each row, in their order, which an image's labels keep. */
int label_groups_place(struct label_groups *g, const float *row);
void label_groups_free(struct label_groups *g);

/* The row's box in pixels of a picture of that size. */
void label_box(const float *row, float width, float height, float xyxy[4]);

/* LOSS_ITEMS sums for each part of a batch. Starts as {0} and grows. */
struct part_sums {
    double *item; /* (parts, LOSS_ITEMS) */
    size_t capacity;
};
enum status part_sums_reserve(struct part_sums *s, size_t parts); /* E_NOMEM */
void part_sums_free(struct part_sums *s);

#endif
