/* Optimizers against plain double arithmetic, EMA, schedule against the official logs, hyper-parameters, comm. */
#include "support/shared.h"
#include "support/unit.h"

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "train/comm.h"
#include "train/ema.h"
#include "train/hyper.h"
#include "train/schedule.h"
#include "train/step.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- optimizers --- */

/* A block with every role; one weight is larger than a part, and row 1 is to be frozen. */
static void make_graph(struct graph *g)
{
    static const struct {
        const char *name;
        enum param_role role;
        int count, row;
    } items[] = {
        {"weight", PARAM_WEIGHT, 70001, 0}, {"gamma", PARAM_GAMMA, 37, 0}, {"beta", PARAM_BETA, 37, 0},
        {"mean", PARAM_MEAN, 37, 0},        {"var", PARAM_VAR, 37, 0},     {"frozen", PARAM_WEIGHT, 50, 1},
        {"bias", PARAM_BIAS, 5, 2},         {"dfl", PARAM_DFL, 16, 2},
    };
    graph_init(g);
    for (int i = 0; i < COUNT(items); i++) {
        g->n_rows = items[i].row;
        graph_param(g, items[i].name, items[i].role, 1, &items[i].count);
    }
    g->n_rows = 3;
}

struct block {
    float *value, *grad;
};

static struct block make_block(size_t n, uint64_t seed)
{
    struct rng rng = rng_seed(seed, 0, 0);
    struct block b = {mem_calloc(n, sizeof(float)), mem_calloc(n, sizeof(float))};
    assert_non_null(b.value);
    assert_non_null(b.grad);
    for (size_t i = 0; i < n; i++)
        b.value[i] = (float)rng_normal(&rng);
    return b;
}

static void fill_gradient(float *grad, size_t n, uint64_t seed)
{
    struct rng rng = rng_seed(seed, 1, 0);
    for (size_t i = 0; i < n; i++)
        grad[i] = i % 7 == 3 ? 0 : (float)rng_normal(&rng);
}

/* One parameter's reference in double, straight from SPEC 10.2. */
struct reference {
    double p, m, v, top;
};

static void reference_step(enum optimizer_kind kind, struct reference *r, double g, double lr, double momentum,
                           double beta, double wd, int t)
{
    double c1 = 1 - pow(beta, t), c2 = 1 - pow(0.999, t), direction;
    switch (kind) {
    case OPTIMIZER_SGD:
        g += wd * r->p;
        r->m = t == 1 ? g : momentum * r->m + g;
        r->p -= lr * (g + momentum * r->m);
        break;
    case OPTIMIZER_ADAM:
        g += wd * r->p;
        r->m = beta * r->m + (1 - beta) * g;
        r->v = 0.999 * r->v + 0.001 * g * g;
        r->p -= lr / c1 * r->m / (sqrt(r->v) / sqrt(c2) + 1e-8);
        break;
    case OPTIMIZER_ADAMW:
        r->p *= 1 - lr * wd;
        r->m = beta * r->m + (1 - beta) * g;
        r->v = 0.999 * r->v + 0.001 * g * g;
        r->top = fmax(r->top, r->v);
        r->p -= lr / c1 * r->m / (sqrt(r->top) / sqrt(c2) + 1e-8);
        break;
    case OPTIMIZER_LION:
        r->p *= 1 - lr * wd;
        direction = beta * r->v + (1 - beta) * g;
        r->p -= lr * (direction > 0 ? 1 : direction < 0 ? -1 : 0);
        r->v = 0.99 * r->v + 0.01 * g;
        break;
    }
}

