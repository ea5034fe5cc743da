/* dst = src * P(src), P the normal distribution function (Hendrycks and Gimpel 2016, the exact form); backward
 * d_src (=|+=) d_dst * (P(src) + src * p(src)), p the density. */
#include "kernels/kernels.h"
#include "ops/cpu.h"
#include "ops/parts.h"

struct gelu_job {
    const struct call *call;
    struct parts parts; /* pixels */
    const struct gelu_kernel *kernel;
};

static struct gelu_job job_of(const struct call *c)
{
    const struct tensor *src = &c->src[0];
    return (struct gelu_job){c, parts_cut(src->n, src->h * src->w, (size_t)src->c, PART_FLOATS),
                             kernels_for(c->options.features).gelu};
}

static float *pixel_of(const struct tensor *t, struct part_range range, int pixel)
{
    return tensor_image(t, range.image) + (size_t)pixel * t->pixel_stride;
}

static void forward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct gelu_job *job = context;
    const struct tensor *src = &job->call->src[0], *dst = &job->call->dst;
    const struct part_range range = part_get(&job->parts, part);
    for (int i = range.first; i < range.end; i++)
        job->kernel->forward(pixel_of(src, range, i), pixel_of(dst, range, i), (size_t)src->c);
}

static void backward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct gelu_job *job = context;
    const struct call *c = job->call;
    const struct part_range range = part_get(&job->parts, part);
    for (int i = range.first; i < range.end; i++)
        job->kernel->backward(pixel_of(&c->src[0], range, i), pixel_of(&c->d_dst, range, i),
                              pixel_of(&c->d_src[0], range, i), c->add[0], (size_t)c->src[0].c);
}

static void gelu_forward(const struct call *c)
{
    struct gelu_job job = job_of(c);
    team_run(c->team, job.parts.count, forward_part, &job);
}

static void gelu_backward(const struct call *c)
{
    struct gelu_job job = job_of(c);
    if (c->d_src[0].data)
        team_run(c->team, job.parts.count, backward_part, &job);
}

const struct op_impl cpu_gelu = {.forward = gelu_forward, .backward = gelu_backward};
