/* yolo9 figure models: accuracy of networks against what they cost. */
#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/figure_out.h"
#include "core/cpu.h"
#include "core/terminal.h"
#include "lab/models_figure.h"
#include "model/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct option_spec options_table[] = {
    {"points", NULL, OPTION_STRINGS, NULL,
     "more points: files of `val --json`, or CSV with family, model, params_m, flops_g, ap", .value = VALUE_FILE,
     .heading = "Points"},
    {"no-published", NULL, OPTION_FLAG, NULL, "without the published points"},
    {"bench", NULL, OPTION_FLAG, NULL, "measure the latency of built-in networks on this machine",
     .heading = "Latency"},
    {"threads", NULL, OPTION_INT, "0", "compute threads; 0: one a processor", 0, 1024},
    {"runs", NULL, OPTION_INT, "10", "timed runs of a network", 1, 10000},
    FIGURE_OUT_OPTIONS,
};

/* The points whose network is built in get the milliseconds of that network, in fp32 with random weights. */
static enum status measure(const struct options *o, struct points *p, char *machine, size_t size)
{
    int threads = option_int(o, "threads") ? option_int(o, "threads") : cpu_count(), n = 0;
    for (int i = 0; i < p->n; i++) {
        struct point *point = &p->items[i];
        if (!point->network || !point->h || !model_find_table(point->network))
            continue;
        TRY(bench_latency(point->network, point->h, point->w, threads, option_int(o, "runs"), &point->latency_ms));
        print(stderr, "%s, %d x %d: %.1f ms", point->network, point->h, point->w, point->latency_ms);
        n++;
    }
    if (!n)
        return fail(E_USAGE, "--bench: no point is a built-in network");
    if (n < p->n)
        print(stderr, "%d of %d points are of networks that are not built in and have no latency", p->n - n, p->n);
    snprintf(machine, size, "%s, %d %s, fp32", cpu_name(), threads, noun(threads, "thread", "threads"));
    return OK;
}

static enum status read_points(const struct options *o, struct points *p)
{
    int n;
    const char *const *files = option_strings(o, "points", &n);
    if (option_flag(o, "no-published") && !n)
        return fail(E_USAGE, "--no-published leaves nothing to draw: give --points");
    if (!option_flag(o, "no-published"))
        TRY(points_read_memory("published-points.csv", published_points, strlen(published_points), p));
    for (int i = 0; i < n; i++)
        TRY(points_read_file(files[i], p));
    return p->n ? OK : fail(E_FORMAT, "%s: there is no point in it", files[0]);
}

static enum status run(const struct options *o)
{
    enum status rc = OK;
    struct points p = {0};
    char *folder = NULL, machine[160] = "";
    TRY(figure_out_check(o));
    TRY_CLEAN(read_points(o, &p));
    if (option_flag(o, "bench"))
        TRY_CLEAN(measure(o, &p, machine, sizeof machine));
    TRY_CLEAN(figure_out_make(o, &folder));
    TRY_CLEAN(models_figure_write(&p, *machine ? machine : NULL, folder, "models"));
cleanup:
    points_free(&p);
    return figure_out_close(rc, folder, "models.svg, models.png, models.csv, models.json");
}

const struct verb_spec figure_models = {
    .name = "figure models",
    .summary = "accuracy against parameters, FLOPs and latency",
    .positional = "points",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 figure models\n"
               "yolo9 figure models --points val.json --bench --threads 1",
    .run = run,
};