static void run_optimizer(enum optimizer_kind kind, struct team *team)
{
    struct graph g;
    make_graph(&g);
    const bool frozen[3] = {false, true, false};
    struct optimizer_config config = {.kind = kind, .beta = 0.9, .weight_decay = 0.05};
    struct optimizer *o;
    assert_int_equal(optimizer_create(&config, &g, frozen, team, &o), OK);
    size_t n = g.param_floats;
    struct block b = make_block(n, 3);
    float *before = mem_alloc(n, sizeof *before), *grad = mem_alloc(n, sizeof *grad);
    struct reference *want = mem_calloc(n, sizeof *want);
    assert_true(before && grad && want);
    memcpy(before, b.value, n * sizeof *before);
    for (size_t i = 0; i < n; i++)
        want[i].p = (double)b.value[i];
    const double lr[GROUPS] = {0.1, 0.01, 0.02};
    for (int t = 1; t <= 6; t++) {
        double momentum = 0.8 + 0.01 * t, scale = t == 3 ? 0.25 : 1;
        fill_gradient(b.grad, n, (uint64_t)t);
        memcpy(grad, b.grad, n * sizeof *grad);
        optimizer_step(o, b.value, b.grad, scale, lr, momentum);
        for (int k = 0; k < g.n_params; k++) {
            const struct param *p = &g.params[k];
            int group = frozen[p->row] ? -1 : optimizer_group(p->role);
            for (size_t i = p->first; i < p->first + p->count; i++) {
                assert_true(b.grad[i] == 0);
                if (group < 0) {
                    assert_true(b.value[i] == before[i]);
                    continue;
                }
                reference_step(kind, &want[i], scale * (double)grad[i], lr[group], momentum, 0.9,
                               group == GROUP_WEIGHT ? 0.05 : 0, t);
                double error = fabs((double)b.value[i] - want[i].p);
                if (!(error < 2e-5 * (1 + fabs(want[i].p))))
                    fail_msg("%s step %d element %zu: %.9g, not %.9g", p->name, t, i, (double)b.value[i], want[i].p);
            }
        }
    }
    assert_int_equal(optimizer_steps(o), 6);
    mem_free(before);
    mem_free(grad);
    mem_free(want);
    mem_free(b.value);
    mem_free(b.grad);
    optimizer_destroy(o);
    graph_free(&g);
}

static void references(void **state)
{
    (void)state;
    struct team *team;
    assert_int_equal(team_create(2, &team), OK);
    for (int kind = OPTIMIZER_SGD; kind <= OPTIMIZER_LION; kind++) {
        run_optimizer((enum optimizer_kind)kind, NULL);
        run_optimizer((enum optimizer_kind)kind, team);
    }
    team_destroy(team);
}

/* The same bits for values, states, norm and EMA with one and with three threads. */
static void thread_counts(void **state)
{
    (void)state;
    struct graph g;
    struct team *team;
    make_graph(&g);
    assert_int_equal(team_create(3, &team), OK);
    size_t n = g.param_floats;
    const double lr[GROUPS] = {0.01, 0.02, 0.03};
    for (int kind = OPTIMIZER_SGD; kind <= OPTIMIZER_LION; kind++) {
        struct block b[2] = {make_block(n, 5), make_block(n, 5)};
        struct optimizer *o[2];
        struct ema ema[2];
        for (int i = 0; i < 2; i++) {
            struct optimizer_config config = {.kind = (enum optimizer_kind)kind, .beta = 0.937, .weight_decay = 5e-4};
            struct team *t = i ? team : NULL;
            assert_int_equal(optimizer_create(&config, &g, NULL, t, &o[i]), OK);
            assert_int_equal(ema_init(&ema[i], b[i].value, n, t), OK);
        }
        for (int t = 0; t < 3; t++) {
            double norm[2];
            for (int i = 0; i < 2; i++) {
                fill_gradient(b[i].grad, n, (uint64_t)t);
                norm[i] = optimizer_norm(o[i], b[i].grad);
                optimizer_step(o[i], b[i].value, b[i].grad, optimizer_clip(norm[i], 10), lr, 0.9);
                ema_update(&ema[i], b[i].value);
            }
            assert_true(norm[0] == norm[1]);
        }
        assert_memory_equal(b[0].value, b[1].value, n * sizeof(float));
        assert_memory_equal(ema[0].value, ema[1].value, n * sizeof(float));
        const char *name;
        int states = 0;
        for (; optimizer_state(o[0], states, &name); states++)
            assert_memory_equal(optimizer_state(o[0], states, NULL), optimizer_state(o[1], states, NULL),
                                n * sizeof(float));
        assert_int_equal(states, kind == OPTIMIZER_ADAMW ? 3 : kind == OPTIMIZER_ADAM ? 2 : 1);
        for (int i = 0; i < 2; i++) {
            optimizer_destroy(o[i]);
            ema_free(&ema[i]);
            mem_free(b[i].value);
            mem_free(b[i].grad);
        }
    }
    team_destroy(team);
    graph_free(&g);
}

