/* Each op of the CPU backend except conv2d: forward against a naive double reference, backward against the
 * directional difference of that reference, on channel slices with canaries around them, with store and add, and with
 * the same bits for every number of threads. */
#include "core/clock.h"
#include "core/cpu.h"
#include "core/mem.h"
#include "core/rng.h"
#include "ops/cpu.h"
#include "support/activations.h"
#include "support/feature_masks.h"
#include "support/op_reference.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- a case: one node on random slices --- */

enum { TIGHT = 0 }; /* a seed: no slices, for the bench */

static const float CANARY = -12345.678f;

/* A tensor inside a larger home: everything around it must stay CANARY. */
struct home {
    float *memory;
    size_t count;
    struct tensor t;
};

struct bench {
    const struct op_case *info;
    const struct op_impl *op;
    struct rng rng;
    struct home src[MAX_SRC], dst, d_src[MAX_SRC], d_dst;
    float *param[MAX_NODE_PARAMS], *d_param[MAX_NODE_PARAMS]; /* c floats each, or NULL */
    struct graph graph;
    struct call call;
};

static float random_float(struct rng *r)
{
    return (float)rng_range(r, -1.0, 1.0);
}

/* A random slice, or (tight) a whole map as the planner lays it out. */
static struct home home_make(struct rng *r, int n, int h, int w, int c, bool tight)
{
    struct home home = {.t = {.n = n, .h = h, .w = w, .c = c}};
    size_t before = rng_below(r, 9), after = rng_below(r, 9), gap = rng_below(r, 3) * 5;
    if (tight)
        before = gap = 0, after = (16 - (size_t)c % 16) % 16;
    home.t.pixel_stride = before + (size_t)c + after;
    home.t.image_stride = home.t.pixel_stride * (size_t)h * (size_t)w + gap;
    home.count = home.t.image_stride * (size_t)n;
    home.memory = mem_alloc(home.count, sizeof(float));
    assert_non_null(home.memory);
    for (size_t i = 0; i < home.count; i++)
        home.memory[i] = CANARY;
    home.t.data = home.memory + before;
    return home;
}

static size_t tensor_count(const struct tensor *t)
{
    return (size_t)t->n * (size_t)t->h * (size_t)t->w * (size_t)t->c;
}

/* Element i of the dense order. */
static float *element(const struct tensor *t, size_t i)
{
    size_t c = i % (size_t)t->c, pixel = i / (size_t)t->c, hw = (size_t)t->h * (size_t)t->w;
    return tensor_image(t, (int)(pixel / hw)) + pixel % hw * t->pixel_stride + c;
}

static void fill_random(struct rng *r, const struct tensor *t)
{
    for (size_t i = 0; i < tensor_count(t); i++)
        *element(t, i) = random_float(r);
}

static void fill_value(const struct tensor *t, float value)
{
    for (size_t i = 0; i < tensor_count(t); i++)
        *element(t, i) = value;
}

static void check_canaries(const struct home *home, const char *name)
{
    struct home copy = *home;
    copy.memory = mem_alloc(home->count, sizeof(float));
    memcpy(copy.memory, home->memory, home->count * sizeof(float));
    copy.t.data = copy.memory + (home->t.data - home->memory);
    fill_value(&copy.t, CANARY);
    for (size_t i = 0; i < home->count; i++)
        if (copy.memory[i] != CANARY)
            fail_msg("%s: float %zu outside the slice was written", name, i);
    mem_free(copy.memory);
}

static double *dense(const struct tensor *t)
{
    double *values = mem_alloc(tensor_count(t), sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < tensor_count(t); i++)
        values[i] = (double)*element(t, i);
    return values;
}

static void bench_free(struct bench *b)
{
    for (int i = 0; i < b->info->node.n_src; i++) {
        mem_free(b->src[i].memory);
        mem_free(b->d_src[i].memory);
    }
    mem_free(b->dst.memory);
    mem_free(b->d_dst.memory);
    for (int i = 0; i < MAX_NODE_PARAMS; i++) {
        mem_free(b->param[i]);
        mem_free(b->d_param[i]);
    }
    mem_free(b->call.saved);
    mem_free(b->call.scratch);
}

/* Memory that must not be read before it is written. */
static float *poisoned(size_t floats)
{
    float *p = mem_alloc(floats, sizeof *p);
    assert_non_null(p);
    memset(p, 0xff, floats * sizeof *p);
    return p;
}

static int params_of(const struct node *n)
{
    return n->op == OP_BN_ACT ? 4 * n->u.bn_act.n_bn : n->op == OP_IMPLICIT ? 1 : 0;
}

