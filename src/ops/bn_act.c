/* Batch normalisation, activation and residual add (SPEC 1):
 *
 *   dst = act(sum_i gamma_i * (src_i - mean_i) * invstd_i + beta_i) [+ residual]      i = 0..n_bn-1
 *
 * RUN_INFER normalises with the running statistics, RUN_TRAIN with those of the batch: mean and biased variance over
 * n*h*w; the running ones move by BN_MOMENTUM towards them (with the unbiased variance). Saved for backward: mean and
 * invstd; the pre-activation z is made again from src.
 *
 * Backward, with d_z = d_dst * act'(z), N = n*h*w and x^ = (src - mean) * invstd:
 *
 *   d_beta += sum d_z;   d_gamma += sum d_z * x^;   d_src = gamma * invstd * (d_z - d_beta / N - x^ * d_gamma / N)
 *
 * (RUN_INFER: statistics are constants, the last two terms fall away), d_residual = d_dst.
 *
 * Backward makes all its sums first and then passes once over the pixels, where it reads src and d_dst and writes
 * d_src at the same place. So d_src[i] may be the same memory as src[i], and d_src of the residual as d_dst.
 *
 * Sums: parts of pixels fixed by the shape, each summed in double (the products of two floats are exact there), parts
 * added in order in double. The bits depend neither on threads nor on vector width. */
#include "kernels/math_inline.h"
#include "ops/cpu.h"
#include "ops/parts.h"
#include "ops/row.h"

#include <assert.h>
#include <math.h>

enum {
    MAX_BN = 2,
    LANES = 16,  /* channels a step; arrays a channel are padded to a multiple */
    SUMMED = 64, /* channels a part when partial sums are added */
};

static inline size_t padded(int c)
{
    return ((size_t)c + LANES - 1) / LANES * LANES;
}

/* What the pixel loops need a channel (arrays of padded(c) floats) and where the pixels lie. Forward and backward. */
struct bn_loop {
    int n_bn, c;
    enum act act;
    const float *mean[MAX_BN], *scale[MAX_BN], *beta; /* z = sum (src - mean) * scale, + beta; scale = gamma * invstd */
    const float *shift[MAX_BN],
        *slope[MAX_BN]; /* d_src = scale * d_z - shift - (src - mean) * slope; NULL: scale * d_z */
    struct tensor src[MAX_BN], residual, dst;
    struct tensor d_dst, d_src[MAX_BN], d_residual; /* data NULL: not wanted */
    bool add[MAX_BN], add_residual;
    struct parts parts;
    double *partial; /* sums: parts.count x n_sums x padded(c) */
    int n_sums;
    double *sum; /* n_sums x padded(c) */
};

static inline float act_forward(float z, enum act act)
{
    return act == ACT_SILU ? silu_f32(z) : act == ACT_RELU ? (z < 0.0f ? 0.0f : z) : z;
}

static inline float act_slope(float z, enum act act)
{
    return act == ACT_SILU ? d_silu_f32(z) : act == ACT_RELU ? (z > 0.0f ? 1.0f : 0.0f) : 1.0f;
}

/* Pixel `i` of an image of t. */
static inline float *pixel_at(const struct tensor *t, int image, int i)
{
    return tensor_image(t, image) + (size_t)i * t->pixel_stride;
}

/* The pre-activation of channels [k, k + n), n <= LANES. */
static inline void normalise(const struct bn_loop *l, const float *const *src, int k, int n, float *z)
{
    for (int j = 0; j < n; j++)
        z[j] = (src[0][k + j] - l->mean[0][k + j]) * l->scale[0][k + j] + l->beta[k + j];
    if (l->n_bn == 2)
        for (int j = 0; j < n; j++)
            z[j] += (src[1][k + j] - l->mean[1][k + j]) * l->scale[1][k + j];
}

/* --- sums -------------------------------------------------------------------------------------------------------- */

static void add_partials(void *context, int part, int thread)
{
    (void)thread;
    const struct bn_loop *l = context;
    const size_t width = (size_t)l->n_sums * padded(l->c), first = (size_t)part * SUMMED;
    const size_t end = MIN(first + SUMMED, width);
    double *sum = l->sum;
    memset(sum + first, 0, (end - first) * sizeof *sum);
    for (int p = 0; p < l->parts.count; p++)
        for (size_t k = first; k < end; k++)
            sum[k] += l->partial[(size_t)p * width + k];
}

