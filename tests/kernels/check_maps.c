/* Checks of batch normalisation with activation, of the class loss, of GELU and of pooling, against plain C. */
#include "core/status.h"
#include "kernels/c/map_inline.h"
#include "kernels/check.h"
#include "kernels/pool_inline.h"

#include <math.h>
#include <string.h>

enum { BN_SUMS = 2 * MAX_BN_SRC + 1 };

/* --- bn_act --- */

struct bn_case {
    struct bn_run run;
    size_t maps, sums; /* floats of a map, doubles of all sums */
    float *start;      /* of dst, d_dst and d_src before the kernel */
};

static float *channel_floats(struct kernel_check *c, int channels)
{
    return check_floats(c, (size_t)(channels + 15) / 16 * 16);
}

static void bn_make(struct kernel_check *c, struct bn_case *s)
{
    struct bn_run *r = &s->run;
    r->n_src = 1 + check_below(c, MAX_BN_SRC);
    r->pixels = 1 + check_below(c, 40);
    r->c = 1 + check_below(c, 70);
    r->act = (enum act)check_below(c, ACT_COUNT);
    const size_t stride = (size_t)(r->c + check_below(c, 20));
    s->maps = (size_t)(r->pixels - 1) * stride + (size_t)r->c;
    for (int i = 0; i < r->n_src; i++) {
        r->src[i] = check_floats(c, s->maps);
        r->src_stride[i] = r->d_src_stride[i] = stride;
        r->mean[i] = channel_floats(c, r->c);
        r->scale[i] = channel_floats(c, r->c);
        r->shift[i] = r->slope[i] = NULL;
        if (check_below(c, 2)) {
            r->shift[i] = channel_floats(c, r->c);
            r->slope[i] = channel_floats(c, r->c);
        }
        r->add[i] = check_below(c, 2);
    }
    r->beta = channel_floats(c, r->c);
    r->residual = check_below(c, 2) ? check_floats(c, s->maps) : NULL;
    r->residual_stride = r->dst_stride = r->d_dst_stride = stride;
    r->sum_stride = (size_t)(r->c + 15) / 16 * 16;
    s->sums = BN_SUMS * r->sum_stride;
    s->start = check_floats(c, s->maps);
}

/* The sum of the absolute values of what makes z of pixel p, channel k. */
static double z_terms(const struct bn_run *r, int p, int k, double *z)
{
    double absolute = fabs((double)r->beta[k]);
    *z = (double)r->beta[k];
    for (int i = 0; i < r->n_src; i++) {
        const double term = ((double)r->src[i][(size_t)p * r->src_stride[i] + (size_t)k] - (double)r->mean[i][k]) *
                            (double)r->scale[i][k];
        *z += term;
        absolute += fabs(term);
    }
    return absolute;
}

static void compare_sums(struct kernel_check *c, const struct bn_case *s, int rows, const double *got,
                         const double *want, double most, const char *where)
{
    for (int row = 0; row < rows; row++)
        for (int k = 0; k < s->run.c; k++) {
            const size_t at = (size_t)row * s->run.sum_stride + (size_t)k;
            check_compare(c, got[at], want[at], most * s->run.pixels, where);
        }
}

static double *doubles(struct kernel_check *c, size_t count)
{
    return (double *)(void *)check_filled(c, 2 * count, NAN);
}

static void check_statistics(struct kernel_check *c, const struct bn_act_kernel *k, struct bn_case *s)
{
    struct bn_run *r = &s->run;
    double *got = r->sum = doubles(c, s->sums);
    k->statistics(r);
    double *want = r->sum = doubles(c, s->sums);
    bn_act__c.statistics(r);
    compare_sums(c, s, 2 * r->n_src, got, want, 1, "statistics");
}

static void check_forward(struct kernel_check *c, const struct bn_act_kernel *k, struct bn_case *s)
{
    struct bn_run *r = &s->run;
    float *got = r->dst = check_copy(c, s->start, s->maps);
    k->forward(r);
    for (size_t i = 0; i < s->maps; i++) {
        const int p = (int)(i / r->dst_stride), channel = (int)(i % r->dst_stride);
        double z, absolute = 0, want = (double)s->start[i]; /* between the pixels it stays */
        if (channel < r->c) {
            const double residual = r->residual ? (double)r->residual[i] : 0;
            absolute = 1e-3 + z_terms(r, p, channel, &z) + fabs(residual);
            want = act_exact(z, r->act) + residual;
        }
        check_compare(c, (double)got[i], want, absolute, "forward");
    }
}

