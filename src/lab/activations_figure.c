#include "lab/activations_figure.h"

#include "core/mem.h"
#include "core/path.h"
#include "image/chart.h"
#include "kernels/c/act_inline.h"
#include "lab/numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PANEL_W = 560, PANEL_H = 440, COLUMNS = 3, PANELS = 6, CURVE = 361, MOST = ACT_COUNT };

/* --- the picture --- */

enum depth_number { NUMBER_RANK, NUMBER_RECOVERED };

/* What comes back worse than a guess of 0 is drawn as nothing. */
static double number_of(const struct activation_layer *l, enum depth_number what)
{
    return what == NUMBER_RANK ? l->rank : isfinite(l->recovered) ? fmax(l->recovered, 0) : NAN;
}

struct sheet {
    const struct activation_result *results;
    int n;
    struct arena arena;
    struct series series[PANELS][2 * MOST];
    struct chart charts[PANELS];
    const char *names[MOST];
};

static double *numbers(struct sheet *s, int n)
{
    return arena_alloc(&s->arena, (size_t)n, sizeof(double));
}

/* y by x of each activation, or its slope; the example's three numbers stand on the curves as points. */
static enum status curves(struct sheet *s, struct series *series, bool slopes)
{
    for (int i = 0; i < s->n; i++) {
        const enum act act = s->results[i].act;
        double *x = numbers(s, CURVE), *y = numbers(s, CURVE), *at = numbers(s, 2 * EXAMPLE_NUMBERS);
        if (!x || !y || !at)
            return E_NOMEM;
        for (int k = 0; k < CURVE; k++) {
            x[k] = -4 + 8.0 * k / (CURVE - 1);
            y[k] = slopes ? (double)act_derivative((float)x[k], act) : (double)act_value((float)x[k], act);
        }
        for (int k = 0; k < EXAMPLE_NUMBERS; k++) {
            const float at_x = activation_example_x[k];
            at[k] = (double)at_x;
            at[EXAMPLE_NUMBERS + k] = (double)(slopes ? act_derivative(at_x, act) : act_value(at_x, act));
        }
        series[i] = (struct series){.style = SERIES_POINTS,
                                    .x = at,
                                    .y = at + EXAMPLE_NUMBERS,
                                    .n = EXAMPLE_NUMBERS,
                                    .width = 9,
                                    .coloured = true,
                                    .colour = palette_get(i)};
        series[s->n + i] = (struct series){.name = act_name(act),
                                           .style = SERIES_LINE,
                                           .x = x,
                                           .y = y,
                                           .n = CURVE,
                                           .coloured = true,
                                           .colour = palette_get(i),
                                           .dashed = i % 2};
    }
    return OK;
}

/* One number of each layer by depth. */
static enum status depths(struct sheet *s, struct series *series, enum depth_number what)
{
    for (int i = 0; i < s->n; i++) {
        double *x = numbers(s, 2 * ACTIVATION_DEPTH), *y = x + ACTIVATION_DEPTH;
        int n = 0;
        if (!x)
            return E_NOMEM;
        for (int d = 0; d < ACTIVATION_DEPTH; d++) {
            const double value = number_of(&s->results[i].layer[d], what);
            if (!isfinite(value))
                continue;
            x[n] = d + 1;
            y[n++] = value;
        }
        series[i] = (struct series){.name = act_name(s->results[i].act),
                                    .style = what == NUMBER_RECOVERED ? SERIES_LINE_POINTS : SERIES_LINE,
                                    .x = x,
                                    .y = y,
                                    .n = n,
                                    .coloured = true,
                                    .colour = palette_get(i),
                                    .dashed = i % 2};
    }
    return OK;
}

/* Bars: how many inputs of a layer get which gradient, means of all layers. */
static enum status shares(struct sheet *s, struct series *series)
{
    static const char *const names[] = {"none (slope 0)", "scaled (slope not 0, not 1)", "of these turned round"};
    for (int k = 0; k < COUNT(names); k++) {
        double *x = numbers(s, 2 * s->n);
        if (!x)
            return E_NOMEM;
        for (int i = 0; i < s->n; i++) {
            x[i] = i + 0.26 * (k - 1);
            for (int d = 0; d < ACTIVATION_DEPTH; d++) {
                const struct activation_layer *l = &s->results[i].layer[d];
                x[s->n + i] += 100 * (k == 0 ? l->none : k == 1 ? l->scaled : l->reversed) / ACTIVATION_DEPTH;
            }
        }
        series[k] = (struct series){.name = names[k],
                                    .style = SERIES_BARS,
                                    .x = x,
                                    .y = x + s->n,
                                    .n = s->n,
                                    .width = 0.24,
                                    .coloured = true,
                                    .colour = k == 0 ? colour_ink : palette_get(k - 1)};
    }
    return OK;
}

static enum status bits(struct sheet *s, struct series *series)
{
    static const double steps[ACTIVATION_STEPS] = {4, 8, 12};
    for (int i = 0; i < s->n; i++)
        series[i] = (struct series){.name = act_name(s->results[i].act),
                                    .style = SERIES_LINE_POINTS,
                                    .x = steps,
                                    .y = s->results[i].lost_bits,
                                    .n = ACTIVATION_STEPS,
                                    .coloured = true,
                                    .colour = palette_get(i),
                                    .dashed = i % 2};
    return OK;
}

