#include "cli/precision.h"

#include <string.h>

static const char *const names[] = {[PRECISION_FP32] = "fp32", [PRECISION_BF16] = "bf16", [PRECISION_INT8] = "int8"};

const char *precision_name(enum precision p)
{
    return names[p];
}

static enum status find_name(const char *name, enum precision *out)
{
    for (int i = 0; i < COUNT(names); i++) {
        if (!strcmp(name, names[i])) {
            *out = (enum precision)i;
            return OK;
        }
    }
    return fail(E_ARGUMENT, "--precision %s: fp32, bf16 or int8", name);
}

enum status precision_of(const struct options *o, const struct weights *w, enum precision *out)
{
    enum status rc = OK;
    const char *name = option_string(o, "precision"), *weights = option_string(o, "weights");
    *out = w->eight_bit ? PRECISION_INT8 : PRECISION_FP32;
    if (option_flag(o, "half"))
        *out = PRECISION_BF16;
    if (name)
        TRY(find_name(name, out));
    if (name && option_flag(o, "half") && *out != PRECISION_BF16)
        return fail(E_ARGUMENT, "--half means --precision bf16, not %s", name);
    if (*out == PRECISION_INT8 && !w->eight_bit)
        return fail(E_ARGUMENT, "%s: no 8-bit ranges in these weights; yolo9 quantize makes weights that have them",
                    weights ? weights : "random weights");
cleanup:
    return rc;
}
