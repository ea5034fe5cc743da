/* Words of two bf16 numbers where no instruction multiplies them: both become floats again, which loses nothing.
 * Include after a simd_<isa>.h and
 *   v_even(x), v_odd(x)   the lower, the upper half of each word as a float */
#ifndef Y9_KERNELS_BF16_EMULATED_TMPL_H
#define Y9_KERNELS_BF16_EMULATED_TMPL_H

typedef struct {
    vf even, odd;
} vword;
typedef vf vsum;

static inline vsum w_zero(void)
{
    return v_zero();
}
static inline vword w_weights(const float *p)
{
    const vf all = v_load(p);
    return (vword){v_even(all), v_odd(all)};
}
static inline vword w_weights_n(const float *p, int n)
{
    const vf some = v_load_n(p, n);
    return (vword){v_even(some), v_odd(some)};
}
static inline vword w_input(const float *p)
{
    const vf all = v_set1(*p);
    return (vword){v_even(all), v_odd(all)};
}
static inline vsum w_dot(vword x, vword y, vsum sum)
{
    return v_fma(x.odd, y.odd, v_fma(x.even, y.even, sum));
}
static inline void w_store(float *p, vsum x)
{
    v_store(p, x);
}

#include "kernels/conv_epilogue_tmpl.h"
#include "kernels/conv_loop_tmpl.h"
#include "kernels/pairs_inline.h"
#include "kernels/wgrad_tmpl.h"

#endif