static enum status make_charts(struct sheet *s)
{
    static const struct axis depth = {.label = "depth (layers)", .low = 0, .high = ACTIVATION_DEPTH + 1};
    TRY(curves(s, s->series[0], false));
    TRY(curves(s, s->series[1], true));
    TRY(shares(s, s->series[2]));
    TRY(depths(s, s->series[3], NUMBER_RANK));
    TRY(depths(s, s->series[4], NUMBER_RECOVERED));
    TRY(bits(s, s->series[5]));
    const struct chart charts[PANELS] = {
        {.title = "Activation; points: x = -2, -1, 3", .x = {.label = "x"}, .y = {.label = "y"}},
        {.title = "Its slope: the factor of the gradient", .x = {.label = "x"}, .y = {.label = "dy/dx"}},
        {.title = "Inputs of a layer by their gradient",
         .x = {.names = s->names, .n_names = s->n, .low = -0.6, .high = s->n - 0.4},
         .y = {.label = "% of the layer's inputs", .low = 0, .high = 135}},
        {.title = "Directions left of the input's 48",
         .x = depth,
         .y = {.label = "rank at a place", .low = 0, .high = ACTIVATION_CHANNELS + 2}},
        {.title = "Input computed back, layer by layer",
         .x = depth,
         .y = {.label = "part of the variance recovered", .low = -0.03, .high = 1.05}},
        {.title = "Lost of one N(0, 1) number",
         .x = {.label = "told in steps of 2^-n, n", .low = 3, .high = 13, .whole = true},
         .y = {.label = "bits lost"}},
    };
    for (int i = 0; i < PANELS; i++) {
        s->charts[i] = charts[i];
        s->charts[i].series = s->series[i];
        s->charts[i].legend_beside = i == 4; /* its lines are everywhere */
        s->charts[i].n_series = i < 2 ? 2 * s->n : i == 2 ? 3 : s->n;
    }
    return OK;
}

static enum status draw(const struct activation_result *results, int n, const char *folder)
{
    static const char *const names[] = {"activations.svg", "activations.png"};
    enum status rc = OK;
    struct sheet *s = mem_calloc(1, sizeof *s);
    struct panel panels[PANELS];
    if (!s)
        return E_NOMEM;
    arena_init(&s->arena);
    s->results = results;
    s->n = n;
    for (int i = 0; i < n; i++)
        s->names[i] = act_name(results[i].act);
    TRY_CLEAN(make_charts(s));
    for (int i = 0; i < PANELS; i++)
        panels[i] = (struct panel){chart_draw, &s->charts[i]};
    for (int i = 0; i < COUNT(names); i++) {
        char *path = path_join(folder, names[i]);
        rc = path ? figure_write(path, PANEL_W * COLUMNS, PANEL_H * (PANELS / COLUMNS), panels, PANELS / COLUMNS,
                                 COLUMNS)
                  : E_NOMEM;
        mem_free(path);
        TRY_CLEAN(rc);
    }
cleanup:
    arena_free(&s->arena);
    mem_free(s);
    return rc;
}

/* --- the numbers --- */

static json_t *layer_row(const struct activation_result *r, int d)
{
    const struct activation_layer *l = &r->layer[d];
    return json_pack("{s:s, s:b, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "activation", act_name(r->act), "invertible",
                     r->invertible, "depth", d + 1, "no_gradient", l->none, "scaled_gradient", l->scaled,
                     "reversed_gradient", l->reversed, "mean_square_slope", l->kept, "gradient_norm", l->gradient,
                     "rank", l->rank, "recovered", number_json(l->recovered));
}

/* Floats as short texts that are the same float: 0.05, not 0.0500000007. */
static json_t *short_real(float value)
{
    char text[32];
    snprintf(text, sizeof text, "%.7g", (double)value);
    return json_real(strtod(text, NULL));
}

static void add_example(json_t *rows, enum act act)
{
    float y[EXAMPLE_NUMBERS], dx[EXAMPLE_NUMBERS];
    activation_example(act, activation_example_x, activation_example_dy, EXAMPLE_NUMBERS, y, dx);
    for (int i = 0; i < EXAMPLE_NUMBERS; i++)
        json_array_append_new(rows,
                              json_pack("{s:s, s:o, s:o, s:o, s:o}", "activation", act_name(act), "x",
                                        short_real(activation_example_x[i]), "y", short_real(y[i] + 0.0f), "dl_dy",
                                        short_real(activation_example_dy[i]), "dl_dx", short_real(dx[i])));
}

static json_t *bits_json(const struct activation_result *results, int n)
{
    json_t *all = json_array();
    for (int i = 0; i < n; i++)
        for (int k = 0; k < ACTIVATION_STEPS; k++)
            json_array_append_new(all, json_pack("{s:s, s:f, s:f, s:f}", "activation", act_name(results[i].act), "step",
                                                 activation_step(k), "bits", results[i].whole_bits[k], "lost",
                                                 results[i].lost_bits[k]));
    return all;
}

enum status activations_figure_write(const struct activation_result *results, int n, uint64_t seed, const char *folder)
{
    enum status rc = OK;
    json_t *rows = json_array(), *example = json_array();
    json_t *about = json_pack("{s:s, s:I, s:i, s:o}", "figure", "activations", "seed", (json_int_t)seed, "channels",
                              ACTIVATION_CHANNELS, "lost_bits", bits_json(results, n));
    json_t *about_example = json_pack("{s:s}", "figure", "activations");
    TRY_CLEAN(rows && example && about && about_example ? OK : fail_memory(NULL, 0));
    for (int i = 0; i < n; i++) {
        for (int d = 0; d < ACTIVATION_DEPTH; d++)
            json_array_append_new(rows, layer_row(&results[i], d));
        add_example(example, results[i].act);
    }
    TRY_CLEAN(draw(results, n, folder));
    TRY_CLEAN(numbers_write(folder, "activations", about, rows));
    TRY_CLEAN(numbers_write(folder, "example", about_example, example));
cleanup:
    json_decref(rows);
    json_decref(example);
    json_decref(about);
    json_decref(about_example);
    return rc;
}