/* The norm sees what is trained and nothing else; clipping as torch's clip_grad_norm_. */
static void norm(void **state)
{
    (void)state;
    struct graph g;
    make_graph(&g);
    const bool frozen[3] = {false, true, false};
    struct optimizer_config config = {.kind = OPTIMIZER_SGD, .beta = 0.9};
    struct optimizer *o;
    assert_int_equal(optimizer_create(&config, &g, frozen, NULL, &o), OK);
    float *grad = mem_calloc(g.param_floats, sizeof *grad);
    assert_non_null(grad);
    fill_gradient(grad, g.param_floats, 9);
    double sum = 0;
    for (int k = 0; k < g.n_params; k++) {
        const struct param *p = &g.params[k];
        if (!frozen[p->row] && optimizer_group(p->role) >= 0)
            for (size_t i = p->first; i < p->first + p->count; i++)
                sum += (double)grad[i] * (double)grad[i];
    }
    assert_true(fabs(optimizer_norm(o, grad) - sqrt(sum)) < 1e-12 * sqrt(sum));
    assert_true(optimizer_clip(5, 10) == 1);
    assert_true(fabs(optimizer_clip(40, 10) - 10 / (40 + 1e-6)) < 1e-15);
    optimizer_destroy(o);
    mem_free(grad);
    graph_free(&g);
}

static void ema_values(void **state)
{
    (void)state;
    const struct {
        long update;
        double decay;
    } known[] = {{1, 4.998250e-4}, {2, 9.994002e-4}, {5, 2.496628e-3}}; /* SPEC 6.2 */
    for (int i = 0; i < COUNT(known); i++)
        assert_true(fabs(ema_decay(known[i].update) - known[i].decay) < 1e-9);
    float value[3] = {1, 2, 3};
    struct ema e;
    assert_int_equal(ema_init(&e, value, 3, NULL), OK);
    value[0] = 5;
    ema_update(&e, value);
    double d = ema_decay(1);
    assert_true(fabs((double)e.value[0] - (d + 5 * (1 - d))) < 1e-6 && e.value[1] == 2 && e.updates == 1);
    ema_free(&e);
}

/* --- schedule --- */

static struct schedule official(int epochs, long batches, int batch, int nominal)
{
    struct hyper h = hyper_default();
    struct schedule s = {.kind = SCHEDULE_LINEAR,
                         .epochs = epochs,
                         .batches = batches,
                         .batch = batch,
                         .nominal_batch = nominal,
                         .lr_lag = true};
    hyper_apply_schedule(&h, &s);
    return s;
}

static void near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("%.9g, not %.9g", got, want);
}

/* The official trainer's own log of warm-up iterations. */
static void golden_warmup(void **state)
{
    (void)state;
    struct safetensors st;
    assert_int_equal(safetensors_open(golden_file("train/warmup.safetensors"), &st), OK);
    json_t *log = json_loads(safetensors_metadata(&st, "log"), 0, NULL), *row;
    size_t i;
    struct schedule s = official(3, 4, 2, 64);
    assert_true(json_array_size(log) > 8);
    json_array_foreach(log, i, row)
    {
        struct schedule_point p = schedule_at(&s, (long)json_integer_value(json_object_get(row, "ni")));
        for (size_t k = 0; k < GROUPS; k++)
            near(p.lr[k], json_number_value(json_array_get(json_object_get(row, "lr"), k)), 1e-6);
        near(p.momentum, json_number_value(json_object_get(row, "momentum")), 1e-6);
        near(p.accumulate, json_number_value(json_object_get(row, "accumulate")), 1e-6);
        json_t *updates = json_object_get(row, "ema_updates");
        if (json_is_integer(updates) && json_integer_value(updates) > 0)
            near(ema_decay((long)json_integer_value(updates)), json_number_value(json_object_get(row, "ema_decay")),
                 1e-6);
    }
    near(schedule_weight_decay(&s, 5e-4), atof(safetensors_metadata(&st, "weight_decay")), 1e-12);
    json_decref(log);
    safetensors_close(&st);
}

/* Learning rates (bias, weights, BN) of the official trainer: 40 epochs of 26 batches of 8 pictures, nominal batch 8;
 * the last iteration of an epoch, in the five digits that its results.csv has. */
static void reference_run(void **state)
{
    static const struct {
        int epoch;
        double lr[GROUPS];
    } rows[] = {{0, {0.0775, 0.0025, 0.0025}},           {1, {0.053974, 0.0049738, 0.0049738}},
                {2, {0.030319, 0.0073188, 0.0073188}},   {3, {0.0092575, 0.0092575, 0.0092575}},
                {4, {0.0092575, 0.0092575, 0.0092575}},  {10, {0.0077725, 0.0077725, 0.0077725}},
                {18, {0.0057925, 0.0057925, 0.0057925}}, {29, {0.00307, 0.00307, 0.00307}},
                {39, {0.000595, 0.000595, 0.000595}}};
    (void)state;
    struct schedule s = official(40, 26, 8, 8);
    assert_int_equal(schedule_warmup(&s), 100);
    for (int i = 0; i < COUNT(rows); i++) {
        struct schedule_point point = schedule_at(&s, 26 * (rows[i].epoch + 1) - 1);
        for (int k = 0; k < GROUPS; k++)
            near(point.lr[k], rows[i].lr[k], 5.1e-5);
    }
}