static void params_init(struct bench *b)
{
    for (int i = 0; i < params_of(&b->info->node); i++) {
        int c = b->info->c;
        b->param[i] = mem_alloc((size_t)c, sizeof(float));
        for (int k = 0; k < c; k++)
            b->param[i][k] = i % 4 == 3 ? 1.0f + 0.5f * random_float(&b->rng) : random_float(&b->rng);
        if (i % 4 < 2)
            b->d_param[i] = mem_calloc((size_t)c, sizeof(float));
        b->call.param[i] = b->param[i];
        b->call.d_param[i] = b->d_param[i];
    }
}

static void bench_init(struct bench *b, const struct op_case *info, uint64_t seed, uint64_t features)
{
    *b = (struct bench){.info = info, .op = cpu_backend.ops[info->node.op], .rng = rng_seed(seed, 0, 0)};
    b->call.graph = &b->graph;
    b->call.node = &info->node;
    b->call.options.mode = info->mode;
    b->call.options.features = features;
    for (int i = 0; i < info->node.n_src; i++) {
        struct extent size = info->size[i];
        b->src[i] = home_make(&b->rng, info->n, size.h, size.w, op_source_channels(info), seed == TIGHT);
        b->d_src[i] = home_make(&b->rng, info->n, size.h, size.w, op_source_channels(info), seed == TIGHT);
        fill_random(&b->rng, &b->src[i].t);
        fill_value(&b->d_src[i].t, NAN);
        b->call.src[i] = b->src[i].t;
        b->call.d_src[i] = b->d_src[i].t;
    }
    b->dst = home_make(&b->rng, info->n, info->h, info->w, info->c, seed == TIGHT);
    b->d_dst = home_make(&b->rng, info->n, info->h, info->w, info->c, seed == TIGHT);
    fill_value(&b->dst.t, NAN);
    fill_random(&b->rng, &b->d_dst.t);
    b->call.dst = b->dst.t;
    b->call.d_dst = b->d_dst.t;
    params_init(b);
    if (b->op->plan)
        assert_int_equal(b->op->plan(&b->call), OK);
    b->call.saved = poisoned(b->call.saved_floats);
    b->call.scratch = poisoned(MAX(b->call.scratch_floats, b->call.d_scratch_floats));
}

/* The operands of the reference in double. */
struct operands {
    double *src[MAX_SRC], *param[MAX_NODE_PARAMS], *d_dst, *dst;
};

static struct operands operands_of(const struct bench *b)
{
    struct operands v = {.d_dst = dense(&b->d_dst.t), .dst = dense(&b->dst.t)};
    for (int i = 0; i < b->info->node.n_src; i++)
        v.src[i] = dense(&b->src[i].t);
    for (int i = 0; i < MAX_NODE_PARAMS; i++)
        if (b->param[i]) {
            v.param[i] = mem_alloc((size_t)b->info->c, sizeof(double));
            for (int k = 0; k < b->info->c; k++)
                v.param[i][k] = (double)b->param[i][k];
        }
    return v;
}

static void operands_free(struct operands *v)
{
    for (int i = 0; i < MAX_SRC; i++)
        mem_free(v->src[i]);
    for (int i = 0; i < MAX_NODE_PARAMS; i++)
        mem_free(v->param[i]);
    mem_free(v->d_dst);
    mem_free(v->dst);
}

static double loss(const struct op_case *o, struct operands *v)
{
    size_t count = (size_t)o->n * (size_t)o->h * (size_t)o->w * (size_t)o->c;
    double sum = 0.0;
    op_reference(o, (const double *const *)v->src, (const double *const *)v->param, v->dst);
    for (size_t i = 0; i < count; i++)
        sum += v->d_dst[i] * v->dst[i];
    return sum;
}

/* --- checks --- */

static void check_forward(const struct bench *b, struct operands *v)
{
    const struct op_case *o = b->info;
    double largest = 1.0, worst = 0.0;
    loss(o, v);
    for (size_t i = 0; i < tensor_count(&b->dst.t); i++) {
        double difference = fabs((double)*element(&b->dst.t, i) - v->dst[i]);
        largest = fmax(largest, fabs(v->dst[i]));
        worst = difference > worst || isnan(difference) ? difference : worst;
    }
    if (!(worst <= 1e-6 * largest))
        fail_msg("%s: forward is off by %g (largest value %g)", o->name, worst, largest);
}

