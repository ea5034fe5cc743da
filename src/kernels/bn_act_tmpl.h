/* Batch normalisation and activation, one source for every vector width: include a simd_<isa>.h first. Vectors run
 * over channels, so every channel is summed in the order of its pixels whatever the width. */
#include "kernels/simd_math.h"
#include "kernels/slots.h"

enum {
    GROUP = 4,  /* pixels that go through the activation side by side */
    BLOCK = 32, /* pixels that are summed in registers before the sums go back to memory: few enough that the lines
                   of the next vectors of channels stay in the first cache level */
};

/* Only functions of constant `n_src`, `act`: each use becomes straight code. */
#define ALWAYS static inline __attribute__((always_inline))

ALWAYS vf load(const float *p, int n)
{
    return n == VL ? v_load(p) : v_load_n(p, n);
}

ALWAYS void store(float *p, vf x, int n)
{
    if (n == VL)
        v_store(p, x);
    else
        v_store_n(p, x, n);
}

/* z = act(z) for `m` vectors */
ALWAYS void activate(vf *z, const int m, enum kernel_act act)
{
    vf e[GROUP];
    for (int j = 0; j < m; j++)
        e[j] = act == KERNEL_ACT_SILU ? v_sub(v_zero(), z[j]) : v_zero();
    if (act == KERNEL_ACT_SILU)
        v_exp_many(e, m);
    for (int j = 0; j < m; j++) {
        if (act == KERNEL_ACT_SILU)
            z[j] = v_div(z[j], v_add(v_set1(1), e[j]));
        else if (act == KERNEL_ACT_RELU)
            z[j] = v_select(v_gt(v_zero(), z[j]), v_zero(), z[j]);
    }
}

/* d = d * act'(z) for `m` vectors; z is used up */
ALWAYS void d_activate(vf *d, vf *z, const int m, enum kernel_act act)
{
    vf e[GROUP];
    for (int j = 0; j < m; j++)
        e[j] = act == KERNEL_ACT_SILU ? v_sub(v_zero(), z[j]) : v_zero();
    if (act == KERNEL_ACT_SILU)
        v_exp_many(e, m);
    for (int j = 0; j < m; j++) {
        if (act == KERNEL_ACT_SILU) {
            vf s = v_div(v_set1(1), v_add(v_set1(1), e[j]));
            d[j] = v_mul(d[j], v_mul(s, v_fma(z[j], v_mul(e[j], s), v_set1(1))));
        } else if (act == KERNEL_ACT_RELU) {
            d[j] = v_select(v_gt(z[j], v_zero()), d[j], v_zero());
        }
    }
}

/* Coefficients of VL channels. */
struct coefficients {
    vf mean[MAX_BN_SRC], scale[MAX_BN_SRC], beta;
};

ALWAYS struct coefficients coefficients_at(const struct bn_run *r, int k, int n_src)
{
    struct coefficients c = {.beta = v_load(r->beta + k)};
    for (int i = 0; i < n_src; i++) {
        c.mean[i] = v_load(r->mean[i] + k);
        c.scale[i] = v_load(r->scale[i] + k);
    }
    return c;
}

/* VL channels of `m` pixels from p on: the sources, and z made of them. */
ALWAYS void normalise(const struct bn_run *r, const struct coefficients *c, int p, int k, int n, vf x[][GROUP], vf *z,
                      const int m, const int n_src)
{
    for (int j = 0; j < m; j++) {
        for (int i = 0; i < n_src; i++)
            x[i][j] = load(r->src[i] + (size_t)(p + j) * r->src_stride[i] + k, n);
        z[j] = v_fma(v_sub(x[0][j], c->mean[0]), c->scale[0], c->beta);
        if (n_src == 2)
            z[j] = v_fma(v_sub(x[1][j], c->mean[1]), c->scale[1], z[j]);
    }
}

/* The same with d_z = d_dst * act'(z). */
ALWAYS void make_d_z(const struct bn_run *r, const struct coefficients *c, int p, int k, int n, vf x[][GROUP], vf *d_z,
                     const int m, const int n_src, enum kernel_act act)
{
    vf z[GROUP];
    normalise(r, c, p, k, n, x, z, m, n_src);
    for (int j = 0; j < m; j++)
        d_z[j] = load(r->d_dst + (size_t)(p + j) * r->d_dst_stride + k, n);
    d_activate(d_z, z, m, act);
}