/* Run `fn`, which fills the partial sums of its part, and add them in order to l->sum. */
static void sum_pixels(struct team *team, struct bn_loop *l, part_fn *fn)
{
    size_t width = (size_t)l->n_sums * padded(l->c);
    team_run(team, l->parts.count, fn, l);
    team_run(team, (int)((width + SUMMED - 1) / SUMMED), add_partials, l);
}

/* Sum and sum of squares of each normalised input. */
static void statistics_part(void *context, int part, int thread)
{
    (void)thread;
    const struct bn_loop *l = context;
    const size_t width = padded(l->c);
    struct part_range range = part_get(&l->parts, part);
    double *sum = l->partial + (size_t)part * (size_t)l->n_sums * width;
    memset(sum, 0, (size_t)l->n_sums * width * sizeof *sum);
    for (int i = 0; i < l->n_bn; i++, sum += 2 * width)
        for (int p = range.first; p < range.end; p++) {
            const float *src = pixel_at(&l->src[i], range.image, p);
            for (int k = 0; k < l->c; k++) {
                double x = src[k];
                sum[k] += x;
                sum[width + (size_t)k] += x * x;
            }
        }
}

/* Sum of d_z, then of d_z * src[i] for each normalised input. */
static void d_sums_part(void *context, int part, int thread)
{
    (void)thread;
    const struct bn_loop *l = context;
    const size_t width = padded(l->c);
    struct part_range range = part_get(&l->parts, part);
    double *sum = l->partial + (size_t)part * (size_t)l->n_sums * width;
    memset(sum, 0, (size_t)l->n_sums * width * sizeof *sum);
    for (int p = range.first; p < range.end; p++) {
        const float *d_dst = pixel_at(&l->d_dst, range.image, p), *src[MAX_BN];
        for (int i = 0; i < l->n_bn; i++)
            src[i] = pixel_at(&l->src[i], range.image, p);
        for (int k = 0; k < l->c; k += LANES) {
            int n = MIN(LANES, l->c - k);
            float z[LANES];
            normalise(l, src, k, n, z);
            for (int j = 0; j < n; j++)
                z[j] = d_dst[k + j] * act_slope(z[j], l->act);
            for (int j = 0; j < n; j++)
                sum[k + j] += (double)z[j];
            for (int i = 0; i < l->n_bn; i++)
                for (int j = 0; j < n; j++)
                    sum[(size_t)(i + 1) * width + (size_t)(k + j)] += (double)z[j] * (double)src[i][k + j];
        }
    }
}

/* --- forward ------------------------------------------------------------------------------------------------------ */

static void forward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct bn_loop *l = context;
    struct part_range range = part_get(&l->parts, part);
    for (int p = range.first; p < range.end; p++) {
        const float *src[MAX_BN];
        for (int i = 0; i < l->n_bn; i++)
            src[i] = pixel_at(&l->src[i], range.image, p);
        float *dst = pixel_at(&l->dst, range.image, p);
        for (int k = 0; k < l->c; k += LANES) {
            int n = MIN(LANES, l->c - k);
            float z[LANES];
            normalise(l, src, k, n, z);
            for (int j = 0; j < n; j++)
                dst[k + j] = act_forward(z[j], l->act);
        }
        if (l->residual.data)
            row_add(dst, pixel_at(&l->residual, range.image, p), (size_t)l->c);
    }
}

struct bn_params {
    const float *gamma, *beta;
    float *mean, *var;
};

static struct bn_params get_params(const struct call *c, int i)
{
    float *const *p = c->param + 4 * i;
    return (struct bn_params){p[0], p[1], p[2], p[3]};
}

/* saved: mean[0], invstd[0], mean[1], invstd[1], padded(c) floats each. */
static float *saved_mean(const struct call *c, int i)
{
    return c->saved + (size_t)(2 * i) * padded(c->dst.c);
}

static float *saved_invstd(const struct call *c, int i)
{
    return c->saved + (size_t)(2 * i + 1) * padded(c->dst.c);
}

