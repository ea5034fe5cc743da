#include "train/optimizer.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <strings.h>

enum { PART_FLOATS = 32768 };

#define ADAM_BETA2   0.999
#define ADAM_EPSILON 1e-8
#define LION_BETA2   0.99

struct segment {
    size_t first, count; /* count <= PART_FLOATS */
    int group;           /* -1: not trained */
};

struct optimizer {
    struct optimizer_config config;
    struct team *team;
    float *state[OPTIMIZER_STATES];
    long steps;

    struct segment *segments; /* all of the block that parameters own */
    int n_segments;
    int *part_first; /* (n_parts + 1) first segment of each part */
    int n_parts;
    double *partial; /* (n_parts) */

    /* the running call */
    const float *norm_grad;
    float *value, *grad;
    float scale, momentum, lr[GROUPS];
    double correction1, correction2; /* Adam's 1 - beta^t */
};

static const struct {
    const char *name, *state[OPTIMIZER_STATES];
} kinds[] = {
    [OPTIMIZER_SGD] = {"SGD", {"momentum_buffer"}},
    [OPTIMIZER_ADAM] = {"Adam", {"exp_avg", "exp_avg_sq"}},
    [OPTIMIZER_ADAMW] = {"AdamW", {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}},
    [OPTIMIZER_LION] = {"LION", {"exp_avg"}},
};

enum status optimizer_kind_from_name(const char *name, enum optimizer_kind *kind)
{
    for (int i = 0; i < COUNT(kinds); i++)
        if (!strcasecmp(name, kinds[i].name)) {
            *kind = (enum optimizer_kind)i;
            return OK;
        }
    return fail(E_ARGUMENT, "there is no optimizer %s: SGD, Adam, AdamW and LION are possible", name);
}

const char *optimizer_kind_name(enum optimizer_kind kind)
{
    return kinds[kind].name;
}

int optimizer_group(enum param_role role)
{
    switch (role) {
    case PARAM_BIAS:
    case PARAM_BETA:
        return GROUP_BIAS;
    case PARAM_WEIGHT:
        return GROUP_WEIGHT;
    case PARAM_GAMMA:
    case PARAM_IMPLICIT:
        return GROUP_GAMMA;
    case PARAM_MEAN:
    case PARAM_VAR:
    case PARAM_DFL:
        break;
    }
    return -1;
}

/* --- the layout --- */

static int count_segments(const struct graph *g)
{
    size_t n = 0;
    for (int i = 0; i < g->n_params; i++)
        n += (g->params[i].count + PART_FLOATS - 1) / PART_FLOATS;
    assert(n < 1u << 30);
    return (int)n;
}

/* Cut every parameter into segments, and gather segments into parts of about PART_FLOATS. */
static void cut(struct optimizer *o, const struct graph *g, const bool *frozen)
{
    size_t filled = PART_FLOATS;
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        int group = frozen && frozen[p->row] ? -1 : optimizer_group(p->role);
        for (size_t first = 0; first < p->count; first += PART_FLOATS) {
            size_t count = MIN(p->count - first, PART_FLOATS);
            if (filled + count > PART_FLOATS) {
                o->part_first[o->n_parts++] = o->n_segments;
                filled = 0;
            }
            filled += count;
            o->segments[o->n_segments++] = (struct segment){p->first + first, count, group};
        }
    }
    o->part_first[o->n_parts] = o->n_segments;
}

enum status optimizer_create(const struct optimizer_config *config, const struct graph *graph, const bool *frozen,
                             struct team *team, struct optimizer **out)
{
    *out = NULL;
    if (!(config->beta >= 0 && config->beta < 1))
        return fail(E_ARGUMENT, "momentum %g of the optimizer is not in [0, 1)", config->beta);
    if (!(config->weight_decay >= 0) || isinf(config->weight_decay))
        return fail(E_ARGUMENT, "weight decay %g: zero or more is needed", config->weight_decay);
    struct optimizer *o = mem_calloc(1, sizeof *o);
    if (!o)
        return E_NOMEM;
    o->config = *config;
    o->team = team;
    size_t n = (size_t)count_segments(graph);
    bool whole = true;
    o->segments = mem_alloc(n, sizeof *o->segments);
    o->part_first = mem_alloc(n + 1, sizeof *o->part_first);
    o->partial = mem_alloc(n, sizeof *o->partial);
    for (int i = 0; i < OPTIMIZER_STATES && kinds[config->kind].state[i]; i++) {
        o->state[i] = mem_calloc(graph->param_floats, sizeof(float));
        whole = whole && o->state[i];
    }
    if (!whole || !o->segments || !o->part_first || !o->partial) {
        optimizer_destroy(o);
        return E_NOMEM;
    }
    cut(o, graph, frozen);
    *out = o;
    return OK;
}