/* Directional differences of one operand: `values` (count) moves, `gradient` is what backward says. */
static void check_direction(const struct bench *b, struct operands *v, double *values, const double *gradient,
                            size_t count, const char *what, int index)
{
    const double e = b->info->node.op == OP_MAXPOOL ? 1e-9 : 1e-6; /* stay clear of kinks */
    struct rng r = rng_seed(7, (uint64_t)index, count);
    double *saved = mem_alloc(count, sizeof *saved), *direction = mem_alloc(count, sizeof *direction);
    memcpy(saved, values, count * sizeof *saved);
    for (int round = 0; round < 3; round++) {
        double got = 0.0, size = 0.0, side[2];
        for (size_t i = 0; i < count; i++) {
            direction[i] = rng_range(&r, -1.0, 1.0);
            got += direction[i] * gradient[i];
            size += direction[i] * direction[i] * gradient[i] * gradient[i];
        }
        for (int s = 0; s < 2; s++) {
            for (size_t i = 0; i < count; i++)
                values[i] = saved[i] + (s ? -e : e) * direction[i];
            side[s] = loss(b->info, v);
        }
        memcpy(values, saved, count * sizeof *saved);
        double want = (side[0] - side[1]) / (2.0 * e);
        if (!(fabs(got - want) <= 1e-5 * (sqrt(size) + 1.0)))
            fail_msg("%s: gradient of %s %d along a direction is %.9g, the difference says %.9g", b->info->name, what,
                     index, got, want);
    }
    mem_free(saved);
    mem_free(direction);
}

static void check_backward(const struct bench *b, struct operands *v)
{
    for (int i = 0; i < b->info->node.n_src; i++) {
        double *gradient = dense(&b->d_src[i].t);
        check_direction(b, v, v->src[i], gradient, tensor_count(&b->d_src[i].t), "source", i);
        mem_free(gradient);
    }
    for (int i = 0; i < MAX_NODE_PARAMS; i++) {
        if (!b->d_param[i])
            continue;
        double *gradient = mem_alloc((size_t)b->info->c, sizeof *gradient);
        for (int k = 0; k < b->info->c; k++)
            gradient[k] = (double)b->d_param[i][k];
        check_direction(b, v, v->param[i], gradient, (size_t)b->info->c, "parameter", i);
        mem_free(gradient);
    }
}

static void check_running_statistics(const struct bench *b, const struct operands *v)
{
    const struct op_case *o = b->info;
    size_t pixels = (size_t)o->n * (size_t)o->h * (size_t)o->w, c = (size_t)o->c;
    for (int i = 0; i < o->node.u.bn_act.n_bn; i++)
        for (size_t k = 0; k < c; k++) {
            double mean = 0.0, var = 0.0, count = (double)pixels;
            for (size_t p = 0; p < pixels; p++)
                mean += v->src[i][p * c + k] / count;
            for (size_t p = 0; p < pixels; p++)
                var += pow(v->src[i][p * c + k] - mean, 2.0) / (count - 1.0);
            bool train = o->mode == RUN_TRAIN;
            double want_mean = train ? 0.97 * v->param[4 * i + 2][k] + 0.03 * mean : v->param[4 * i + 2][k];
            double want_var = train ? 0.97 * v->param[4 * i + 3][k] + 0.03 * var : v->param[4 * i + 3][k];
            assert_true(fabs((double)b->param[4 * i + 2][k] - want_mean) <= 2e-7);
            assert_true(fabs((double)b->param[4 * i + 3][k] - want_var) <= 4e-7);
        }
}

static void check_same(const struct home *a, const struct home *b, const char *name, const char *what)
{
    if (memcmp(a->memory, b->memory, a->count * sizeof(float)) != 0)
        fail_msg("%s: %s changes with the number of threads or by running in place", name, what);
}

/* The same run with another team, optionally with the gradient in the memory of the source: same bits. */
static void check_team(const struct bench *b, uint64_t seed, struct team *team, bool in_place)
{
    struct bench other;
    const struct op_case *o = b->info;
    bench_init(&other, o, seed, b->call.options.features);
    other.call.team = team;
    other.op->forward(&other.call);
    if (in_place)
        for (int i = 0; i < o->node.n_src; i++)
            other.call.d_src[i] = other.call.src[i];
    other.op->backward(&other.call);
    if (in_place)
        for (int i = 0; i < o->node.n_src; i++)
            for (size_t k = 0; k < tensor_count(&other.src[i].t); k++)
                *element(&other.d_src[i].t, k) = *element(&other.src[i].t, k);
    check_same(&b->dst, &other.dst, o->name, "dst");
    for (int i = 0; i < o->node.n_src; i++)
        check_same(&b->d_src[i], &other.d_src[i], o->name, "d_src");
    for (int i = 0; i < MAX_NODE_PARAMS; i++) {
        if (b->param[i])
            assert_memory_equal(b->param[i], other.param[i], (size_t)o->c * sizeof(float));
        if (b->d_param[i])
            assert_memory_equal(b->d_param[i], other.d_param[i], (size_t)o->c * sizeof(float));
    }
    bench_free(&other);
}

