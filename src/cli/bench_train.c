/* yolo9 bench --train: where the time of a training step goes. Random pictures, eight boxes an image. */
#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/image_size.h"
#include "cli/output.h"
#include "cli/precision.h"
#include "core/cpu.h"
#include "core/listing.h"
#include "core/mem.h"
#include "core/rng.h"
#include "graph/op_rules.h"
#include "ops/cpu.h"
#include "train/preset.h"
#include "train/train.h"

#include <stdio.h>
#include <string.h>

enum { LABELS = 8, PARTS = 4 };

struct train_bench {
    struct weights weights;
    enum precision precision;
    struct team *team;
    struct trainer_state trainer;
    int n, h, w, threads, runs;
    float *targets;                               /* (n * LABELS, 6) */
    double *seconds[PARTS + 1];                   /* forward, loss, backward, step, all: one a run */
    double forward[OP_COUNT], backward[OP_COUNT]; /* seconds by op, summed over runs */
};

static enum status set_up(struct train_bench *b, const struct options *o)
{
    enum status rc = OK;
    TRY(output_check(&(struct output){.path = option_string(o, "json"), .inputs = {option_string(o, "weights")}}));
    TRY(bench_load(o, &b->weights));
    if (!b->weights.params)
        return fail(E_ARGUMENT, "the weights are folded: training needs their training form");
    TRY(precision_asked(o, b->weights.eight_bit, &b->precision));
    if (b->precision == PRECISION_INT8)
        return fail(E_USAGE, "--train runs in fp32 or bf16");
    const struct image_size size = image_size_of(o, &b->weights);
    b->h = size.h;
    b->w = size.w;
    TRY(team_create(b->threads, &b->team));
    const struct graph *g = &b->weights.training;
    const enum preset_kind preset = preset_for(b->weights.table.name, b->weights.table.family, g);
    const struct hyper hyper = preset_hyper(preset);
    struct trainer_config config = {.graph = &b->weights.training,
                                    .backend = &cpu_backend,
                                    .team = b->team,
                                    .exact = option_flag(o, "exact"),
                                    .precision = b->precision,
                                    .clip_norm = preset_get(preset)->clip_norm};
    config.loss = loss_config_of(&g->head, g->n_branches);
    hyper_apply_loss(&hyper, &config.loss);
    loss_scale_gains(&config.loss, g->branch[0].n_levels, MAX(b->h, b->w));
    config.optimizer.weight_decay = hyper.weight_decay;
    TRY(trainer_init(&b->trainer, &config, b->weights.params));
    weights_drop_training(&b->weights);
    TRY(net_plan(b->trainer.net, b->n, b->h, b->w));
    b->targets = mem_alloc((size_t)b->n * LABELS, 6 * sizeof(float));
    for (int i = 0; i <= PARTS; i++) {
        if (!(b->seconds[i] = mem_calloc((size_t)b->runs, sizeof(double))))
            rc = E_NOMEM;
    }
    if (!b->targets)
        rc = E_NOMEM;
    return rc;
}

static void make_batch(struct train_bench *b)
{
    struct rng r = rng_seed(1, 2, 3);
    struct tensor x = net_input(b->trainer.net);
    for (size_t i = 0; i < (size_t)x.n * x.image_stride; i++)
        x.data[i] = (float)(rng_next(&r) >> 56) / 255.0f;
    for (int i = 0; i < b->n * LABELS; i++) {
        float size = (float)rng_range(&r, 0.05, 0.5);
        float row[6] = {(float)(i / LABELS), (float)rng_below(&r, (uint64_t)b->weights.nc), 0, 0, size, size};
        for (int k = 2; k < 4; k++)
            row[k] = (float)rng_range(&r, (double)size / 2, 1 - (double)size / 2);
        memcpy(b->targets + (size_t)i * 6, row, sizeof row);
    }
}

static void add_by_op(struct train_bench *b)
{
    const struct node_report *reports;
    int n = net_report(b->trainer.net, &reports);
    for (int i = 0; i < n; i++) {
        b->forward[reports[i].node->op] += reports[i].seconds;
        b->backward[reports[i].node->op] += reports[i].d_seconds;
    }
}

