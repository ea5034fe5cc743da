#include "lab/gradients_figure.h"

#include "core/path.h"
#include "image/chart.h"
#include "lab/numbers.h"

#include <stdio.h>
#include <string.h>

enum {
    ROW_PANEL_W = 560,
    ROW_H = 21, /* of a table's row */
    ROW_REST = 150 /* title, axis and its words */,
    SIZE_PANEL_W = 520,
    SIZE_PANEL_H = 430,
    MOST_PANELS = 64,
    MOST_COLUMNS = 4, /* of panels, more of them stand below: a slide is not endlessly wide */
    LEGEND_ROWS = 3,  /* room for it above the first row */
};

/* What the charts of one picture are made of. */
struct sheet {
    const struct gradient_state *states;
    int n;
    struct arena arena; /* of all below */
    struct chart charts[MOST_PANELS];
    struct panel panels[MOST_PANELS];
};

static struct colour branch_colour(int branch, int n_branches)
{
    return palette_get(branch == n_branches - 1 ? 0 : 1 + branch);
}

static bool has_auxiliary(const struct sheet *s)
{
    bool any = false;
    for (int i = 0; i < s->n; i++)
        any |= s->states[i].g.n_branches > 1;
    return any;
}

static void place(struct sheet *s, int panel)
{
    s->panels[panel] = (struct panel){chart_draw, &s->charts[panel]};
}

/* --- by rows --- */

static int count_rows(const struct gradients *g)
{
    int n = 0;
    for (int r = 0; r < g->n_rows; r++)
        n += g->rows[r].params > 0;
    return n;
}

/* "13 RepNCSPELAN4", of the auxiliary branch "31 RepNCSPELAN4 (aux)". */
static const char **name_rows(struct sheet *s, const struct gradients *g, int n)
{
    const char **names = arena_alloc(&s->arena, (size_t)n + 1, sizeof *names);
    for (int r = 0, i = 0; names && r < g->n_rows; r++)
        if (g->rows[r].params > 0 && !(names[i++] = arena_printf(&s->arena, "%d %s%s", r, g->rows[r].module,
                                                                 g->rows[r].use == ROW_AUXILIARY ? " (aux)" : "")))
            return NULL;
    return names;
}

enum row_number { ROW_NORM, ROW_WHOLE, ROW_COSINE };

static const struct tally *row_tally(const struct gradient_row *r, enum row_number what, int branch)
{
    return what == ROW_NORM ? &r->norm[branch] : what == ROW_WHOLE ? &r->whole : &r->cosine[branch];
}

/* A line over the rows: x[i] at height i. A mean of 0 has no place on an axis of logarithms and leaves a gap. */
static enum status add_line(struct sheet *s, struct series *out, const struct gradients *g, int n, const char *name,
                            enum row_number what, int branch)
{
    double *x = arena_alloc(&s->arena, 2 * (size_t)n + 1, sizeof *x);
    if (!x)
        return E_NOMEM;
    for (int r = 0, i = 0; r < g->n_rows; r++) {
        if (g->rows[r].params == 0)
            continue;
        x[i] = tally_mean(row_tally(&g->rows[r], what, branch));
        x[n + i] = i;
        i++;
    }
    *out = (struct series){
        .name = name, .style = SERIES_LINE_POINTS, .x = x, .y = x + n, .n = n, .coloured = true, .colour = colour_ink};
    return OK;
}

static enum status norm_chart(struct sheet *s, const struct gradient_state *state, const double range[2],
                              struct chart *out)
{
    const struct gradients *g = &state->g;
    const int n = count_rows(g), main = g->n_branches - 1;
    const char **names = name_rows(s, g, n);
    struct series *series = arena_alloc(&s->arena, MAX_BRANCHES + 1, sizeof *series);
    int k = 0;
    if (!names || !series)
        return E_NOMEM;
    for (int b = main; b >= 0; b--, k++) {
        TRY(add_line(s, &series[k], g, n, b == main ? "main head alone" : branch_name(b, g->n_branches), ROW_NORM, b));
        series[k].colour = branch_colour(b, g->n_branches);
    }
    if (main > 0) {
        TRY(add_line(s, &series[k], g, n, "both together", ROW_WHOLE, 0));
        series[k].name = main > 1 ? "all together" : "both together";
        series[k++].dashed = true;
    }
    *out =
        (struct chart){.title = state->label,
                       .x = {.label = "norm of the gradient", .logarithmic = true, .low = range[0], .high = range[1]},
                       .y = {.names = names, .n_names = n, .down = true, .low = -0.7 - LEGEND_ROWS, .high = n - 0.3},
                       .series = series,
                       .n_series = k};
    return OK;
}

