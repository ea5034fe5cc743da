/* Window maximum with padding -inf (SPEC 1): taps are met in row-major order, a later tap wins with strict `>`, and
 * NaN always wins. In training the place of the winner (ky * k + kx, a byte an output) is saved, so that backward
 * needs neither src nor dst: each pixel sums the gradients of the windows that it won, in row-major order. */
#include "ops/cpu.h"
#include "ops/parts.h"
#include "ops/row.h"
#include "ops/window.h"

enum {
    MAX_K = 16, /* places fit a byte */
    LANES = 16, /* channels a step */
};

struct maxpool_job {
    const struct call *call;
    struct parts parts;
};

static inline unsigned char *winners(const struct call *c, const struct tensor *dst, int image, int y, int x)
{
    size_t pixel = ((size_t)image * (size_t)dst->h + (size_t)y) * (size_t)dst->w + (size_t)x;
    return (unsigned char *)c->saved + pixel * (size_t)dst->c;
}

struct window {
    const float *start; /* tap (0, 0), which may lie outside: only taps inside are read */
    size_t row, pixel;  /* strides */
    struct window_span y, x;
    int k;
};

/* Channels [0, n) of one output, n <= LANES. */
static inline void window_max(const struct window *w, size_t channel, int n, float *dst, unsigned char *place)
{
    float best[LANES];
    int where[LANES];
    for (int i = 0; i < n; i++) {
        best[i] = -__builtin_inff();
        where[i] = w->y.first * w->k + w->x.first;
    }
    for (int ky = w->y.first; ky < w->y.end; ky++)
        for (int kx = w->x.first; kx < w->x.end; kx++) {
            const float *tap = w->start + (ptrdiff_t)((size_t)ky * w->row + (size_t)kx * w->pixel + channel);
            for (int i = 0; i < n; i++) {
                bool wins = tap[i] > best[i] || tap[i] != tap[i];
                best[i] = wins ? tap[i] : best[i];
                where[i] = wins ? ky * w->k + kx : where[i];
            }
        }
    for (int i = 0; i < n; i++)
        dst[i] = best[i];
    if (place)
        for (int i = 0; i < n; i++)
            place[i] = (unsigned char)where[i];
}

static void forward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct maxpool_job *job = context;
    const struct call *c = job->call;
    const struct tensor *src = &c->src[0], *dst = &c->dst;
    const struct pool_attr *pool = &c->node->u.pool;
    struct part_range range = part_get(&job->parts, part);
    for (int y = range.first; y < range.end; y++)
        for (int x = 0; x < dst->w; x++) {
            struct window w = {.row = (size_t)src->w * src->pixel_stride, .pixel = src->pixel_stride, .k = pool->k};
            w.y = window_taps(y, pool, src->h);
            w.x = window_taps(x, pool, src->w);
            ptrdiff_t row = y * pool->stride - pool->pad, col = x * pool->stride - pool->pad;
            w.start = tensor_image(src, range.image) + (row * src->w + col) * (ptrdiff_t)src->pixel_stride;
            float *to = tensor_pixel(dst, range.image, y, x);
            unsigned char *place = c->options.mode != RUN_INFER ? winners(c, dst, range.image, y, x) : NULL;
            int k = 0;
            for (; k + LANES <= dst->c; k += LANES)
                window_max(&w, (size_t)k, LANES, to + k, place ? place + k : NULL);
            if (k < dst->c)
                window_max(&w, (size_t)k, dst->c - k, to + k, place ? place + k : NULL);
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
        struct window_span rows = windows_over(y, pool, d_dst->h);
        for (int x = 0; x < d_src->w; x++) {
            struct window_span cols = windows_over(x, pool, d_dst->w);
            float *to = tensor_pixel(d_src, range.image, y, x);
            if (!c->add[0])
                memset(to, 0, (size_t)d_src->c * sizeof *to);
            for (int v = rows.first; v < rows.end; v++)
                for (int u = cols.first; u < cols.end; u++) {
                    const float *from = tensor_pixel(d_dst, range.image, v, u);
                    const unsigned char *place = winners(c, d_dst, range.image, v, u);
                    int me = (y + pool->pad - v * pool->stride) * pool->k + x + pool->pad - u * pool->stride;
                    for (int k = 0; k < d_src->c; k++)
                        to[k] += place[k] == me ? from[k] : 0.0f;
                }
        }
    }
}

static enum status maxpool_plan(struct call *c)
{
    const struct pool_attr *pool = &c->node->u.pool;
    if (pool->k < 1 || pool->k > MAX_K || pool->pad * 2 > pool->k)
        return fail(E_SHAPE, "%s: max pooling with k %d and padding %d; k is 1 to %d, padding at most k / 2",
                    c->node->name, pool->k, pool->pad, MAX_K);
    const struct tensor *dst = &c->dst;
    size_t outputs = (size_t)dst->n * (size_t)dst->h * (size_t)dst->w * (size_t)dst->c;
    c->saved_floats = c->options.mode != RUN_INFER ? (outputs + sizeof(float) - 1) / sizeof(float) : 0;
    return OK;
}

static void maxpool_forward(const struct call *c)
{
    const struct tensor *dst = &c->dst;
    struct maxpool_job job = {c, parts_cut(dst->n, dst->h, (size_t)dst->w * (size_t)dst->c, PART_FLOATS)};
    team_run(c->team, job.parts.count, forward_part, &job);
}

static void maxpool_backward(const struct call *c)
{
    const struct tensor *d_src = &c->d_src[0];
    if (!d_src->data)
        return;
    struct maxpool_job job = {c, parts_cut(d_src->n, d_src->h, (size_t)d_src->w * (size_t)d_src->c, PART_FLOATS)};
    team_run(c->team, job.parts.count, backward_part, &job);
}

const struct op_impl cpu_maxpool = {maxpool_plan, NULL, maxpool_forward, maxpool_backward};
