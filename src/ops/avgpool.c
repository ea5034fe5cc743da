/* Window mean without padding (SPEC 1: k 2, stride 1 in the networks): the window's sum in row-major order, times
 * 1 / (k * k). Backward: each pixel sums the gradients of the windows over it, in row-major order. */
#include "ops/cpu.h"
#include "ops/parts.h"
#include "ops/row.h"
#include "ops/window.h"

struct avgpool_job {
    const struct call *call;
    struct parts parts;
};

static void forward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct avgpool_job *job = context;
    const struct tensor *src = &job->call->src[0], *dst = &job->call->dst;
    const struct pool_attr *pool = &job->call->node->u.pool;
    const size_t c = (size_t)dst->c;
    const float factor = 1.0f / (float)(pool->k * pool->k);
    struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++)
        for (int x = 0; x < dst->w; x++) {
            float *to = tensor_pixel(dst, range.image, y, x);
            for (int ky = 0; ky < pool->k; ky++)
                for (int kx = 0; kx < pool->k; kx++)
                    row_put(to, tensor_pixel(src, range.image, y * pool->stride + ky, x * pool->stride + kx), c,
                            ky || kx);
            for (size_t k = 0; k < c; k++)
                to[k] *= factor;
        }
}

static void backward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct avgpool_job *job = context;
    const struct tensor *d_src = &job->call->d_src[0], *d_dst = &job->call->d_dst;
    const struct pool_attr *pool = &job->call->node->u.pool;
    const float factor = 1.0f / (float)(pool->k * pool->k);
    struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++) {
        struct window_span rows = windows_over(y, pool, d_dst->h);
        for (int x = 0; x < d_src->w; x++) {
            struct window_span cols = windows_over(x, pool, d_dst->w);
            float *to = tensor_pixel(d_src, range.image, y, x);
            if (!job->call->add[0])
                memset(to, 0, (size_t)d_src->c * sizeof *to);
            for (int v = rows.first; v < rows.end; v++)
                for (int u = cols.first; u < cols.end; u++) {
                    const float *from = tensor_pixel(d_dst, range.image, v, u);
                    for (int k = 0; k < d_src->c; k++)
                        to[k] += from[k] * factor;
                }
        }
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
    const struct tensor *dst = &c->dst;
    struct avgpool_job job = {c, parts_cut(dst->n, dst->h, (size_t)dst->w * (size_t)dst->c, PART_FLOATS)};
    team_run(c->team, job.parts.count, forward_part, &job);
}

static void avgpool_backward(const struct call *c)
{
    const struct tensor *d_src = &c->d_src[0];
    if (!d_src->data)
        return;
    struct avgpool_job job = {c, parts_cut(d_src->n, d_src->h, (size_t)d_src->w * (size_t)d_src->c, PART_FLOATS)};
    team_run(c->team, job.parts.count, backward_part, &job);
}

const struct op_impl cpu_avgpool = {avgpool_plan, NULL, avgpool_forward, avgpool_backward};
