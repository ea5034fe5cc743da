/* Checks of the weight gradient's tile and of Strassen's algorithm. */
#include "kernels/bf16_inline.h"
#include "kernels/check.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_PIXELS = 64, MOST_PAIRS = 16 };

void check_wgrad_tile(struct kernel_check *c, const struct wgrad_tile_kernel *tested)
{
    for (int round = 0; round < c->cases; round++) {
        struct wgrad_tile t = {.pixels = 1 + check_below(c, MOST_PIXELS), .a_offset = (size_t)check_below(c, 20)};
        const float *a[MOST_PIXELS];
        do
            t.nv = 1 + check_below(c, tested->nv_max);
        while (!tested->mr[t.nv]);
        const int width = t.nv * tested->vl;
        t.m = 1 + check_below(c, tested->mr[t.nv]);
        t.n = width - (check_below(c, 2) ? check_below(c, tested->vl) : 0);
        t.b_stride = (size_t)(t.n + check_below(c, 20));
        t.c_stride = (size_t)(width + 16 * check_below(c, 2));
        const size_t a_step = t.a_offset + (size_t)(t.m + check_below(c, 20));
        float *map = check_floats(c, (size_t)(t.pixels - 1) * a_step + t.a_offset + (size_t)t.m);
        for (int p = 0; p < t.pixels; p++)
            a[p] = map + (size_t)p * a_step;
        t.a = a;
        t.b = check_floats(c, (size_t)(t.pixels - 1) * t.b_stride + (size_t)t.n);
        t.c = check_floats(c, (size_t)t.m * t.c_stride);
        const float *before = check_copy(c, t.c, (size_t)t.m * t.c_stride);
        tested->run(&t);
        for (int i = 0; i < t.m; i++) {
            for (int j = 0; j < t.n; j++) {
                double sum = (double)before[(size_t)i * t.c_stride + (size_t)j], absolute = fabs(sum) + 1e-3;
                for (int p = 0; p < t.pixels; p++) {
                    const double term =
                        (double)a[p][t.a_offset + (size_t)i] * (double)t.b[(size_t)p * t.b_stride + (size_t)j];
                    sum += term;
                    absolute += fabs(term);
                }
                check_compare(c, (double)t.c[(size_t)i * t.c_stride + (size_t)j], sum, absolute, "a tile");
            }
            check_equal(c, t.c + (size_t)i * t.c_stride + width, before + (size_t)i * t.c_stride + width,
                        (t.c_stride - (size_t)width) * sizeof *t.c, "neighbours are overwritten");
        }
        check_release(c);
    }
}

/* Pixels with a guarded end, as pairs: what plain C makes of them. */
static void check_pairs(struct kernel_check *c, const struct wgrad_bf16_kernel *k)
{
    const float *src[MOST_PIXELS];
    struct pair_run r = {.src = src, .offset = (size_t)check_below(c, 20), .pixels = 1 + check_below(c, MOST_PIXELS)};
    r.c = 1 + check_below(c, 70);
    r.width = check_below(c, 2) ? r.c : (r.c + 15) / 16 * 16;
    r.dst_pair = (size_t)(r.width + check_below(c, 20));
    const size_t step = r.offset + (size_t)(r.c + check_below(c, 20));
    const float *map = check_floats(c, (size_t)(r.pixels - 1) * step + r.offset + (size_t)r.c);
    for (int i = 0; i < r.pixels; i++)
        src[i] = map + (size_t)i * step;
    const size_t words = (size_t)((r.pixels + 1) / 2 - 1) * r.dst_pair + (size_t)r.width;
    float *got = r.dst = check_filled(c, words, 5);
    k->pairs(&r);
    float *want = r.dst = check_filled(c, words, 5);
    wgrad_bf16__c.pairs(&r);
    check_equal(c, got, want, words * sizeof *got, "pairs");
    for (int i = 0; i < r.c; i++) { /* what the oracle says is what the slot says */
        const uint16_t *word = (const uint16_t *)(want + i);
        check_true(c, word[0] == bf16_of(src[0][r.offset + (size_t)i]), "the first of a pair");
        check_true(c, word[1] == (r.pixels > 1 ? bf16_of(src[1][r.offset + (size_t)i]) : 0), "the second of a pair");
    }
}

