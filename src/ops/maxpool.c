/* Window maximum with padding -inf (SPEC 1): taps are met in row-major order, a later tap wins with strict `>`, and
 * NaN always wins. In training the place of the winner (ky * k + kx, a byte an output) is saved, so that backward
 * needs neither src nor dst: each pixel sums the gradients of the windows that it won, in row-major order. */
#include "kernels/kernels.h"
#include "kernels/pool_inline.h"
#include "ops/byte_pool.h"
#include "ops/cpu.h"
#include "ops/parts.h"

struct maxpool_job {
    const struct call *call;
    struct parts parts; /* rows of dst, or of d_src */
    const struct pool_kernel *kernel;
};

/* The saved places of one row of dst. */
static unsigned char *places(const struct call *c, int image, int y)
{
    const struct tensor *dst = &c->dst;
    size_t row = (size_t)image * (size_t)dst->h + (size_t)y;
    return (unsigned char *)c->saved + row * (size_t)dst->w * (size_t)dst->c;
}

static size_t round_up_channels(int c)
{
    return ((size_t)c + 15) / 16 * 16;
}

/* A pooled source (lowered form): the rows that rows [first, end) of dst look at, averaged into the thread's scratch.
 */
enum { POOLED_ROWS = 4 }; /* of dst in a part */

static int pooled_rows(const struct pool_attr *pool)
{
    return (POOLED_ROWS - 1) * pool->stride + pool->k;
}

static size_t pooled_floats(const struct call *c)
{
    return (size_t)pooled_rows(&c->node->u.pool) * (size_t)(c->src[0].w - 1) * round_up_channels(c->dst.c);
}

static struct tensor average(const struct maxpool_job *job, struct part_range range, int thread, int *first_row)
{
    const struct call *c = job->call;
    const struct tensor *src = &c->src[0];
    const struct pool_attr *pool = &c->node->u.pool;
    const int y0 = MAX(0, range.first * pool->stride - pool->pad);
    const int y1 = MIN(src->h - 1, (range.end - 1) * pool->stride - pool->pad + pool->k);
    struct tensor t = {.n = 1, .h = y1 - y0, .w = src->w - 1, .c = src->c};
    t.pixel_stride = round_up_channels(src->c);
    t.data = c->scratch + (size_t)thread * pooled_floats(c);
    for (int y = y0; y < y1; y++)
        job->kernel->mean(&(struct pool_run){.k = 2,
                                             .stride = 1,
                                             .c = src->c,
                                             .width = src->w,
                                             .n = t.w,
                                             .end_ky = 2,
                                             .src = tensor_pixel(src, range.image, y, 0),
                                             .src_row = (size_t)src->w * src->pixel_stride,
                                             .src_pixel = src->pixel_stride,
                                             .dst = tensor_pixel(&t, 0, y - y0, 0),
                                             .dst_pixel = t.pixel_stride,
                                             .src_bf16 = src->element == ELEMENT_BF16,
                                             .factor = 0.25f});
    *first_row = y0;
    return t;
}

static void forward_part(void *context, int part, int thread)
{
    const struct maxpool_job *job = context;
    const struct call *c = job->call;
    const struct tensor *dst = &c->dst;
    const struct pool_attr *pool = &c->node->u.pool;
    struct part_range range = part_get(&job->parts, part);
    struct tensor source = c->src[0], *const src = &source;
    int height = src->h - pool->pooled, image = range.image, above = 0; /* rows that src lacks at its top */
    if (pool->pooled) {
        source = average(job, range, thread, &above);
        image = 0;
    }
    for (int y = range.first; y < range.end; y++) {
        struct pool_span rows = pool_taps(y, pool->k, pool->stride, pool->pad, height);
        struct pool_run r = {.k = pool->k,
                             .stride = pool->stride,
                             .pad = pool->pad,
                             .c = dst->c,
                             .width = src->w,
                             .n = dst->w,
                             .first_ky = rows.first,
                             .end_ky = rows.end,
                             .src = tensor_pixel(src, image, y * pool->stride - pool->pad + rows.first - above, 0),
                             .src_row = (size_t)src->w * src->pixel_stride,
                             .src_pixel = src->pixel_stride,
                             .dst = tensor_pixel(dst, range.image, y, 0),
                             .dst_pixel = dst->pixel_stride,
                             .src_bf16 = src->element == ELEMENT_BF16,
                             .dst_bf16 = dst->element == ELEMENT_BF16};
        if (c->options.mode != RUN_INFER) {
            r.place = places(c, range.image, y);
            job->kernel->max_place(&r);
        } else {
            job->kernel->max(&r);
        }
    }
}

