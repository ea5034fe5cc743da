/* Pooling of maps of bytes, forward only. Where source and target have one scale the maximum is exact; otherwise, as
 * the mean always, it is rounded once. */
#include "ops/byte_pool.h"

#include "kernels/kernels.h"
#include "kernels/pool_inline.h"
#include "ops/parts.h"

struct byte_scale byte_scale_of(const struct call *c)
{
    const struct conv_quant *from = &c->src_quant[0], *to = &c->dst_quant;
    const float factor = from->scale / to->scale;
    return (struct byte_scale){factor, (float)to->zero - (float)from->zero * factor};
}

struct byte_pool_job {
    const struct call *call;
    struct parts parts; /* rows of dst */
    struct byte_scale scale;
    const struct byte_pool_kernel *kernel;
    void (*run)(const struct byte_pool_run *r); /* NULL: resize */
};

/* `pixels` pixels of a row from x on, which all have the same taps. */
static void pool_run(const struct byte_pool_job *job, int image, int y, int x, int pixels)
{
    const struct tensor *src = &job->call->src[0], *dst = &job->call->dst;
    const struct pool_attr *pool = &job->call->node->u.pool;
    const struct pool_span rows = pool_taps(y, pool->k, pool->stride, pool->pad, src->h);
    const struct pool_span columns = pool_taps(x, pool->k, pool->stride, pool->pad, src->w);
    const unsigned char *taps[MAX_POOL_K * MAX_POOL_K];
    int n = 0;
    for (int ky = rows.first; ky < rows.end; ky++) {
        for (int kx = columns.first; kx < columns.end; kx++)
            taps[n++] = (const unsigned char *)tensor_pixel(src, image, y * pool->stride - pool->pad + ky,
                                                            x * pool->stride - pool->pad + kx);
    }
    job->run(&(struct byte_pool_run){.src = taps,
                                     .taps = n,
                                     .c = pixels * dst->c,
                                     .dst = (unsigned char *)tensor_pixel(dst, image, y, x),
                                     .factor = job->scale.factor,
                                     .shift = job->scale.shift});
}

/* Where pixels lie one after another in both maps, those with all their taps are one of so many times the channels. */
static void pool_row(const struct byte_pool_job *job, int image, int y)
{
    const struct tensor *src = &job->call->src[0], *dst = &job->call->dst;
    const struct pool_attr *pool = &job->call->node->u.pool;
    const size_t bytes = (size_t)dst->c;
    const bool tight = pool->stride == 1 && 4 * src->pixel_stride == bytes && 4 * dst->pixel_stride == bytes;
    const int last = src->w + pool->pad - pool->k; /* pixel with all its taps */
    for (int x = 0; x < dst->w;) {
        const int pixels = tight && x >= pool->pad && x <= last ? last - x + 1 : 1;
        pool_run(job, image, y, x, pixels);
        x += pixels;
    }
}

static void resize_row(const struct byte_pool_job *job, int image, int y)
{
    const struct tensor *src = &job->call->src[0], *dst = &job->call->dst;
    const int scale = dst->w / src->w;
    for (int x = 0; x < dst->w; x++)
        job->kernel->rescale((unsigned char *)tensor_pixel(dst, image, y, x),
                             (const unsigned char *)tensor_pixel(src, image, y / scale, x / scale), dst->c,
                             job->scale.factor, job->scale.shift);
}

static void row_part(void *context, int part, int thread)
{
    (void)thread;
    const struct byte_pool_job *job = context;
    const struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++)
        job->run ? pool_row(job, range.image, y) : resize_row(job, range.image, y);
}

static void rows_forward(const struct call *c, void (*run)(const struct byte_pool_run *r))
{
    struct byte_pool_job job = {.call = c,
                                .parts =
                                    parts_cut(c->dst.n, c->dst.h, (size_t)c->dst.w * c->dst.pixel_stride, PART_FLOATS),
                                .scale = byte_scale_of(c),
                                .kernel = kernels_for(c->options.features).byte_pool,
                                .run = run};
    team_run(c->team, job.parts.count, row_part, &job);
}

void byte_maxpool_forward(const struct call *c)
{
    rows_forward(c, kernels_for(c->options.features).byte_pool->max);
}

void byte_avgpool_forward(const struct call *c)
{
    rows_forward(c, kernels_for(c->options.features).byte_pool->mean);
}

void byte_resize_forward(const struct call *c)
{
    rows_forward(c, NULL);
}