/* --- statistics --- */

struct sums {
    vd low, high;
};

ALWAYS void sums_save(double *to, struct sums s, bool first)
{
    vd_store(to, first ? s.low : vd_add(vd_load(to), s.low));
    vd_store(to + VL / 2, first ? s.high : vd_add(vd_load(to + VL / 2), s.high));
}

/* Sum and squares of `count` vectors of channels from k on, over one block of pixels; the last has n lanes. */
ALWAYS void statistics_block(const struct bn_run *r, int i, int first, int end, int k, int count, int n)
{
    struct sums sum[2], squares[2];
    for (int j = 0; j < count; j++)
        sum[j] = squares[j] = (struct sums){vd_zero(), vd_zero()};
    const float *src = r->src[i] + (size_t)first * r->src_stride[i] + k;
    for (int p = first; p < end; p++, src += r->src_stride[i])
        for (int j = 0; j < count; j++) {
            vf x = load(src + j * VL, j == count - 1 ? n : VL);
            vd low = v_low(x), high = v_high(x);
            sum[j].low = vd_add(sum[j].low, low);
            sum[j].high = vd_add(sum[j].high, high);
            squares[j].low = vd_fma(low, low, squares[j].low);
            squares[j].high = vd_fma(high, high, squares[j].high);
        }
    double *to = r->sum + (size_t)(2 * i) * r->sum_stride + k;
    for (int j = 0; j < count; j++) {
        sums_save(to + j * VL, sum[j], first == 0);
        sums_save(to + j * VL + r->sum_stride, squares[j], first == 0);
    }
}

static void bn_statistics(const struct bn_run *r)
{
    for (int i = 0; i < r->n_src; i++)
        for (int first = 0; first < r->pixels; first += BLOCK) {
            int end = first + BLOCK < r->pixels ? first + BLOCK : r->pixels, k = 0;
            for (; k + 2 * VL <= r->c; k += 2 * VL)
                statistics_block(r, i, first, end, k, 2, VL);
            for (; k + VL <= r->c; k += VL)
                statistics_block(r, i, first, end, k, 1, VL);
            if (k < r->c)
                statistics_block(r, i, first, end, k, 1, r->c - k);
        }
}

/* --- forward --- */

ALWAYS void forward_step(const struct bn_run *r, int p, int k, int n, const int m, const int n_src, enum kernel_act act)
{
    struct coefficients c = coefficients_at(r, k, n_src);
    vf x[MAX_BN_SRC][GROUP], z[GROUP];
    normalise(r, &c, p, k, n, x, z, m, n_src);
    activate(z, m, act);
    for (int j = 0; j < m; j++) {
        if (r->residual)
            z[j] = v_add(z[j], load(r->residual + (size_t)(p + j) * r->residual_stride + k, n));
        store(r->dst + (size_t)(p + j) * r->dst_stride + k, z[j], n);
    }
}

ALWAYS void forward_pixels(const struct bn_run *r, int p, const int m, const int n_src, enum kernel_act act)
{
    int k = 0;
    for (; k + VL <= r->c; k += VL)
        forward_step(r, p, k, VL, m, n_src, act);
    if (k < r->c)
        forward_step(r, p, k, r->c - k, m, n_src, act);
}

ALWAYS void forward_run(const struct bn_run *r, const int n_src, enum kernel_act act)
{
    int p = 0;
    for (; p + GROUP <= r->pixels; p += GROUP)
        forward_pixels(r, p, GROUP, n_src, act);
    for (; p < r->pixels; p++)
        forward_pixels(r, p, 1, n_src, act);
}

/* --- backward --- */

ALWAYS void d_sums_step(const struct bn_run *r, const struct coefficients *c, struct sums *sum, int p, int k, int n,
                        const int m, const int n_src, enum kernel_act act)
{
    vf x[MAX_BN_SRC][GROUP], d_z[GROUP];
    make_d_z(r, c, p, k, n, x, d_z, m, n_src, act);
    for (int j = 0; j < m; j++) {
        vd low = v_low(d_z[j]), high = v_high(d_z[j]);
        sum[0].low = vd_add(sum[0].low, low);
        sum[0].high = vd_add(sum[0].high, high);
        for (int i = 0; i < n_src; i++) {
            sum[i + 1].low = vd_fma(low, v_low(x[i][j]), sum[i + 1].low);
            sum[i + 1].high = vd_fma(high, v_high(x[i][j]), sum[i + 1].high);
        }
    }
}

