/* What an activation does to gradients and to the input: the numbers behind "what is lost on the way forward cannot
 * come back".
 *
 * A stack of 1x1 convolutions, each behind it batch normalisation and the activation (models/study/activations.yaml),
 * whose weights are random rotations: they lose nothing, so what is lost is lost in the activations. Its input is
 * noise, N(0, 1) and independent; forward and backward pass are those of training. */
#ifndef Y9_LAB_ACTIVATIONS_H
#define Y9_LAB_ACTIVATIONS_H

#include "core/parallel.h"
#include "core/status.h"
#include "kernels/act.h"

#include <stdbool.h>
#include <stdint.h>

enum { ACTIVATION_DEPTH = 32, ACTIVATION_STEPS = 3, ACTIVATION_CHANNELS = 48 };

/* Of one layer, the first is layer 1. `z` is what the activation reads: normalised, about N(0, 1). */
struct activation_layer {
    double none, scaled, reversed; /* shares of its units whose derivative is 0; neither 0 nor 1; below 0 */
    double kept;                   /* mean square of the derivative: 1 where all gradient passes */
    double gradient;               /* norm of the gradient in this layer's output by that in the last one's */
    /* Rank of the map from the input's 48 numbers at a place to this layer's, at first order (statistics of the
     * normalisation held), a mean over places. */
    double rank;
    /* 1 - (squared error) / (variance) of the input computed back from this layer's output, layer by layer; NAN: not
     * computed for this depth. */
    double recovered;
};

struct activation_result {
    enum act act;
    bool invertible; /* no two z have one y */
    struct activation_layer layer[ACTIVATION_DEPTH];
    /* Bits that the activation of one N(0, 1) number loses, where both are told in steps of activation_step(i). */
    double lost_bits[ACTIVATION_STEPS], whole_bits[ACTIVATION_STEPS];
};

double activation_step(int i); /* 2^-4, 2^-8, 2^-12 */
/* Is `depth` one of those that the input is computed back from: 1, 2, 4 ... 32? */
bool activation_recovers(int depth);

/* The same seed gives the same numbers, however many threads; `team` is borrowed and may be NULL. */
enum status activations_run(enum act act, uint64_t seed, struct team *team, struct activation_result *out);

/* y[i] = act(x[i]), and of a gradient dy by y the gradient by x: dx[i] = dy[i] act'(x[i]). */
void activation_example(enum act act, const float *x, const float *dy, int n, float *y, float *dx);
/* The numeric example of the text. */
enum { EXAMPLE_NUMBERS = 3 };
extern const float activation_example_x[EXAMPLE_NUMBERS], activation_example_dy[EXAMPLE_NUMBERS];

#endif
