/* dst = src: a value that is wanted in two homes. Backward: d_src (=|+=) d_dst. */
#include "kernels/kernels.h"
#include "ops/byte_pool.h"
#include "ops/cpu.h"
#include "ops/parts.h"

#include <string.h>

struct copy_job {
    const struct tensor *from, *to;
    bool add;
    struct parts parts;
    const struct pool_kernel *kernel;
};

static inline void put(const struct copy_job *job, float *to, const float *from, size_t n)
{
    if (job->add)
        job->kernel->sum(to, (const float *[]){to, from}, 2, n);
    else
        memcpy(to, from, n * sizeof *to);
}

static void copy_part(void *context, int part, int thread)
{
    (void)thread;
    const struct copy_job *job = context;
    const struct tensor *from = job->from, *to = job->to;
    struct part_range range = part_get(&job->parts, part);
    size_t first = (size_t)range.first, n = (size_t)(range.end - range.first);
    const size_t c = (size_t)(from->c / element_per_word(from->element)); /* words */
    const float *s = tensor_image(from, range.image) + first * from->pixel_stride;
    float *d = tensor_image(to, range.image) + first * to->pixel_stride;
    if (from->pixel_stride == c && to->pixel_stride == c) {
        put(job, d, s, n * c);
        return;
    }
    for (size_t i = 0; i < n; i++)
        put(job, d + i * to->pixel_stride, s + i * from->pixel_stride, c);
}

static void copy_run(const struct call *c, const struct tensor *from, const struct tensor *to, bool add)
{
    struct copy_job job = {from, to, add, parts_cut(to->n, to->h * to->w, (size_t)to->c, PART_FLOATS),
                           kernels_for(c->options.features).pool};
    team_run(c->team, job.parts.count, copy_part, &job);
}

static void copy_forward(const struct call *c)
{
    if (c->dst.element == ELEMENT_BYTE)
        byte_resize_forward(c);
    else
        copy_run(c, &c->src[0], &c->dst, false);
}

static void copy_backward(const struct call *c)
{
    if (c->d_src[0].data)
        copy_run(c, &c->d_dst, &c->d_src[0], c->add[0]);
}

const struct op_impl cpu_copy = {.forward = copy_forward, .backward = copy_backward};
