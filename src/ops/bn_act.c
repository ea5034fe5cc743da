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
 * Backward passes twice over the pixels: the first makes the sums and writes d_z over d_dst (after d_residual has taken
 * it), the second reads src and d_z and writes d_src at the same place. So d_src[i] may be the same memory as src[i].
 *
 * Sums: parts of pixels fixed by the shape, each summed in double (backward: four pixels in float first), parts added
 * in order in double. The bits do not depend on threads, those of the statistics not on the instruction set either. */
#include "kernels/kernels.h"
#include "ops/activation.h"
#include "ops/cpu.h"
#include "ops/parts.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    LANES = 16,  /* arrays a channel are padded to a multiple */
    SUMMED = 64, /* channels a part when partial sums are added */
};

static inline size_t padded(int c)
{
    return ((size_t)c + LANES - 1) / LANES * LANES;
}

/* A pass over the pixels: what all parts share. */
struct bn_loop {
    const struct bn_act_kernel *kernel;
    const struct pool_kernel *maps;
    struct bn_run run; /* everything but pointers to pixels and the partial sums */
    struct tensor src[MAX_BN_SRC], residual, dst;
    struct tensor d_dst, d_src[MAX_BN_SRC], d_residual; /* data NULL: not wanted */
    bool add_residual;
    struct parts parts;
    double *partial; /* parts.count x n_sums x padded(c) */
    int n_sums;
    double *sum; /* n_sums x padded(c) */
};

/* Pixel `i` of an image of t; NULL when there is no t. */
static inline float *pixel_at(const struct tensor *t, int image, int i)
{
    return t->data ? tensor_image(t, image) + (size_t)i * t->pixel_stride : NULL;
}

/* The run of one part, with its pixels of src and d_dst. */
static struct bn_run run_of(const struct bn_loop *l, struct part_range range)
{
    struct bn_run r = l->run;
    r.pixels = range.end - range.first;
    for (int i = 0; i < r.n_src; i++) {
        r.src[i] = pixel_at(&l->src[i], range.image, range.first);
        r.src_stride[i] = l->src[i].pixel_stride;
    }
    r.d_dst = pixel_at(&l->d_dst, range.image, range.first);
    r.d_dst_stride = l->d_dst.pixel_stride;
    return r;
}

/* --- sums --- */

static void add_partials(void *context, int part, int thread)
{
    (void)thread;
    const struct bn_loop *l = context;
    const size_t width = (size_t)l->n_sums * padded(l->run.c), first = (size_t)part * SUMMED;
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
    size_t width = (size_t)l->n_sums * padded(l->run.c);
    team_run(team, l->parts.count, fn, l);
    team_run(team, (int)((width + SUMMED - 1) / SUMMED), add_partials, l);
}

static void set_sums(const struct bn_loop *l, struct bn_run *r, int part)
{
    r->sum_stride = padded(r->c);
    r->sum = l->partial + (size_t)part * (size_t)l->n_sums * r->sum_stride;
}

static void statistics_part(void *context, int part, int thread)
{
    (void)thread;
    const struct bn_loop *l = context;
    struct bn_run r = run_of(l, part_get(&l->parts, part));
    set_sums(l, &r, part);
    l->kernel->statistics(&r);
}

/* d_residual (=|+=) d_dst */
static void residual_backward(const struct bn_loop *l, struct part_range range)
{
    const struct pool_kernel *maps = l->maps;
    for (int p = range.first; p < range.end; p++) {
        float *to = pixel_at(&l->d_residual, range.image, p);
        const float *from = pixel_at(&l->d_dst, range.image, p);
        if (l->add_residual)
            maps->sum(to, (const float *[]){to, from}, 2, (size_t)l->run.c);
        else
            memcpy(to, from, (size_t)l->run.c * sizeof *to);
    }
}

