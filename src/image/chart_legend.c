/* The legend of a chart. */
#include "image/chart_plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ENTRY_BYTES = 128 };

struct legend {
    double size, row, mark; /* text, height of a line, width of a sample */
    int entries, shown;     /* all of them, and those with a line of their own */
    double w, h;
};

/* How many data points lie under a legend of that place. */
static int covered(const struct plot *p, double x0, double y0, double w, double h)
{
    int n = 0;
    for (int k = 0; k < p->chart->n_series; k++) {
        const struct series *s = &p->chart->series[k];
        int stride = 1 + s->n / 2000;
        double x, y;
        for (int i = 0; i < s->n; i += stride) {
            if (!plot_point(p, s, i, &x, &y) || x < x0 || x > x0 + w)
                continue;
            n += s->style == SERIES_BARS ? y < y0 + h : y >= y0 && y <= y0 + h;
        }
    }
    return n;
}

static void legend_place(const struct plot *p, double w, double h, double *x, double *y)
{
    double pad = p->f.font * 0.7;
    int best = -1;
    for (int corner = 0; corner < 4; corner++) { /* upper right, upper left, lower right, lower left */
        double cx = corner & 1 ? p->f.x + pad : p->f.x + p->f.w - w - pad;
        double cy = corner & 2 ? p->f.y + p->f.h - h - pad : p->f.y + pad;
        int n = covered(p, cx, cy, w, h);
        if (best < 0 || n < best) {
            best = n;
            *x = cx;
            *y = cy;
        }
    }
}

static void legend_mark(cairo_t *cr, const struct plot *p, int k, double x, double y, double w)
{
    const struct series *s = &p->chart->series[k];
    double dash[2] = {w * 0.3, w * 0.2};
    if (!s->n)
        return; /* a heading */
    set_colour(cr, series_colour(p->chart, k), 1);
    if (s->style == SERIES_BARS) {
        cairo_rectangle(cr, x + w * 0.2, y - w * 0.25, w * 0.6, w * 0.5);
        cairo_fill(cr);
        return;
    }
    if (s->style != SERIES_POINTS) {
        cairo_set_line_width(cr, s->width > 0 ? MAX(MIN(s->width, p->f.font * 0.4), 2) : p->f.font * 0.2);
        if (s->dashed)
            cairo_set_dash(cr, dash, 2, 0);
        cairo_move_to(cr, x, y);
        cairo_line_to(cr, x + w, y);
        cairo_stroke(cr);
        cairo_set_dash(cr, NULL, 0, 0);
    }
    if (s->style != SERIES_LINE) {
        cairo_arc(cr, x + w / 2, y, p->f.font * 0.25, 0, 6.283185307179586);
        cairo_fill(cr);
    }
}

static double entry_start(const struct legend *l, const struct series *s)
{
    return l->size * 0.5 + (s->n ? l->mark + l->size * 0.5 : 0);
}

/* Sizes of a legend that may be `most` wide and `high`. */
static void legend_measure(cairo_t *cr, const struct plot *p, double most, double high, struct legend *l)
{
    double widest = 0;
    *l = (struct legend){.size = p->f.font * 0.92};
    l->row = l->size * 1.45;
    l->mark = l->size * 1.6;
    font_select(cr, l->size, 0);
    for (int k = 0; k < p->chart->n_series; k++) {
        const struct series *s = &p->chart->series[k];
        if (!s->name)
            continue;
        widest = MAX(widest, entry_start(l, s) + text_width(cr, s->name));
        l->entries++;
    }
    if (p->chart->mark_name) {
        widest = MAX(widest, entry_start(l, &(struct series){.n = 1}) + text_width(cr, p->chart->mark_name));
        l->entries++;
    }
    int fit = MAX((int)((high - l->size * 0.5) / l->row), 1);
    l->shown = l->entries <= fit ? l->entries : fit - 1;
    l->w = MIN(widest + l->size * 0.5, most);
    l->h = MIN(l->entries, fit) * l->row + l->size * 0.5;
}

double legend_width(cairo_t *cr, const struct plot *p, double w)
{
    struct legend l;
    legend_measure(cr, p, w * 0.3, 1e9, &l);
    return l.entries ? l.w : 0;
}

static void legend_words(cairo_t *cr, const struct legend *l, double x, double y, double start, const char *words)
{
    char shown[ENTRY_BYTES];
    text_shorten(cr, words, l->w - start - l->size * 0.4, false, shown, sizeof shown);
    set_colour(cr, colour_ink, 1);
    text_show(cr, x + start, y, 0, 0.5, shown);
}

static void mark_sample(cairo_t *cr, const struct legend *l, double x, double y)
{
    double dash[2] = {l->size * 0.35, l->size * 0.3};
    set_colour(cr, colour_ink, 0.8);
    cairo_set_line_width(cr, MAX(l->size * 0.1, 1.0));
    cairo_set_dash(cr, dash, 2, 0);
    cairo_move_to(cr, x, y);
    cairo_line_to(cr, x + l->mark, y);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

static void legend_entries(cairo_t *cr, const struct plot *p, const struct legend *l, double x, double y)
{
    int left = l->shown;
    y += l->size * 0.25 + l->row / 2;
    font_select(cr, l->size, 0);
    for (int k = 0; k < p->chart->n_series && left > 0; k++) {
        const struct series *s = &p->chart->series[k];
        if (!s->name)
            continue;
        legend_mark(cr, p, k, x + l->size * 0.5, rint(y), l->mark);
        legend_words(cr, l, x, y, entry_start(l, s), s->name);
        y += l->row;
        left--;
    }
    if (p->chart->mark_name && left > 0) {
        mark_sample(cr, l, x + l->size * 0.5, y);
        legend_words(cr, l, x, y, entry_start(l, &(struct series){.n = 1}), p->chart->mark_name);
    } else if (l->shown < l->entries) {
        char rest[32];
        snprintf(rest, sizeof rest, "and %d more", l->entries - l->shown);
        legend_words(cr, l, x, y, l->size * 0.5, rest);
    }
}

void legend_draw(cairo_t *cr, const struct plot *p)
{
    struct legend l;
    double x = p->legend_x, y = p->f.y, w = p->chart->legend_beside ? p->legend_w : p->f.w * 0.6;
    legend_measure(cr, p, w, p->f.h - p->f.font, &l);
    if (!l.entries)
        return;
    if (!p->chart->legend_beside) {
        legend_place(p, l.w, l.h, &x, &y);
        cairo_rectangle(cr, x, y, l.w, l.h);
        cairo_set_source_rgba(cr, 1, 1, 1, 0.85);
        cairo_fill_preserve(cr);
        cairo_set_source_rgb(cr, 0.8, 0.8, 0.8);
        cairo_set_line_width(cr, 1);
        cairo_stroke(cr);
    }
    legend_entries(cr, p, &l, x, y);
}
