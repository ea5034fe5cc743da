/* Training runs beside each other: mAP of every epoch in one picture, and a table.
 *
 *   compare_runs OUT.png NAME=RESULTS.csv...      (.svg works too)
 *
 * Reads results.csv as this program and the official code write it (columns by name). The table has the mean of the
 * last five epochs, because single epochs jump. Each name has a colour; every second file of a pair named NAME and
 * NAME-reference is dashed in the colour of the first. Files of one name are seeds of one experiment: they share a
 * colour, and a second table has mean and standard deviation over them, of their best epochs (0.1 mAP50 + 0.9
 * mAP50-95) and of their last ones. */
#include "core/mem.h"
#include "core/terminal.h"
#include "eval/ap.h"
#include "image/chart.h"
#include "results_csv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_RUNS = 24, LAST = 5 };

struct run {
    char name[64];
    double *map50, *map;
    int n;
};

static enum status load_run(const char *path, struct run *r)
{
    static const int columns[] = {RESULT_MAP50, RESULT_MAP};
    double *values[COUNT(columns)] = {NULL};
    enum status rc = results_csv_load(path, columns, COUNT(columns), values, &r->n);
    r->map50 = values[0];
    r->map = values[1];
    return rc;
}

static double last_mean(const double *values, int n)
{
    double sum = 0;
    const int count = MIN(n, LAST);
    for (int i = n - count; i < n; i++)
        sum += values[i];
    return count ? sum / count : 0;
}

static void print_table(const struct run *runs, int n)
{
    printf("| run | epochs | mAP50, mAP50-95, mean of the last %d epochs | last epoch |\n|---|---|---|---|\n", LAST);
    for (int i = 0; i < n; i++) {
        const struct run *r = &runs[i];
        printf("| %s | %d | %.3f, %.3f | %.3f, %.3f |\n", r->name, r->n, last_mean(r->map50, r->n),
               last_mean(r->map, r->n), r->n ? r->map50[r->n - 1] : 0, r->n ? r->map[r->n - 1] : 0);
    }
}

static int best_epoch(const struct run *r)
{
    int best = 0;
    for (int i = 1; i < r->n; i++)
        if (ap_fitness(r->map50[i], r->map[i]) > ap_fitness(r->map50[best], r->map[best]))
            best = i;
    return best;
}

/* The first run of the same name. */
static int first_of_name(const struct run *runs, int i)
{
    int k = 0;
    while (strcmp(runs[k].name, runs[i].name) != 0)
        k++;
    return k;
}

/* " 0.123 ± 0.004 |" of one value a seed */
static void print_spread(const double *values, int n)
{
    double mean = 0, square = 0;
    for (int i = 0; i < n; i++)
        mean += values[i] / n;
    for (int i = 0; i < n; i++)
        square += (values[i] - mean) * (values[i] - mean);
    printf(" %.3f ± %.3f |", mean, n > 1 ? sqrt(square / (n - 1)) : 0);
}

/* A row for every name that several files have. */
static void print_seeds(const struct run *runs, int n)
{
    bool any = false;
    for (int i = 0; i < n; i++) {
        double values[4][MAX_RUNS];
        int seeds = 0;
        for (int k = i; k < n && first_of_name(runs, i) == i; k++) {
            const struct run *r = &runs[k];
            if (first_of_name(runs, k) != i || !r->n)
                continue;
            const int best = best_epoch(r);
            values[0][seeds] = r->map50[best];
            values[1][seeds] = r->map[best];
            values[2][seeds] = r->map50[r->n - 1];
            values[3][seeds++] = r->map[r->n - 1];
        }
        if (seeds < 2)
            continue;
        if (!any)
            printf("\n| run | seeds | best epoch: mAP50 | mAP50-95 | last epoch: mAP50 | mAP50-95 |\n"
                   "|---|---|---|---|---|---|\n");
        any = true;
        printf("| %s | %d |", runs[i].name, seeds);
        for (int k = 0; k < 4; k++)
            print_spread(values[k], seeds);
        printf("\n");
    }
}

/* The run that `i` is the reference of; itself if none. */
static int partner(const struct run *runs, int i)
{
    for (int k = 0; k < i; k++) {
        const size_t length = strlen(runs[k].name);
        if (strncmp(runs[i].name, runs[k].name, length) == 0 && strcmp(runs[i].name + length, "-reference") == 0)
            return k;
    }
    return i;
}

static enum status plot(const struct run *runs, int n, const char *path)
{
    enum status rc = OK;
    struct series series[2][MAX_RUNS];
    int most = 0;
    for (int i = 0; i < n; i++)
        most = MAX(most, runs[i].n);
    double *epochs = mem_alloc((size_t)most + 1, sizeof *epochs);
    TRY_CLEAN(epochs ? OK : E_NOMEM);
    for (int i = 0; i < most; i++)
        epochs[i] = i + 1;
    for (int i = 0; i < n; i++) {
        const int first = first_of_name(runs, i), like = partner(runs, first);
        for (int k = 0; k < 2; k++)
            series[k][i] = (struct series){.name = first == i ? runs[i].name : NULL,
                                           .x = epochs,
                                           .y = k ? runs[i].map : runs[i].map50,
                                           .n = runs[i].n,
                                           .width = 2,
                                           .dashed = like != first,
                                           .coloured = true,
                                           .colour = palette_get(like)};
    }
    const struct axis epoch = {.label = "Epoch", .whole = true}, unit = {.label = "mAP", .low = 0, .high = 1};
    const struct chart charts[2] = {
        {.title = "mAP at IoU 0.5", .x = epoch, .y = unit, .series = series[0], .n_series = n},
        {.title = "mAP at IoU 0.5 to 0.95", .x = epoch, .y = unit, .series = series[1], .n_series = n},
    };
    const struct panel panels[2] = {{chart_draw, &charts[0]}, {chart_draw, &charts[1]}};
    TRY_CLEAN(figure_write(path, 1600, 640, panels, 1, 2));
cleanup:
    mem_free(epochs);
    return rc;
}

int main(int argc, char **argv)
{
    log_set_sink(terminal_log, NULL);
    enum status rc = OK;
    struct run runs[MAX_RUNS] = {0};
    const int n = argc - 2;
    if (n < 1 || n > MAX_RUNS) {
        fprintf(stderr, "usage: compare_runs OUT.png NAME=RESULTS.csv... (at most %d)\n", MAX_RUNS);
        return 2;
    }
    for (int i = 0; i < n; i++) {
        const char *word = argv[i + 2], *path = strchr(word, '=');
        snprintf(runs[i].name, sizeof runs[i].name, "%.*s", path ? (int)MIN(path - word, 63) : 63, word);
        TRY_CLEAN(load_run(path ? path + 1 : word, &runs[i]));
    }
    print_table(runs, n);
    print_seeds(runs, n);
    TRY_CLEAN(plot(runs, n, argv[1]));
cleanup:
    if (rc != OK)
        fprintf(stderr, "compare_runs: %s\n", fail_text());
    for (int i = 0; i < n; i++) {
        mem_free(runs[i].map50);
        mem_free(runs[i].map);
    }
    return rc == OK ? 0 : 1;
}
