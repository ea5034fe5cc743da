#include "cli/precision.h"

const char *const precision_names[] = {
    [PRECISION_FP32] = "fp32", [PRECISION_BF16] = "bf16", [PRECISION_INT8] = "int8", NULL};

const char *precision_name(enum precision p)
{
    return precision_names[p];
}

enum status precision_of(const struct options *o, bool eight_bit, enum precision *out)
{
    int asked = option_choice(o, "precision");
    const char *weights = option_string(o, "weights");
    *out = eight_bit ? PRECISION_INT8 : PRECISION_FP32;
    if (option_flag(o, "half"))
        *out = PRECISION_BF16;
    if (asked >= 0 && option_flag(o, "half") && asked != PRECISION_BF16)
        return fail(E_USAGE, "--half means --precision bf16, not %s", precision_names[asked]);
    if (asked >= 0)
        *out = (enum precision)asked;
    if (*out == PRECISION_INT8 && !eight_bit)
        return fail(E_ARGUMENT, "%s: no 8-bit ranges in these weights; yolo9 quantize makes weights that have them",
                    weights ? weights : "random weights");
    return OK;
}
