/* How tables and checkpoints name activations: the text and aliases of kernels/act.def.
 *
 * "nn.LeakyReLU(negative_slope=0.1, inplace=True)", "torch.nn.LeakyReLU(0.1)" and "leakyrelu(0.1)" are one: prefixes,
 * case, the names of arguments and `inplace`, which changes no number, do not count; nor do empty parentheses. */
#ifndef Y9_MODEL_ACTIVATION_H
#define Y9_MODEL_ACTIVATION_H

#include "kernels/act.h"

#include <stdbool.h>

/* False if the text names no row. */
bool activation_find(const char *text, enum act *out);

/* How a table says it: "nn.SiLU()". */
const char *activation_text(enum act act);

/* "nn.Identity(), nn.SiLU() ...": what activation_find knows, for messages. */
extern const char activation_list[];

#endif
