/* Plain C GELU: the oracle of every other variant. */
#include "kernels/gelu_inline.h"
#include "kernels/math_inline.h"
#include "kernels/slots.h"

#include <math.h>

struct normal {
    float distribution, density;
};

static struct normal normal_of(float x)
{
    const float a = fabsf(x);
    if (a > GELU_END)
        return (struct normal){x > 0, 0};
    const double square = (double)a * (double)a; /* exact; as a float it would cost e^(-a^2/2) up to a^2/2 ulp */
    const float high = (float)square, low = (float)(square - (double)high);
    const float e = exp_f32(-0.5f * high) * (1 - 0.5f * low), t = 1 / (1 + GELU_T * a);
    const float first = GELU_Q0 + t * (GELU_Q1 + t * (GELU_Q2 + t * GELU_Q3));
    const float rest = GELU_Q4 + t * (GELU_Q5 + t * (GELU_Q6 + t * (GELU_Q7 + t * GELU_Q8)));
    const float tail = e * t * (first + t * t * (t * t) * rest);
    return (struct normal){x > 0 ? 1 - tail : tail, e * GELU_DENSITY};
}

static void gelu_forward(const float *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * normal_of(x[i]).distribution;
}

static void gelu_backward(const float *x, const float *d_y, float *d_x, bool add, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct normal p = normal_of(x[i]);
        const float d = d_y[i] * (p.distribution + x[i] * p.density);
        d_x[i] = add ? d_x[i] + d : d;
    }
}

KERNEL_TABLE(gelu, c) = {"c", gelu_forward, gelu_backward};