static enum status run(struct train_bench *b)
{
    struct schedule_point point = {.momentum = 0.937, .accumulate = 1};
    for (int g = 0; g < COUNT(point.lr); g++)
        point.lr[g] = 1e-6; /* a real step that leaves the numbers tame */
    net_set_timing(b->trainer.net, true);
    for (int i = -1; i < b->runs; i++) { /* one run to warm up */
        struct step_report s;
        make_batch(b);
        TRY(train_step(&b->trainer, i + 1, &point, b->targets, b->n * LABELS, &s));
        if (i < 0)
            continue;
        const double parts[PARTS] = {s.forward, s.loss_time, s.backward, s.step};
        for (int k = 0; k < PARTS; k++) {
            b->seconds[k][i] = 1e3 * parts[k] / b->n;
            b->seconds[PARTS][i] += b->seconds[k][i];
        }
        add_by_op(b);
    }
    return OK;
}

static enum status print_report(struct train_bench *b, const double ms[PARTS + 1])
{
    static const struct listing_column columns[] = {
        {"op", LISTING_LEFT, 10},
        {"forward ms", LISTING_RIGHT, 13},
        {"backward ms", LISTING_RIGHT, 14},
    };
    enum status rc = OK;
    struct listing l;
    listing_init(&l, columns, COUNT(columns));
    print(stdout, "%s training %dx%d batch %d, %d %s, %s, %s kernels, %s", b->weights.table.name, b->h, b->w, b->n,
          b->threads, noun(b->threads, "thread", "threads"), precision_name(b->precision), cpu_level(cpu_features()),
          cpu_name());
    print(stdout, "an image: %.1f ms = forward %.1f + loss %.1f + backward %.1f + step %.1f; peak %.0f MB (arena %.0f)",
          ms[PARTS], ms[0], ms[1], ms[2], ms[3], bench_peak_mb(), (double)net_arena_bytes(b->trainer.net) / 1048576);
    for (int op = 0; op < OP_COUNT; op++) {
        if (b->forward[op] <= 0)
            continue;
        TRY_CLEAN(listing_add(&l, "%s", op_name((enum op)op)));
        TRY_CLEAN(listing_add(&l, "%.2f", 1e3 * b->forward[op] / (b->runs * b->n)));
        TRY_CLEAN(listing_add(&l, "%.2f", 1e3 * b->backward[op] / (b->runs * b->n)));
    }
    TRY_CLEAN(print_listing(&l));
cleanup:
    listing_free(&l);
    return rc;
}

static enum status report(struct train_bench *b, const struct options *o)
{
    enum status rc = OK;
    double ms[PARTS + 1];
    const char *json = option_string(o, "json");
    for (int i = 0; i <= PARTS; i++)
        ms[i] = bench_median(b->seconds[i], b->runs);
    if (!json || strcmp(json, "-") != 0)
        rc = print_report(b, ms);
    if (!json || rc != OK)
        return rc;
    json_t *root =
        json_pack("{s:s, s:[i,i], s:i, s:i, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:s}", "model",
                  b->weights.table.name, "img", b->h, b->w, "batch", b->n, "threads", b->threads, "precision",
                  precision_name(b->precision), "asked", precision_name(b->precision), "median_ms", ms[PARTS], "min_ms",
                  b->seconds[PARTS][0], "forward_ms", ms[0], "loss_ms", ms[1], "backward_ms", ms[2], "step_ms", ms[3],
                  "peak_mb", bench_peak_mb(), "kernels", cpu_level(cpu_features()), "cpu", cpu_name());
    rc = output_json(json, root);
    json_decref(root);
    return rc;
}

enum status bench_train(const struct options *o)
{
    enum status rc = OK;
    struct train_bench b = {
        .n = option_int(o, "batch"), .runs = option_int(o, "runs"), .threads = option_int(o, "threads")};
    b.threads = b.threads ? b.threads : cpu_count();
    TRY_CLEAN(set_up(&b, o));
    TRY_CLEAN(run(&b));
    TRY_CLEAN(report(&b, o));
cleanup:
    for (int i = 0; i <= PARTS; i++)
        mem_free(b.seconds[i]);
    mem_free(b.targets);
    trainer_free(&b.trainer);
    team_destroy(b.team);
    weights_free(&b.weights);
    return rc;
}
