/* The distribution of a map's values, and the range of 8-bit integers that serves it best.
 *
 * Bin i counts values in [i*width, (i+1)*width); the width is a power of two and doubles (two bins become one) when a
 * value lies outside, so that the counts do not depend on the order in which values came. */
#ifndef Y9_QUANT_HISTOGRAM_H
#define Y9_QUANT_HISTOGRAM_H

#include "graph/graph.h"

#include <stdint.h>

enum { HISTOGRAM_HALF = 2048 }; /* bins on either side of zero */

struct histogram {
    int exponent; /* width = 2^exponent */
    float min, max;
    uint64_t total;
    uint64_t *bins; /* [2 * HISTOGRAM_HALF], owned; bin i is bins[HISTOGRAM_HALF + i] */
};
enum status histogram_init(struct histogram *h);
void histogram_free(struct histogram *h);

/* `n` values; false, and nothing counted, if one of them is NaN or infinite. */
bool histogram_add(struct histogram *h, const float *values, size_t n);

/* How the range is chosen; it always holds zero, which padding needs. */
enum clip_method {
    CLIP_MINMAX,     /* everything that was seen */
    CLIP_PERCENTILE, /* but for the outermost (100 - percentile) % on either side */
    CLIP_MSE,        /* the least mean squared error of rounding inside and clipping outside */
};
struct clip {
    enum clip_method method;
    double percentile; /* CLIP_PERCENTILE: 50 .. 100 */
};

/* The integers for the range low .. high, which is widened to hold zero. */
struct conv_quant histogram_quant_of_range(double low, double high);
struct conv_quant histogram_quant(const struct histogram *h, const struct clip *clip);
/* Mean squared error of reading the counted values through `q`. */
double histogram_error(const struct histogram *h, struct conv_quant q);

#endif
