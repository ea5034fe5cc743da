#include "lab/retention_figure.h"

#include "core/mem.h"
#include "core/path.h"
#include "image/chart.h"
#include "lab/numbers.h"

#include <math.h>
#include <stdio.h>

enum { PANEL_W = 480, PANEL_H = 320, ERROR_POINTS = 3 }; /* an error bar: from, to, a gap */

enum quantity { Q_R2, Q_DETAIL, Q_AUC, Q_BITS, QUANTITIES };

static double value_of(const struct retention_map *m, enum quantity q)
{
    const struct probe_result *r = &m->result;
    return q == Q_R2 ? r->r2 : q == Q_DETAIL ? r->r2_detail : q == Q_AUC ? r->auc : r->bits;
}

static const struct retention_net *net_at(const struct retention_sheet *s, int network, int seed)
{
    return &s->nets[network * s->seeds + seed];
}

/* --- mean and spread --- */

struct spread {
    double mean, sd; /* sd with n - 1; NAN of fewer than two */
    int n;           /* values that are known */
};

static struct spread spread_of(const double *values, int n)
{
    struct spread out = {NAN, NAN, 0};
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(values[i]))
            sum += values[i], out.n++;
    if (out.n)
        out.mean = sum / out.n;
    for (int i = 0; i < n; i++)
        if (isfinite(values[i]))
            squares += (values[i] - out.mean) * (values[i] - out.mean);
    if (out.n > 1)
        out.sd = sqrt(squares / (out.n - 1));
    return out;
}

/* Over the seeds; `room` holds as many numbers. */
static struct spread over_seeds(const struct retention_sheet *s, int network, int map, enum quantity q, double *room)
{
    for (int k = 0; k < s->seeds; k++)
        room[k] = value_of(&net_at(s, network, k)->maps[map], q);
    return spread_of(room, s->seeds);
}

/* Over the photos, each the mean of its seeds; of R^2 or the area. */
static struct spread over_photos(const struct retention_sheet *s, int network, int map, enum quantity q, double *room)
{
    for (int i = 0; i < s->photos->n; i++) {
        double sum = 0;
        for (int k = 0; k < s->seeds; k++) {
            const struct probe_result *r = &net_at(s, network, k)->maps[map].result;
            sum += (q == Q_AUC ? r->photo_auc : r->photo_r2)[i] / s->seeds;
        }
        room[i] = sum;
    }
    return spread_of(room, s->photos->n);
}

/* --- the picture --- */

struct lines {
    const struct retention_sheet *s;
    struct series *series; /* of all panels, each 2 n: lines, then their error bars */
    double *numbers;       /* x and y of everything */
    size_t used;
    double *room;
    double low, high; /* depths */
};

static size_t points_of(const struct retention_sheet *s)
{
    size_t n = 0;
    for (int i = 0; i < s->n; i++)
        n += (size_t)MAX(net_at(s, i, 0)->n, 2) * (1 + ERROR_POINTS);
    return n;
}

static double *take_numbers(struct lines *l, int n)
{
    l->used += (size_t)n;
    return l->numbers + l->used - (size_t)n;
}

/* A line by depth; where several seeds tell it a bar from mean - sd to mean + sd behind each point. */
static void network_line(struct lines *l, int network, enum quantity q, struct series *line, struct series *bars)
{
    const struct retention_net *net = net_at(l->s, network, 0);
    double *x = take_numbers(l, net->n), *y = take_numbers(l, net->n);
    double *bar_x = take_numbers(l, net->n * ERROR_POINTS), *bar_y = take_numbers(l, net->n * ERROR_POINTS);
    for (int i = 0; i < net->n; i++) {
        const struct spread v = over_seeds(l->s, network, i, q, l->room);
        x[i] = net->maps[i].depth;
        y[i] = v.mean;
        for (int k = 0; k < ERROR_POINTS; k++) {
            bar_x[i * ERROR_POINTS + k] = k < 2 ? x[i] : NAN;
            bar_y[i * ERROR_POINTS + k] = k == 0 ? v.mean - v.sd : k == 1 ? v.mean + v.sd : NAN;
        }
    }
    *line = (struct series){.name = net->name,
                            .style = SERIES_LINE_POINTS,
                            .x = x,
                            .y = y,
                            .n = net->n,
                            .coloured = true,
                            .colour = palette_get(network)};
    *bars = (struct series){.x = bar_x,
                            .y = bar_y,
                            .n = net->n * ERROR_POINTS,
                            .coloured = true,
                            .colour = palette_get(network),
                            .width = 1.5};
}

