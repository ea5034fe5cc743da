/* The three terms of the loss on plain memory, values and gradients together (SPEC 7.3). */
#ifndef Y9_TRAIN_LOSS_TERMS_H
#define Y9_TRAIN_LOSS_TERMS_H

#include "core/status.h"

#include <stdbool.h>

/* --- class --- */
struct class_term {
    double positive_weight, focal_gamma;
    double scale;   /* the gradient is of scale * value */
    bool varifocal; /* varifocal loss in the place of BCE; the two weights above mean nothing then */
};

/* Sum of the loss of `rows` x `columns` logits whose targets are all zero: nearly all of them are. d_x, if given,
 * is written. Strides in floats. */
double class_zero(const struct class_term *term, const float *x, size_t x_stride, float *d_x, size_t d_stride, int rows,
                  int columns);

/* The loss of one logit with target t minus that with target 0; *d_x (may be NULL) is replaced. */
double class_positive(const struct class_term *term, float x, float t, float *d_x);

/* --- box and dfl --- */
struct box_term {
    int bins;
    double box_scale, dfl_scale; /* the gradient is of box_scale * value[0] + dfl_scale * value[1] */
};

/* One positive anchor point at (x, y) with its target box (xyxy), all in grid units: value[0] = 1 - CIoU,
 * value[1] = dfl. d_logits (4*bins; may be NULL) is replaced. */
void box_positive(const struct box_term *term, const float *logits, float x, float y, const float target[4],
                  double value[2], float *d_logits);

#endif
