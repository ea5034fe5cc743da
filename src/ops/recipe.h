/* Evaluates the recipes of a deployed graph (SPEC 6.3): training-form parameters -> deployed parameters. */
#ifndef Y9_OPS_RECIPE_H
#define Y9_OPS_RECIPE_H

#include "graph/graph.h"

/* `from` is the parameter block of `training`, `to` that of `deployed` (made from it by graph_deploy). */
void recipe_evaluate(const struct graph *training, const float *from, const struct graph *deployed, float *to);

#endif