static enum status cosine_chart(struct sheet *s, const struct gradient_state *state, struct chart *out)
{
    const struct gradients *g = &state->g;
    const int n = count_rows(g), main = g->n_branches - 1;
    const char **names = name_rows(s, g, n);
    struct series *series = arena_alloc(&s->arena, MAX_BRANCHES, sizeof *series);
    if (!names || !series)
        return E_NOMEM;
    for (int b = 0; b < main; b++) {
        TRY(add_line(s, &series[b], g, n, branch_name(b, g->n_branches), ROW_COSINE, b));
        series[b].colour = branch_colour(b, g->n_branches);
    }
    *out = (struct chart){.title = state->label,
                          .x = {.label = "cosine with the main head's gradient", .low = -1.05, .high = 1.05},
                          .y = {.names = names, .n_names = n, .down = true, .low = -0.7 - LEGEND_ROWS, .high = n - 0.3},
                          .series = series,
                          .n_series = main,
                          .mark_name = main ? "at right angles" : NULL,
                          .note = main ? NULL : "one head: no auxiliary gradient"};
    return OK;
}

static void widen(double range[2], double value)
{
    if (!(value > 0))
        return;
    range[0] = range[0] > 0 ? fmin(range[0], value) : value;
    range[1] = fmax(range[1], value);
}

/* A common axis of logarithms, a little wider than the data. */
static void make_room(double range[2])
{
    range[0] = range[1] > 0 ? range[0] / 1.5 : 0.1;
    range[1] = range[1] > 0 ? range[1] * 1.5 : 1;
}

static enum status draw_rows(struct sheet *s, const char *const *paths, int n_paths)
{
    double range[2] = {0, 0};
    int rows = 0, k = 0;
    const bool pairs = has_auxiliary(s);
    for (int i = 0; i < s->n; i++) {
        const struct gradients *g = &s->states[i].g;
        rows = MAX(rows, count_rows(g));
        for (int r = 0; r < g->n_rows; r++) {
            for (int b = 0; b < g->n_branches; b++)
                widen(range, g->rows[r].norm[b].mean);
            widen(range, g->rows[r].whole.mean);
        }
    }
    make_room(range);
    for (int i = 0; i < s->n; i++) {
        TRY(norm_chart(s, &s->states[i], range, &s->charts[k]));
        place(s, k++);
        if (pairs) {
            TRY(cosine_chart(s, &s->states[i], &s->charts[k]));
            place(s, k++);
        }
    }
    const int cols = MIN(k, MOST_COLUMNS), lines = (k + cols - 1) / cols;
    for (int i = 0; i < n_paths; i++)
        TRY(figure_write(paths[i], ROW_PANEL_W * cols, (ROW_H * (rows + LEGEND_ROWS) + ROW_REST) * lines, s->panels,
                         lines, cols));
    return OK;
}

/* --- by size and level --- */

static const char **name_levels(struct sheet *s, const struct gradients *g, bool maps)
{
    const char **names = arena_alloc(&s->arena, MAX_LEVELS, sizeof *names);
    for (int l = 0; names && l < g->n_levels; l++) {
        names[l] = maps && g->level[l].row >= 0
                       ? arena_printf(&s->arena, "stride %d (row %d)", g->level[l].stride, g->level[l].row)
                       : arena_printf(&s->arena, "stride %d", g->level[l].stride);
        if (!names[l])
            return NULL;
    }
    return names;
}

/* A series for each size: its norm in the backbone's maps, or its positives. Sizes stand side by side at a level. */
static enum status size_series(struct sheet *s, const struct gradients *g, int branch, bool maps, struct series *series,
                               int *count)
{
    *count = 0;
    for (int size = 0; size < (maps ? OBJECT_SIZES : SIZE_NONE); size++) {
        double *x = arena_alloc(&s->arena, 2 * MAX_LEVELS, sizeof *x);
        if (!x)
            return E_NOMEM;
        if (size != SIZE_NONE && !g->objects[size])
            continue;
        for (int l = 0; l < g->n_levels; l++) {
            const struct level_part *p = &g->level[l].part[branch][size];
            x[l] = l + 0.2 * (size - (maps ? 1.5 : 1));
            x[MAX_LEVELS + l] = maps ? tally_mean(&p->map) : (double)p->positives;
        }
        series[(*count)++] = (struct series){.name = object_size_names[size],
                                             .style = maps ? SERIES_POINTS : SERIES_BARS,
                                             .x = x,
                                             .y = x + MAX_LEVELS,
                                             .n = g->n_levels,
                                             .width = maps ? 13 : 0.18,
                                             .coloured = true,
                                             .colour = size == SIZE_NONE ? colour_faint : palette_get(size)};
    }
    return OK;
}

