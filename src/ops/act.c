/* dst = act(src) where no convolution or normalisation stands before it that could take it in; backward
 * d_src (=|+=) d_dst * act'(src). Plain C: the same bits on every machine. */
#include "kernels/c/act_inline.h"
#include "ops/cpu.h"
#include "ops/parts.h"

typedef void forward_fn(const float *x, float *y, size_t n);
typedef void backward_fn(const float *x, const float *d_y, float *d_x, bool add, size_t n);

#define ACTIVATION(id, form, parameter, ...)                                                    \
    static void forward_##id(const float *x, float *y, size_t n)                                \
    {                                                                                           \
        for (size_t i = 0; i < n; i++)                                                          \
            y[i] = act_##form##_value(x[i], parameter);                                         \
    }                                                                                           \
    static void backward_##id(const float *x, const float *d_y, float *d_x, bool add, size_t n) \
    {                                                                                           \
        for (size_t i = 0; i < n; i++)                                                          \
            d_x[i] = d_y[i] * act_##form##_derivative(x[i], parameter) + (add ? d_x[i] : 0);    \
    }
#include "kernels/act.def"
#undef ACTIVATION

static const struct {
    forward_fn *forward;
    backward_fn *backward;
} functions[ACT_COUNT] = {
#define ACTIVATION(id, ...) [ACT_##id] = {forward_##id, backward_##id},
#include "kernels/act.def"
#undef ACTIVATION
};

struct act_job {
    const struct call *call;
    struct parts parts; /* pixels */
    enum act act;
};

static struct act_job job_of(const struct call *c)
{
    const struct tensor *src = &c->src[0];
    return (struct act_job){c, parts_cut(src->n, src->h * src->w, (size_t)src->c, PART_FLOATS), c->node->u.act};
}

static float *pixel_of(const struct tensor *t, struct part_range range, int pixel)
{
    return tensor_image(t, range.image) + (size_t)pixel * t->pixel_stride;
}

static void forward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct act_job *job = context;
    const struct tensor *src = &job->call->src[0], *dst = &job->call->dst;
    const struct part_range range = part_get(&job->parts, part);
    for (int i = range.first; i < range.end; i++)
        functions[job->act].forward(pixel_of(src, range, i), pixel_of(dst, range, i), (size_t)src->c);
}

static void backward_part(void *context, int part, int thread)
{
    (void)thread;
    const struct act_job *job = context;
    const struct call *c = job->call;
    const struct part_range range = part_get(&job->parts, part);
    for (int i = range.first; i < range.end; i++)
        functions[job->act].backward(pixel_of(&c->src[0], range, i), pixel_of(&c->d_dst, range, i),
                                     pixel_of(&c->d_src[0], range, i), c->add[0], (size_t)c->src[0].c);
}

static void act_forward(const struct call *c)
{
    struct act_job job = job_of(c);
    team_run(c->team, job.parts.count, forward_part, &job);
}

static void act_backward(const struct call *c)
{
    struct act_job job = job_of(c);
    if (c->d_src[0].data)
        team_run(c->team, job.parts.count, backward_part, &job);
}

const struct op_impl cpu_act = {.forward = act_forward, .backward = act_backward};
