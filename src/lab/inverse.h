/* Reversible rows undone: from a map back to what the first of them read. */
#ifndef Y9_LAB_INVERSE_H
#define Y9_LAB_INVERSE_H

#include "graph/net.h"
#include "model/model.h"

/* Do the rows 0..row only move pixels into channels (ReOrg) and couple (Coupling), each reading the one before? */
bool inverse_exists(const struct table *t, int row);

/* The same value as the input of the first Coupling of rows 0..row, computed back from `y` (n 1), the map that `row`
 * hands on, with the parameters of the training form `g` as they are in `params`; running statistics are those of the
 * forward pass. *largest is the largest absolute difference to `x`, that input as the forward pass had it. */
enum status inverse_check(const struct table *t, const struct graph *g, const float *params, int row,
                          const struct tensor *y, const struct tensor *x, struct team *team, double *largest);

#endif