ALWAYS void d_sums_block(const struct bn_run *r, int first, int end, int k, int n, const int n_src, enum kernel_act act)
{
    struct coefficients c = coefficients_at(r, k, n_src);
    struct sums sum[1 + MAX_BN_SRC];
    for (int i = 0; i <= n_src; i++)
        sum[i] = (struct sums){vd_zero(), vd_zero()};
    int p = first;
    for (; p + GROUP <= end; p += GROUP)
        d_sums_step(r, &c, sum, p, k, n, GROUP, n_src, act);
    for (; p < end; p++)
        d_sums_step(r, &c, sum, p, k, n, 1, n_src, act);
    for (int i = 0; i <= n_src; i++)
        sums_save(r->sum + (size_t)i * r->sum_stride + k, sum[i], first == 0);
}

ALWAYS void d_sums_run(const struct bn_run *r, const int n_src, enum kernel_act act)
{
    for (int first = 0; first < r->pixels; first += BLOCK) {
        int end = first + BLOCK < r->pixels ? first + BLOCK : r->pixels, k = 0;
        for (; k + VL <= r->c; k += VL)
            d_sums_block(r, first, end, k, VL, n_src, act);
        if (k < r->c)
            d_sums_block(r, first, end, k, r->c - k, n_src, act);
    }
}

ALWAYS void backward_step(const struct bn_run *r, int p, int k, int n, const int m, const int n_src,
                          enum kernel_act act)
{
    struct coefficients c = coefficients_at(r, k, n_src);
    vf x[MAX_BN_SRC][GROUP], d_z[GROUP];
    make_d_z(r, &c, p, k, n, x, d_z, m, n_src, act);
    for (int i = 0; i < n_src; i++) {
        if (!r->d_src[i])
            continue;
        vf slope = r->slope[i] ? v_load(r->slope[i] + k) : v_zero(),
           shift = r->slope[i] ? v_load(r->shift[i] + k) : v_zero();
        for (int j = 0; j < m; j++) {
            vf d = v_sub(v_mul(c.scale[i], d_z[j]), v_fma(v_sub(x[i][j], c.mean[i]), slope, shift));
            float *to = r->d_src[i] + (size_t)(p + j) * r->d_src_stride[i] + k;
            store(to, r->add[i] ? v_add(load(to, n), d) : d, n);
        }
    }
}

ALWAYS void backward_pixels(const struct bn_run *r, int p, const int m, const int n_src, enum kernel_act act)
{
    int k = 0;
    for (; k + VL <= r->c; k += VL)
        backward_step(r, p, k, VL, m, n_src, act);
    if (k < r->c)
        backward_step(r, p, k, r->c - k, m, n_src, act);
}

ALWAYS void backward_run(const struct bn_run *r, const int n_src, enum kernel_act act)
{
    int p = 0;
    for (; p + GROUP <= r->pixels; p += GROUP)
        backward_pixels(r, p, GROUP, n_src, act);
    for (; p < r->pixels; p++)
        backward_pixels(r, p, 1, n_src, act);
}

/* --- choice of the straight code --- */

typedef void bn_body(const struct bn_run *r, const int n_src, enum kernel_act act);

ALWAYS void specialise(const struct bn_run *r, bn_body *body)
{
    switch (r->act) {
    case KERNEL_ACT_SILU:
        r->n_src == 2 ? body(r, 2, KERNEL_ACT_SILU) : body(r, 1, KERNEL_ACT_SILU);
        break;
    case KERNEL_ACT_RELU:
        r->n_src == 2 ? body(r, 2, KERNEL_ACT_RELU) : body(r, 1, KERNEL_ACT_RELU);
        break;
    case KERNEL_ACT_NONE:
        r->n_src == 2 ? body(r, 2, KERNEL_ACT_NONE) : body(r, 1, KERNEL_ACT_NONE);
        break;
    }
}

static void bn_forward(const struct bn_run *r)
{
    specialise(r, forward_run);
}

static void bn_d_sums(const struct bn_run *r)
{
    specialise(r, d_sums_run);
}

static void bn_backward(const struct bn_run *r)
{
    specialise(r, backward_run);
}
