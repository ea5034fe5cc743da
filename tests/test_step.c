/* The training step on a whole small network: thread counts, the fp16 quirk, leftover gradients, frozen rows, NaN.
 * The numbers themselves are pinned by test_golden --section train. */
#include "support/unit.h"

#include "core/rng.h"
#include "formats/half.h"
#include "model/init.h"
#include "model/model.h"
#include "ops/cpu.h"
#include "train/hyper.h"
#include "train/train.h"

#include <math.h>
#include <string.h>

enum { IMAGES = 2, SIZE = 64, TARGETS = 5 };

struct fixture {
    struct table table;
    struct graph graph;
    float *start;
    float targets[TARGETS][6];
};

static int setup(void **state)
{
    static struct fixture f; /* one for all tests of this program */
    struct model_options options;
    struct rng rng = rng_seed(1, 2, 3);
    model_options_init(&options);
    options.nc = 4;
    if (table_open("gelan-t", &f.table) != OK || model_build(&f.table, &options, &f.graph, NULL) != OK)
        return -1;
    f.start = mem_alloc(f.graph.param_floats, sizeof *f.start);
    if (!f.start)
        return -1;
    memset(f.start, 0, f.graph.param_floats * sizeof *f.start);
    model_init(&f.graph, 7, f.start);
    for (int i = 0; i < TARGETS; i++) {
        f.targets[i][0] = (float)(i % IMAGES);
        f.targets[i][1] = (float)(i % 4);
        for (int k = 2; k < 6; k++)
            f.targets[i][k] = (float)rng_range(&rng, 0.2, 0.7);
    }
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    mem_free(f->start);
    graph_free(&f->graph);
    table_free(&f->table);
    return 0;
}

static struct trainer_config config_of(const struct fixture *f, struct team *team)
{
    struct trainer_config config = {
        .graph = &f->graph,
        .backend = &cpu_backend,
        .team = team,
        .loss = loss_config_default(f->graph.head.nc),
        .optimizer = {.kind = OPTIMIZER_SGD, .beta = 0.937, .weight_decay = 5e-4},
        .clip_norm = 10,
        .carry_gradients = true,
    };
    return config;
}

static void begin(const struct fixture *f, const struct trainer_config *config, struct trainer_state *t)
{
    struct rng rng = rng_seed(4, 5, 6);
    assert_int_equal(trainer_init(t, config, f->start), OK);
    assert_int_equal(net_plan(t->net, IMAGES, SIZE, SIZE), OK);
    struct tensor image = net_input(t->net);
    for (int i = 0; i < IMAGES; i++)
        for (int y = 0; y < SIZE; y++)
            for (int x = 0; x < SIZE; x++)
                for (int c = 0; c < 3; c++)
                    tensor_pixel(&image, i, y, x)[c] = (float)rng_uniform(&rng);
}

static enum status step(const struct fixture *f, struct trainer_state *t, long ni, double accumulate,
                        struct step_report *report)
{
    struct schedule_point point = {.lr = {0.01, 0.01, 0.01}, .momentum = 0.9, .accumulate = accumulate};
    return train_step(t, ni, &point, f->targets[0], TARGETS, report);
}

static void thread_counts(void **state)
{
    const struct fixture *f = *state;
    struct team *team;
    struct trainer_state one, two;
    struct step_report a, b;
    size_t bytes = f->graph.param_floats * sizeof(float);
    assert_int_equal(team_create(2, &team), OK);
    struct trainer_config alone = config_of(f, NULL), together = config_of(f, team);
    begin(f, &alone, &one);
    begin(f, &together, &two);
    for (long ni = 0; ni < 3; ni++) {
        assert_int_equal(step(f, &one, ni, 1, &a), OK);
        assert_int_equal(step(f, &two, ni, 1, &b), OK);
        assert_true(a.loss.total == b.loss.total && a.norm == b.norm && a.stepped && b.stepped);
    }
    assert_memory_equal(one.value, two.value, bytes);
    assert_memory_equal(one.ema.value, two.ema.value, bytes);
    assert_true(memcmp(one.value, f->start, bytes) != 0);
    trainer_free(&one);
    trainer_free(&two);
    team_destroy(team);
}