static void statistics(const struct call *c, struct bn_loop *l)
{
    const size_t width = padded(l->c);
    const double count = (double)c->dst.n * c->dst.h * c->dst.w, unbiased = count / (count - 1.0);
    l->parts = parts_cut(c->dst.n, c->dst.h * c->dst.w, (size_t)l->c, STAT_FLOATS);
    l->n_sums = 2 * l->n_bn;
    sum_pixels(c->team, l, statistics_part);
    for (int i = 0; i < l->n_bn; i++) {
        struct bn_params p = get_params(c, i);
        const double *sum = l->sum + (size_t)(2 * i) * width, *squares = sum + width;
        float *mean = saved_mean(c, i), *invstd = saved_invstd(c, i);
        const double keep = 1.0 - (double)BN_MOMENTUM;
        for (int k = 0; k < l->c; k++) {
            double m = sum[k] / count, v = squares[k] / count - m * m;
            v = v < 0.0 ? 0.0 : v;
            mean[k] = (float)m;
            invstd[k] = (float)(1.0 / sqrt(v + (double)BN_EPSILON));
            p.mean[k] = (float)(keep * (double)p.mean[k] + (double)BN_MOMENTUM * m);
            p.var[k] = (float)(keep * (double)p.var[k] + (double)BN_MOMENTUM * v * unbiased);
        }
    }
}

/* Fill mean, scale and beta of the loop from the saved (RUN_TRAIN) or the running statistics; `at` has room for
 * (2 * n_bn + 1) * padded(c) floats, the first place after them is returned. */
static float *fill_coefficients(const struct call *c, struct bn_loop *l, float *at)
{
    const size_t width = padded(l->c);
    float *beta = at;
    l->beta = beta;
    memset(beta, 0, width * sizeof *beta);
    at += width;
    for (int i = 0; i < l->n_bn; i++, at += 2 * width) {
        struct bn_params p = get_params(c, i);
        float *mean = at, *scale = at + width;
        for (int k = 0; k < l->c; k++) {
            bool train = c->options.mode == RUN_TRAIN;
            mean[k] = train ? saved_mean(c, i)[k] : p.mean[k];
            float invstd = train ? saved_invstd(c, i)[k] : 1.0f / sqrtf(p.var[k] + BN_EPSILON);
            scale[k] = p.gamma[k] * invstd;
            beta[k] += p.beta[k];
        }
        l->mean[i] = mean;
        l->scale[i] = scale;
    }
    return at;
}

static struct bn_loop loop_of(const struct call *c)
{
    const struct bn_act_attr *attr = &c->node->u.bn_act;
    struct bn_loop l = {.n_bn = attr->n_bn, .c = c->dst.c, .act = attr->act};
    for (int i = 0; i < attr->n_bn; i++)
        l.src[i] = c->src[i];
    return l;
}

static void bn_act_forward(const struct call *c)
{
    struct bn_loop l = loop_of(c);
    l.dst = c->dst;
    if (c->node->u.bn_act.residual)
        l.residual = c->src[l.n_bn];
    if (c->options.mode == RUN_TRAIN) {
        l.sum = (double *)c->scratch;
        l.partial = l.sum + (size_t)(2 * l.n_bn) * padded(l.c);
        statistics(c, &l);
    }
    fill_coefficients(c, &l, c->scratch); /* the sums are used up */
    l.parts = parts_cut(c->dst.n, c->dst.h * c->dst.w, (size_t)l.c, PART_FLOATS);
    team_run(c->team, l.parts.count, forward_part, &l);
}

/* --- backward ----------------------------------------------------------------------------------------------------- */

static void backward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct bn_loop *l = context;
    struct part_range range = part_get(&l->parts, part);
    for (int p = range.first; p < range.end; p++) {
        const float *d_dst = pixel_at(&l->d_dst, range.image, p), *src[MAX_BN];
        for (int i = 0; i < l->n_bn; i++)
            src[i] = pixel_at(&l->src[i], range.image, p);
        for (int k = 0; k < l->c; k += LANES) {
            int n = MIN(LANES, l->c - k);
            float z[LANES], d[LANES];
            normalise(l, src, k, n, z);
            for (int j = 0; j < n; j++)
                z[j] = d_dst[k + j] * act_slope(z[j], l->act);
            for (int i = 0; i < l->n_bn; i++) {
                if (!l->d_src[i].data)
                    continue;
                for (int j = 0; j < n; j++)
                    d[j] = l->scale[i][k + j] * z[j];
                if (l->slope[i])
                    for (int j = 0; j < n; j++)
                        d[j] -= l->shift[i][k + j] + (src[i][k + j] - l->mean[i][k + j]) * l->slope[i][k + j];
                row_put(pixel_at(&l->d_src[i], range.image, p) + k, d, (size_t)n, l->add[i]);
            }
        }
        float *d_residual = l->d_residual.data ? pixel_at(&l->d_residual, range.image, p) : NULL;
        if (d_residual && d_residual != d_dst)
            row_put(d_residual, d_dst, (size_t)l->c, l->add_residual);
    }
}

