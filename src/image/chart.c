#include "image/chart.h"

#include "image/chart_frame.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- ranges and ticks ------------------------------------------------------------------------------------------ */

static bool usable(const struct axis *a, double v)
{
    return isfinite(v) && (!a->logarithmic || v > 0);
}

static double get_x(const struct series *s, int i)
{
    return s->x ? s->x[i] : i;
}

/* Width of a bar in units of x: given, or four fifths of the smallest step. */
static double bar_width(const struct series *s)
{
    double step = DBL_MAX;
    for (int i = 1; i < s->n; i++) {
        double d = fabs(get_x(s, i) - get_x(s, i - 1));
        if (d > 0)
            step = MIN(step, d);
    }
    return s->width > 0 ? s->width : step < DBL_MAX ? 0.8 * step : 0.8;
}

static void widen(double v, double range[2])
{
    range[0] = MIN(range[0], v);
    range[1] = MAX(range[1], v);
}

static void data_range(const struct chart *c, bool vertical, double range[2])
{
    const struct axis *a = vertical ? &c->y : &c->x;
    range[0] = DBL_MAX;
    range[1] = -DBL_MAX;
    for (int k = 0; k < c->n_series; k++) {
        const struct series *s = &c->series[k];
        double half = s->style == SERIES_BARS && !vertical ? bar_width(s) / 2 : 0;
        for (int i = 0; i < s->n; i++) {
            double x = get_x(s, i), y = s->y[i];
            if (!usable(&c->x, x) || !usable(&c->y, y))
                continue;
            widen((vertical ? y : x) - half, range);
            widen((vertical ? y : x) + half, range);
            if (s->style == SERIES_BARS && vertical && !a->logarithmic)
                widen(0, range);
        }
    }
    if (range[0] > range[1]) {
        range[0] = a->logarithmic ? 0.1 : 0;
        range[1] = 1;
    }
}

static void axis_scale(const struct chart *c, bool vertical, struct scale *s)
{
    const struct axis *a = vertical ? &c->y : &c->x;
    double range[2];
    s->logarithmic = a->logarithmic;
    if (a->low < a->high) {
        s->low = a->low;
        s->high = a->high;
        return;
    }
    data_range(c, vertical, range);
    if (a->names) {
        widen(-0.5, range);
        widen(a->n_names - 0.5, range);
    }
    if (a->logarithmic) {
        s->low = pow(10, floor(log10(range[0]) + 1e-9));
        s->high = pow(10, ceil(log10(range[1]) - 1e-9));
        if (s->low >= s->high)
            s->high = s->low * 10;
        return;
    }
    if (range[0] == range[1]) {
        double room = fabs(range[0]) * 0.1;
        range[0] -= room;
        range[1] += range[0] != 0 ? room : 1;
    } else if (!a->names) {
        double room = (range[1] - range[0]) * (vertical ? 0.05 : 0.02);
        bool from_zero = range[0] == 0, to_zero = range[1] == 0;
        range[0] -= from_zero ? 0 : room;
        range[1] += to_zero ? 0 : room;
    }
    s->low = range[0];
    s->high = range[1];
}

double scale_place(const struct scale *s, double v)
{
    if (s->logarithmic)
        return (log10(v) - log10(s->low)) / (log10(s->high) - log10(s->low));
    return (v - s->low) / (s->high - s->low);
}

double tick_step(double range, int wanted)
{
    double raw = range / MAX(wanted, 1), unit = pow(10, floor(log10(raw)));
    double ratio = raw / unit;
    return unit * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 2.5 ? 2.5 : ratio <= 5 ? 5 : 10);
}

/* So many that neighbours differ: 0.06704, 0.06705. */
static int tick_digits(double v, double step)
{
    int digits = (int)(floor(log10(fabs(v))) - floor(log10(step))) + 2;
    return MIN(MAX(digits, 3), 15);
}

