/* Plain C convolution tiles: the oracle of every other variant. */
#include "kernels/c/conv_inline.h"

enum { VL = 16 };

static void conv_tile_pixel(const struct conv_tile *t, int i)
{
    float acc[VL] = {0};
    const float *b = t->b;
    for (int tap = 0; tap < t->taps; tap++) {
        const float *a = conv_tile_source(t, tap, i);
        for (int c = 0; c < t->k; c++, b += VL) {
            for (int j = 0; j < VL; j++)
                acc[j] += a[c] * b[j];
        }
    }
    for (int j = 0; j < t->n; j++)
        conv_tile_finish(t, i, j, acc[j]);
}

static void conv_tile_run(const struct conv_tile *t)
{
    struct conv_tile one = *t;
    for (int tile = 0; tile <= t->more; tile++) {
        for (int i = 0; i < t->m; i++)
            conv_tile_pixel(&one, i);
        one.a_offset += t->a_next;
        one.b += t->k * VL;
        one.dst_offset += t->dst_next;
    }
}

KERNEL_TABLE(conv_tile, c) = {"c", conv_tile_run, VL, 1, 1, {0, 8}, ACTS_ALL};

static void wgrad_tile_run(const struct wgrad_tile *t)
{
    for (int i = 0; i < t->m; i++) {
        float acc[VL] = {0};
        for (int p = 0; p < t->pixels; p++) {
            float a = t->a[p][t->a_offset + (size_t)i];
            const float *b = t->b + (size_t)p * t->b_stride;
            for (int j = 0; j < t->n; j++)
                acc[j] += a * b[j];
        }
        for (int j = 0; j < t->n; j++)
            t->c[(size_t)i * t->c_stride + (size_t)j] += acc[j];
    }
}

KERNEL_TABLE(wgrad_tile, c) = {"c", wgrad_tile_run, VL, 1, 1, {0, 8}};

static void strassen_sums(const struct strassen_sums *t)
{
    for (int i = 0; i < t->pairs; i++) {
        const float *a11 = t->top[i], *a12 = a11 + t->half, *a21 = t->bottom[i], *a22 = a21 + t->half;
        float *to = t->sums + (size_t)i * t->stride;
        for (int c = 0; c < t->half; c++, to++) {
            to[0] = a11[c] + a22[c] * t->q[c];
            to[t->half] = a12[c] - a22[c];
            to[2 * t->half] = a21[c] - a11[c];
            to[3 * t->half] = a11[c] + a12[c] * t->q[c];
            to[4 * t->half] = a21[c] + a22[c] * t->q[c];
        }
    }
}

/* One pair of pixels. */
static void strassen_pair(const struct strassen_tile *t, int i)
{
    float p[STRASSEN_PRODUCTS][VL] = {{0}};
    const float *b = t->b;
    for (int step = 0; step < STRASSEN_PRODUCTS; step++) {
        const float *a = t->a[(size_t)step * t->a_stride + (size_t)i];
        for (int c = 0; c < t->half; c++, b += VL) {
            for (int j = 0; j < VL; j++)
                p[step][j] += a[c] * b[j];
        }
    }
    for (int j = 0; j < VL; j++) {
        const float p1 = p[STRASSEN_P1][j], p2 = p[STRASSEN_P2][j], p3 = p[STRASSEN_P3][j], p4 = p[STRASSEN_P4][j];
        const float p5 = p[STRASSEN_P5][j], p6 = p[STRASSEN_P6][j], p7 = p[STRASSEN_P7][j], right = t->right[j];
        const float c[2][2] = {{p1 + p7 - p5 + p4, (p3 + p5) * right}, {p2 + p4, (p1 + p6 + p3 - p2) * right}};
        for (int row = 0; row < 2; row++) {
            for (int half = 0; half < 2; half++) {
                const size_t column = t->column[half] + (size_t)j;
                const float more = t->addend[row] ? t->addend[row][i][column] : 0;
                t->dst[row][i][column] = activate(c[row][half] + (t->bias[half] ? t->bias[half][j] : 0) + more, t->act);
            }
        }
    }
}

static void strassen_tile_run(const struct strassen_tile *t)
{
    for (int i = 0; i < t->m; i++)
        strassen_pair(t, i);
}

KERNEL_TABLE(strassen, c) = {"strassen c", 8, VL, strassen_sums, strassen_tile_run, ACTS_ALL};
