/* The CPU backend: one op_impl an op. */
#ifndef Y9_OPS_CPU_H
#define Y9_OPS_CPU_H

#include "graph/backend.h"

#define OP(upper, lower) extern const struct op_impl cpu_##lower;
#include "graph/ops.def"
#undef OP

extern const struct backend cpu_backend;

#endif