/* The official start: weights rounded to fp16, their EMA not (SPEC 6.2). */
static void fp16_start(void **state)
{
    const struct fixture *f = *state;
    struct trainer_config config = config_of(f, NULL);
    struct trainer_state t;
    int changed = 0;
    config.fp16_start = true;
    assert_int_equal(trainer_init(&t, &config, f->start), OK);
    assert_memory_equal(t.ema.value, f->start, f->graph.param_floats * sizeof(float));
    for (size_t i = 0; i < f->graph.param_floats; i++) {
        assert_true(t.value[i] == f16_to_f32(f32_to_f16(f->start[i])));
        changed += t.value[i] != f->start[i];
    }
    assert_true(changed > 1000);
    trainer_free(&t);
}

/* Steps when enough batches have passed since the last one; what is left at an epoch's end is carried or dropped. */
static void accumulation(void **state)
{
    const struct fixture *f = *state;
    for (int carry = 0; carry <= 1; carry++) {
        struct trainer_config config = config_of(f, NULL);
        struct trainer_state t;
        struct step_report report;
        config.carry_gradients = carry;
        begin(f, &config, &t);
        trainer_begin_epoch(&t);
        assert_int_equal(step(f, &t, 0, 2, &report), OK);
        assert_true(!report.stepped && optimizer_norm(t.optimizer, t.grad) > 0);
        trainer_begin_epoch(&t);
        assert_true(carry == (optimizer_norm(t.optimizer, t.grad) > 0));
        assert_int_equal(step(f, &t, 1, 2, &report), OK);
        assert_true(report.stepped && report.norm > 0 && t.last_step == 1 && t.ema.updates == 1);
        assert_true(optimizer_norm(t.optimizer, t.grad) == 0);
        trainer_free(&t);
    }
}

static void frozen_rows(void **state)
{
    const struct fixture *f = *state;
    const int rows[] = {3};
    bool frozen[256];
    struct trainer_config config = config_of(f, NULL);
    struct trainer_state t;
    struct step_report report;
    assert_true(f->graph.n_rows <= COUNT(frozen));
    assert_int_equal(freeze_rows(rows, 1, frozen, f->graph.n_rows), OK);
    config.frozen = frozen;
    begin(f, &config, &t);
    assert_int_equal(step(f, &t, 0, 1, &report), OK);
    for (int i = 0; i < f->graph.n_params; i++) {
        const struct param *p = &f->graph.params[i];
        bool same = !memcmp(t.value + p->first, f->start + p->first, p->count * sizeof(float));
        bool statistic = p->role == PARAM_MEAN || p->role == PARAM_VAR;
        if (p->role == PARAM_WEIGHT) /* statistics move in frozen rows too */
            assert_true(same == (p->row < 3));
        else if (statistic)
            assert_false(same);
    }
    trainer_free(&t);
}

static void not_finite(void **state)
{
    const struct fixture *f = *state;
    struct trainer_config config = config_of(f, NULL);
    struct trainer_state t;
    struct step_report report;
    begin(f, &config, &t);
    struct tensor image = net_input(t.net);
    tensor_pixel(&image, 1, 30, 30)[1] = NAN;
    assert_int_equal(step(f, &t, 41, 1, &report), E_NUMERIC);
    assert_non_null(strstr(fail_text(), "iteration 41"));
    assert_int_equal(optimizer_steps(t.optimizer), 0);
    trainer_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_counts), cmocka_unit_test(fp16_start), cmocka_unit_test(accumulation),
        cmocka_unit_test(frozen_rows),   cmocka_unit_test(not_finite),
    };
    return cmocka_run_group_tests_name("step", tests, setup, teardown);
}
