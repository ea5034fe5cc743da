/* Training runs beside each other: mAP of every epoch in one picture, and a table.
 *
 *   compare_runs OUT.png NAME=RESULTS.csv...      (.svg works too)
 *
 * Reads results.csv as this program and the official code write it (columns by name). The table has the mean of the
 * last five epochs, because single epochs jump. Each name has a colour; every second file of a pair named NAME and
 * NAME-reference is dashed in the colour of the first. */
#include "core/file.h"
#include "core/mem.h"
#include "image/chart.h"
#include "train/run.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RUNS = 12, LAST = 5, MAX_CSV = 16 << 20 };

struct run {
    char name[64];
    double *map50, *map;
    int n;
};

/* The index of a column, or -1. `line` is changed. */
static int find_column(char *line, const char *name)
{
    int column = 0;
    for (char *save, *word = strtok_r(line, ",\n", &save); word; word = strtok_r(NULL, ",\n", &save), column++) {
        while (isspace((unsigned char)*word))
            word++;
        if (strcmp(word, name) == 0)
            return column;
    }
    return -1;
}

static double cell(const char *line, int column)
{
    while (column-- > 0 && line)
        line = (line = strchr(line, ',')) ? line + 1 : NULL;
    return line ? strtod(line, NULL) : 0;
}

static int header_column(const char *header, size_t length, enum result_column column)
{
    char copy[1024];
    snprintf(copy, sizeof copy, "%.*s", (int)MIN(length, sizeof copy - 1), header);
    return find_column(copy, result_column_name(column));
}

static enum status load_run(const char *path, struct run *r)
{
    enum status rc = OK;
    struct buf text = {0};
    TRY(file_read(path, MAX_CSV, &text));
    char *line = text.size ? strchr(text.data, '\n') : NULL;
    if (!line)
        TRY(fail(E_FORMAT, "%s: not a results.csv", path));
    const int map50 = header_column(text.data, (size_t)(line - text.data), RESULT_MAP50);
    const int map = header_column(text.data, (size_t)(line - text.data), RESULT_MAP);
    if (map50 < 0 || map < 0)
        TRY(fail(E_FORMAT, "%s: no columns %s and %s", path, result_column_name(RESULT_MAP50),
                 result_column_name(RESULT_MAP)));
    int lines = 0;
    for (char *c = text.data; *c; c++)
        lines += *c == '\n';
    r->map50 = mem_alloc((size_t)lines + 1, sizeof *r->map50);
    r->map = mem_alloc((size_t)lines + 1, sizeof *r->map);
    TRY(r->map50 && r->map ? OK : E_NOMEM);
    for (; line && line[1]; line = strchr(line + 1, '\n'), r->n++) {
        r->map50[r->n] = cell(line + 1, map50);
        r->map[r->n] = cell(line + 1, map);
    }
cleanup:
    buf_free(&text);
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
    struct series series[2][MAX_RUNS];
    for (int i = 0; i < n; i++) {
        const int like = partner(runs, i);
        for (int k = 0; k < 2; k++)
            series[k][i] = (struct series){.name = runs[i].name,
                                           .y = k ? runs[i].map : runs[i].map50,
                                           .n = runs[i].n,
                                           .width = 2,
                                           .dashed = like != i,
                                           .coloured = true,
                                           .colour = palette_get(like)};
    }
    const struct axis epoch = {.label = "epoch"}, unit = {.low = 0, .high = 1};
    const struct chart charts[2] = {
        {.title = "mAP50", .x = epoch, .y = unit, .series = series[0], .n_series = n},
        {.title = "mAP50-95", .x = epoch, .y = unit, .series = series[1], .n_series = n},
    };
    const struct panel panels[2] = {{chart_draw, &charts[0]}, {chart_draw, &charts[1]}};
    return figure_write(path, 1600, 640, panels, 1, 2);
}

int main(int argc, char **argv)
{
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
        TRY(load_run(path ? path + 1 : word, &runs[i]));
    }
    print_table(runs, n);
    TRY(plot(runs, n, argv[1]));
cleanup:
    if (rc != OK)
        fprintf(stderr, "compare_runs: %s\n", fail_text());
    for (int i = 0; i < n; i++) {
        mem_free(runs[i].map50);
        mem_free(runs[i].map);
    }
    return rc == OK ? 0 : 1;
}