void check_wgrad_bf16(struct kernel_check *c, const struct wgrad_bf16_kernel *tested)
{
    const struct wgrad_tile_kernel *k = tested->tile;
    for (int round = 0; round < c->cases; round++) {
        struct wgrad_tile t = {.pixels = 1 + check_below(c, MOST_PIXELS), .a_offset = (size_t)check_below(c, 20)};
        const float *a[MOST_PIXELS];
        do
            t.nv = 1 + check_below(c, k->nv_max);
        while (!k->mr[t.nv]);
        const int width = t.nv * k->vl;
        t.m = 1 + check_below(c, k->mr[t.nv]);
        t.n = width - (check_below(c, 2) ? check_below(c, k->vl) : 0);
        t.b_stride = (size_t)(t.n + check_below(c, 20));
        t.c_stride = (size_t)width;
        const size_t a_step = t.a_offset + (size_t)t.m;
        const float *map = check_halves(c, (size_t)t.pixels * a_step);
        for (int p = 0; p < t.pixels; p++)
            a[p] = map + (size_t)p * a_step;
        t.a = a;
        t.b = check_halves(c, (size_t)(t.pixels - 1) * t.b_stride + (size_t)t.n);
        t.c = check_floats(c, (size_t)t.m * t.c_stride);
        const float *before = check_copy(c, t.c, (size_t)t.m * t.c_stride);
        k->run(&t);
        for (int i = 0; i < t.m; i++) {
            for (int j = 0; j < t.n; j++) {
                double sum = (double)before[(size_t)i * t.c_stride + (size_t)j], absolute = fabs(sum) + 1e-3;
                for (int p = 0; p < 2 * t.pixels; p++) {
                    const float *x = a[p / 2] + t.a_offset + i, *y = t.b + (size_t)(p / 2) * t.b_stride + j;
                    const double term = (double)bf16_value(((const uint16_t *)x)[p % 2]) *
                                        (double)bf16_value(((const uint16_t *)y)[p % 2]);
                    sum += term;
                    absolute += fabs(term);
                }
                check_compare(c, (double)t.c[(size_t)i * t.c_stride + (size_t)j], sum, absolute, "a tile");
            }
        }
        check_pairs(c, tested);
        check_release(c);
    }
}

static void check_sums(struct kernel_check *c, const struct strassen_kernel *k)
{
    struct strassen_sums t = {.pairs = 1 + check_below(c, MOST_PAIRS), .half = 16 * (1 + check_below(c, 3))};
    const float *rows[2][MOST_PAIRS];
    for (int row = 0; row < 2; row++) {
        const size_t step = (size_t)(2 * t.half + check_below(c, 20));
        float *map = check_floats(c, (size_t)(t.pairs - 1) * step + (size_t)(2 * t.half));
        for (int i = 0; i < t.pairs; i++)
            rows[row][i] = map + (size_t)i * step;
    }
    float *q = check_floats(c, (size_t)t.half);
    for (int i = 0; i < t.half; i++)
        q[i] = ldexpf(1, check_below(c, 9) - 4);
    t.top = rows[0], t.bottom = rows[1], t.q = q;
    t.stride = (size_t)(STRASSEN_SUMS * t.half + 16 * check_below(c, 2));
    t.sums = check_floats(c, (size_t)t.pairs * t.stride);
    k->sums(&t);
    for (int i = 0; i < t.pairs; i++) {
        for (int n = 0; n < t.half; n++) {
            const double a11 = (double)rows[0][i][n], a12 = (double)rows[0][i][t.half + n];
            const double a21 = (double)rows[1][i][n], a22 = (double)rows[1][i][t.half + n], by = (double)q[n];
            const double want[STRASSEN_SUMS] = {a11 + a22 * by, a12 - a22, a21 - a11, a11 + a12 * by, a21 + a22 * by};
            const double absolute = fabs(a11) + fabs(a21) + (fabs(a12) + fabs(a22)) * (1 + by);
            for (int s = 0; s < STRASSEN_SUMS; s++)
                check_compare(c, (double)t.sums[(size_t)i * t.stride + (size_t)(s * t.half + n)], want[s], absolute,
                              "Strassen's sums");
        }
    }
}

struct strassen_case {
    struct strassen_tile t;
    const float *a[STRASSEN_PRODUCTS * (MOST_PAIRS + 2)], *addend[2][MOST_PAIRS];
    float *dst[2][MOST_PAIRS];
};