static void curves(void **state)
{
    (void)state;
    struct schedule s = official(11, 1000, 16, 64);
    near(schedule_factor(&s, 0), 1, 0);
    near(schedule_factor(&s, 11), 0.01, 1e-9);
    s.kind = SCHEDULE_COSINE;
    near(schedule_factor(&s, 0), 1, 0);
    near(schedule_factor(&s, 11), 0.01, 1e-9);
    near(schedule_factor(&s, 4), (1 - cos(4 * 3.14159265358979323846 / 11)) / 2 * -0.99 + 1, 1e-12);
    s.kind = SCHEDULE_FLAT_COSINE;
    near(schedule_factor(&s, 5), 1, 0);
    near(schedule_factor(&s, 6), (1 - cos(3.14159265358979323846 / 5)) / 2 * -0.99 + 1, 1e-12);
    s.kind = SCHEDULE_FIXED;
    near(schedule_factor(&s, 9), 1, 0);
    /* warm-up of three epochs ends inside epoch 3 at ni 3000; then the lag is on or off */
    s.kind = SCHEDULE_LINEAR;
    assert_int_equal(schedule_warmup(&s), 3000);
    near(schedule_at(&s, 3000).lr[1], 0.01 * schedule_factor(&s, 3), 1e-12);
    near(schedule_at(&s, 3999).lr[0], 0.01 * schedule_factor(&s, 3), 1e-12);
    near(schedule_at(&s, 4000).lr[2], 0.01 * schedule_factor(&s, 3), 1e-12);
    near(schedule_at(&s, 5000).lr[2], 0.01 * schedule_factor(&s, 4), 1e-12);
    s.lr_lag = false;
    near(schedule_at(&s, 5000).lr[2], 0.01 * schedule_factor(&s, 5), 1e-12);
    near(schedule_at(&s, 0).accumulate, 1, 0);
    near(schedule_at(&s, 1500).accumulate, 2, 0); /* 2.5, half to even */
    near(schedule_at(&s, 9000).accumulate, 4, 0);
    near(schedule_at(&s, 9000).momentum, 0.937, 0);
}

/* --- hyper-parameters, comm --- */

static void write_text(const char *path, const char *text)
{
    assert_int_equal(file_write(path, text, strlen(text)), OK);
}

/* The keys and values of the official hyp.scratch-high (SPEC 10), as its trainer writes them into a run's folder. */
static const char official_hyp[] =
    "lr0: 0.01\nlrf: 0.01\nmomentum: 0.937\nweight_decay: 0.0005\nwarmup_epochs: 3.0\nwarmup_momentum: 0.8\n"
    "warmup_bias_lr: 0.1\nbox: 7.5\ncls: 0.5\ncls_pw: 1.0\nobj: 0.7\nobj_pw: 1.0\ndfl: 1.5\niou_t: 0.2\n"
    "anchor_t: 5.0\nfl_gamma: 0.0\nhsv_h: 0.015\nhsv_s: 0.7\nhsv_v: 0.4\ndegrees: 0.0\ntranslate: 0.1\nscale: 0.9\n"
    "shear: 0.0\nperspective: 0.0\nflipud: 0.0\nfliplr: 0.5\nmosaic: 1.0\nmixup: 0.15\ncopy_paste: 0.3\n";

