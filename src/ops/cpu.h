/* ops/: the CPU backend: one file an op, its forward pass beside its backward pass; threads and memory are handled
 * here, inner loops are in kernels/.
 *
 * One op_impl an op. */
#ifndef Y9_OPS_CPU_H
#define Y9_OPS_CPU_H

#include "graph/backend.h"

#define OP(upper, lower) extern const struct op_impl cpu_##lower;
#include "graph/ops.def"
#undef OP

extern const struct backend cpu_backend;

#endif
