/* Convolution frames: the three passes of one idea (ARCHITECTURE.md), on tensors. The loops that burn the time
 * are kernels; this interface is what ops/conv2d.c offers to the CPU backend, the kernel check and the benches.
 * Weights are (oc, ic/groups, kh, kw) as in checkpoints; packed forms are private to a variant. */
#ifndef Y9_OPS_CONV2D_H
#define Y9_OPS_CONV2D_H

#include "graph/backend.h"

extern const struct op_impl cpu_conv2d;

/* Name of the variant chosen in a planned call, for reports: "direct 12x32", "winograd F(4x4)", ... */
const char *conv2d_variant_name(const struct call *c);

#endif