static void hyper_files(void **state)
{
    (void)state;
    const char *path = Y9_BINARY_DIR "/tests/test_optimizer_hyp.yaml";
    struct hyper h = hyper_default(), again = hyper_default();
    again.lr0 = 1;
    write_text(path, official_hyp);
    assert_int_equal(hyper_read(path, &again, NULL), OK);
    assert_memory_equal(&h, &again, sizeof h);
    assert_int_equal(hyper_set("lr0=1e-3", &h, NULL), OK);
    assert_int_equal(hyper_set("mosaic=0", &h, NULL), OK);
    assert_int_equal(hyper_write(path, &h), OK);
    assert_int_equal(hyper_read(path, &again, NULL), OK);
    assert_memory_equal(&h, &again, sizeof h);
    near(again.lr0, 0.001, 0);

    write_text(path, "lr0: 0.02\nmixup: 1.5\n");
    assert_int_equal(hyper_read(path, &again, NULL), E_ARGUMENT);
    assert_non_null(strstr(fail_text(), "test_optimizer_hyp.yaml:2"));
    assert_memory_equal(&h, &again, sizeof h);
    write_text(path, "lr0: 0.02\n\nlearning_rate: 1\n");
    assert_int_equal(hyper_read(path, &again, NULL), E_ARGUMENT);
    assert_non_null(strstr(fail_text(), ":3"));
    write_text(path, "mixupp: 0\n");
    assert_int_equal(hyper_read(path, &again, NULL), E_ARGUMENT);
    assert_non_null(strstr(fail_text(), "did you mean mixup?"));
    write_text(path, "lr0: fast\n");
    assert_true(hyper_read(path, &again, NULL) != OK);
    const char *words[] = {"lr0", "lr0=", "lr0=fast", "lr=1", "momentum=1", "fliplr=-0.1", "box=nan", "=1"};
    for (int i = 0; i < COUNT(words); i++)
        assert_int_equal(hyper_set(words[i], &again, NULL), E_ARGUMENT);
    assert_memory_equal(&h, &again, sizeof h);
    remove(path);
}

/* Keys of YOLOv5's, YOLOv7's and other files are accepted and change nothing; the last of two equal keys holds. */
static void hyper_files_of_other_releases(void **state)
{
    (void)state;
    const char *path = Y9_BINARY_DIR "/tests/test_optimizer_other.yaml";
    struct hyper h = hyper_default(), read = hyper_default();
    log_set_level(LOG_QUIET);
    write_text(path, "lr0: 0.01\nanchors: 3\nloss_ota: 1\npaste_in: 0.15\nclose_mosaic: 15\nmin_items: 0\nlr0: 0.02\n");
    assert_int_equal(hyper_read(path, &read, NULL), OK);
    near(read.lr0, 0.02, 0);
    read.lr0 = h.lr0;
    assert_memory_equal(&h, &read, sizeof h);
    assert_int_equal(hyper_set("anchors=3", &read, NULL), OK);
    assert_memory_equal(&h, &read, sizeof h);
    log_set_level(LOG_INFO);
    remove(path);
}

static void one_rank(void **state)
{
    (void)state;
    struct comm c = comm_single();
    float x[2] = {1, 2};
    double d = 3;
    assert_true(c.rank == 0 && c.size == 1);
    assert_int_equal(c.sum(&c, x, 2), OK);
    assert_int_equal(c.sum_double(&c, &d, 1), OK);
    assert_int_equal(c.broadcast(&c, x, sizeof x, 0), OK);
    assert_int_equal(c.broadcast(&c, x, sizeof x, 1), E_ARGUMENT);
    assert_int_equal(c.barrier(&c), OK);
    assert_true(x[0] == 1 && x[1] == 2 && d == 3);
    c.close(&c);
}

static void names(void **state)
{
    (void)state;
    enum optimizer_kind kind;
    assert_int_equal(optimizer_kind_from_name("adamw", &kind), OK);
    assert_int_equal(kind, OPTIMIZER_ADAMW);
    assert_string_equal(optimizer_kind_name(kind), "AdamW");
    assert_int_equal(optimizer_kind_from_name("RMSProp", &kind), E_ARGUMENT);
}

static void freezing(void **state)
{
    (void)state;
    bool frozen[4];
    const int one[] = {2}, some[] = {1, 3}, bad[] = {0, 4};
    assert_int_equal(freeze_rows(one, 1, frozen, 4), OK);
    assert_true(frozen[0] && frozen[1] && !frozen[2] && !frozen[3]);
    assert_int_equal(freeze_rows(some, 2, frozen, 4), OK);
    assert_true(!frozen[0] && frozen[1] && !frozen[2] && frozen[3]);
    assert_int_equal(freeze_rows(bad, 1, frozen, 4), OK);
    assert_true(!frozen[0]);
    assert_int_equal(freeze_rows(bad, 2, frozen, 4), E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references), cmocka_unit_test(thread_counts), cmocka_unit_test(norm),
        cmocka_unit_test(ema_values), cmocka_unit_test(golden_warmup), cmocka_unit_test(reference_run),
        cmocka_unit_test(curves),     cmocka_unit_test(hyper_files),   cmocka_unit_test(hyper_files_of_other_releases),
        cmocka_unit_test(one_rank),   cmocka_unit_test(names),         cmocka_unit_test(freezing),
    };
    return cmocka_run_group_tests_name("optimizer", tests, NULL, NULL);
}
