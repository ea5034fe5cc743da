/* ReOrg: each 2x2 square of pixels becomes one pixel of four times the channels, dst(y, x) = src(2y, 2x),
 * src(2y + 1, 2x), src(2y, 2x + 1), src(2y + 1, 2x + 1) one after another. Backward: the same pixels the other way. */
#include "kernels/kernels.h"
#include "ops/cpu.h"
#include "ops/parts.h"

#include <string.h>

struct reorg_job {
    const struct tensor *whole, *folded; /* before and after ReOrg */
    bool back, add;
    struct parts parts; /* rows of `folded` */
    const struct pool_kernel *kernel;
};

static void reorg_pixel(const struct reorg_job *job, int image, int y, int x)
{
    const size_t c = (size_t)(job->whole->c / element_per_word(job->whole->element)); /* words */
    float *folded = tensor_pixel(job->folded, image, y, x);
    for (int k = 0; k < 4; k++, folded += c) {
        float *whole = tensor_pixel(job->whole, image, 2 * y + k % 2, 2 * x + k / 2);
        if (!job->back)
            memcpy(folded, whole, c * sizeof *whole);
        else if (job->add)
            job->kernel->sum(whole, (const float *[]){whole, folded}, 2, c);
        else
            memcpy(whole, folded, c * sizeof *whole);
    }
}

static void reorg_part(void *context, int part, int thread)
{
    (void)thread;
    const struct reorg_job *job = context;
    struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++)
        for (int x = 0; x < job->folded->w; x++)
            reorg_pixel(job, range.image, y, x);
}

static void reorg_run(const struct call *c, struct reorg_job job)
{
    const struct tensor *t = job.folded;
    job.parts = parts_cut(t->n, t->h, (size_t)t->w * (size_t)t->c, PART_FLOATS);
    job.kernel = kernels_for(c->options.features).pool;
    team_run(c->team, job.parts.count, reorg_part, &job);
}

static void reorg_forward(const struct call *c)
{
    reorg_run(c, (struct reorg_job){.whole = &c->src[0], .folded = &c->dst});
}

static void reorg_backward(const struct call *c)
{
    if (c->d_src[0].data)
        reorg_run(c, (struct reorg_job){.whole = &c->d_src[0], .folded = &c->d_dst, .back = true, .add = c->add[0]});
}

const struct op_impl cpu_reorg = {.forward = reorg_forward, .backward = reorg_backward};
