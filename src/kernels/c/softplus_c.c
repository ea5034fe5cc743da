/* Plain C class loss of the background: the oracle of every other variant. */
#include "kernels/math_inline.h"
#include "kernels/slots.h"

#include <math.h>

static double softplus_run(const float *x, float *d_x, float scale, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const float v = x[i], e = exp_f32(-fabsf(v));
        sum += (double)((v < 0 ? 0 : v) + log1pf(e));
        d_x[i] = scale * ((v < 0 ? e : 1) / (1 + e));
    }
    return sum;
}

KERNEL_TABLE(softplus, c) = {"c", softplus_run};
