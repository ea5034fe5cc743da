/* Networks whose convolutions run in 8 bits, in files. Beside the I8 tensor "<conv>.weight" lie
 *   <conv>.weight_scale       F32 (oc)  weight = integer * scale, one an output channel
 *   <conv>.input_scale        F32 ()    how the convolution reads its input, struct conv_quant:
 *   <conv>.input_zero_point   U8 ()     x = (q - zero) * scale
 * All other weights are F16, biases F32. Private to weights/. */
#ifndef Y9_WEIGHTS_EIGHT_BIT_H
#define Y9_WEIGHTS_EIGHT_BIT_H

#include "weights/checkpoint.h"
#include "weights/weights.h"

/* After bind_tensors gave the integers of 8-bit weights as numbers: multiplies them with their scales, sets
 * conv_quant of the deployed graph's nodes, w->eight_bit. Checks types, shapes and values. */
enum status eight_bit_read(const struct checkpoint *c, struct weights *w);

/* Is `name` one of the tensors above that is not a parameter? */
bool eight_bit_companion(const char *name);

/* The tensors of a deployed network as a file has them; data is the arena's or borrowed from `params`. Larger elements
 * come first, so that every tensor lies at a multiple of its element's size. */
enum status eight_bit_tensors(const struct graph *g, const float *params, struct arena *arena,
                              struct safetensor_source **tensors, int *count);

#endif