/* Backward again, adding to gradients that are there already; and with sources whose gradient is not wanted. */
static void check_add(struct bench *b, const struct operands *v)
{
    for (int i = 0; i < b->info->node.n_src; i++) {
        double *stored = dense(&b->d_src[i].t);
        size_t count = tensor_count(&b->d_src[i].t);
        for (size_t k = 0; k < count; k++)
            *element(&b->d_src[i].t, k) = (float)(k % 13) - 6.0f;
        for (int j = 0; j < b->info->node.n_src; j++)
            b->call.d_src[j].data = j == i ? b->d_src[j].t.data : NULL;
        for (size_t k = 0; k < tensor_count(&b->d_dst.t); k++) /* the run before may have used it as scratch */
            *element(&b->d_dst.t, k) = (float)v->d_dst[k];
        b->call.add[i] = true;
        b->op->backward(&b->call);
        for (size_t k = 0; k < count; k++) {
            double want = stored[k] + (double)(k % 13) - 6.0, got = (double)*element(&b->d_src[i].t, k);
            if (!(fabs(got - want) <= 2e-6 * (fabs(stored[k]) + 6.0)))
                fail_msg("%s: adding to source %d gives %g instead of %g", b->info->name, i, got, want);
        }
        check_canaries(&b->d_src[i], b->info->name);
        mem_free(stored);
    }
}

static uint64_t hash_float(uint64_t hash, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return rng_mix(hash ^ bits);
}

/* Of what must have the same bits in every instruction set: dst and the gradients, or bn_act's statistics; of GELU,
 * whose polynomial is summed with fused steps where there are any, nothing. */
static uint64_t hash_results(const struct bench *b)
{
    uint64_t hash = 0;
    if (b->info->node.op == OP_GELU)
        return hash;
    for (int i = 0; i < MAX_NODE_PARAMS; i++)
        for (int k = 0; b->param[i] && k < b->info->c; k++)
            hash = hash_float(hash, b->param[i][k]);
    if (b->param[0])
        return hash;
    for (int i = -1; i < b->info->node.n_src; i++) {
        const struct tensor *t = i < 0 ? &b->dst.t : &b->d_src[i].t;
        for (size_t k = 0; k < tensor_count(t); k++)
            hash = hash_float(hash, *element(t, k));
    }
    return hash;
}

/* Returns the hash of the results. */
static uint64_t run_case(const struct op_case *o, uint64_t seed, uint64_t features)
{
    struct bench b;
    bench_init(&b, o, seed, features);
    struct operands v = operands_of(&b);
    b.op->forward(&b.call);
    check_canaries(&b.dst, o->name);
    check_forward(&b, &v);
    if (o->node.op == OP_BN_ACT)
        check_running_statistics(&b, &v);
    if (o->node.op == OP_MAXPOOL && o->mode == RUN_INFER) {
        uint64_t hash = hash_results(&b);
        bench_free(&b);
        operands_free(&v);
        return hash;
    }
    b.op->backward(&b.call);
    uint64_t hash = hash_results(&b);
    for (int i = 0; i < o->node.n_src; i++)
        check_canaries(&b.d_src[i], o->name);
    check_backward(&b, &v);
    for (int threads = 1; threads <= 3; threads++) {
        struct team *team = NULL;
        assert_int_equal(team_create(threads, &team), OK);
        check_team(&b, seed, team, false);
        if ((o->node.op == OP_BN_ACT || o->node.op == OP_GELU) && threads == 2)
            check_team(&b, seed, team, true);
        team_destroy(team);
    }
    check_add(&b, &v);
    bench_free(&b);
    operands_free(&v);
    return hash;
}

static void run_cases(struct op_case *cases, int count)
{
    for (int i = 0; i < count; i++)
        for (int k = 0; k < cases[i].node.n_src; k++)
            if (!cases[i].size[k].h)
                cases[i].size[k] = (struct extent){cases[i].h, cases[i].w};
    uint64_t levels[MASKS_MOST];
    const int n_levels = masks_of_levels(levels);
    for (int i = 0; i < count; i++) {
        uint64_t plain = 0;
        for (int l = 0; l < n_levels; l++) {
            uint64_t hash = run_case(&cases[i], 100 + (uint64_t)i, levels[l]);
            plain = l ? plain : hash;
            if (hash != plain)
                fail_msg("%s: %s and plain C give different bits", cases[i].name, cpu_level(levels[l]));
        }
    }
}