/* A check has no depth: a dashed line through the plot. */
static void check_line(struct lines *l, int network, enum quantity q, struct series *line)
{
    double *x = take_numbers(l, 2), *y = take_numbers(l, 2);
    x[0] = l->low, x[1] = l->high;
    y[0] = y[1] = over_seeds(l->s, network, 0, q, l->room).mean;
    *line = (struct series){.name = net_at(l->s, network, 0)->name,
                            .x = x,
                            .y = y,
                            .n = 2,
                            .dashed = true,
                            .coloured = true,
                            .colour = palette_get(network)};
}

static void make_panel(struct lines *l, enum quantity q, struct chart *chart)
{
    static const char *const titles[QUANTITIES] = {
        "Pixels recovered: R²",
        "Detail recovered: R² of pixels less their mean colour",
        "Object against background: ROC area",
        "Gaussian bound of I(pixels; features), bits a position",
    };
    const struct retention_sheet *s = l->s;
    struct series *all = l->series + (size_t)q * 2 * (size_t)s->n;
    bool any = false;
    for (int i = 0; i < s->n; i++) {
        if (i < s->networks)
            network_line(l, i, q, &all[i], &all[s->n + i]);
        else
            check_line(l, i, q, &all[i]);
        if (q == Q_BITS && i >= s->networks) /* they would take the scale from the networks */
            all[i].n = 0, all[i].name = NULL;
        any |= isfinite(over_seeds(s, i, 0, q, l->room).mean);
        if (q == Q_DETAIL || q == Q_BITS) /* one legend a row is enough */
            all[i].name = NULL;
    }
    *chart = (struct chart){.title = titles[q],
                            .x = {.label = "depth (convolutions)"},
                            .y = {.low = 0, .high = q == Q_R2 || q == Q_DETAIL ? 1.02 : 0},
                            .series = all,
                            .n_series = 2 * s->n,
                            .legend_beside = q == Q_R2 || q == Q_AUC,
                            .note = any ? NULL : "no labels were given"};
}

static enum status draw(const struct retention_sheet *s, const char *const *paths, int n_paths)
{
    enum status rc = OK;
    struct lines l = {.s = s, .low = INFINITY, .high = -INFINITY};
    struct chart charts[QUANTITIES];
    struct panel panels[QUANTITIES];
    l.series = mem_calloc(QUANTITIES * 2 * (size_t)s->n, sizeof *l.series);
    l.numbers = mem_calloc(QUANTITIES * 2 * points_of(s), sizeof(double));
    l.room = mem_calloc((size_t)s->seeds, sizeof(double));
    TRY_CLEAN(l.series && l.numbers && l.room ? OK : E_NOMEM);
    for (int i = 0; i < s->networks; i++)
        for (int k = 0; k < net_at(s, i, 0)->n; k++) {
            l.low = fmin(l.low, net_at(s, i, 0)->maps[k].depth);
            l.high = fmax(l.high, net_at(s, i, 0)->maps[k].depth);
        }
    for (int q = 0; q < QUANTITIES; q++) {
        make_panel(&l, (enum quantity)q, &charts[q]);
        panels[q] = (struct panel){chart_draw, &charts[q]};
    }
    for (int i = 0; i < n_paths; i++)
        TRY_CLEAN(figure_write(paths[i], 2 * PANEL_W, 2 * PANEL_H, panels, 2, 2));
cleanup:
    mem_free(l.series);
    mem_free(l.numbers);
    mem_free(l.room);
    return rc;
}

/* --- the numbers --- */

static json_t *whole(int value)
{
    return value >= 0 ? json_integer(value) : json_null();
}

static enum status append(json_t *rows, json_t *row)
{
    return row && json_array_append_new(rows, row) == 0 ? OK : fail_memory(NULL, 0);
}