void tick_text(double v, double step, char text[24])
{
    if (fabs(v) < step * 1e-6)
        snprintf(text, 24, "0");
    else if (fabs(v) >= 1e6 || step < 1e-5)
        snprintf(text, 24, "%.*g", tick_digits(v, step), v);
    else {
        int decimals = (int)MAX(0.0, ceil(-log10(step) - 1e-9));
        if (fabs(step * pow(10, decimals) - rint(step * pow(10, decimals))) > 1e-6)
            decimals++; /* steps of 2.5 */
        snprintf(text, 24, "%.*f", decimals, v);
    }
}

int axis_ticks(const struct scale *s, int wanted, struct tick ticks[MAX_TICKS])
{
    int n = 0;
    if (s->logarithmic) {
        int first = (int)ceil(log10(s->low) - 1e-9), last = (int)floor(log10(s->high) + 1e-9);
        int stride = MAX(1, (last - first) / MAX(wanted, 1));
        for (int e = first; e <= last && n < MAX_TICKS; e += stride) {
            ticks[n].value = pow(10, e);
            if (e >= -3 && e <= 5)
                snprintf(ticks[n++].text, sizeof ticks->text, "%.*f", MAX(-e, 0), pow(10, e));
            else
                snprintf(ticks[n++].text, sizeof ticks->text, "1e%d", e);
        }
        return n;
    }
    double step = tick_step(s->high - s->low, wanted);
    for (double i = ceil(s->low / step - 1e-9); i * step <= s->high + step * 1e-9 && n < MAX_TICKS; i++) {
        ticks[n].value = i * step;
        tick_text(i * step, step, ticks[n++].text);
    }
    return n;
}

/* --- plotting -------------------------------------------------------------------------------------------------- */

static struct colour series_colour(const struct chart *c, int k)
{
    return c->series[k].coloured ? c->series[k].colour : palette_get(k);
}

struct plot {
    const struct chart *chart;
    struct frame f;
    struct scale x, y;
};

static double to_x(const struct plot *p, double v)
{
    return p->f.x + p->f.w * scale_place(&p->x, v);
}

static double to_y(const struct plot *p, double v)
{
    return p->f.y + p->f.h * (1 - scale_place(&p->y, v));
}

static bool point_at(const struct plot *p, const struct series *s, int i, double *x, double *y)
{
    if (!usable(&p->chart->x, get_x(s, i)) || !usable(&p->chart->y, s->y[i]))
        return false;
    *x = to_x(p, get_x(s, i));
    *y = to_y(p, s->y[i]);
    /* A line may leave the frame, but not so far that cairo's fixed-point numbers wrap round. */
    *x = MAX(MIN(*x, 1e5), -1e5);
    *y = MAX(MIN(*y, 1e5), -1e5);
    return true;
}

