/* Implicit knowledge: a learned vector v, one value a channel, dst = src + v or dst = src * v.
 * Backward: d_v += sum of d_dst (of d_dst * src), d_src (=|+=) d_dst (d_dst * v).
 *
 * Sums: parts of pixels fixed by the shape, each summed in double, parts added in order: the bits depend neither on
 * threads nor on the instruction set. */
#include "core/mem.h"
#include "ops/cpu.h"
#include "ops/parts.h"

#include <string.h>

struct implicit_job {
    const struct call *call;
    const float *v;
    bool multiplies;
    struct parts parts; /* pixels */
    double *partial;    /* parts.count x c; NULL: the vector's gradient is not wanted */
};

static void forward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct implicit_job *job = context;
    const struct tensor *src = &job->call->src[0], *dst = &job->call->dst;
    struct part_range range = part_get(&job->parts, part);
    for (int p = range.first; p < range.end; p++) {
        const float *s = tensor_image(src, range.image) + (size_t)p * src->pixel_stride;
        float *d = tensor_image(dst, range.image) + (size_t)p * dst->pixel_stride;
        for (int k = 0; k < dst->c; k++)
            d[k] = job->multiplies ? s[k] * job->v[k] : s[k] + job->v[k];
    }
}

static void backward_pixel(const struct implicit_job *job, const float *d, const float *s, float *to, double *sum)
{
    for (int k = 0; sum && k < job->call->d_dst.c; k++)
        sum[k] += job->multiplies ? (double)d[k] * (double)s[k] : (double)d[k];
    for (int k = 0; to && k < job->call->d_dst.c; k++) {
        const float value = job->multiplies ? d[k] * job->v[k] : d[k];
        to[k] = job->call->add[0] ? to[k] + value : value;
    }
}

static void backward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct implicit_job *job = context;
    const struct tensor *src = &job->call->src[0], *d_src = &job->call->d_src[0], *d_dst = &job->call->d_dst;
    struct part_range range = part_get(&job->parts, part);
    double *sum = job->partial ? job->partial + (size_t)part * (size_t)d_dst->c : NULL;
    if (sum)
        memset(sum, 0, (size_t)d_dst->c * sizeof *sum);
    for (int p = range.first; p < range.end; p++) {
        const size_t at = (size_t)p;
        backward_pixel(job, tensor_image(d_dst, range.image) + at * d_dst->pixel_stride,
                       job->multiplies ? tensor_image(src, range.image) + at * src->pixel_stride : NULL,
                       d_src->data ? tensor_image(d_src, range.image) + at * d_src->pixel_stride : NULL, sum);
    }
}

static struct implicit_job job_of(const struct call *c, size_t target)
{
    const struct tensor *t = &c->dst;
    return (struct implicit_job){.call = c,
                                 .v = c->param[0],
                                 .multiplies = c->node->u.implicit.multiplies,
                                 .parts = parts_cut(t->n, t->h * t->w, (size_t)t->c, target)};
}

static enum status implicit_plan(struct call *c)
{
    const struct implicit_job job = job_of(c, STAT_FLOATS);
    c->d_scratch_floats = (size_t)job.parts.count * (size_t)c->dst.c * (sizeof(double) / sizeof(float));
    return OK;
}

static void implicit_forward(const struct call *c)
{
    struct implicit_job job = job_of(c, PART_FLOATS);
    team_run(c->team, job.parts.count, forward_part, &job);
}

static void implicit_backward(const struct call *c)
{
    struct implicit_job job = job_of(c, STAT_FLOATS);
    job.partial = c->d_param[0] ? (double *)(void *)c->scratch : NULL;
    team_run(c->team, job.parts.count, backward_part, &job);
    for (int k = 0; job.partial && k < c->dst.c; k++) {
        double sum = 0;
        for (int p = 0; p < job.parts.count; p++)
            sum += job.partial[(size_t)p * (size_t)c->dst.c + (size_t)k];
        c->d_param[0][k] += (float)sum;
    }
}

const struct op_impl cpu_implicit = {.plan = implicit_plan, .forward = implicit_forward, .backward = implicit_backward};
