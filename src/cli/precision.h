/* --precision and --half, the same for every verb that runs a network. */
#ifndef Y9_CLI_PRECISION_H
#define Y9_CLI_PRECISION_H

#include "cli/options.h"
#include "graph/backend.h"
#include "weights/weights.h"

/* clang-format off */
#define PRECISION_OPTIONS \
    {"precision", NULL, OPTION_STRING, NULL, "fp32, bf16 or int8; int8 for weights that `yolo9 quantize` made, else fp32", 0, 0}, \
    {"half", NULL, OPTION_FLAG, NULL, "the same as --precision bf16", 0, 0}
/* clang-format on */

/* What was asked for, or what fits the weights. E_ARGUMENT: no such precision, or weights without 8-bit ranges. */
enum status precision_of(const struct options *o, const struct weights *w, enum precision *out);
const char *precision_name(enum precision p); /* "fp32" */

#endif
