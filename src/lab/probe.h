/* What a linear reader finds in features: ridge regression from a position's features to the pixels behind it and to
 * whether an object lies there, always tested on other photos (or other parts of a photo) than it was fitted on.
 *
 * Samples lie in folds. Each fold is predicted once, by a regression that is fitted on all others; how strong its ridge
 * is was chosen before on one of those. So every number is of samples that the regression never saw. */
#ifndef Y9_LAB_PROBE_H
#define Y9_LAB_PROBE_H

#include "core/status.h"

#include <stdint.h>

enum { PROBE_FOLDS = 4 };

struct samples {
    int n, c, t;         /* samples, features, numbers to recover */
    const float *x;      /* (n, c) */
    const float *y;      /* (n, t): t / 3 pixels of three colours */
    const uint8_t *fold; /* (n): 0 .. PROBE_FOLDS - 1, each of them there */
    const float *object; /* (n): 1 on an object, else 0; NULL: not known */
    const int *photo;    /* (n), not falling: 0 .. photos - 1 */
    int photos;          /* each has samples */
    double noise;        /* variance of y by rounding, above 0 */
};

struct probe_result {
    /* 1 - (sum of squared errors) / (sum of squared differences from the mean of the samples that it was fitted on), at
     * least 0: of all numbers; of the mean colour of a sample's pixels; of what its pixels differ from that (NAN for
     * one pixel). 1: recovered; 0: no better than the mean. */
    double r2, r2_colour, r2_detail;
    /* Area under the ROC curve: the chance that a position on an object has a higher score than one beside it, both of
     * the same photo; mean over photos that have ten of either at least. 0.5: chance. NAN: not known. */
    double auc;
    /* 1/2 log2 (det cov(y) / det cov(error)), both with `noise` added on the diagonal; and what it would be without any
     * error. Bits a sample. */
    double bits, bits_most;
    double *photo_r2, *photo_auc; /* (photos): the same of one photo, NAN where not known; owned */
};

/* E_NUMERIC where features are not finite. Released with probe_free, also after a failure. */
enum status probe_measure(const struct samples *s, struct probe_result *out);
void probe_free(struct probe_result *r);

#endif
