/* Values that are read through one range: a slice and what it is cut from, a concat and its parts, a map and what
 * pooling or upsampling makes of it. With equal ranges such maps can stay in 8 bits from one convolution to the next.
 */
#ifndef Y9_QUANT_RANGE_GROUPS_H
#define Y9_QUANT_RANGE_GROUPS_H

#include "graph/graph.h"

/* group[v] (n_values): equal for the values of a group, 0 .. *n_groups - 1. */
enum status range_groups(const struct graph *g, int *group, int *n_groups);

#endif