/* --- the cases --- */

#define BN_NODE(bns, activation, with_residual)                                        \
    {                                                                                  \
        .op = OP_BN_ACT, .n_src = (bns) + (with_residual), .name = "bn", .u.bn_act = { \
            .n_bn = (bns),                                                             \
            .act = (activation),                                                       \
            .residual = (with_residual)                                                \
        }                                                                              \
    }

static void test_bn_act(void **state)
{
    (void)state;
    struct op_case cases[] = {
        {"bn silu train", BN_NODE(1, ACT_SILU, false), RUN_TRAIN, 2, 16, 7, 5},
        {"bn silu train, large", BN_NODE(1, ACT_SILU, false), RUN_TRAIN, 3, 80, 41, 43},
        {"bn silu train, odd", BN_NODE(1, ACT_SILU, false), RUN_TRAIN, 3, 37, 9, 11},
        {"bn silu train, two values", BN_NODE(1, ACT_SILU, false), RUN_TRAIN, 2, 8, 1, 1},
        {"bn none train", BN_NODE(1, ACT_NONE, false), RUN_TRAIN, 2, 24, 6, 6},
        {"bn relu train", BN_NODE(1, ACT_RELU, false), RUN_TRAIN, 2, 20, 6, 6},
        {"bn silu residual train", BN_NODE(1, ACT_SILU, true), RUN_TRAIN, 2, 33, 6, 4},
        {"bn of two, silu, train", BN_NODE(2, ACT_SILU, false), RUN_TRAIN, 2, 40, 8, 6},
        {"bn of two, silu, residual, train", BN_NODE(2, ACT_SILU, true), RUN_TRAIN, 2, 31, 8, 6},
        {"bn of three, silu, train", BN_NODE(3, ACT_SILU, false), RUN_TRAIN, 2, 40, 8, 6},
        {"bn of three, none, train", BN_NODE(3, ACT_NONE, false), RUN_TRAIN, 2, 19, 7, 6},
        {"bn of three, relu, residual, infer", BN_NODE(3, ACT_RELU, true), RUN_INFER, 2, 65, 5, 6},
        {"bn of two, relu, train", BN_NODE(2, ACT_RELU, false), RUN_TRAIN, 2, 17, 5, 6},
        {"bn silu infer", BN_NODE(1, ACT_SILU, false), RUN_INFER, 1, 50, 5, 5},
        {"bn silu infer, one value", BN_NODE(1, ACT_SILU, false), RUN_INFER, 1, 7, 1, 1},
        {"bn of two, none, residual, infer", BN_NODE(2, ACT_NONE, true), RUN_INFER, 2, 16, 5, 5},
    };
    run_cases(cases, COUNT(cases));
    for (int act = 0; act < ACT_COUNT; act++) {
        struct op_case each[] = {
            {act_name((enum act)act), BN_NODE(1, (enum act)act, false), RUN_TRAIN, 2, 20, 6, 6},
            {act_name((enum act)act), BN_NODE(2, (enum act)act, true), RUN_TRAIN, 2, 35, 5, 6},
            {act_name((enum act)act), BN_NODE(1, (enum act)act, true), RUN_INFER, 2, 9, 5, 6},
        };
        run_cases(each, COUNT(each));
    }
}

static void test_bn_act_needs_two_values(void **state)
{
    (void)state;
    struct node node = BN_NODE(1, ACT_SILU, false);
    struct call call = {.node = &node, .options.mode = RUN_TRAIN, .dst = {NULL, 1, 1, 1, 8, 8, 8}};
    assert_int_equal(cpu_bn_act.plan(&call), E_SHAPE);
    call.options.mode = RUN_INFER;
    assert_int_equal(cpu_bn_act.plan(&call), OK);
}

/* A mean far from zero must not eat the variance. */
static void test_bn_act_offset(void **state)
{
    (void)state;
    struct op_case o = {"bn with a far mean", BN_NODE(1, ACT_NONE, false), RUN_TRAIN, 2, 16, 20, 20, {{20, 20}}};
    struct bench b;
    bench_init(&b, &o, 3, cpu_features());
    for (size_t i = 0; i < tensor_count(&b.src[0].t); i++)
        *element(&b.src[0].t, i) = 1000.0f + (float)(i % 32) / 16.0f;
    struct operands v = operands_of(&b);
    b.op->forward(&b.call);
    loss(&o, &v);
    for (size_t i = 0; i < tensor_count(&b.dst.t); i++)
        assert_true(fabs((double)*element(&b.dst.t, i) - v.dst[i]) < 2e-4); /* the mean is rounded to float */
    operands_free(&v);
    bench_free(&b);
}

