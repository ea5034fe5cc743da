/* Convolution frames: the three passes of one idea (ARCHITECTURE.md), on tensors. The loops that burn the time
 * are kernels; this interface is what ops/conv2d.c offers to the CPU backend, the kernel check and the benches.
 * Weights are (oc, ic/groups, kh, kw) as in checkpoints; packed forms are private to a variant. */
#ifndef Y9_OPS_CONV2D_H
#define Y9_OPS_CONV2D_H

#include "graph/backend.h"

extern const struct op_impl cpu_conv2d;

/* Name of the variant chosen in a planned call, for reports: "direct 12x32", "winograd F(4x4)", ... */
const char *conv2d_variant_name(const struct call *c);
/* Why it was chosen, in a few words; for reports. */
const char *conv2d_variant_reason(const struct call *c);

/* What a planned convolution multiplies where --exact leaves it no other algorithm than the direct one. */
enum conv_numbers { CONV_FLOATS, CONV_BF16, CONV_BYTES };
enum conv_numbers conv2d_exact_numbers(const struct call *c);

/* Of a convolution of bytes, output channel oc: its integers, (ic/groups, kh, kw) of them, and what makes its output of
 * their sum with the input's bytes, sum * scale + bias. Beyond the edge an input channel is conv2d_zero_byte. */
void conv2d_fold_bytes(const struct call *c, int oc, signed char *weights, float *scale, float *bias);
int conv2d_zero_byte(const struct call *c, int channel);

#endif
