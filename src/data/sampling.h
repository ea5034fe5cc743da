/* Which pictures an epoch shows, in which order, and in batches of which shape. All of it depends on the seed and the
 * epoch alone. */
#ifndef Y9_DATA_SAMPLING_H
#define Y9_DATA_SAMPLING_H

#include "data/dataset.h"

#include <stdint.h>

/* order [n] = 0 .. n-1 shuffled. */
void epoch_order(uint64_t seed, uint64_t epoch, int n, int *order);

/* Weights of pictures for --image-weights (SPEC 10): the sum over a picture's labels of their class's weight, which is
 * larger for rare classes and for those with a low AP. ap [nc] in 0..1; weights [n_images]. E_NOMEM. */
enum status image_weights(const struct dataset *d, const double *ap, double *weights);
/* indices [n] = n of 0 .. n-1, drawn with replacement in proportion to weights (>= 0); all alike when all are 0.
 * E_NOMEM. */
enum status draw_indices(uint64_t seed, uint64_t epoch, const double *weights, int n, int *indices);

/* Rect batches (SPEC 11.6): order [n_images] = pictures by height / width, equal ones in their order; shapes
 * [ceil(n_images / batch)] = h, w of each batch. pad in strides: 0.5 in validation, 0 in training. E_NOMEM. */
enum status rect_batches(const struct dataset *d, int size, int batch, int stride, double pad, int *order,
                         int (*shapes)[2]);

#endif
