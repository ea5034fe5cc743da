#include "support/golden_train.h"

#include "model/init.h"
#include "model/model.h"
#include "ops/cpu.h"
#include "support/golden.h"
#include "train/hyper.h"
#include "train/train.h"

#include <math.h>
#include <string.h>

struct train_case {
    struct golden g;
    struct table table;
    struct graph graph;
    struct trainer_state trainer;
    struct schedule schedule;
    float *start; /* parameters before the first step */
    int n, h, w;
    bool warmup; /* learning rates by the schedule; else constant, as in the log */
    int steps;   /* optimizer steps so far */
};

static bool build(struct train_case *c)
{
    struct golden *g = &c->g;
    struct model_options options;
    const char *model = golden_text(g, "model");
    json_t *hw = golden_json(g, "hw");
    model_options_init(&options);
    options.nc = golden_int(g, "nc");
    c->n = golden_int(g, "batch");
    c->h = (int)json_integer_value(json_array_get(hw, 0));
    c->w = (int)json_integer_value(json_array_get(hw, 1));
    if (!model || !golden_ok(g, table_open(model, &c->table)) ||
        !golden_ok(g, model_build(&c->table, &options, &c->graph, NULL)))
        return false;
    c->start = arena_alloc(&g->arena, c->graph.param_floats, sizeof *c->start);
    if (!c->start) {
        golden_fault(g, "no memory");
        return false;
    }
    for (int i = 0; i < c->graph.n_params; i++) {
        const struct param *p = &c->graph.params[i];
        if (p->role == PARAM_DFL)
            for (size_t k = 0; k < p->count; k++)
                c->start[p->first + k] = (float)k;
        else
            golden_parameter(g->seed, g->bias_offset, p->name, p->rank, p->shape, c->start + p->first);
    }
    model_init_head(&c->graph, c->start);
    return true;
}

static bool start(struct train_case *c)
{
    struct golden *g = &c->g;
    json_t *switches = golden_json(g, "switches");
    struct hyper hyper = hyper_default();
    c->warmup = !strcmp(golden_text(g, "mode"), "warmup");
    c->schedule = (struct schedule){.kind = SCHEDULE_LINEAR,
                                    .epochs = (int)json_integer_value(json_object_get(switches, "epochs")),
                                    .batches = (long)json_integer_value(json_object_get(switches, "batches_per_epoch")),
                                    .batch = c->n,
                                    .nominal_batch = 64,
                                    .lr_lag = true};
    hyper_apply_schedule(&hyper, &c->schedule);
    struct trainer_config config = {
        .graph = &c->graph,
        .backend = &cpu_backend,
        .team = golden_team(),
        .loss = loss_config_default(c->graph.head.nc),
        .optimizer = {.kind = OPTIMIZER_SGD, .beta = hyper.momentum, .weight_decay = golden_number(g, "weight_decay")},
        .clip_norm = json_number_value(json_object_get(switches, "clip_norm")),
        .carry_gradients = json_is_true(json_object_get(switches, "carry_gradients")),
        .fp16_start = json_is_true(json_object_get(switches, "fp16_start")),
    };
    hyper_apply_loss(&hyper, &config.loss);
    return golden_ok(g, trainer_init(&c->trainer, &config, c->start)) &&
           golden_ok(g, net_plan(c->trainer.net, c->n, c->h, c->w));
}

static double field(const json_t *row, const char *name)
{
    return json_number_value(json_object_get(row, name));
}

/* images<batch>: bytes, NCHW; divided by 255 into the network's input. */
static bool load_images(struct train_case *c, int batch)
{
    struct golden *g = &c->g;
    size_t count;
    const unsigned char *bytes = golden_u8(g, golden_name(g, "images%d", batch), &count);
    struct tensor input = net_input(c->trainer.net);
    if (!bytes || count != (size_t)c->n * 3 * (size_t)c->h * (size_t)c->w)
        return false;
    float *image = arena_alloc(&g->arena, count, sizeof *image);
    if (!image)
        return false;
    for (size_t i = 0; i < count; i++)
        image[i] = (float)bytes[i] / 255.0f;
    golden_to_tensor(image, &input);
    return true;
}

