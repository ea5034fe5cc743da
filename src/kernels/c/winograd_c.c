/* Plain C Winograd transforms. */
#include "kernels/slots.h"

#include <math.h>

/* out = B^T d, d and out with strides */
static void input_1d(const double *d, int step, double *t, int t_step)
{
    const double a = WINO_A, b = WINO_B, a2 = a * a, b2 = b * b;
    const double d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
    t[0] = a2 * b2 * d[0] - (a2 + b2) * d2 + d4;
    t[t_step] = d4 - b2 * d2 + a * (d3 - b2 * d1);
    t[2 * t_step] = d4 - b2 * d2 - a * (d3 - b2 * d1);
    t[3 * t_step] = d4 - a2 * d2 + b * (d3 - a2 * d1);
    t[4 * t_step] = d4 - a2 * d2 - b * (d3 - a2 * d1);
    t[5 * t_step] = a2 * b2 * d1 - (a2 + b2) * d3 + d5;
}

static void output_1d(const double *m, int step, double *y, int y_step)
{
    const double a = WINO_A, b = WINO_B;
    const double sum_a = m[step] + m[2 * step], odd_a = m[step] - m[2 * step];
    const double sum_b = m[3 * step] + m[4 * step], odd_b = m[3 * step] - m[4 * step];
    y[0] = m[0] + sum_a + sum_b;
    y[y_step] = a * odd_a + b * odd_b;
    y[2 * y_step] = a * a * sum_a + b * b * sum_b;
    y[3 * y_step] = a * a * a * odd_a + b * b * b * odd_b + m[5 * step];
}

static void wino_input_run(const struct wino_input *t)
{
    for (int c = 0; c < t->channels; c++) {
        double d[WINO_POINTS], x[WINO_POINTS], v[WINO_POINTS];
        for (int i = 0; i < WINO_POINTS; i++)
            d[i] = t->src[i][t->offset + (size_t)c];
        for (int i = 0; i < 6; i++)
            input_1d(d + i, 6, x + i, 6);
        for (int i = 0; i < 6; i++)
            input_1d(x + 6 * i, 1, v + 6 * i, 1);
        for (int i = 0; i < WINO_POINTS; i++)
            t->v[(size_t)i * t->stride + (size_t)c] = (float)v[i];
    }
}

static void wino_output_run(const struct wino_output *t)
{
    for (int c = 0; c < t->n; c++) {
        double m[WINO_POINTS], x[24], y[16];
        for (int i = 0; i < WINO_POINTS; i++)
            m[i] = t->m[(size_t)i * t->stride + (size_t)c];
        for (int i = 0; i < 6; i++)
            output_1d(m + i, 6, x + i, 6);
        for (int i = 0; i < 4; i++)
            output_1d(x + 6 * i, 1, y + 4 * i, 1);
        for (int i = 0; i < 16; i++) {
            float *dst = t->dst[i] + t->dst_offset + c, value = (float)y[i];
            if (t->bias)
                value += t->bias[c];
            if (t->accumulate)
                value += *dst;
            if (t->act == KERNEL_ACT_SILU)
                value = value / (1.0f + expf(-value));
            else if (t->act == KERNEL_ACT_RELU)
                value = value < 0 ? 0 : value;
            if (t->residual)
                value += t->residual[i][t->residual_offset + (size_t)c];
            *dst = value;
        }
    }
}

const struct winograd_kernel winograd__c = {"winograd F(4x4) c", wino_input_run, wino_output_run};
