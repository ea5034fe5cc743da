/* First values of a training form's parameters (SPEC 6.1, 3). */
#ifndef Y9_MODEL_INIT_H
#define Y9_MODEL_INIT_H

#include "graph/graph.h"

#include <stdint.h>

/* Convolution weights and biases U(-b, b), b = 1/sqrt(fan in), drawn from a stream of (seed, parameter name): adding a
 * row to a table does not change the others' values. BN gamma 1, beta 0. Running mean 0 and variance 0.9: what the
 * official dry forward leaves behind any convolution without bias (SPEC 4 rule 6); behind CBLinear the official
 * values depend on its random biases, and 0.9 stands for them too. DFL 0, 1, 2 ... Implicit vectors N(0, 0.02^2), or
 * N(1, 0.02^2) where they multiply. Head biases as model_init_head.
 * `params` is the graph's whole block (g->param_floats). */
void model_init(const struct graph *g, uint64_t seed, float *params);

/* What training starts from in the biases of the head's last convolutions, of all branches: set where there is one box
 * a cell (box 1, class ln(5 / nc / (640/stride)^2)); with anchors it is added to what was drawn. */
void model_init_head(const struct graph *g, float *params);

#endif