static const struct param *find_param(struct train_case *c, const json_t *key)
{
    int index = graph_find_param(&c->graph, json_string_value(key));
    if (index < 0)
        golden_fault(&c->g, "the model has no parameter %s", json_string_value(key));
    return index < 0 ? NULL : &c->graph.params[index];
}

/* The table `name` [rows, 3 + samples] as doubles; NULL (and a fault) unless it has a row a key. */
static const double *rows_of(struct golden *g, const char *name, size_t n_keys, int *samples)
{
    const struct safetensor *t = golden_tensor(g, name);
    if (!t || t->rank != 2 || t->shape[0] != n_keys || t->shape[1] < 4) {
        golden_fault(g, "%s does not fit its keys", name);
        return NULL;
    }
    *samples = (int)t->shape[1] - 3;
    return golden_f64(g, name, NULL);
}

static void compare_first_gradient(struct train_case *c)
{
    struct golden *g = &c->g;
    json_t *keys = golden_json(g, "grad_keys"), *key;
    int samples = 0;
    const double *rows = rows_of(g, "grad0", json_array_size(keys), &samples);
    size_t r;
    json_array_foreach(keys, r, key)
    {
        const struct param *p = find_param(c, key);
        if (!rows || !p)
            return;
        const double *row = rows + r * (size_t)(3 + samples);
        double rms = sqrt(row[2] / (double)p->count);
        golden_check_row(g, golden_name(g, "grad0 %s", p->name), row, samples, fmax(1e-3 * rms, 1e-8),
                         c->trainer.grad + p->first, p->count);
    }
}

/* Samples of parameters have a rule of their own: their tolerance follows how far the steps have moved them. */
static void compare_samples(struct golden *g, const char *what, const double *stored, int samples, const float *yours,
                            const float *start, size_t count)
{
    double most = 0, moved = 0;
    for (int k = 0; k < samples; k++) {
        size_t i = (size_t)k * count / (size_t)samples;
        most = fmax(most, fabs(stored[k]));
        moved = fmax(moved, fabs(stored[k] - (double)start[i]));
    }
    for (int k = 0; k < samples; k++)
        golden_compare_number(g, what, (double)yours[(size_t)k * count / (size_t)samples], stored[k],
                              fmax(2e-6 * most, fmax(1e-3 * moved, 1e-7)));
}

static void compare_block(struct train_case *c, const char *which, const float *block)
{
    struct golden *g = &c->g;
    json_t *keys = golden_json(g, "state_keys"), *key;
    const char *name = golden_name(g, "step%d/%s", c->steps, which);
    double noise = 10 * golden_noise(g, golden_name(g, "step%d/w", c->steps));
    int samples = 0;
    const double *rows = rows_of(g, name, json_array_size(keys), &samples);
    size_t r;
    json_array_foreach(keys, r, key)
    {
        const struct param *p = find_param(c, key);
        if (!rows || !p)
            return;
        const double *row = rows + r * (size_t)(3 + samples);
        const char *what = golden_name(g, "%s %s", name, p->name);
        bool statistic = optimizer_group(p->role) < 0;
        double most = 0;
        for (int k = 0; k < samples; k++)
            most = fmax(most, fabs(row[3 + k]));
        golden_check_row(g, what, row, statistic ? samples : 0, fmax(noise, fmax(1e-6 * most, 1e-6)), block + p->first,
                         p->count);
        if (!statistic)
            compare_samples(g, what, row + 3, samples, block + p->first, c->start + p->first, p->count);
    }
}