static void d_sums_part(void *context, int part, int thread)
{
    (void)thread;
    const struct bn_loop *l = context;
    struct part_range range = part_get(&l->parts, part);
    struct bn_run r = run_of(l, range);
    set_sums(l, &r, part);
    if (l->d_residual.data)
        residual_backward(l, range);
    l->kernel->d_sums(&r);
}

/* --- forward --- */

static void forward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct bn_loop *l = context;
    struct part_range range = part_get(&l->parts, part);
    struct bn_run r = run_of(l, range);
    r.dst = pixel_at(&l->dst, range.image, range.first);
    r.dst_stride = l->dst.pixel_stride;
    r.residual = pixel_at(&l->residual, range.image, range.first);
    r.residual_stride = l->residual.pixel_stride;
    l->kernel->forward(&r);
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
    const size_t width = padded(l->run.c);
    const double count = (double)c->dst.n * c->dst.h * c->dst.w, unbiased = count / (count - 1.0);
    l->parts = parts_cut(c->dst.n, c->dst.h * c->dst.w, (size_t)l->run.c, STAT_FLOATS);
    l->n_sums = 2 * l->run.n_src;
    sum_pixels(c->team, l, statistics_part);
    for (int i = 0; i < l->run.n_src; i++) {
        struct bn_params p = get_params(c, i);
        const double *sum = l->sum + (size_t)(2 * i) * width, *squares = sum + width;
        float *mean = saved_mean(c, i), *invstd = saved_invstd(c, i);
        const double keep = 1.0 - (double)BN_MOMENTUM;
        for (int k = 0; k < l->run.c; k++) {
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
    const size_t width = padded(l->run.c);
    float *beta = at;
    l->run.beta = beta;
    memset(beta, 0, width * sizeof *beta);
    at += width;
    for (int i = 0; i < l->run.n_src; i++, at += 2 * width) {
        struct bn_params p = get_params(c, i);
        float *mean = at, *scale = at + width;
        for (int k = 0; k < l->run.c; k++) {
            bool train = c->options.mode == RUN_TRAIN;
            mean[k] = train ? saved_mean(c, i)[k] : p.mean[k];
            float invstd = train ? saved_invstd(c, i)[k] : 1.0f / sqrtf(p.var[k] + BN_EPSILON);
            scale[k] = p.gamma[k] * invstd;
            beta[k] += p.beta[k];
        }
        l->run.mean[i] = mean;
        l->run.scale[i] = scale;
    }
    return at;
}

static struct bn_loop loop_of(const struct call *c)
{
    const struct bn_act_attr *attr = &c->node->u.bn_act;
    const struct kernels kernels = kernels_for(c->options.features);
    struct bn_loop l = {.kernel = kernels.bn_act, .maps = kernels.pool};
    l.run = (struct bn_run){.n_src = attr->n_bn, .c = c->dst.c, .act = attr->act};
    for (int i = 0; i < attr->n_bn; i++)
        l.src[i] = c->src[i];
    return l;
}

/* dst from the statistics that are there: the saved ones of the batch, or the running ones. */
static void normalise(const struct call *c)
{
    struct bn_loop l = loop_of(c);
    l.dst = c->dst;
    if (c->node->u.bn_act.residual)
        l.residual = c->src[l.run.n_src];
    fill_coefficients(c, &l, c->scratch);
    l.parts = parts_cut(c->dst.n, c->dst.h * c->dst.w, (size_t)l.run.c, PART_FLOATS);
    team_run(c->team, l.parts.count, forward_part, &l);
}

static void bn_act_forward(const struct call *c)
{
    if (c->options.mode == RUN_TRAIN) {
        struct bn_loop l = loop_of(c);
        l.sum = (double *)c->scratch;
        l.partial = l.sum + (size_t)(2 * l.run.n_src) * padded(l.run.c);
        statistics(c, &l);
    }
    normalise(c); /* the sums are used up */
}

/* --- backward --- */

static void backward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct bn_loop *l = context;
    struct part_range range = part_get(&l->parts, part);
    struct bn_run r = run_of(l, range);
    for (int i = 0; i < r.n_src; i++) {
        r.d_src[i] = pixel_at(&l->d_src[i], range.image, range.first);
        r.d_src_stride[i] = l->d_src[i].pixel_stride;
    }
    l->kernel->backward(&r);
}