#define POOL_NODE(kind, size, step, padding)                                                                   \
    {                                                                                                          \
        .op = (kind), .n_src = 1, .name = "pool", .u.pool = {.k = (size), .stride = (step), .pad = (padding) } \
    }

static void test_maxpool(void **state)
{
    (void)state;
    struct op_case cases[] = {
        {"maxpool 5/1/2", POOL_NODE(OP_MAXPOOL, 5, 1, 2), RUN_TRAIN, 2, 37, 9, 7},
        {"maxpool 5/1/2, tiny", POOL_NODE(OP_MAXPOOL, 5, 1, 2), RUN_TRAIN, 1, 16, 2, 1},
        {"maxpool 5/1/2, large", POOL_NODE(OP_MAXPOOL, 5, 1, 2), RUN_TRAIN, 2, 64, 40, 40},
        {"maxpool 3/2/1, even", POOL_NODE(OP_MAXPOOL, 3, 2, 1), RUN_TRAIN, 2, 24, 5, 4, {{10, 8}}},
        {"maxpool 3/2/1, odd", POOL_NODE(OP_MAXPOOL, 3, 2, 1), RUN_TRAIN, 2, 8, 6, 4, {{11, 7}}},
        {"maxpool 2/2/0", POOL_NODE(OP_MAXPOOL, 2, 2, 0), RUN_TRAIN, 1, 5, 3, 3, {{7, 6}}},
        {"maxpool 5/1/2, infer", POOL_NODE(OP_MAXPOOL, 5, 1, 2), RUN_INFER, 2, 37, 9, 7},
        {"maxpool 5/1/2, infer, tiny", POOL_NODE(OP_MAXPOOL, 5, 1, 2), RUN_INFER, 1, 16, 2, 1},
        {"maxpool 5/1/2, infer, large", POOL_NODE(OP_MAXPOOL, 5, 1, 2), RUN_INFER, 2, 64, 40, 40},
        {"maxpool 3/2/1, infer", POOL_NODE(OP_MAXPOOL, 3, 2, 1), RUN_INFER, 2, 24, 6, 4, {{11, 8}}},
    };
    run_cases(cases, COUNT(cases));
}

/* Ties go to the first place in row-major order, NaN wins over everything and the last NaN over earlier ones. */
static void check_ties(uint64_t features)
{
    struct op_case o = {"maxpool ties", POOL_NODE(OP_MAXPOOL, 3, 3, 0), RUN_TRAIN, 1, 3, 1, 1, {{3, 3}}};
    const float values[3][9] = {
        {1, 2, 0, 2, 2, 1, 0, 0, 2},
        {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY},
        {1, NAN, 5, 0, 7, NAN, 9, 1, INFINITY},
    };
    const int winner[3] = {1, 0, 5};
    struct bench b;
    bench_init(&b, &o, 4, features);
    for (int i = 0; i < 27; i++)
        *element(&b.src[0].t, (size_t)i) = values[i % 3][i / 3];
    fill_value(&b.d_dst.t, 1.0f);
    b.op->forward(&b.call);
    b.op->backward(&b.call);
    assert_true(*element(&b.dst.t, 0) == 2.0f);
    assert_true(*element(&b.dst.t, 1) == -INFINITY);
    assert_true(isnan(*element(&b.dst.t, 2)));
    for (int i = 0; i < 27; i++)
        assert_true(*element(&b.d_src[0].t, (size_t)i) == (i / 3 == winner[i % 3] ? 1.0f : 0.0f));
    bench_free(&b);
    o.mode = RUN_INFER;
    bench_init(&b, &o, 4, features);
    for (int i = 0; i < 27; i++)
        *element(&b.src[0].t, (size_t)i) = values[i % 3][i / 3];
    b.op->forward(&b.call);
    assert_true(*element(&b.dst.t, 0) == 2.0f);
    assert_true(*element(&b.dst.t, 1) == -INFINITY);
    assert_true(isnan(*element(&b.dst.t, 2)));
    bench_free(&b);
}

static void test_maxpool_ties(void **state)
{
    (void)state;
    uint64_t levels[MASKS_MOST];
    const int n_levels = masks_of_levels(levels);
    for (int l = 0; l < n_levels; l++)
        check_ties(levels[l]);
}

