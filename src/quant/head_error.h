/* How much a network's result differs from that of the float network on the same picture. */
#ifndef Y9_QUANT_HEAD_ERROR_H
#define Y9_QUANT_HEAD_ERROR_H

#include "graph/net.h"

/* Sums over pictures; start from {0}. */
struct head_error {
    double score, scores; /* squared differences of class probabilities; squared probabilities */
    double box, weights;  /* squared shifts of sides, relative to the box, weighted by the square of the best score */
};

/* Floats of one decoded image: [anchor points][4 + nc], detect/decode.h. */
size_t head_error_floats(const struct head_output *head, int nc);
/* Image 0 of `head` against `reference` (decode_image of the float network); `decoded` is memory of the same size. */
void head_error_add(struct head_error *e, const struct head_output *head, int nc, const float *reference,
                    float *decoded);
/* Root of the relative squared errors of scores and boxes together; 0: the same result. */
double head_error_value(const struct head_error *e);

#endif
