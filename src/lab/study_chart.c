/* The chart of a study: a place a row, the seeds as dots, their mean as a large dot, a line from mean - deviation to
 * mean + deviation. */
#include "core/path.h"
#include "image/chart.h"
#include "lab/study_parts.h"

#include <math.h>
#include <stdio.h>

enum { PANELS = 3, WIDTH = 520, HEIGHT = 480, MOST = STUDY_MAX_ROWS * STUDY_MAX_SEEDS, BAR = 3 };

struct panel_data {
    double x[STUDY_MAX_ROWS], mean[STUDY_MAX_ROWS];
    double bar_x[STUDY_MAX_ROWS * BAR], bar_y[STUDY_MAX_ROWS * BAR];
    double seed_x[MOST], seed_y[MOST];
    struct series series[3];
    struct chart chart;
};

static void fill(const struct study *s, const char *title, study_value *value, const char *const *names,
                 struct panel_data *d)
{
    const struct colour grey = {115, 115, 115};
    int n_seeds = 0;
    for (int i = 0; i < s->n_lines; i++) {
        const struct study_mean m = study_mean(s, i, value);
        d->x[i] = i;
        d->mean[i] = m.n ? m.mean : NAN;
        for (int k = 0; k < BAR; k++) {
            d->bar_x[i * BAR + k] = i;
            d->bar_y[i * BAR + k] = k == 2 || m.n < 2 ? NAN : m.mean + (k ? 1 : -1) * m.deviation;
        }
        for (int seed = 0; seed < s->config.seeds; seed++) {
            const struct study_run *r = &s->runs[i * s->config.seeds + seed];
            d->seed_x[n_seeds] = i + 0.18;
            d->seed_y[n_seeds++] = r->state == STUDY_DONE ? value(&r->result) : NAN;
        }
    }
    d->series[0] =
        (struct series){.name = "mean", .style = SERIES_POINTS, .x = d->x, .y = d->mean, .n = s->n_lines, .width = 11};
    d->series[1] = (struct series){.name = "± standard deviation",
                                   .style = SERIES_LINE,
                                   .x = d->bar_x,
                                   .y = d->bar_y,
                                   .n = s->n_lines * BAR,
                                   .width = 2.5,
                                   .coloured = true,
                                   .colour = colour_ink};
    d->series[2] = (struct series){.name = "one seed",
                                   .style = SERIES_POINTS,
                                   .x = d->seed_x,
                                   .y = d->seed_y,
                                   .n = n_seeds,
                                   .width = 5,
                                   .coloured = true,
                                   .colour = grey};
    d->chart = (struct chart){
        .title = title,
        .x = {.names = names, .n_names = s->n_lines, .low = -0.5, .high = s->n_lines - 0.5},
        .y = {.label = "last epoch"},
        .series = d->series,
        .n_series = COUNT(d->series),
    };
}

static enum status write_as(const struct study *s, const char *file, const struct panel *panels, int n)
{
    char *path = path_join(s->config.project, file);
    enum status rc = path ? figure_write(path, n * WIDTH, HEIGHT, panels, 1, n) : E_NOMEM;
    mem_free(path);
    return rc;
}

enum status study_draw(const struct study *s)
{
    enum status rc = OK;
    static const char *const titles[PANELS] = {"mAP50-95", "mAP50", "AP of small objects"};
    study_value *const values[PANELS] = {study_map, study_map50, study_small};
    const char *names[STUDY_MAX_ROWS];
    struct panel panels[PANELS];
    const int n = s->config.kind->small_objects ? PANELS : PANELS - 1;
    struct panel_data *data = mem_calloc(PANELS, sizeof *data);
    if (!data)
        return E_NOMEM;
    for (int i = 0; i < s->n_lines; i++)
        names[i] = s->line[i].row->name;
    for (int k = 0; k < n; k++) {
        fill(s, titles[k], values[k], names, &data[k]);
        panels[k] = (struct panel){chart_draw, &data[k].chart};
    }
    TRY_CLEAN(write_as(s, "study.png", panels, n));
    TRY_CLEAN(write_as(s, "study.svg", panels, n));
cleanup:
    mem_free(data);
    return rc;
}