static void test_maxpool_limits(void **state)
{
    (void)state;
    struct node node = POOL_NODE(OP_MAXPOOL, 17, 1, 8);
    struct call call = {.node = &node, .options.mode = RUN_TRAIN, .dst = {NULL, 1, 4, 4, 8, 8, 128}};
    assert_int_equal(cpu_maxpool.plan(&call), E_SHAPE);
    node.u.pool = (struct pool_attr){3, 1, 2};
    assert_int_equal(cpu_maxpool.plan(&call), E_SHAPE);
}

static void test_avgpool(void **state)
{
    (void)state;
    struct op_case cases[] = {
        {"avgpool 2/1", POOL_NODE(OP_AVGPOOL, 2, 1, 0), RUN_TRAIN, 2, 37, 8, 5, {{9, 6}}},
        {"avgpool 2/1, large", POOL_NODE(OP_AVGPOOL, 2, 1, 0), RUN_TRAIN, 2, 32, 39, 33, {{40, 34}}},
        {"avgpool 3/2", POOL_NODE(OP_AVGPOOL, 3, 2, 0), RUN_INFER, 1, 8, 4, 3, {{10, 7}}},
    };
    run_cases(cases, COUNT(cases));
}

static void test_upsample(void **state)
{
    (void)state;
    struct op_case cases[] = {
        {"upsample 2", {.op = OP_UPSAMPLE, .n_src = 1, .u.scale = 2}, RUN_TRAIN, 2, 37, 6, 10, {{3, 5}}},
        {"upsample 2, large", {.op = OP_UPSAMPLE, .n_src = 1, .u.scale = 2}, RUN_TRAIN, 2, 64, 40, 40, {{20, 20}}},
        {"upsample 3", {.op = OP_UPSAMPLE, .n_src = 1, .u.scale = 3}, RUN_INFER, 1, 8, 9, 6, {{3, 2}}},
    };
    run_cases(cases, COUNT(cases));
}

static void test_fuse(void **state)
{
    (void)state;
    struct op_case cases[] = {
        {"fuse, whole ratios", {.op = OP_FUSE, .n_src = 4}, RUN_TRAIN, 2, 32, 8, 16, {{4, 8}, {2, 4}, {1, 2}, {8, 16}}},
        {"fuse, broken ratios", {.op = OP_FUSE, .n_src = 4}, RUN_TRAIN, 2, 9, 12, 9, {{5, 4}, {3, 3}, {7, 5}, {12, 9}}},
        {"fuse, larger source", {.op = OP_FUSE, .n_src = 2}, RUN_INFER, 1, 8, 3, 5, {{7, 9}, {3, 5}}},
        {"fuse, target alone", {.op = OP_FUSE, .n_src = 1}, RUN_INFER, 1, 8, 3, 5, {{3, 5}}},
    };
    run_cases(cases, COUNT(cases));
}

static void test_copy_gelu_and_activations(void **state)
{
    (void)state;
    struct op_case cases[] = {
        {"copy", {.op = OP_COPY, .n_src = 1}, RUN_TRAIN, 2, 19, 5, 7},
        {"copy, large", {.op = OP_COPY, .n_src = 1}, RUN_INFER, 3, 64, 40, 20},
        {"gelu", {.op = OP_GELU, .n_src = 1}, RUN_TRAIN, 2, 37, 6, 10},
        {"gelu, large", {.op = OP_GELU, .n_src = 1}, RUN_TRAIN, 2, 64, 40, 40},
        {"ReLU", {.op = OP_ACT, .n_src = 1, .u.act = ACT_RELU}, RUN_TRAIN, 2, 37, 6, 10},
        {"SiLU, large", {.op = OP_ACT, .n_src = 1, .u.act = ACT_SILU}, RUN_TRAIN, 2, 64, 40, 40},
    };
    run_cases(cases, COUNT(cases));
}

static void test_reorg(void **state)
{
    (void)state;
    struct op_case cases[] = {
        {"reorg of an image", {.op = OP_REORG, .n_src = 1}, RUN_TRAIN, 2, 12, 5, 7, {{10, 14}}, 3},
        {"reorg, large", {.op = OP_REORG, .n_src = 1}, RUN_INFER, 2, 64, 20, 30, {{40, 60}}, 16},
    };
    run_cases(cases, COUNT(cases));
}

static void test_implicit(void **state)
{
    (void)state;
    const struct node adds = {.op = OP_IMPLICIT, .n_src = 1},
                      multiplies = {.op = OP_IMPLICIT, .n_src = 1, .u.implicit = {.multiplies = true}};
    struct op_case cases[] = {
        {"implicit, added", adds, RUN_TRAIN, 2, 19, 5, 7},
        {"implicit, multiplied", multiplies, RUN_TRAIN, 2, 27, 6, 4},
        {"implicit, multiplied, large", multiplies, RUN_INFER, 3, 255, 40, 40},
    };
    run_cases(cases, COUNT(cases));
}