/* d_sums, then backward from what it made. */
static void check_backward(struct kernel_check *c, const struct bn_act_kernel *k, struct bn_case *s)
{
    struct bn_run *r = &s->run;
    float *d_got = r->d_dst = check_copy(c, s->start, s->maps);
    double *got = r->sum = doubles(c, s->sums);
    k->d_sums(r);
    float *d_want = r->d_dst = check_copy(c, s->start, s->maps);
    double *want = r->sum = doubles(c, s->sums);
    bn_act__c.d_sums(r);
    double most = 1e-3;
    bool jumps = false; /* the derivative, somewhere */
    for (size_t i = 0; i < s->maps; i++) {
        const int p = (int)(i / r->dst_stride), channel = (int)(i % r->dst_stride);
        double z, absolute = 0, want_d = (double)s->start[i];
        if (channel < r->c) {
            absolute = fabs((double)s->start[i]) * (1 + z_terms(r, p, channel, &z)) + 1e-6;
            if (act_jumps(z, 1e-5, r->act)) {
                jumps = true;
                continue;
            }
        }
        if (channel < r->c)
            want_d *= act_exact_derivative(z, r->act);
        most = fmax(most, absolute * 10); /* times (src - mean) */
        check_compare(c, (double)d_got[i], want_d, absolute, "d_z");
    }
    if (!jumps)
        compare_sums(c, s, 1 + r->n_src, got, want, most, "sums of d_z");
    for (int i = 0; i < r->n_src; i++)
        r->d_src[i] = check_copy(c, s->start, s->maps);
    k->backward(r);
    float *d_src[MAX_BN_SRC];
    for (int i = 0; i < r->n_src; i++) {
        d_src[i] = r->d_src[i];
        r->d_src[i] = check_copy(c, s->start, s->maps);
    }
    bn_act__c.backward(r);
    for (int n = 0; n < r->n_src; n++) {
        for (size_t i = 0; i < s->maps; i++) {
            const size_t channel = i % r->dst_stride;
            double absolute = 0;
            if (channel < (size_t)r->c) {
                absolute = 1e-3 + fabs((double)(r->scale[n][channel] * d_want[i])) + fabs((double)s->start[i]);
                if (r->slope[n])
                    absolute += fabs((double)r->shift[n][channel]) +
                                fabs((double)((r->src[n][i] - r->mean[n][channel]) * r->slope[n][channel]));
            }
            check_compare(c, (double)d_src[n][i], (double)r->d_src[n][i], absolute, "backward");
        }
    }
}

/* Where derivatives jump, far away, and NaN: z is exactly the source. */
static void check_points(struct kernel_check *c, const struct bn_act_kernel *k, enum act act)
{
    static const float points[] = {0, -0.0f, 3, -3, 6, -6, 80, -80, NAN};
    enum { POINTS = COUNT(points), PADDED = (POINTS + 15) / 16 * 16 };
    struct bn_run r = {.n_src = 1, .pixels = 1, .c = POINTS, .act = act, .sum_stride = PADDED};
    float *src = check_filled(c, PADDED, 0), *dst = check_filled(c, POINTS, 5), *d = check_filled(c, POINTS, 2);
    memcpy(src, points, sizeof points);
    r.src[0] = src;
    r.mean[0] = r.beta = check_filled(c, PADDED, 0);
    r.scale[0] = check_filled(c, PADDED, 1);
    r.dst = dst;
    r.d_dst = d;
    r.sum = doubles(c, 2 * PADDED);
    k->forward(&r);
    k->d_sums(&r);
    for (int i = 0; i < POINTS - 1; i++) {
        const double x = (double)points[i];
        check_compare(c, (double)dst[i], act_exact(x, act), 1e-3 + fabs(x), "a value where the derivative jumps");
        check_compare(c, (double)d[i], 2 * act_exact_derivative(x, act), 2 + fabs(x), "a derivative where it jumps");
    }
    check_true(c, isnan(dst[POINTS - 1]), "NaN becomes a number");
}

void check_bn_act(struct kernel_check *c, const struct bn_act_kernel *tested)
{
    for (int act = 0; act < ACT_COUNT; act++)
        check_points(c, tested, (enum act)act);
    check_release(c);
    for (int round = 0; round < c->cases; round++) {
        struct bn_case s = {0};
        bn_make(c, &s);
        check_statistics(c, tested, &s);
        check_forward(c, tested, &s);
        check_backward(c, tested, &s);
        check_release(c);
    }
}

/* --- softplus --- */

