/* Plain C Winograd transforms. */
#include "kernels/c/conv_inline.h"

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

/* F(5x5): rows +p and -p of B^T; q and r are the other points */
static void input_pair(const double *d, int step, double p, double q, double r, double *t, int t_step)
{
    const double sum = q * q + r * r, product = q * q * r * r;
    const double even = product * d[0] - sum * d[2 * step] + d[4 * step];
    const double odd = product * d[step] - sum * d[3 * step] + d[5 * step];
    t[0] = odd + p * even;
    t[t_step] = odd - p * even;
}

static void input_1d_5(const double *d, int step, double *t, int t_step)
{
    const double a = WINO5_A, b = WINO5_B, c = WINO5_C, a2 = a * a, b2 = b * b, c2 = c * c;
    input_pair(d, step, a, b, c, t, t_step);
    input_pair(d, step, b, a, c, t + 2 * t_step, t_step);
    input_pair(d, step, c, a, b, t + 4 * t_step, t_step);
    t[6 * t_step] =
        d[6 * step] - (a2 + b2 + c2) * d[4 * step] + (a2 * b2 + a2 * c2 + b2 * c2) * d[2 * step] - a2 * b2 * c2 * d[0];
}

static void output_1d_5(const double *m, int step, double *y, int y_step)
{
    const double points[6] = {WINO5_A, -WINO5_A, WINO5_B, -WINO5_B, WINO5_C, -WINO5_C};
    double power[6] = {1, 1, 1, 1, 1, 1};
    for (int i = 0; i < 5; i++) {
        double sum = i == 4 ? m[6 * step] : 0;
        for (int k = 0; k < 6; k++) {
            sum += power[k] * m[k * step];
            power[k] *= points[k];
        }
        y[i * y_step] = sum;
    }
}

/* Stride 2, from the definition: a Lagrange basis over the points for the odd taps. */
static const double s2_points[4] = {0, 1, WINO_P, WINO_Q};

static void input_1d_s2(const double *d, int step, double *t, int t_step)
{
    for (int k = 0; k < 5; k++) { /* coefficients of M / (x - point), of M for infinity, lowest first */
        double basis[5] = {1};
        for (int i = 0, degree = 0; i < 4; i++) {
            if (i == k)
                continue;
            degree++;
            for (int j = degree; j >= 0; j--)
                basis[j] = (j ? basis[j - 1] : 0) - s2_points[i] * basis[j];
        }
        t[k * t_step] = 0;
        for (int j = 0; j < 5; j++)
            t[k * t_step] += basis[j] * d[2 * j * step];
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
            d[i] = map_value(t->src[i], t->offset + (size_t)c, t->bf16);
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
            d[i] = t->factors[i] * ((double)map_value(from[0], at, t->bf16) + map_value(from[1], at, t->bf16) +
                                    map_value(from[FROM], at, t->bf16) + map_value(from[FROM + 1], at, t->bf16));
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
            const size_t at = t->dst_offset + (size_t)c;
            float value = (float)y[i];
            if (t->bias)
                value += t->bias[c];
            if (t->accumulate)
                value += map_value(t->dst[i], at, t->dst_bf16);
            value = activate(value, t->act);
            if (t->residual)
                value += map_value(t->residual[i], t->residual_offset + (size_t)c, t->residual_bf16);
            map_put(t->dst[i], at, value, t->dst_bf16);
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

KERNEL_TABLE(winograd,
             c) = {{"winograd F(4x4) c", "winograd F(5x5) c", "winograd s2 F(4x4) c", "winograd pooled s2 F(4x4) c"},
                   {wino_input_s1, wino_input_s1_5, wino_input_s2, wino_input_pooled},
                   {wino_output_s1, wino_output_s1_5, wino_output_s2, wino_output_s2},
                   ACTS_ALL};