static enum status add_row(const struct retention_sheet *s, int network, int map, double *room, json_t *rows)
{
    const struct retention_net *net = net_at(s, network, 0);
    const struct retention_map *m = &net->maps[map];
    struct spread v[QUANTITIES];
    double colour = 0, most = 0;
    for (int q = 0; q < QUANTITIES; q++)
        v[q] = over_seeds(s, network, map, (enum quantity)q, room);
    for (int k = 0; k < s->seeds; k++) {
        colour += net_at(s, network, k)->maps[map].result.r2_colour / s->seeds;
        most += net_at(s, network, k)->maps[map].result.bits_most / s->seeds;
    }
    const struct spread photo_r2 = over_photos(s, network, map, Q_R2, room);
    const struct spread photo_auc = over_photos(s, network, map, Q_AUC, room);
    return append(
        rows, json_pack("{s:s, s:b, s:o, s:o, s:o, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, "
                        "s:o, s:o, s:o, s:i, s:o, s:o, s:o}",
                        "architecture", net->name, "check", network >= s->networks, "asked_depth", whole(m->asked),
                        "depth", whole(m->depth), "row", whole(m->row), "module", m->module, "height", m->h, "width",
                        m->w, "channels", m->c, "recovered_numbers", m->t, "samples", m->samples, "photos",
                        s->photos->n, "seeds", s->seeds, "r2", number_json(v[Q_R2].mean), "r2_sd_seeds",
                        number_json(v[Q_R2].sd), "r2_sd_photos", number_json(photo_r2.sd), "r2_mean_colour",
                        number_json(colour), "r2_detail", number_json(v[Q_DETAIL].mean), "auc",
                        number_json(v[Q_AUC].mean), "auc_sd_seeds", number_json(v[Q_AUC].sd), "auc_sd_photos",
                        number_json(photo_auc.sd), "auc_photos", photo_auc.n, "bits", number_json(v[Q_BITS].mean),
                        "bits_sd_seeds", number_json(v[Q_BITS].sd), "bits_most", number_json(most)));
}

static enum status add_photo_rows(const struct retention_sheet *s, int network, int map, json_t *rows)
{
    for (int k = 0; k < s->seeds; k++) {
        const struct retention_map *m = &net_at(s, network, k)->maps[map];
        for (int i = 0; i < s->photos->n; i++)
            TRY(append(rows,
                       json_pack("{s:s, s:o, s:i, s:s, s:o, s:o}", "architecture", net_at(s, network, k)->name, "depth",
                                 whole(m->depth), "seed", k, "photo", path_name(s->photos->items[i].path), "r2",
                                 number_json(m->result.photo_r2[i]), "auc", number_json(m->result.photo_auc[i]))));
    }
    return OK;
}

static enum status write_numbers(const struct retention_sheet *s, const json_t *about, const char *folder)
{
    enum status rc = OK;
    json_t *rows = json_array(), *photos = json_array();
    double *room = mem_alloc((size_t)MAX(s->seeds, s->photos->n), sizeof *room);
    TRY_CLEAN(room ? OK : E_NOMEM);
    TRY_CLEAN(rows && photos ? OK : fail_memory(NULL, 0));
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < net_at(s, i, 0)->n; k++) {
            TRY_CLEAN(add_row(s, i, k, room, rows));
            TRY_CLEAN(add_photo_rows(s, i, k, photos));
        }
    TRY_CLEAN(numbers_write(folder, "retention", about, rows));
    TRY_CLEAN(numbers_write(folder, "retention-photos", about, photos));
cleanup:
    mem_free(room);
    json_decref(rows);
    json_decref(photos);
    return rc;
}

enum status retention_figure_write(const struct retention_sheet *s, const json_t *about, const char *folder)
{
    enum status rc = OK;
    char *paths[] = {path_join(folder, "retention.svg"), path_join(folder, "retention.png")};
    TRY_CLEAN(paths[0] && paths[1] ? OK : E_NOMEM);
    TRY_CLEAN(draw(s, (const char *const *)paths, COUNT(paths)));
    TRY_CLEAN(write_numbers(s, about, folder));
cleanup:
    mem_free(paths[0]);
    mem_free(paths[1]);
    return rc;
}
