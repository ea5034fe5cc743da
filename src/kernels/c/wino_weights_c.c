/* Plain C: Winograd's side of the weights. */
#include "kernels/slots.h"

enum { VL = 16 };

/* M'(p) of the points, in order; the last one is infinity */
static void points(double p[6], double slope[6])
{
    const double a = WINO_A, b = WINO_B, a2 = a * a, b2 = b * b;
    const double at[6] = {0, a, -a, b, -b, 0};
    const double m[6] = {a2 * b2, 2 * a2 * (a2 - b2), 2 * a2 * (a2 - b2), 2 * b2 * (b2 - a2), 2 * b2 * (b2 - a2), 1};
    for (int i = 0; i < 6; i++) {
        p[i] = at[i];
        slope[i] = m[i];
    }
}

static double power(double x, int n)
{
    double y = 1;
    for (int i = 0; i < n; i++)
        y *= x;
    return y;
}

/* Row i of a matrix whose row for a point p is (1, p, .. p^(n-1)), and (0, .. 0, 1) for infinity. */
static void vandermonde(double *matrix, int n)
{
    double p[6], slope[6];
    points(p, slope);
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < n; k++)
            matrix[i * n + k] = i < 5 ? power(p[i], k) : k == n - 1;
}

/* u = G g G^T, `matrix` is G, of `side` rows */
static void pack_form(const struct wino_pack *t, int side, const double *matrix)
{
    for (int c = 0; c < t->columns; c++)
        for (int i = 0; i < side; i++)
            for (int j = 0; j < side; j++) {
                double sum = 0;
                for (int y = 0; y < 3; y++)
                    for (int x = 0; x < 3; x++)
                        sum += matrix[i * 3 + y] * matrix[j * 3 + x] *
                               (double)t->g[(size_t)(y * 3 + x) * t->g_stride + (size_t)c];
                t->u[(size_t)(i * side + j) * t->stride + (size_t)c] = (float)sum;
            }
}

static void wino_pack_s1(const struct wino_pack *t)
{
    double p[6], slope[6], v[18];
    points(p, slope);
    vandermonde(v, 3);
    for (int i = 0; i < 18; i++)
        v[i] /= slope[i / 3];
    pack_form(t, 6, v);
}

/* M'(p[i]) over n points */
static double slope_at(const double *p, int n, int i)
{
    double slope = 1;
    for (int j = 0; j < n; j++)
        slope *= i == j ? 1 : p[i] - p[j];
    return slope;
}

static void wino_pack_s1_5(const struct wino_pack *t)
{
    const double p[6] = {WINO5_A, -WINO5_A, WINO5_B, -WINO5_B, WINO5_C, -WINO5_C};
    double matrix[21] = {[6 * 3 + 2] = 1};
    for (int i = 0; i < 6; i++) {
        const double slope = slope_at(p, 6, i);
        for (int k = 0; k < 3; k++)
            matrix[i * 3 + k] = power(p[i], k) / slope;
    }
    pack_form(t, 7, matrix);
}

static void wino_pack_s2(const struct wino_pack *t)
{
    const double p[4] = {0, 1, WINO_P, WINO_Q};
    double matrix[18] = {[4 * 3 + 2] = 1, [5 * 3 + 1] = 1}; /* infinity: the last tap; then the middle one */
    for (int i = 0; i < 4; i++) {
        const double slope = slope_at(p, 4, i);
        matrix[i * 3] = 1 / slope;
        matrix[i * 3 + 2] = p[i] / slope;
    }
    pack_form(t, 6, matrix);
}

static void wino_spread_run(const struct wino_spread *t)
{
    double v[24];
    vandermonde(v, 4);
    for (int c = 0; c < t->channels; c++)
        for (int i = 0; i < 6; i++)
            for (int j = 0; j < 6; j++) {
                double sum = 0;
                for (int y = 0; y < 4; y++)
                    for (int x = 0; x < 4; x++)
                        sum += v[i * 4 + y] * v[j * 4 + x] * (double)t->src[y * 4 + x][t->offset + (size_t)c];
                t->e[(size_t)(i * 6 + j) * t->stride + (size_t)c] = (float)sum;
            }
}

static void wino_reduce_run(const struct wino_reduce *t)
{
    double p[6], slope[6], v[18];
    points(p, slope);
    vandermonde(v, 3);
    for (int c = 0; c < t->columns; c++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++) {
                double sum = 0;
                for (int i = 0; i < 6; i++)
                    for (int j = 0; j < 6; j++) {
                        const float *from = t->m + (size_t)(i * 6 + j) * t->stride + c;
                        double m = 0;
                        for (int part = 0; part < t->parts; part++)
                            m += (double)from[(size_t)part * t->part_stride];
                        sum += v[i * 3 + y] * v[j * 3 + x] / (slope[i] * slope[j]) * m;
                    }
                t->g[(size_t)(y * 3 + x) * t->g_stride + (size_t)c] = (float)sum;
            }
}

KERNEL_TABLE(wino_weights, c) = {
    "c", VL, {wino_pack_s1, wino_pack_s1_5, wino_pack_s2, wino_pack_s2}, wino_spread_run, wino_reduce_run};