static void backward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct maxpool_job *job = context;
    const struct call *c = job->call;
    const struct tensor *d_src = &c->d_src[0], *d_dst = &c->d_dst;
    const struct pool_attr *pool = &c->node->u.pool;
    struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++) {
        struct pool_span rows = pool_windows(y, pool->k, pool->stride, pool->pad, d_dst->h);
        job->kernel->d_max(&(struct pool_d_run){.k = pool->k,
                                                .stride = pool->stride,
                                                .pad = pool->pad,
                                                .c = d_src->c,
                                                .width = d_src->w,
                                                .n = d_dst->w,
                                                .y = y,
                                                .first_row = rows.first,
                                                .end_row = rows.end,
                                                .d_dst = tensor_pixel(d_dst, range.image, rows.first, 0),
                                                .d_dst_row = (size_t)d_dst->w * d_dst->pixel_stride,
                                                .d_dst_pixel = d_dst->pixel_stride,
                                                .place = places(c, range.image, rows.first),
                                                .d_src = tensor_pixel(d_src, range.image, y, 0),
                                                .d_src_pixel = d_src->pixel_stride,
                                                .add = c->add[0]});
    }
}

static enum status maxpool_plan(struct call *c)
{
    const struct pool_attr *pool = &c->node->u.pool;
    if (pool->k < 1 || pool->k > MAX_POOL_K || pool->pad * 2 > pool->k)
        return fail(E_SHAPE, "%s: max pooling with k %d and padding %d; k is 1 to %d, padding at most k / 2",
                    c->node->name, pool->k, pool->pad, MAX_POOL_K);
    const struct tensor *dst = &c->dst;
    size_t outputs = (size_t)dst->n * (size_t)dst->h * (size_t)dst->w * (size_t)dst->c;
    if (pool->pooled)
        c->scratch_floats = (size_t)MAX(1, c->options.threads) * pooled_floats(c);
    c->saved_floats = c->options.mode != RUN_INFER ? (outputs + sizeof(float) - 1) / sizeof(float) : 0;
    return OK;
}

static void maxpool_forward(const struct call *c)
{
    if (c->dst.element == ELEMENT_BYTE) {
        byte_maxpool_forward(c);
        return;
    }
    const struct tensor *dst = &c->dst;
    struct maxpool_job job = {c, parts_cut(dst->n, dst->h, (size_t)dst->w * (size_t)dst->c, PART_FLOATS),
                              kernels_for(c->options.features).pool};
    if (c->node->u.pool.pooled)
        job.parts = parts_of_rows(dst->n, dst->h, POOLED_ROWS);
    team_run(c->team, job.parts.count, forward_part, &job);
}

static void maxpool_backward(const struct call *c)
{
    const struct tensor *d_src = &c->d_src[0];
    if (!d_src->data)
        return;
    struct maxpool_job job = {c, parts_cut(d_src->n, d_src->h, (size_t)d_src->w * (size_t)d_src->c, PART_FLOATS),
                              kernels_for(c->options.features).pool};
    team_run(c->team, job.parts.count, backward_part, &job);
}

const struct op_impl cpu_maxpool = {.plan = maxpool_plan, .forward = maxpool_forward, .backward = maxpool_backward};