static void compare_log(struct train_case *c, size_t i, const json_t *row, const struct step_report *report)
{
    struct golden *g = &c->g;
    double loss = field(row, "loss"), noise = json_number_value(json_array_get(golden_json(g, "fp64_vs_fp32_loss"), i));
    golden_compare_number(g, golden_name(g, "loss of iteration %zu", i), report->loss.total, loss,
                          fmax(10 * noise, 2e-5 * fabs(loss)));
    for (size_t k = 0; k < LOSS_ITEMS; k++) {
        double item = json_number_value(json_array_get(json_object_get(row, "items"), k));
        golden_compare_number(g, golden_name(g, "item %zu of iteration %zu", k, i), report->loss.item[k], item,
                              1e-4 * fabs(item));
    }
    if (report->stepped != (json_is_true(json_object_get(row, "stepped")) != 0))
        golden_fault(g, "iteration %zu %s", i, report->stepped ? "stepped" : "did not step");
    if (!report->stepped)
        return;
    double norm = field(row, "grad_norm");
    golden_compare_number(g, golden_name(g, "grad_norm of iteration %zu", i), report->norm, norm, 1e-4 * norm);
    golden_compare_number(g, "ema_updates", (double)c->trainer.ema.updates, field(row, "ema_updates"), 0);
    golden_compare_number(g, "ema_decay", ema_decay(c->trainer.ema.updates), field(row, "ema_decay"),
                          1e-6 * field(row, "ema_decay"));
}

/* Learning rates of a row: from the schedule where it is the official one, and then compared with the log. */
static struct schedule_point point_of(struct train_case *c, const json_t *row)
{
    struct golden *g = &c->g;
    struct schedule_point point = {.momentum = field(row, "momentum"), .accumulate = field(row, "accumulate")};
    for (size_t k = 0; k < GROUPS; k++)
        point.lr[k] = json_number_value(json_array_get(json_object_get(row, "lr"), k));
    if (!c->warmup)
        return point;
    struct schedule_point mine = schedule_at(&c->schedule, (long)field(row, "ni"));
    for (size_t k = 0; k < GROUPS; k++)
        golden_compare_number(g, "lr", mine.lr[k], point.lr[k], 1e-6 * point.lr[k]);
    golden_compare_number(g, "momentum", mine.momentum, point.momentum, 1e-6 * point.momentum);
    golden_compare_number(g, "accumulate", mine.accumulate, point.accumulate, 1e-6 * point.accumulate);
    return mine;
}

/* The first gradient is compared before a step may consume it: a run of its own, which never steps. */
static void run_first_gradient(struct train_case *c, const float *targets, int n_targets)
{
    struct schedule_point never = {.accumulate = INFINITY};
    struct step_report report;
    if (golden_ok(&c->g, train_step(&c->trainer, 0, &never, targets, n_targets, &report)))
        compare_first_gradient(c);
    trainer_free(&c->trainer);
}

static bool iterate(struct train_case *c, size_t i, const json_t *row, int *epoch)
{
    struct golden *g = &c->g;
    int batch = (int)field(row, "batch");
    size_t count;
    const float *targets = golden_f32(g, golden_name(g, "targets%d", batch), &count);
    struct schedule_point point = point_of(c, row);
    struct step_report report;
    if (!targets || !load_images(c, batch)) {
        golden_fault(g, "batch %d cannot be read", batch);
        return false;
    }
    if (i == 0) {
        run_first_gradient(c, targets, (int)(count / 6));
        if (!start(c) || !load_images(c, batch))
            return false;
    }
    if ((int)field(row, "epoch") != *epoch)
        trainer_begin_epoch(&c->trainer);
    *epoch = (int)field(row, "epoch");
    if (!golden_ok(g, train_step(&c->trainer, (long)field(row, "ni"), &point, targets, (int)(count / 6), &report)))
        return false;
    compare_log(c, i, row, &report);
    if (report.stepped) {
        c->steps++;
        compare_block(c, "w", c->trainer.value);
        compare_block(c, "ema", c->trainer.ema.value);
    }
    return true;
}

int golden_train(const char *path, char *message, size_t size, double *worst)
{
    struct train_case c;
    memset(&c, 0, sizeof c);
    if (golden_open(&c.g, path) && build(&c) && start(&c)) {
        json_t *log = golden_json(&c.g, "log"), *row;
        int epoch = -1;
        size_t i;
        json_array_foreach(log, i, row)
        {
            if (!iterate(&c, i, row, &epoch))
                break;
        }
        if (!c.steps)
            golden_fault(&c.g, "no step was made");
    }
    trainer_free(&c.trainer);
    graph_free(&c.graph);
    table_free(&c.table);
    return golden_close(&c.g, message, size, worst);
}
