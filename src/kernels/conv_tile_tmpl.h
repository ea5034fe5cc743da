/* Convolution tiles of floats, one source for every instruction set: include after a simd_<isa>.h. MR rows (pixels, or
 * input channels for the weight gradient) x nv vectors of output channels live in registers; a step of the reduction
 * loads nv vectors and broadcasts MR numbers. */
#ifndef Y9_KERNELS_CONV_TILE_TMPL_H
#define Y9_KERNELS_CONV_TILE_TMPL_H

typedef vf vword, vsum;

static inline vsum w_zero(void)
{
    return v_zero();
}
static inline vword w_weights(const float *p)
{
    return v_load(p);
}
static inline vword w_weights_n(const float *p, int n)
{
    return v_load_n(p, n);
}
static inline vword w_input(const float *p)
{
    return v_set1(*p);
}
static inline vsum w_dot(vword x, vword y, vsum sum)
{
    return v_fma(x, y, sum);
}
static inline void w_store(float *p, vsum x)
{
    v_store(p, x);
}

#include "kernels/conv_epilogue_tmpl.h"
#include "kernels/conv_loop_tmpl.h"

#include "kernels/wgrad_tmpl.h"

#endif
