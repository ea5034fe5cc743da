#include "ops/cpu.h"

#include "core/cpu.h"

/* bf16 never costs time: where the processor does not gain by it, fp32 runs, with more digits. */
static enum precision runs(enum precision asked, uint64_t features)
{
    return asked == PRECISION_BF16 && !cpu_gains_by_bf16(features) && !cpu_emulates() ? PRECISION_FP32 : asked;
}

const struct backend cpu_backend = {
    .name = "cpu",
    .runs = runs,
    .ops =
        {
#define OP(upper, lower) [OP_##upper] = &cpu_##lower,
#include "graph/ops.def"
#undef OP
        },
};