static void strassen_make(struct kernel_check *c, const struct strassen_kernel *k, struct strassen_case *s)
{
    struct strassen_tile *t = &s->t;
    const size_t width = (size_t)k->width, row = 2 * width + 37;
    t->m = 1 + check_below(c, k->mr);
    t->half = 16 * (1 + check_below(c, 4));
    t->act = (enum act)check_below(c, ACT_COUNT);
    t->a_stride = (size_t)(t->m + check_below(c, 3));
    float *factors = check_floats(c, (size_t)(STRASSEN_PRODUCTS * t->m * t->half));
    for (int p = 0; p < STRASSEN_PRODUCTS; p++)
        for (int i = 0; i < t->m; i++)
            s->a[(size_t)p * t->a_stride + (size_t)i] = factors + (size_t)((p * t->m + i) * t->half);
    t->a = s->a;
    t->b = check_floats(c, STRASSEN_PRODUCTS * (size_t)t->half * width);
    float *right = check_floats(c, width);
    for (size_t j = 0; j < width; j++)
        right[j] = ldexpf(1, check_below(c, 9) - 4);
    t->right = right;
    for (int half = 0; half < 2; half++) {
        t->bias[half] = check_below(c, 2) ? check_floats(c, width) : NULL;
        t->column[half] = (size_t)half * (width + 20) + (size_t)check_below(c, 17);
    }
    for (int r = 0; r < 2; r++) {
        float *dst = check_filled(c, (size_t)t->m * row, NAN), *addend = check_floats(c, (size_t)t->m * row);
        for (int i = 0; i < t->m; i++) {
            s->dst[r][i] = dst + (size_t)i * row;
            s->addend[r][i] = addend + (size_t)i * row;
        }
        t->dst[r] = s->dst[r];
        t->addend[r] = check_below(c, 2) ? s->addend[r] : NULL;
        t->next[r] = check_below(c, 2) ? s->addend[r] : NULL;
    }
}

/* The products of pair i and column j, and in absolute[] the sums of the absolute values of their terms. */
static void products_of(const struct strassen_tile *t, int width, int i, int j, double *product, double *absolute)
{
    for (int p = 0; p < STRASSEN_PRODUCTS; p++) {
        product[p] = absolute[p] = 0;
        for (int n = 0; n < t->half; n++) {
            const double term = (double)t->a[(size_t)p * t->a_stride + (size_t)i][n] *
                                (double)t->b[(size_t)((p * t->half + n) * width + j)];
            product[p] += term;
            absolute[p] += fabs(term);
        }
    }
}

static void strassen_compare(struct kernel_check *c, const struct strassen_tile *t, int width, int i, int j)
{
    static const int signs[2][2][STRASSEN_PRODUCTS] = {
        {{[STRASSEN_P1] = 1, [STRASSEN_P7] = 1, [STRASSEN_P5] = -1, [STRASSEN_P4] = 1},
         {[STRASSEN_P3] = 1, [STRASSEN_P5] = 1}},
        {{[STRASSEN_P2] = 1, [STRASSEN_P4] = 1},
         {[STRASSEN_P1] = 1, [STRASSEN_P6] = 1, [STRASSEN_P3] = 1, [STRASSEN_P2] = -1}}};
    double product[STRASSEN_PRODUCTS], absolute[STRASSEN_PRODUCTS];
    products_of(t, width, i, j, product, absolute);
    for (int row = 0; row < 2; row++) {
        for (int half = 0; half < 2; half++) {
            const double scale = half ? (double)t->right[j] : 1, bias = t->bias[half] ? (double)t->bias[half][j] : 0;
            const size_t column = t->column[half] + (size_t)j;
            const double addend = t->addend[row] ? (double)t->addend[row][i][column] : 0;
            double sum = bias + addend, all = fabs(bias) + fabs(addend) + 1e-3;
            for (int p = 0; p < STRASSEN_PRODUCTS; p++) {
                sum += signs[row][half][p] * product[p] * scale;
                all += abs(signs[row][half][p]) * absolute[p] * scale;
            }
            check_compare(c, (double)t->dst[row][i][column], act_exact(sum, t->act), all, "Strassen's tile");
        }
    }
}

void check_strassen(struct kernel_check *c, const struct strassen_kernel *tested)
{
    for (int round = 0; round < c->cases; round++) {
        struct strassen_case s = {0};
        check_sums(c, tested);
        strassen_make(c, tested, &s);
        tested->tile(&s.t);
        for (int i = 0; i < s.t.m; i++)
            for (int j = 0; j < tested->width; j++)
                strassen_compare(c, &s.t, tested->width, i, j);
        check_release(c);
    }
}
