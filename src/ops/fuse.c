/* CBFuse (SPEC 1, 2): dst = sum of the nearest-resized src[0..n-2] from left to right, then + src[n-1], the target,
 * which has dst's size. Nearest: from = min(floor(to * (in / out as float32)), in - 1).
 * Backward: every source sums the gradients of the dst pixels that read it, in row-major order. */
#include "ops/cpu.h"
#include "ops/gather.h"
#include "ops/nearest.h"
#include "ops/parts.h"

struct fuse_job {
    const struct call *call;
    int source; /* backward: the source whose gradient is made */
    struct parts parts;
    const struct pool_kernel *kernel;
};

/* The source pixels lie far apart, slices of CBLinear's wide maps: no stream to the processor. */
static void fetch(const float *pixel, int c)
{
    for (int k = 0; k < c; k += 16)
        __builtin_prefetch(pixel + k, 0, 2);
}

static void forward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct fuse_job *job = context;
    const struct tensor *src = job->call->src, *dst = &job->call->dst;
    const int n_src = job->call->node->n_src;
    struct part_range range = part_get(&job->parts, part);
    enum { ahead = 8 }; /* pixels */
    float ratio[MAX_SRC];
    for (int i = 0; i < n_src; i++)
        ratio[i] = nearest_ratio(src[i].w, dst->w);
    for (int y = range.first; y < range.end; y++) {
        const float *row[MAX_SRC], *from[MAX_SRC];
        for (int i = 0; i < n_src; i++)
            row[i] = tensor_pixel(&src[i], range.image, nearest(y, src[i].h, dst->h), 0);
        for (int x = 0; x < dst->w; x++) {
            for (int i = 0; i < n_src; i++) {
                from[i] = row[i] + (size_t)nearest_by(x, src[i].w, ratio[i]) * src[i].pixel_stride;
                fetch(row[i] + (size_t)nearest_by(x + ahead, src[i].w, ratio[i]) * src[i].pixel_stride, dst->c);
            }
            float *to = tensor_pixel(dst, range.image, y, x);
            if (dst->element == ELEMENT_BF16)
                job->kernel->sum_bf16((uint16_t *)to, (const uint16_t *const *)from, n_src, (size_t)dst->c);
            else
                job->kernel->sum(to, from, n_src, (size_t)dst->c);
        }
    }
}

/* First place of `out` that reads place `from` of `in` or a later one; nearest() does not decrease. */
static int first_reader(int from, int in, int out)
{
    int to = (int)((long long)from * out / in) - 1;
    to = MAX(to, 0);
    while (to < out && nearest(to, in, out) < from)
        to++;
    while (to > 0 && nearest(to - 1, in, out) >= from)
        to--;
    return to;
}

static void backward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct fuse_job *job = context;
    const struct tensor *d_src = &job->call->d_src[job->source], *d_dst = &job->call->d_dst;
    const bool add = job->call->add[job->source];
    struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++) {
        struct rectangle r = {.y0 = first_reader(y, d_src->h, d_dst->h), .y1 = first_reader(y + 1, d_src->h, d_dst->h)};
        for (int x = 0; x < d_src->w; x++) {
            r.x0 = first_reader(x, d_src->w, d_dst->w);
            r.x1 = first_reader(x + 1, d_src->w, d_dst->w);
            gather_sum(job->kernel, tensor_pixel(d_src, range.image, y, x), add, d_dst, range.image, r);
        }
    }
}

static void fuse_forward(const struct call *c)
{
    const struct tensor *dst = &c->dst;
    struct fuse_job job = {.call = c, .kernel = kernels_for(c->options.features).pool};
    job.parts = parts_cut(dst->n, dst->h, (size_t)dst->w * (size_t)dst->c, PART_FLOATS);
    team_run(c->team, job.parts.count, forward_part, &job);
}

static void fuse_backward(const struct call *c)
{
    for (int i = 0; i < c->node->n_src; i++) {
        const struct tensor *d_src = &c->d_src[i];
        if (!d_src->data)
            continue;
        struct fuse_job job = {.call = c, .source = i, .kernel = kernels_for(c->options.features).pool};
        size_t row = (size_t)c->d_dst.w * (size_t)c->d_dst.h / (size_t)d_src->h * (size_t)d_src->c;
        job.parts = parts_cut(d_src->n, d_src->h, row, PART_FLOATS);
        team_run(c->team, job.parts.count, backward_part, &job);
    }
}

const struct op_impl cpu_fuse = {.forward = fuse_forward, .backward = fuse_backward};
