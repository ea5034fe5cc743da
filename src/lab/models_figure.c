#include "lab/models_figure.h"

#include "core/path.h"
#include "image/chart.h"
#include "lab/numbers.h"
#include "model/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PANEL_W = 760, PANEL_H = 660, NAME_BYTES = 40, PANELS = 3 };

enum cost_kind { COST_PARAMS, COST_FLOPS, COST_LATENCY };

static double cost_of(const struct point *p, enum cost_kind kind)
{
    return kind == COST_PARAMS ? p->params_m : kind == COST_FLOPS ? p->flops_g : p->latency_ms;
}

/* --- the picture --- */

struct plot_data {
    struct series *series; /* (n) at most one a point */
    double *x, *y;         /* (n) */
    const char **names;    /* (n) */
};

/* A star marks published numbers of another split than val2017; measured ones tell their size. */
static char *name_of(const struct point *p, struct arena *arena)
{
    char text[NAME_BYTES * 4];
    if (p->measured && p->h == p->w)
        snprintf(text, sizeof text, "%.40s, %d", p->model, p->h);
    else if (p->measured)
        snprintf(text, sizeof text, "%.40s, %d x %d", p->model, p->h, p->w);
    else
        snprintf(text, sizeof text, "%.40s%s", p->model, *p->split && strcmp(p->split, "val") ? "*" : "");
    return arena_strdup(arena, text);
}

/* Families without any point in this panel have no line in its legend. */
static void hide_empty(struct series *series, int n)
{
    for (int k = 0; k < n; k++) {
        bool any = false;
        for (int i = 0; i < series[k].n; i++)
            any |= isfinite(series[k].x[i]);
        if (!any)
            series[k].name = NULL;
    }
}

/* A series for each run of points of one family. */
static int make_series(const struct points *p, enum cost_kind kind, struct plot_data *data)
{
    int n = 0;
    for (int i = 0; i < p->n; i++) {
        const struct point *point = &p->items[i];
        data->x[i] = cost_of(point, kind);
        data->y[i] = point->ap;
        if (i && !strcmp(point->family, p->items[i - 1].family) && point->measured == p->items[i - 1].measured) {
            data->series[n - 1].n++;
            continue;
        }
        data->series[n] = (struct series){.name = point->family,
                                          .style = point->measured ? SERIES_POINTS : SERIES_LINE_POINTS,
                                          .x = &data->x[i],
                                          .y = &data->y[i],
                                          .names = &data->names[i],
                                          .n = 1,
                                          .width = point->measured ? 10 : 0,
                                          .coloured = point->measured,
                                          .colour = colour_ink};
        n++;
    }
    hide_empty(data->series, n);
    return n;
}

static enum status make_names(const struct points *p, struct arena *arena, const char **names)
{
    for (int i = 0; i < p->n; i++) {
        if (!(names[i] = name_of(&p->items[i], arena)))
            return E_NOMEM;
    }
    return OK;
}

static enum status draw(const struct points *p, const char *machine, const char *const *paths, int n_paths)
{
    enum status rc = OK;
    static const char *const titles[PANELS] = {"Accuracy and parameters", "Accuracy and FLOPs",
                                               "Accuracy and latency here"};
    char latency[160];
    const char *labels[PANELS] = {"parameters (M)", "GFLOPs (2 x multiply-accumulates)", latency};
    struct chart charts[PANELS];
    struct panel panels[PANELS];
    struct arena arena;
    size_t n = (size_t)p->n;
    bool measured = false;
    for (int i = 0; i < p->n; i++)
        measured |= p->items[i].measured;
    int n_panels = machine ? PANELS : PANELS - 1;
    struct series *series = mem_calloc(n * PANELS + 1, sizeof *series);
    double *numbers = mem_calloc(2 * n * PANELS + 1, sizeof *numbers);
    const char **names = mem_calloc(n + 1, sizeof *names);
    arena_init(&arena);
    TRY_CLEAN(series && numbers && names ? OK : E_NOMEM);
    TRY_CLEAN(make_names(p, &arena, names));
    snprintf(latency, sizeof latency, "ms an image, %s", machine ? machine : "");
    for (int k = 0; k < n_panels; k++) {
        struct plot_data data = {series + n * (size_t)k, numbers + 2 * n * (size_t)k, numbers + 2 * n * (size_t)k + n,
                                 names};
        charts[k] =
            (struct chart){.title = titles[k],
                           .x = {.label = labels[k]},
                           .y = {.label = measured ? "AP 50:95 (%), COCO val2017; * other split; measured: own set"
                                                   : "AP 50:95 (%), COCO val2017; * other split"},
                           .series = data.series,
                           .n_series = make_series(p, (enum cost_kind)k, &data)};
        panels[k] = (struct panel){chart_draw, &charts[k]};
    }
    for (int i = 0; i < n_paths; i++)
        TRY_CLEAN(figure_write(paths[i], PANEL_W * n_panels, PANEL_H, panels, 1, n_panels));
cleanup:
    arena_free(&arena);
    mem_free(series);
    mem_free(numbers);
    mem_free(names);
    return rc;
}

/* --- the numbers --- */

/* What the table of a built-in network counts; unknown where there is none. */
static enum status count(const struct point *p, struct cost *out)
{
    struct model_options options;
    struct figures f;
    *out = (struct cost){NAN, NAN};
    if (!p->network || p->measured || !p->h || !model_find_table(p->network))
        return OK;
    model_options_init(&options);
    TRY(figures_build(p->network, &options, p->h, p->w, &f));
    *out = (struct cost){1e-6 * f.left.params, f.left.gflops};
    figures_free(&f);
    return OK;
}

static enum status add_row(const struct point *p, json_t *rows)
{
    struct cost own;
    TRY(count(p, &own));
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:f, s:s, s:b, s:o, s:o, s:o, s:s}", "family", p->family,
                  "model", p->model, "network", p->network ? p->network : "", "height",
                  p->h ? json_integer(p->h) : json_null(), "width", p->w ? json_integer(p->w) : json_null(), "params_m",
                  number_json(p->params_m), "flops_g", number_json(p->flops_g), "ap", p->ap, "split", p->split,
                  "measured", p->measured, "table_params_m", number_json(own.params), "table_flops_g",
                  number_json(own.gflops), "latency_ms", number_json(p->latency_ms), "source", p->source);
    return row && json_array_append_new(rows, row) == 0 ? OK : fail_memory(NULL, 0);
}

enum status models_figure_write(const struct points *p, const char *machine, const char *folder, const char *name)
{
    enum status rc = OK;
    char file[2][300];
    char *paths[2] = {NULL, NULL};
    json_t *rows = json_array();
    json_t *about = json_pack("{s:s, s:s*}", "figure", "models", "latency", machine);
    TRY_CLEAN(rows && about ? OK : fail_memory(NULL, 0));
    for (int i = 0; i < p->n; i++)
        TRY_CLEAN(add_row(&p->items[i], rows));
    for (int i = 0; i < 2; i++) {
        snprintf(file[i], sizeof file[i], "%s.%s", name, i ? "png" : "svg");
        TRY_CLEAN((paths[i] = path_join(folder, file[i])) ? OK : E_NOMEM);
    }
    TRY_CLEAN(draw(p, machine, (const char *const *)paths, 2));
    TRY_CLEAN(numbers_write(folder, name, about, rows));
cleanup:
    mem_free(paths[0]);
    mem_free(paths[1]);
    json_decref(rows);
    json_decref(about);
    return rc;
}
