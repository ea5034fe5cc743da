/* First values of a training form's parameters (SPEC 6.1, 3). */
#ifndef Y9_MODEL_INIT_H
#define Y9_MODEL_INIT_H

#include "graph/graph.h"

#include <stdint.h>

/* Convolution weights and biases U(-b, b), b = 1/sqrt(fan in), drawn from a stream of (seed, parameter name): adding a
 * row to a table does not change the others' values. BN gamma 1, beta 0. Running mean 0 and variance 0.9: what the
 * official dry forward leaves behind any convolution without bias (SPEC 4 rule 6); behind CBLinear the official
 * values depend on its random biases, and 0.9 stands for them too. DFL 0, 1, 2 ... Head biases as model_init_head.
 * `params` is the graph's whole block (g->param_floats). */
void model_init(const struct graph *g, uint64_t seed, float *params);

/* Biases of the last convolutions of all branches: box 1, class ln(5 / nc / (640/stride)^2). */
void model_init_head(const struct graph *g, float *params);

#endif
