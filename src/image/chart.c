#include "image/chart.h"

#include "image/chart_plot.h"

#include <math.h>
#include <string.h>

/* --- plotting --- */

static void plot_line(cairo_t *cr, const struct plot *p, const struct series *s)
{
    double x, y, dash[2] = {p->f.font * 0.5, p->f.font * 0.35};
    bool pen_down = false;
    for (int i = 0; i < s->n; i++) {
        bool there = plot_point(p, s, i, &x, &y);
        if (there && pen_down)
            cairo_line_to(cr, x, y);
        else if (there)
            cairo_move_to(cr, x, y);
        pen_down = there;
    }
    cairo_set_line_width(cr, s->width > 0 ? s->width : p->f.font * 0.16);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    if (s->dashed)
        cairo_set_dash(cr, dash, 2, 0);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

/* The colour of one point or bar where each has its own. */
static void colour_of_point(cairo_t *cr, const struct series *s, int i)
{
    if (s->colours)
        set_colour(cr, s->colours[i], s->alpha > 0 ? s->alpha : 1);
}

/* All points, or only those that have no neighbour to draw a line to. */
static void plot_points(cairo_t *cr, const struct plot *p, const struct series *s, bool lonely)
{
    double x, y, u, v,
        width = s->width > 0 && s->style == SERIES_POINTS ? s->width : p->f.font * (lonely || s->n == 1 ? 0.7 : 0.45);
    for (int i = 0; i < s->n; i++) {
        if (!plot_point(p, s, i, &x, &y))
            continue;
        if (lonely && ((i > 0 && plot_point(p, s, i - 1, &u, &v)) || (i + 1 < s->n && plot_point(p, s, i + 1, &u, &v))))
            continue;
        colour_of_point(cr, s, i);
        cairo_new_sub_path(cr);
        cairo_arc(cr, x, y, width / 2, 0, 6.283185307179586);
        cairo_fill(cr); /* each for itself: overlapping ones add up where they are transparent */
    }
}

static void plot_bars(cairo_t *cr, const struct plot *p, const struct series *s)
{
    double x, y, half = series_bar_width(s) / 2;
    double base = p->chart->y.logarithmic ? p->f.y + p->f.h : MIN(MAX(plot_y(p, 0), p->f.y), p->f.y + p->f.h);
    for (int i = 0; i < s->n; i++) {
        if (!plot_point(p, s, i, &x, &y))
            continue;
        double left = plot_x(p, series_x(s, i) - half), right = plot_x(p, series_x(s, i) + half);
        colour_of_point(cr, s, i);
        cairo_rectangle(cr, left, MIN(y, base), MAX(right - left, 0.5), fabs(base - y));
        cairo_fill(cr);
    }
}

static void plot_series(cairo_t *cr, const struct plot *p, int k)
{
    const struct series *s = &p->chart->series[k];
    set_colour(cr, series_colour(p->chart, k), s->alpha > 0 ? s->alpha : 1);
    if (s->style == SERIES_BARS)
        plot_bars(cr, p, s);
    if (s->style == SERIES_LINE || s->style == SERIES_LINE_POINTS)
        plot_line(cr, p, s);
    if (s->style != SERIES_BARS)
        plot_points(cr, p, s, s->style == SERIES_LINE);
}

static void plot_mark(cairo_t *cr, const struct plot *p)
{
    double x = floor(plot_x(p, p->chart->mark)) + 0.5, dash[2] = {p->f.font * 0.35, p->f.font * 0.3};
    set_colour(cr, colour_ink, 0.8);
    cairo_set_line_width(cr, MAX(p->f.font * 0.09, 1.0));
    cairo_set_dash(cr, dash, 2, 0);
    cairo_move_to(cr, x, p->f.y);
    cairo_line_to(cr, x, p->f.y + p->f.h);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

/* --- the whole --- */

static int name_ticks(const struct axis *a, const struct scale *s, struct tick ticks[MAX_TICKS])
{
    int n = 0, stride = 1 + (a->n_names - 1) / MAX_TICKS;
    for (int i = 0; i < a->n_names; i += stride) {
        if (i < s->low || i > s->high)
            continue;
        ticks[n].value = i;
        text_clean(a->names[i], ticks[n++].text, sizeof ticks->text);
    }
    return n;
}

void chart_draw(cairo_t *cr, double w, double h, const void *what)
{
    const struct chart *c = what;
    struct plot p = {.chart = c};
    struct tick xt[MAX_TICKS], yt[MAX_TICKS];
    frame_begin(&p.f, cr, w, h);
    axis_scale(c, false, &p.x);
    axis_scale(c, true, &p.y);
    int n_y = c->y.names ? name_ticks(&c->y, &p.y, yt) : axis_ticks(&p.y, (int)(h / (p.f.font * 4)), yt);
    int n_x = c->x.names ? name_ticks(&c->x, &p.x, xt) : axis_ticks(&p.x, (int)(w / (p.f.font * 7)), xt);
    for (int i = 0; i < n_x; i++)
        xt[i].place = scale_place(&p.x, xt[i].value);
    for (int i = 0; i < n_y; i++)
        yt[i].place = c->y.down ? scale_place(&p.y, yt[i].value) : 1 - scale_place(&p.y, yt[i].value);
    if (c->x.names) /* every word, where that is readable */
        p.f.small = MIN(p.f.small, MAX(0.85 * 0.9 * w / (p.x.high - p.x.low), 8.0));
    p.legend_w = c->legend_beside ? legend_width(cr, &p, w) : 0;
    p.legend_x = w - p.legend_w - p.f.font * 0.3;
    frame_layout(&p.f, cr, w - p.legend_w, h, c->title, c->x.label, c->y.label, xt, n_x, yt, n_y);
    frame_grid(&p.f, cr, c->x.names ? NULL : xt, n_x, c->y.names ? NULL : yt, n_y);
    cairo_save(cr);
    cairo_rectangle(cr, p.f.x, p.f.y, p.f.w, p.f.h);
    cairo_clip(cr);
    if (c->mark_name)
        plot_mark(cr, &p);
    for (int k = c->n_series - 1; k >= 0; k--)
        plot_series(cr, &p, k);
    cairo_restore(cr);
    frame_border(&p.f, cr);
    names_draw(cr, &p);
    font_select(cr, p.f.font * 1.1, 0);
    set_colour(cr, colour_ink, 0.7);
    if (c->note)
        text_show(cr, p.f.x + p.f.w / 2, p.f.y + p.f.h / 2, 0.5, 0.5, c->note);
    legend_draw(cr, &p);
}

void histogram_count(const double *values, int n, double low, double high, int bins, double *counts, double *centres)
{
    double step = (high - low) / bins;
    for (int i = 0; i < bins; i++) {
        counts[i] = 0;
        if (centres)
            centres[i] = low + (i + 0.5) * step;
    }
    for (int i = 0; i < n; i++) {
        if (values[i] >= low && values[i] <= high)
            counts[MIN((int)((values[i] - low) / step), bins - 1)]++;
    }
}

enum status chart_write(const struct chart *chart, const char *path)
{
    return figure_write(path, chart->w ? chart->w : 960, chart->h ? chart->h : 640, &(struct panel){chart_draw, chart},
                        1, 1);
}