void check_softplus(struct kernel_check *c, const struct softplus_kernel *tested)
{
    for (int round = 0; round < c->cases; round++) {
        const size_t n = 1 + (size_t)check_below(c, 700);
        float *x = check_floats(c, n), *d = check_filled(c, n, NAN);
        const float scale = (float)check_below(c, 5);
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            x[i] = check_below(c, 9) ? 8 * x[i] : 60 * x[i];
        const double got = tested->run(x, d, scale, n);
        for (size_t i = 0; i < n; i++) {
            const double e = exp(-fabs((double)x[i])), sigmoid = (x[i] < 0 ? e : 1) / (1 + e);
            sum += fmax((double)x[i], 0) + log1p(e);
            check_compare(c, (double)d[i], (double)scale * sigmoid, (double)scale * sigmoid + 1e-30, "the sigmoid");
        }
        check_compare(c, got, sum, sum, "the sum");
        check_release(c);
    }
}

/* --- gelu --- */

void check_gelu(struct kernel_check *c, const struct gelu_kernel *tested)
{
    static const float far[] = {-INFINITY, -1e30f, -14, -13.2f, -9, -0.0f, 0, 6, 13.3f, 1e30f, INFINITY, NAN};
    for (int round = 0; round < c->cases; round++) {
        const size_t n = 1 + (size_t)check_below(c, 200);
        float *x = check_floats(c, n), *y = check_filled(c, n, NAN);
        const float *d_y = check_floats(c, n), *before = check_floats(c, n);
        const bool add = check_below(c, 2), in_place = !add && check_below(c, 2);
        for (size_t i = 0; i < n; i++)
            x[i] = check_below(c, 20) ? 3 * x[i] : far[check_below(c, COUNT(far))];
        const float *was = check_copy(c, x, n);
        float *d_x = in_place ? x : check_copy(c, before, n);
        tested->forward(x, y, n);
        tested->backward(x, d_y, d_x, add, n);
        for (size_t i = 0; i < n; i++) {
            const double v = (double)was[i], p = 0.5 * erfc(-v * sqrt(0.5)), e = exp(-0.5 * v * v) / sqrt(2 * acos(-1));
            const double first = add ? (double)before[i] : 0, slope = (double)d_y[i] * (p + v * e);
            if (isnan(v) || v == -INFINITY) {
                check_true(c, isnan(y[i]) && isnan(d_x[i]), "what is no number");
                continue;
            }
            if (v == INFINITY) {
                check_true(c, y[i] == INFINITY, "infinity");
                continue;
            }
            const double most = fabs((double)d_y[i]) * (p + fabs(v) * e) + fabs(first);
            check_compare(c, (double)y[i], v * p, fabs(v * p) + 1e-30, "forward");
            check_compare(c, (double)d_x[i], first + slope, most + 1e-30, "backward");
        }
        check_release(c);
    }
}

/* --- pool --- */

static void check_rows(struct kernel_check *c, const struct pool_kernel *k, bool padded)
{
    struct pool_run r = {.k = 1 + check_below(c, 6), .stride = 1 + check_below(c, 3), .c = 1 + check_below(c, 70)};
    r.pad = padded ? check_below(c, r.k) : 0;
    r.width = r.k + check_below(c, 20);
    r.n = (r.width + 2 * r.pad - r.k) / r.stride + 1;
    r.first_ky = padded ? check_below(c, r.k) : 0;
    r.end_ky = padded ? r.first_ky + 1 + check_below(c, r.k - r.first_ky) : r.k;
    r.src_pixel = (size_t)(r.c + check_below(c, 20));
    r.src_row = (size_t)r.width * r.src_pixel;
    r.dst_pixel = (size_t)(r.c + check_below(c, 20));
    r.factor = 1 / (float)(r.k * r.k);
    const size_t floats = (size_t)(r.end_ky - r.first_ky) * r.src_row - (r.src_pixel - (size_t)r.c);
    float *src = check_floats(c, floats);
    for (size_t i = 0; i < floats; i++) /* ties and, where maxima are wanted, NaN */
        src[i] = padded && !check_below(c, 50) ? NAN : padded ? rintf(2 * src[i]) : src[i];
    r.src = src;
    r.src_bf16 = check_below(c, 2);
    r.dst_bf16 = check_below(c, 2);
    for (size_t i = 0; i < floats && r.src_bf16; i++) {
        const uint16_t pair[2] = {bf16_of(src[i]), bf16_of(-src[i])};
        memcpy(&src[i], pair, sizeof pair);
    }
    const size_t dst = (size_t)(r.n - 1) * r.dst_pixel + (size_t)r.c, places = (size_t)(r.n * r.c);
    void (*const tested[])(const struct pool_run *) = {k->max, k->max_place, k->mean};
    void (*const plain[])(const struct pool_run *) = {pool__c.max, pool__c.max_place, pool__c.mean};
    for (int i = padded ? 0 : 2; i < (padded ? 2 : 3); i++) {
        static const char *const names[] = {"max", "max with its place", "mean"};
        float *got = r.dst = check_filled(c, dst, 5);
        float *got_place = check_filled(c, (places + 3) / 4, 0);
        r.place = (unsigned char *)got_place + (places + 3) / 4 * 4 - places;
        tested[i](&r);
        float *want = r.dst = check_filled(c, dst, 5);
        float *want_place = check_filled(c, (places + 3) / 4, 0);
        r.place = (unsigned char *)want_place + (places + 3) / 4 * 4 - places;
        plain[i](&r);
        for (size_t n = 0; n < (r.dst_bf16 ? 2 * dst : dst); n++) { /* NaN of any sign */
            const float x = map_value(got, n, r.dst_bf16), y = map_value(want, n, r.dst_bf16);
            check_true(c, x == y || (isnan(x) && isnan(y)), names[i]);
        }
        check_equal(c, got_place, want_place, (places + 3) / 4 * 4, names[i]);
    }
}

