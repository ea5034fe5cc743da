#include "cli/precision.h"

#include "core/cpu.h"
#include "core/log.h"
#include "ops/cpu.h"

const char *const precision_names[] = {
    [PRECISION_FP32] = "fp32", [PRECISION_BF16] = "bf16", [PRECISION_INT8] = "int8", NULL};

const char *precision_name(enum precision p)
{
    return precision_names[p];
}

enum status precision_asked(const struct options *o, bool eight_bit, enum precision *out)
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

enum status precision_of(const struct options *o, bool eight_bit, enum precision *out)
{
    enum precision asked;
    TRY(precision_asked(o, eight_bit, &asked));
    *out = cpu_backend.runs(asked, cpu_features());
    if (*out != asked)
        log_info("%s runs in place of %s, by which this processor does not gain (%s)", precision_names[*out],
                 precision_names[asked], cpu_name());
    return OK;
}
