/* Window mean without padding (SPEC 1: k 2, stride 1 in the networks): the window's sum in row-major order, times
 * 1 / (k * k). Backward: each pixel sums the gradients of the windows over it, in row-major order. */
#include "kernels/kernels.h"
#include "kernels/pool_inline.h"
#include "ops/byte_pool.h"
#include "ops/cpu.h"
#include "ops/parts.h"

struct avgpool_job {
    const struct call *call;
    struct parts parts; /* rows of dst, or of d_src */
    const struct pool_kernel *kernel;
};

static void forward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct avgpool_job *job = context;
    const struct tensor *src = &job->call->src[0], *dst = &job->call->dst;
    const struct pool_attr *pool = &job->call->node->u.pool;
    struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++)
        job->kernel->mean(&(struct pool_run){.k = pool->k,
                                             .stride = pool->stride,
                                             .c = dst->c,
                                             .width = src->w,
                                             .n = dst->w,
                                             .end_ky = pool->k,
                                             .src = tensor_pixel(src, range.image, y * pool->stride, 0),
                                             .src_row = (size_t)src->w * src->pixel_stride,
                                             .src_pixel = src->pixel_stride,
                                             .dst = tensor_pixel(dst, range.image, y, 0),
                                             .dst_pixel = dst->pixel_stride,
                                             .src_bf16 = src->element == ELEMENT_BF16,
                                             .dst_bf16 = dst->element == ELEMENT_BF16,
                                             .factor = 1.0f / (float)(pool->k * pool->k)});
}

static void backward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct avgpool_job *job = context;
    const struct tensor *d_src = &job->call->d_src[0], *d_dst = &job->call->d_dst;
    const struct pool_attr *pool = &job->call->node->u.pool;
    struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++) {
        struct pool_span rows = pool_windows(y, pool->k, pool->stride, 0, d_dst->h);
        job->kernel->d_mean(&(struct pool_d_run){.k = pool->k,
                                                 .stride = pool->stride,
                                                 .c = d_src->c,
                                                 .width = d_src->w,
                                                 .n = d_dst->w,
                                                 .y = y,
                                                 .first_row = rows.first,
                                                 .end_row = rows.end,
                                                 .d_dst = tensor_pixel(d_dst, range.image, rows.first, 0),
                                                 .d_dst_row = (size_t)d_dst->w * d_dst->pixel_stride,
                                                 .d_dst_pixel = d_dst->pixel_stride,
                                                 .d_src = tensor_pixel(d_src, range.image, y, 0),
                                                 .d_src_pixel = d_src->pixel_stride,
                                                 .add = job->call->add[0],
                                                 .factor = 1.0f / (float)(pool->k * pool->k)});
    }
}

static enum status avgpool_plan(struct call *c)
{
    if (c->node->u.pool.pad != 0)
        return fail(E_SHAPE, "%s: average pooling with padding %d; only 0 is known", c->node->name,
                    c->node->u.pool.pad);
    return OK;
}

static void avgpool_forward(const struct call *c)
{
    if (c->dst.element == ELEMENT_BYTE) {
        byte_avgpool_forward(c);
        return;
    }
    const struct tensor *dst = &c->dst;
    struct avgpool_job job = {c, parts_cut(dst->n, dst->h, (size_t)dst->w * (size_t)dst->c, PART_FLOATS),
                              kernels_for(c->options.features).pool};
    team_run(c->team, job.parts.count, forward_part, &job);
}

static void avgpool_backward(const struct call *c)
{
    const struct tensor *d_src = &c->d_src[0];
    if (!d_src->data)
        return;
    struct avgpool_job job = {c, parts_cut(d_src->n, d_src->h, (size_t)d_src->w * (size_t)d_src->c, PART_FLOATS),
                              kernels_for(c->options.features).pool};
    team_run(c->team, job.parts.count, backward_part, &job);
}

const struct op_impl cpu_avgpool = {.plan = avgpool_plan, .forward = avgpool_forward, .backward = avgpool_backward};