void optimizer_destroy(struct optimizer *o)
{
    if (!o)
        return;
    for (int i = 0; i < OPTIMIZER_STATES; i++)
        mem_free(o->state[i]);
    mem_free(o->segments);
    mem_free(o->part_first);
    mem_free(o->partial);
    mem_free(o);
}

float *optimizer_state(struct optimizer *o, int i, const char **name)
{
    if (i < 0 || i >= OPTIMIZER_STATES || !o->state[i])
        return NULL;
    if (name)
        *name = kinds[o->config.kind].state[i];
    return o->state[i];
}

long optimizer_steps(const struct optimizer *o)
{
    return o->steps;
}

void optimizer_set_steps(struct optimizer *o, long steps)
{
    o->steps = steps;
}

/* --- norm --- */

static double sum_of_squares(const float *x, size_t n)
{
    double lane[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t k = 0; k < 8; k++)
            lane[k] += (double)x[i + k] * x[i + k];
    for (; i < n; i++)
        lane[0] += (double)x[i] * x[i];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static void norm_part(void *context, int part, int thread)
{
    (void)thread;
    struct optimizer *o = context;
    double sum = 0;
    for (int i = o->part_first[part]; i < o->part_first[part + 1]; i++)
        if (o->segments[i].group >= 0)
            sum += sum_of_squares(o->norm_grad + o->segments[i].first, o->segments[i].count);
    o->partial[part] = sum;
}

double optimizer_norm(struct optimizer *o, const float *grad)
{
    o->norm_grad = grad;
    team_run(o->team, o->n_parts, norm_part, o);
    double sum = 0;
    for (int i = 0; i < o->n_parts; i++)
        sum += o->partial[i];
    return sqrt(sum);
}

double optimizer_clip(double norm, double limit)
{
    double factor = limit / (norm + 1e-6);
    return factor < 1 ? factor : 1;
}

/* --- steps (SPEC 10.2); decay is 0 outside group weight --- */

struct update_range {
    size_t n;
    float *restrict value;
    const float *restrict grad;
    float *restrict a, *restrict b, *restrict c; /* states */
    float scale, lr, decay;
};

/* g = grad + decay*p, m = momentum*m + g, p -= lr * (g + momentum*m) */
static void step_sgd(const struct optimizer *o, const struct update_range *r)
{
    float *restrict value = r->value, *restrict m = r->a;
    const float *restrict grad = r->grad;
    const float scale = r->scale, decay = r->decay, lr = r->lr, momentum = o->momentum;
    for (size_t i = 0; i < r->n; i++) {
        float g = grad[i] * scale + decay * value[i];
        m[i] = momentum * m[i] + g;
        value[i] -= lr * (g + momentum * m[i]);
    }
}

/* g = grad + decay*p, m and v running means of g and g^2, p -= lr/(1-b1^t) * m / (sqrt(v)/sqrt(1-b2^t) + eps) */
static void step_adam(const struct optimizer *o, const struct update_range *r)
{
    float *restrict value = r->value, *restrict m = r->a, *restrict v = r->b;
    const float *restrict grad = r->grad;
    const float scale = r->scale, decay = r->decay;
    const float b1 = (float)o->config.beta, c1 = (float)(1 - o->config.beta);
    const float b2 = (float)ADAM_BETA2, c2 = (float)(1 - ADAM_BETA2), epsilon = (float)ADAM_EPSILON;
    const float step = (float)(r->lr / o->correction1), root = (float)sqrt(o->correction2);
    for (size_t i = 0; i < r->n; i++) {
        float g = grad[i] * scale + decay * value[i];
        m[i] = b1 * m[i] + c1 * g;
        v[i] = b2 * v[i] + c2 * (g * g);
        value[i] -= step * (m[i] / (sqrtf(v[i]) / root + epsilon));
    }
}

/* Decay apart from the gradient, and the running maximum of v in its place (amsgrad). */
static void step_adamw(const struct optimizer *o, const struct update_range *r)
{
    float *restrict value = r->value, *restrict m = r->a, *restrict v = r->b, *restrict top = r->c;
    const float *restrict grad = r->grad;
    const float scale = r->scale, keep = 1 - r->lr * r->decay;
    const float b1 = (float)o->config.beta, c1 = (float)(1 - o->config.beta);
    const float b2 = (float)ADAM_BETA2, c2 = (float)(1 - ADAM_BETA2), epsilon = (float)ADAM_EPSILON;
    const float step = (float)(r->lr / o->correction1), root = (float)sqrt(o->correction2);
    for (size_t i = 0; i < r->n; i++) {
        float g = grad[i] * scale;
        m[i] = b1 * m[i] + c1 * g;
        v[i] = b2 * v[i] + c2 * (g * g);
        top[i] = v[i] > top[i] ? v[i] : top[i];
        value[i] = value[i] * keep - step * (m[i] / (sqrtf(top[i]) / root + epsilon));
    }
}

/* p -= lr * sign(beta*m + (1-beta)*g), then m = 0.99 m + 0.01 g */
static void step_lion(const struct optimizer *o, const struct update_range *r)
{
    float *restrict value = r->value, *restrict m = r->a;
    const float *restrict grad = r->grad;
    const float scale = r->scale, keep = 1 - r->lr * r->decay, lr = r->lr;
    const float b1 = (float)o->config.beta, c1 = (float)(1 - o->config.beta);
    const float b2 = (float)LION_BETA2, c2 = (float)(1 - LION_BETA2);
    for (size_t i = 0; i < r->n; i++) {
        float g = grad[i] * scale;
        float direction = b1 * m[i] + c1 * g;
        float sign = (direction > 0 ? 1.0f : 0.0f) - (direction < 0 ? 1.0f : 0.0f);
        value[i] = value[i] * keep - lr * sign;
        m[i] = b2 * m[i] + c2 * g;
    }
}

static void step_part(void *context, int part, int thread)
{
    static void (*const step[])(const struct optimizer *,
                                const struct update_range *) = {[OPTIMIZER_SGD] = step_sgd,
                                                                [OPTIMIZER_ADAM] = step_adam,
                                                                [OPTIMIZER_ADAMW] = step_adamw,
                                                                [OPTIMIZER_LION] = step_lion};
    (void)thread;
    struct optimizer *o = context;
    for (int i = o->part_first[part]; i < o->part_first[part + 1]; i++) {
        const struct segment *s = &o->segments[i];
        if (s->group >= 0) {
            struct update_range r = {.n = s->count,
                                     .value = o->value + s->first,
                                     .grad = o->grad + s->first,
                                     .a = o->state[0] + s->first,
                                     .b = o->state[1] ? o->state[1] + s->first : NULL,
                                     .c = o->state[2] ? o->state[2] + s->first : NULL,
                                     .scale = o->scale,
                                     .lr = o->lr[s->group],
                                     .decay = s->group == GROUP_WEIGHT ? (float)o->config.weight_decay : 0};
            step[o->config.kind](o, &r);
        }
        memset(o->grad + s->first, 0, s->count * sizeof(float)); /* while it is in the cache */
    }
}

void optimizer_step(struct optimizer *o, float *value, float *grad, double scale, const double lr[GROUPS],
                    double momentum)
{
    o->steps++;
    o->value = value;
    o->grad = grad;
    o->scale = (float)scale;
    o->momentum = (float)momentum;
    for (int i = 0; i < GROUPS; i++)
        o->lr[i] = (float)lr[i];
    o->correction1 = 1 - pow(o->config.beta, (double)o->steps);
    o->correction2 = 1 - pow(ADAM_BETA2, (double)o->steps);
    team_run(o->team, o->n_parts, step_part, o);
}
