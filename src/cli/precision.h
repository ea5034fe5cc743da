/* --precision and --half, the same for every verb that runs a network. */
#ifndef Y9_CLI_PRECISION_H
#define Y9_CLI_PRECISION_H

#include "cli/options.h"
#include "graph/backend.h"
#include "weights/weights.h"

/* clang-format off */
#define PRECISION_OPTIONS \
    {"precision", NULL, OPTION_STRING, NULL, "arithmetic; else int8 for weights that `yolo9 quantize` made, fp32 for others", \
     .choices = precision_names}, \
    {"half", NULL, OPTION_FLAG, NULL, "the same as --precision bf16"}
/* clang-format on */

extern const char *const precision_names[]; /* by enum precision; NULL at the end */

/* What was asked for, or what fits weights with (`eight_bit`) or without 8-bit ranges. E_USAGE: they contradict each
 * other; E_ARGUMENT: weights without 8-bit ranges. */
enum status precision_asked(const struct options *o, bool eight_bit, enum precision *out);
/* What runs, which is something else where the processor does not gain by what was asked for; that is told. */
enum status precision_of(const struct options *o, bool eight_bit, enum precision *out);
const char *precision_name(enum precision p); /* "fp32" */

#endif