static void plot_line(cairo_t *cr, const struct plot *p, const struct series *s)
{
    double x, y, dash[2] = {p->f.font * 0.5, p->f.font * 0.35};
    bool pen_down = false;
    for (int i = 0; i < s->n; i++) {
        bool there = point_at(p, s, i, &x, &y);
        if (there && pen_down)
            cairo_line_to(cr, x, y);
        else if (there)
            cairo_move_to(cr, x, y);
        pen_down = there;
    }
    cairo_set_line_width(cr, s->width > 0 && s->style == SERIES_LINE ? s->width : p->f.font * 0.16);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    if (s->dashed)
        cairo_set_dash(cr, dash, 2, 0);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

static void plot_points(cairo_t *cr, const struct plot *p, const struct series *s)
{
    double x, y, radius = (s->width > 0 ? s->width : p->f.font * 0.4) / 2;
    for (int i = 0; i < s->n; i++) {
        if (!point_at(p, s, i, &x, &y))
            continue;
        cairo_new_sub_path(cr);
        cairo_arc(cr, x, y, radius, 0, 6.283185307179586);
        cairo_fill(cr); /* each for itself: overlapping ones add up where they are transparent */
    }
}

static void plot_bars(cairo_t *cr, const struct plot *p, const struct series *s)
{
    double x, y, half = bar_width(s) / 2;
    double base = p->chart->y.logarithmic ? p->f.y + p->f.h : MIN(MAX(to_y(p, 0), p->f.y), p->f.y + p->f.h);
    for (int i = 0; i < s->n; i++) {
        if (!point_at(p, s, i, &x, &y))
            continue;
        double left = to_x(p, get_x(s, i) - half), right = to_x(p, get_x(s, i) + half);
        cairo_rectangle(cr, left, MIN(y, base), MAX(right - left, 0.5), fabs(base - y));
    }
    cairo_fill(cr);
}

static void plot_series(cairo_t *cr, const struct plot *p, int k)
{
    const struct series *s = &p->chart->series[k];
    set_colour(cr, series_colour(p->chart, k), s->alpha > 0 ? s->alpha : 1);
    if (s->style == SERIES_BARS)
        plot_bars(cr, p, s);
    if (s->style == SERIES_LINE || s->style == SERIES_LINE_POINTS)
        plot_line(cr, p, s);
    if (s->style == SERIES_POINTS || s->style == SERIES_LINE_POINTS)
        plot_points(cr, p, s);
}

/* --- legend ---------------------------------------------------------------------------------------------------- */

/* How many data points lie under a legend of that place. */
static int covered(const struct plot *p, double x0, double y0, double w, double h)
{
    int n = 0;
    for (int k = 0; k < p->chart->n_series; k++) {
        const struct series *s = &p->chart->series[k];
        int stride = 1 + s->n / 2000;
        double x, y;
        for (int i = 0; i < s->n; i += stride) {
            if (!point_at(p, s, i, &x, &y) || x < x0 || x > x0 + w)
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
    set_colour(cr, series_colour(p->chart, k), 1);
    if (s->style == SERIES_BARS) {
        cairo_rectangle(cr, x + w * 0.2, y - w * 0.25, w * 0.6, w * 0.5);
        cairo_fill(cr);
        return;
    }
    if (s->style != SERIES_POINTS) {
        cairo_set_line_width(cr, p->f.font * 0.2);
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

static void legend_draw(cairo_t *cr, const struct plot *p)
{
    double size = p->f.font * 0.92, row = size * 1.45, widest = 0, x = 0, y = 0, mark = size * 1.6;
    int entries = 0, fit = (int)((p->f.h - size * 2) / row);
    font_select(cr, size, 0);
    for (int k = 0; k < p->chart->n_series; k++) {
        if (!p->chart->series[k].name || entries >= fit)
            continue;
        widest = MAX(widest, text_width(cr, p->chart->series[k].name));
        entries++;
    }
    if (!entries)
        return;
    double w = widest + mark + size * 1.5, h = entries * row + size * 0.5;
    legend_place(p, w, h, &x, &y);
    cairo_rectangle(cr, x, y, w, h);
    cairo_set_source_rgba(cr, 1, 1, 1, 0.85);
    cairo_fill_preserve(cr);
    cairo_set_source_rgb(cr, 0.8, 0.8, 0.8);
    cairo_set_line_width(cr, 1);
    cairo_stroke(cr);
    y += size * 0.25 + row / 2;
    for (int k = 0; k < p->chart->n_series && entries > 0; k++) {
        if (!p->chart->series[k].name)
            continue;
        legend_mark(cr, p, k, x + size * 0.5, y, mark);
        set_colour(cr, colour_ink, 1);
        text_show(cr, x + size + mark, y, 0, 0.5, p->chart->series[k].name);
        y += row;
        entries--;
    }
}

/* --- the whole ------------------------------------------------------------------------------------------------- */

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
        yt[i].place = 1 - scale_place(&p.y, yt[i].value);
    frame_layout(&p.f, cr, w, h, c->title, c->x.label, c->y.label, xt, n_x, yt, n_y);
    frame_grid(&p.f, cr, c->x.names ? NULL : xt, n_x, c->y.names ? NULL : yt, n_y);
    cairo_save(cr);
    cairo_rectangle(cr, p.f.x, p.f.y, p.f.w, p.f.h);
    cairo_clip(cr);
    for (int k = 0; k < c->n_series; k++)
        plot_series(cr, &p, k);
    cairo_restore(cr);
    frame_border(&p.f, cr);
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
