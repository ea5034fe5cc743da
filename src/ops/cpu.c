#include "ops/cpu.h"

const struct backend cpu_backend = {
    .name = "cpu",
    .ops =
        {
#define OP(upper, lower) [OP_##upper] = &cpu_##lower,
#include "graph/ops.def"
#undef OP
        },
};
