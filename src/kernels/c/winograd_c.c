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

/* The others from the definition. Coefficients of M / (x - at[k]), lowest first; of M for k = n: infinity. */
static void basis(const double *at, int n, int k, double *coefficients)
{
    coefficients[0] = 1;
    for (int i = 1; i <= n; i++)
        coefficients[i] = 0;
    for (int i = 0, degree = 0; i < n; i++) {
        if (i == k)
            continue;
        degree++;
        for (int j = degree; j >= 0; j--)
            coefficients[j] = (j ? coefficients[j - 1] : 0) - at[i] * coefficients[j];
    }
}

static const double f5_points[6] = {WINO5_A, -WINO5_A, WINO5_B, -WINO5_B, WINO5_C, -WINO5_C};

static void input_1d_5(const double *d, int step, double *t, int t_step)
{
    for (int k = 0; k < 7; k++) {
        double coefficients[7];
        basis(f5_points, 6, k, coefficients);
        t[k * t_step] = 0;
        for (int j = 0; j < 7; j++)
            t[k * t_step] += coefficients[j] * d[j * step];
    }
}

static void output_1d_5(const double *m, int step, double *y, int y_step)
{
    for (int i = 0; i < 5; i++) {
        double sum = i == 4 ? m[6 * step] : 0;
        for (int k = 0; k < 6; k++)
            sum += pow(f5_points[k], i) * m[k * step];
        y[i * y_step] = sum;
    }
}

/* Stride 2: points for the odd taps, the even pixels as they are. */
static const double s2_points[4] = {0, 1, WINO_P, WINO_Q};

static void input_1d_s2(const double *d, int step, double *t, int t_step)
{
    for (int k = 0; k < 5; k++) {
        double coefficients[5];
        basis(s2_points, 4, k, coefficients);
        t[k * t_step] = 0;
        for (int j = 0; j < 5; j++)
            t[k * t_step] += coefficients[j] * d[2 * j * step];
    }
    for (int k = 0; k < 4; k++)
        t[(5 + k) * t_step] = d[(2 * k + 1) * step];
}

static void output_1d_s2(const double *m, int step, double *y, int y_step)
{
    for (int i = 0; i < 4; i++) {
        double sum = m[(5 + i) * step] + (i == 3 ? m[4 * step] : 0);
        for (int k = 0; k < 4; k++)
            sum += pow(s2_points[k], i) * m[k * step];
        y[i * y_step] = sum;
    }
}

typedef void wino_1d(const double *from, int step, double *to, int to_step);

static void input_form(const struct wino_input *t, int side, wino_1d *transform)
{
    for (int c = 0; c < t->channels; c++) {
        double d[WINO_SIDE_MOST * WINO_SIDE_MOST], x[WINO_SIDE_MOST * WINO_SIDE_MOST];
        for (int i = 0; i < side * side; i++)
            d[i] = t->src[i][t->offset + (size_t)c];
        for (int i = 0; i < side; i++)
            transform(d + i, side, x + i, side);
        for (int i = 0; i < side; i++)
            transform(x + side * i, 1, d + side * i, 1);
        for (int i = 0; i < side * side; i++)
            t->v[(size_t)i * t->stride + (size_t)c] = (float)d[i];
    }
}

static void wino_input_s1(const struct wino_input *t)
{
    input_form(t, WINO_SIDE_S1, input_1d);
}

static void wino_input_s1_5(const struct wino_input *t)
{
    input_form(t, WINO_SIDE_S1_5, input_1d_5);
}

static void wino_input_s2(const struct wino_input *t)
{
    input_form(t, WINO_SIDE_S2, input_1d_s2);
}

static void wino_input_pooled(const struct wino_input *t)
{
    enum { SIDE = WINO_SIDE_S2, FROM = WINO_SIDE_POOLED };
    for (int c = 0; c < t->channels; c++) {
        double d[SIDE * SIDE], x[SIDE * SIDE];
        for (int i = 0; i < SIDE * SIDE; i++) {
            const float *const *from = t->src + i / SIDE * FROM + i % SIDE;
            const size_t at = t->offset + (size_t)c;
            d[i] = t->factors[i] * ((double)from[0][at] + from[1][at] + from[FROM][at] + from[FROM + 1][at]);
        }
        for (int i = 0; i < SIDE; i++)
            input_1d_s2(d + i, SIDE, x + i, SIDE);
        for (int i = 0; i < SIDE; i++)
            input_1d_s2(x + SIDE * i, 1, d + SIDE * i, 1);
        for (int i = 0; i < SIDE * SIDE; i++)
            t->v[(size_t)i * t->stride + (size_t)c] = (float)d[i];
    }
}

static void output_form(const struct wino_output *t, int side, int out, wino_1d *transform)
{
    for (int c = 0; c < t->n; c++) {
        double m[WINO_SIDE_MOST * WINO_SIDE_MOST], x[WINO_OUT_MOST * WINO_SIDE_MOST];
        double y[WINO_OUT_MOST * WINO_OUT_MOST];
        for (int i = 0; i < side * side; i++)
            m[i] = t->m[(size_t)i * t->stride + (size_t)c];
        for (int i = 0; i < side; i++)
            transform(m + i, side, x + i, side);
        for (int i = 0; i < out; i++)
            transform(x + side * i, 1, y + out * i, 1);
        for (int i = 0; i < out * out; i++) {
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

static void wino_output_s1(const struct wino_output *t)
{
    output_form(t, WINO_SIDE_S1, 4, output_1d);
}

static void wino_output_s1_5(const struct wino_output *t)
{
    output_form(t, WINO_SIDE_S1_5, 5, output_1d_5);
}

static void wino_output_s2(const struct wino_output *t)
{
    output_form(t, WINO_SIDE_S2, 4, output_1d_s2);
}

const struct winograd_kernel winograd__c = {
    {"winograd F(4x4) c", "winograd F(5x5) c", "winograd s2 F(4x4) c", "winograd pooled s2 F(4x4) c"},
    {wino_input_s1, wino_input_s1_5, wino_input_s2, wino_input_pooled},
    {wino_output_s1, wino_output_s1_5, wino_output_s2, wino_output_s2}};
