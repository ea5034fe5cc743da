/* How much a network's result differs from that of the float network on the same picture. */
#ifndef Y9_QUANT_HEAD_ERROR_H
#define Y9_QUANT_HEAD_ERROR_H

#include "graph/net.h"

/* Sums over pictures; start from {0}. Anchor points count by the square of their score: background says nothing.
 * Absolute differences, not squares: one doubtful object that comes or goes must not drown all others. */
struct head_error {
    double score, scores; /* differences of class probabilities, weighted by them; squared probabilities */
    double box, boxes;    /* shifts of sides as shares of the box, weighted by the squared best score; the weights */
};

/* Floats of one decoded image (decode_image, detect/decode.h). */
size_t head_error_floats(const struct head_output *out);
/* Image 0 of `out` against `reference` (decode_image of the float network); `decoded` is memory of the same size. */
void head_error_add(struct head_error *e, const struct head_output *out, const float *reference, float *decoded);
/* Mean relative differences of scores and of boxes, added; 0: the same result. */
double head_error_value(const struct head_error *e);

#endif