/* From the sums to d_gamma, d_beta and, in training, the constants of d_src; `at` has room for 2 * n_bn * padded(c). */
static void finish_sums(const struct call *c, struct bn_loop *l, float *at)
{
    const size_t width = padded(l->c);
    const double count = (double)c->dst.n * c->dst.h * c->dst.w;
    const bool train = c->options.mode == RUN_TRAIN;
    for (int i = 0; i < l->n_bn; i++, at += 2 * width) {
        struct bn_params p = get_params(c, i);
        float *d_gamma = c->d_param[4 * i], *d_beta = c->d_param[4 * i + 1];
        float *shift = at, *slope = at + width;
        const double *sum = l->sum, *product = l->sum + (size_t)(i + 1) * width;
        for (int k = 0; k < l->c; k++) {
            double mean = (double)l->mean[i][k];
            double invstd = train ? (double)saved_invstd(c, i)[k] : 1.0 / sqrt((double)p.var[k] + (double)BN_EPSILON);
            double normal = (product[k] - mean * sum[k]) * invstd; /* sum of d_z * x^ */
            if (d_gamma)
                d_gamma[k] += (float)normal;
            if (d_beta)
                d_beta[k] += (float)sum[k];
            double scale = (double)p.gamma[k] * invstd / count;
            shift[k] = (float)(scale * sum[k]);
            slope[k] = (float)(scale * normal * invstd);
        }
        l->shift[i] = train ? shift : NULL;
        l->slope[i] = train ? slope : NULL;
    }
}

static void bn_act_backward(const struct call *c)
{
    struct bn_loop l = loop_of(c);
    l.d_dst = c->d_dst;
    for (int i = 0; i < l.n_bn; i++) {
        l.d_src[i] = c->d_src[i];
        l.add[i] = c->add[i];
    }
    if (c->node->u.bn_act.residual) {
        l.d_residual = c->d_src[l.n_bn];
        l.add_residual = c->add[l.n_bn];
    }
    float *constants = fill_coefficients(c, &l, c->scratch);
    l.n_sums = 1 + l.n_bn;
    l.parts = parts_cut(c->dst.n, c->dst.h * c->dst.w, (size_t)l.c, STAT_FLOATS);
    l.sum = (double *)(constants + (size_t)(2 * l.n_bn) * padded(l.c));
    l.partial = l.sum + (size_t)l.n_sums * padded(l.c);
    sum_pixels(c->team, &l, d_sums_part);
    finish_sums(c, &l, constants);
    l.parts = parts_cut(c->dst.n, c->dst.h * c->dst.w, (size_t)l.c, PART_FLOATS);
    team_run(c->team, l.parts.count, backward_part, &l);
}

static enum status bn_act_plan(struct call *c)
{
    const struct bn_act_attr *attr = &c->node->u.bn_act;
    const struct tensor *dst = &c->dst;
    const bool train = c->options.mode == RUN_TRAIN;
    assert(attr->n_bn >= 1 && attr->n_bn <= MAX_BN);
    if (train && (size_t)dst->n * (size_t)dst->h * (size_t)dst->w == 1)
        return fail(E_SHAPE, "%s: batch normalisation cannot train on one value a channel (batch 1, map 1x1)",
                    c->node->name);
    const size_t width = padded(dst->c), n_bn = (size_t)attr->n_bn;
    const size_t doubles = sizeof(double) / sizeof(float);
    struct parts parts = parts_cut(dst->n, dst->h * dst->w, (size_t)dst->c, STAT_FLOATS);
    size_t sets = (size_t)parts.count + 1; /* partial sums and their sum */
    size_t coefficients = (2 * n_bn + 1) * width, constants = 2 * n_bn * width;
    c->saved_floats = train ? 2 * n_bn * width : 0;
    c->scratch_floats = MAX(coefficients, train ? sets * 2 * n_bn * width * doubles : 0);
    c->d_scratch_floats = coefficients + constants + sets * (1 + n_bn) * width * doubles;
    return OK;
}

const struct op_impl cpu_bn_act = {bn_act_plan, NULL, bn_act_forward, bn_act_backward};