static enum status size_chart(struct sheet *s, const struct gradient_state *state, int branch, bool maps,
                              const double range[2], struct chart *out)
{
    const struct gradients *g = &state->g;
    struct series *series = arena_alloc(&s->arena, OBJECT_SIZES, sizeof *series);
    const char **names = name_levels(s, g, maps);
    char *title = arena_printf(&s->arena, "%s: %s head", state->label, branch_name(branch, g->n_branches));
    int n;
    if (!series || !names || !title)
        return E_NOMEM;
    TRY(size_series(s, g, branch, maps, series, &n));
    *out = (struct chart){
        .title = title,
        .x = {.label = maps ? "map of the backbone" : "level of the head",
              .names = names,
              .n_names = g->n_levels,
              .low = -0.5,
              .high = g->n_levels - 0.5},
        .y = {.label = maps ? "norm of the gradient there (no point: none)" : "positive anchor points",
              .logarithmic = maps,
              .low = range[0],
              .high = range[1]},
        .series = series,
        .n_series = n,
        .legend_beside = true,
    };
    return OK;
}

static enum status draw_sizes(struct sheet *s, const char *const *paths, int n_paths)
{
    double maps[2] = {0, 0}, most = 0;
    int n = 0, k = 0;
    for (int i = 0; i < s->n; i++) {
        const struct gradients *g = &s->states[i].g;
        n += g->n_branches;
        for (int b = 0; b < g->n_branches; b++)
            for (int l = 0; l < g->n_levels; l++)
                for (int size = 0; size < OBJECT_SIZES; size++) {
                    widen(maps, g->level[l].part[b][size].map.mean);
                    if (size != SIZE_NONE)
                        most = fmax(most, (double)g->level[l].part[b][size].positives);
                }
    }
    make_room(maps);
    const int cols = MIN(n, MOST_COLUMNS), lines = (n + cols - 1) / cols;
    const double counts[2] = {0, most > 0 ? 1.08 * most : 1};
    for (int i = 0; i < s->n; i++)
        for (int b = s->states[i].g.n_branches - 1; b >= 0; b--, k++) {
            const int above = k / cols * 2 * cols + k % cols; /* its maps; below them its positives */
            TRY(size_chart(s, &s->states[i], b, true, maps, &s->charts[above]));
            TRY(size_chart(s, &s->states[i], b, false, counts, &s->charts[above + cols]));
            place(s, above);
            place(s, above + cols);
        }
    for (int i = 0; i < n_paths; i++)
        TRY(figure_write(paths[i], SIZE_PANEL_W * cols, SIZE_PANEL_H * 2 * lines, s->panels, 2 * lines, cols));
    return OK;
}

/* --- all --- */

typedef enum status draw_fn(struct sheet *s, const char *const *paths, int n_paths);

static enum status write_one(const struct gradient_state *states, int n, draw_fn *draw, json_t *rows,
                             const json_t *about, const char *folder, const char *name)
{
    static const char *const endings[] = {"svg", "png"};
    enum status rc = OK;
    const char *paths[COUNT(endings)];
    char *owned[COUNT(endings)] = {NULL};
    struct sheet s = {.states = states, .n = n};
    arena_init(&s.arena);
    TRY_CLEAN(rows ? OK : fail_memory(NULL, 0));
    for (int i = 0; i < COUNT(endings); i++) {
        char file[64];
        snprintf(file, sizeof file, "%s.%s", name, endings[i]);
        TRY_CLEAN((paths[i] = owned[i] = path_join(folder, file)) ? OK : E_NOMEM);
    }
    TRY_CLEAN(draw(&s, paths, COUNT(endings)));
    TRY_CLEAN(numbers_write(folder, name, about, rows));
cleanup:
    for (int i = 0; i < COUNT(endings); i++)
        mem_free(owned[i]);
    arena_free(&s.arena);
    json_decref(rows);
    return rc;
}

enum status gradients_figure_write(const struct gradient_state *states, int n, const json_t *about, const char *folder)
{
    TRY(write_one(states, n, draw_rows, gradients_row_numbers(states, n), about, folder, "gradients"));
    return write_one(states, n, draw_sizes, gradients_size_numbers(states, n), about, folder, "sizes");
}