/* --- bench --- */

static double fastest(void (*run)(const struct call *), const struct call *c)
{
    double best = INFINITY, start = clock_seconds();
    for (int i = 0; i < 5 || clock_seconds() - start < 0.3; i++) {
        double t = clock_seconds();
        run(c);
        best = fmin(best, clock_seconds() - t);
    }
    return best;
}

/* GB/s of the maps that a pass must touch: in training bn_act reads its sources twice and, backward, d_dst as well. */
static int bench(int threads)
{
    static struct op_case cases[] = {
        {"bn silu 64x160x160", BN_NODE(1, ACT_SILU, false), RUN_TRAIN, 4, 64, 160, 160},
        {"bn silu 16x320x320", BN_NODE(1, ACT_SILU, false), RUN_TRAIN, 4, 16, 320, 320},
        {"bn silu 256x80x80", BN_NODE(1, ACT_SILU, false), RUN_TRAIN, 4, 256, 80, 80},
        {"bn silu 512x20x20", BN_NODE(1, ACT_SILU, false), RUN_TRAIN, 4, 512, 20, 20},
        {"bn of two 64x80x80", BN_NODE(2, ACT_SILU, false), RUN_TRAIN, 4, 64, 80, 80},
        {"maxpool 5/1 256x20x20", POOL_NODE(OP_MAXPOOL, 5, 1, 2), RUN_TRAIN, 4, 256, 20, 20},
        {"maxpool 5/1 256x20x20 infer", POOL_NODE(OP_MAXPOOL, 5, 1, 2), RUN_INFER, 4, 256, 20, 20},
        {"maxpool 3/2 128x80x80", POOL_NODE(OP_MAXPOOL, 3, 2, 1), RUN_TRAIN, 4, 128, 40, 40, {{80, 80}}},
        {"avgpool 2/1 256x80x80", POOL_NODE(OP_AVGPOOL, 2, 1, 0), RUN_TRAIN, 4, 256, 79, 79, {{80, 80}}},
        {"upsample 2 256x40x40", {.op = OP_UPSAMPLE, .n_src = 1, .u.scale = 2}, RUN_TRAIN, 4, 256, 80, 80, {{40, 40}}},
        {"gelu 64x160x160", {.op = OP_GELU, .n_src = 1}, RUN_TRAIN, 4, 64, 160, 160},
        {"copy 64x160x160", {.op = OP_COPY, .n_src = 1}, RUN_TRAIN, 4, 64, 160, 160},
    };
    struct team *team = NULL;
    if (team_create(threads, &team) != OK)
        return 2;
    printf("%s, %s, %d thread(s); compare with copy\n", cpu_name(), cpu_level(cpu_features()), threads);
    for (int i = 0; i < COUNT(cases); i++) {
        struct bench b;
        const struct op_case *o = &cases[i];
        if (!o->size[0].h)
            cases[i].size[0] = cases[i].size[1] = (struct extent){o->h, o->w};
        bench_init(&b, o, TIGHT, cpu_features());
        b.call.team = team;
        const bool bn = o->node.op == OP_BN_ACT;
        double src = 4e-9 * (double)tensor_count(&b.src[0].t) * o->node.n_src,
               dst = 4e-9 * (double)tensor_count(&b.dst.t);
        double forward = fastest(b.op->forward, &b.call);
        double backward = o->mode == RUN_INFER ? NAN : fastest(b.op->backward, &b.call);
        printf("%-28s forward %8.3f ms %6.1f GB/s   backward %8.3f ms %6.1f GB/s\n", o->name, forward * 1e3,
               (bn ? 2 * src + dst : src + dst) / forward, backward * 1e3,
               (bn ? 3 * src + 2 * dst : src + dst) / backward);
        bench_free(&b);
    }
    team_destroy(team);
    return 0;
}

/* test_ops [--bench [threads]] */
int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--bench"))
        return bench(argc > 2 ? atoi(argv[2]) : 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bn_act),
        cmocka_unit_test(test_bn_act_offset),
        cmocka_unit_test(test_bn_act_needs_two_values),
        cmocka_unit_test(test_maxpool),
        cmocka_unit_test(test_maxpool_ties),
        cmocka_unit_test(test_maxpool_limits),
        cmocka_unit_test(test_avgpool),
        cmocka_unit_test(test_upsample),
        cmocka_unit_test(test_fuse),
        cmocka_unit_test(test_reorg),
        cmocka_unit_test(test_implicit),
        cmocka_unit_test(test_copy_gelu_and_activations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
