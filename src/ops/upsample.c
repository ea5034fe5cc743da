/* Nearest upsampling by an integer scale (SPEC 1): dst(y, x) = src(y / scale, x / scale).
 * Backward sums the scale * scale gradients of a pixel in row-major order. */
#include "ops/byte_pool.h"
#include "ops/cpu.h"
#include "ops/gather.h"
#include "ops/parts.h"

struct upsample_job {
    const struct call *call;
    struct parts parts; /* rows of src */
    const struct pool_kernel *kernel;
};

static void forward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct upsample_job *job = context;
    const struct tensor *src = &job->call->src[0], *dst = &job->call->dst;
    const int scale = job->call->node->u.scale;
    const size_t bytes = (size_t)src->c * element_size(src->element);
    struct part_range range = part_get(&job->parts, part);
    for (int y = range.first * scale; y < range.end * scale; y++) {
        const float *s = tensor_pixel(src, range.image, y / scale, 0);
        float *d = tensor_pixel(dst, range.image, y, 0);
        for (int x = 0; x < src->w; x++, s += src->pixel_stride)
            for (int k = 0; k < scale; k++, d += dst->pixel_stride)
                memcpy(d, s, bytes);
    }
}

static void backward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct upsample_job *job = context;
    const struct tensor *d_src = &job->call->d_src[0], *d_dst = &job->call->d_dst;
    const int scale = job->call->node->u.scale;
    struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++)
        for (int x = 0; x < d_src->w; x++)
            gather_sum(job->kernel, tensor_pixel(d_src, range.image, y, x), job->call->add[0], d_dst, range.image,
                       (struct rectangle){y * scale, (y + 1) * scale, x * scale, (x + 1) * scale});
}

static void upsample_forward(const struct call *c)
{
    if (c->dst.element == ELEMENT_BYTE) {
        byte_resize_forward(c);
        return;
    }
    const struct tensor *src = &c->src[0];
    size_t scale = (size_t)c->node->u.scale;
    struct upsample_job job = {c,
                               parts_cut(src->n, src->h, (size_t)src->w * (size_t)src->c * scale * scale, PART_FLOATS),
                               kernels_for(c->options.features).pool};
    team_run(c->team, job.parts.count, forward_part, &job);
}

static void upsample_backward(const struct call *c)
{
    const struct tensor *src = &c->d_src[0];
    if (!src->data)
        return;
    size_t scale = (size_t)c->node->u.scale;
    struct upsample_job job = {c,
                               parts_cut(src->n, src->h, (size_t)src->w * (size_t)src->c * scale * scale, PART_FLOATS),
                               kernels_for(c->options.features).pool};
    team_run(c->team, job.parts.count, backward_part, &job);
}

const struct op_impl cpu_upsample = {.forward = upsample_forward, .backward = upsample_backward};