static void check_d_rows(struct kernel_check *c, const struct pool_kernel *k, bool max)
{
    struct pool_d_run r = {.k = 1 + check_below(c, 6), .stride = 1 + check_below(c, 3), .c = 1 + check_below(c, 70)};
    r.pad = max ? check_below(c, r.k / 2 + 1) : 0;
    r.width = r.k + check_below(c, 20);
    r.n = (r.width + 2 * r.pad - r.k) / r.stride + 1;
    const int height = r.k + check_below(c, 8), windows = (height + 2 * r.pad - r.k) / r.stride + 1;
    r.y = check_below(c, height);
    const struct pool_span rows = pool_windows(r.y, r.k, r.stride, r.pad, windows);
    const int count = MAX(rows.end - rows.first, 0);
    r.first_row = rows.first;
    r.end_row = rows.first + count;
    r.add = check_below(c, 2);
    r.factor = 1 / (float)(r.k * r.k);
    r.d_dst_pixel = (size_t)(r.c + check_below(c, 20));
    r.d_dst_row = (size_t)r.n * r.d_dst_pixel;
    r.d_src_pixel = (size_t)(r.c + check_below(c, 20));
    const size_t d_dst = count ? (size_t)count * r.d_dst_row - (r.d_dst_pixel - (size_t)r.c) : 1;
    const size_t places = (size_t)(count * r.n * r.c), d_src = (size_t)(r.width - 1) * r.d_src_pixel + (size_t)r.c;
    r.d_dst = check_floats(c, d_dst);
    unsigned char *place = (unsigned char *)check_filled(c, places / 4 + 1, 0) + (places / 4 + 1) * 4 - places;
    for (size_t i = 0; i < places; i++)
        place[i] = (unsigned char)check_below(c, r.k * r.k);
    r.place = place;
    const float *start = check_floats(c, d_src);
    float *got = r.d_src = check_copy(c, start, d_src);
    (max ? k->d_max : k->d_mean)(&r);
    float *want = r.d_src = check_copy(c, start, d_src);
    (max ? pool__c.d_max : pool__c.d_mean)(&r);
    for (size_t i = 0; i < d_src; i++) /* 0 of any sign */
        check_true(c, got[i] == want[i], max ? "d_max" : "d_mean");
}

static void check_sum(struct kernel_check *c, const struct pool_kernel *k)
{
    enum { MOST = 6 };
    const size_t n = 1 + (size_t)check_below(c, 200);
    const float *src[MOST];
    const int count = 1 + check_below(c, MOST);
    for (int i = 0; i < count; i++)
        src[i] = check_floats(c, n);
    float *want = check_filled(c, n, NAN), *got = check_filled(c, n, NAN);
    pool__c.sum(want, src, count, n);
    if (check_below(c, 2)) { /* in place */
        got = check_copy(c, src[count - 1], n);
        src[count - 1] = got;
    }
    k->sum(got, src, count, n);
    check_equal(c, got, want, n * sizeof *got, "sum");
    const uint16_t *halves[MOST];
    for (int i = 0; i < count; i++)
        halves[i] = (const uint16_t *)check_halves(c, (n + 1) / 2) + n % 2; /* the last one ends the block */
    want = check_filled(c, (n + 1) / 2, 0);
    got = check_filled(c, (n + 1) / 2, 0);
    pool__c.sum_bf16((uint16_t *)want, halves, count, n);
    k->sum_bf16((uint16_t *)got, halves, count, n);
    check_equal(c, got, want, (n + 1) / 2 * sizeof *got, "sum of bf16");
}

void check_pool(struct kernel_check *c, const struct pool_kernel *tested)
{
    for (int round = 0; round < c->cases; round++) {
        check_rows(c, tested, true);
        check_rows(c, tested, false);
        check_d_rows(c, tested, true);
        check_d_rows(c, tested, false);
        check_sum(c, tested);
        check_release(c);
    }
}