/* From the sums to d_gamma, d_beta and, in training, the constants of d_src; `at` has room for 2 * n_bn * padded(c). */
static void finish_sums(const struct call *c, struct bn_loop *l, float *at)
{
    const size_t width = padded(l->run.c);
    const double count = (double)c->dst.n * c->dst.h * c->dst.w;
    const bool train = c->options.mode == RUN_TRAIN;
    for (int i = 0; i < l->run.n_src; i++, at += 2 * width) {
        struct bn_params p = get_params(c, i);
        float *d_gamma = c->d_param[4 * i], *d_beta = c->d_param[4 * i + 1];
        float *shift = at, *slope = at + width;
        const double *sum = l->sum, *product = l->sum + (size_t)(i + 1) * width;
        for (int k = 0; k < l->run.c; k++) {
            double invstd = train ? (double)saved_invstd(c, i)[k] : 1.0 / sqrt((double)p.var[k] + (double)BN_EPSILON);
            double normal = product[k] * invstd; /* sum of d_z * x^ */
            if (d_gamma)
                d_gamma[k] += (float)normal;
            if (d_beta)
                d_beta[k] += (float)sum[k];
            double scale = (double)p.gamma[k] * invstd / count;
            shift[k] = (float)(scale * sum[k]);
            slope[k] = (float)(scale * normal * invstd);
        }
        l->run.shift[i] = train ? shift : NULL;
        l->run.slope[i] = train ? slope : NULL;
    }
}

static void bn_act_backward(const struct call *c)
{
    struct bn_loop l = loop_of(c);
    l.d_dst = c->d_dst;
    for (int i = 0; i < l.run.n_src; i++) {
        l.d_src[i] = c->d_src[i];
        l.run.add[i] = c->add[i];
    }
    if (c->node->u.bn_act.residual) {
        l.d_residual = c->d_src[l.run.n_src];
        l.add_residual = c->add[l.run.n_src];
    }
    float *constants = fill_coefficients(c, &l, c->scratch);
    l.n_sums = 1 + l.run.n_src;
    l.parts = parts_cut(c->dst.n, c->dst.h * c->dst.w, (size_t)l.run.c, STAT_FLOATS);
    l.sum = (double *)(constants + (size_t)(2 * l.run.n_src) * padded(l.run.c));
    l.partial = l.sum + (size_t)l.n_sums * padded(l.run.c);
    sum_pixels(c->team, &l, d_sums_part);
    finish_sums(c, &l, constants);
    l.parts = parts_cut(c->dst.n, c->dst.h * c->dst.w, (size_t)l.run.c, PART_FLOATS);
    team_run(c->team, l.parts.count, backward_part, &l);
}

static enum status bn_act_plan(struct call *c)
{
    const struct bn_act_attr *attr = &c->node->u.bn_act;
    const struct tensor *dst = &c->dst;
    const struct bn_act_kernel *kernel = kernels_for(c->options.features).bn_act;
    const bool train = c->options.mode == RUN_TRAIN;
    assert(attr->n_bn >= 1 && attr->n_bn <= MAX_BN_SRC);
    if (train && (size_t)dst->n * (size_t)dst->h * (size_t)dst->w == 1)
        return fail(E_SHAPE, "%s: batch normalisation cannot train on one value a channel (batch 1, map 1x1)",
                    c->node->name);
    TRY(act_is_there(c->node, attr->act, kernel->acts, kernel->name));
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

const struct op_impl cpu_bn_act = {
    .plan = bn_act_plan, .forward = bn_act_forward, .again = normalise, .backward = bn_act_backward};
