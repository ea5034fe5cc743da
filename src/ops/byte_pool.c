/* Pooling of maps of bytes, forward only. Source and target share one scale (graph/bytes.c), so the maximum is exact
 * and the mean is rounded once. */
#include "ops/byte_pool.h"

#include "kernels/kernels.h"
#include "kernels/pool_inline.h"
#include "ops/parts.h"

struct byte_pool_job {
    const struct call *call;
    struct parts parts; /* rows of dst */
    void (*run)(const struct byte_pool_run *r);
};

static void pool_row(const struct byte_pool_job *job, int image, int y)
{
    const struct tensor *src = &job->call->src[0], *dst = &job->call->dst;
    const struct pool_attr *pool = &job->call->node->u.pool;
    const struct pool_span rows = pool_taps(y, pool->k, pool->stride, pool->pad, src->h);
    const unsigned char *taps[MAX_POOL_K * MAX_POOL_K];
    for (int x = 0; x < dst->w; x++) {
        const struct pool_span columns = pool_taps(x, pool->k, pool->stride, pool->pad, src->w);
        int n = 0;
        for (int ky = rows.first; ky < rows.end; ky++) {
            for (int kx = columns.first; kx < columns.end; kx++)
                taps[n++] = (const unsigned char *)tensor_pixel(src, image, y * pool->stride - pool->pad + ky,
                                                                x * pool->stride - pool->pad + kx);
        }
        job->run(&(struct byte_pool_run){taps, n, dst->c, (unsigned char *)tensor_pixel(dst, image, y, x)});
    }
}

static void pool_part(void *context, int part, int thread)
{
    (void)thread;
    const struct byte_pool_job *job = context;
    const struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++)
        pool_row(job, range.image, y);
}

static void pool_forward(const struct call *c, void (*run)(const struct byte_pool_run *r))
{
    struct byte_pool_job job = {c, parts_cut(c->dst.n, c->dst.h, (size_t)c->dst.w * c->dst.pixel_stride, PART_FLOATS),
                                run};
    team_run(c->team, job.parts.count, pool_part, &job);
}

void byte_maxpool_forward(const struct call *c)
{
    pool_forward(c, kernels_for(c->options.features)->byte_pool->max);
}

void byte_avgpool_forward(const struct call *c)
{
    pool_forward(c, kernels_for(c->options.features)->byte_pool->mean);
}
