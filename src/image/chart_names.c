/* Words beside the points of a chart. */
#include "image/chart_plot.h"

#include "core/mem.h"
#include "image/label_place.h"

#include <math.h>

enum { MOST_NAMES = 400, PLACES = 8 };

struct names {
    struct rect taken[MOST_NAMES * 2]; /* points and words */
    int n;
};

static double shared(const struct rect *a, const struct rect *b)
{
    double w = MIN(a->x + a->w, b->x + b->w) - MAX(a->x, b->x), h = MIN(a->y + a->h, b->y + b->h) - MAX(a->y, b->y);
    return w > 0 && h > 0 ? w * h : 0;
}

/* How much a line from a point to the next one would be covered: looked at in steps. */
static double covered_line(const struct plot *p, const struct rect *r)
{
    double sum = 0;
    for (int k = 0; k < p->chart->n_series; k++) {
        const struct series *s = &p->chart->series[k];
        double x0, y0, x1, y1;
        if (s->style != SERIES_LINE_POINTS && s->style != SERIES_LINE)
            continue;
        for (int i = 0; i + 1 < s->n && s->n <= MOST_NAMES; i++) {
            if (!plot_point(p, s, i, &x0, &y0) || !plot_point(p, s, i + 1, &x1, &y1))
                continue;
            int steps = (int)MIN(hypot(x1 - x0, y1 - y0) / 4 + 1, 400);
            for (int t = 0; t <= steps; t++) {
                double x = x0 + (x1 - x0) * t / steps, y = y0 + (y1 - y0) * t / steps;
                sum += x > r->x && x < r->x + r->w && y > r->y && y < r->y + r->h;
            }
        }
    }
    return sum;
}

static double cost_of(const struct plot *p, const struct names *names, const struct rect *r, int place)
{
    double cost = place * 0.5 + 3 * covered_line(p, r);
    struct rect inside = {p->f.x, p->f.y, p->f.w, p->f.h};
    cost += 40 * (r->w * r->h - shared(r, &inside));
    for (int i = 0; i < names->n; i++)
        cost += 4 * shared(r, &names->taken[i]);
    return cost;
}

static double radius_of(const struct plot *p, const struct series *s)
{
    return s->style == SERIES_POINTS && s->width > 0 ? s->width / 2 : p->f.font * 0.25;
}

/* `gap`: from the middle of the point to the word. */
static void name_point(cairo_t *cr, const struct plot *p, struct names *names, const char *text, double x, double y,
                       double gap)
{
    /* right, left, above, below, then the corners: the middle of the word against the point */
    static const double across[PLACES] = {1, -1, 0, 0, 1, 1, -1, -1}, down[PLACES] = {0, 0, -1, 1, -1, 1, -1, 1};
    double w = text_width(cr, text), h = text_height(cr) * 0.8, least = INFINITY;
    struct rect best = {0};
    for (int i = 0; i < PLACES; i++) {
        double ring = i < 4 ? 1 : 0.7;
        struct rect r = {x + across[i] * (w / 2 + gap * ring) - w / 2, y + down[i] * (h / 2 + gap * ring) - h / 2, w,
                         h};
        double cost = cost_of(p, names, &r, i);
        if (cost < least) {
            least = cost;
            best = r;
        }
    }
    text_show(cr, best.x + w / 2, best.y + h / 2, 0.5, 0.5, text);
    if (names->n < COUNT(names->taken))
        names->taken[names->n++] = best;
}

void names_draw(cairo_t *cr, const struct plot *p)
{
    struct names names = {.n = 0};
    double x, y;
    bool wanted = false;
    for (int k = 0; k < p->chart->n_series; k++)
        wanted |= p->chart->series[k].names != NULL;
    if (!wanted)
        return;
    for (int k = 0; k < p->chart->n_series; k++) {
        const struct series *s = &p->chart->series[k];
        const double r = radius_of(p, s);
        for (int i = 0; i < s->n && names.n < MOST_NAMES; i++) {
            if (s->style != SERIES_BARS && s->style != SERIES_LINE && plot_point(p, s, i, &x, &y))
                names.taken[names.n++] = (struct rect){x - r, y - r, 2 * r, 2 * r};
        }
    }
    font_select(cr, p->f.font * 0.85, 0);
    for (int k = 0; k < p->chart->n_series; k++) {
        const struct series *s = &p->chart->series[k];
        const struct colour c = series_colour(p->chart, k);
        for (int i = 0; s->names && i < s->n; i++) {
            if (!s->names[i] || !plot_point(p, s, i, &x, &y))
                continue;
            cairo_set_source_rgb(cr, c.red / 400.0, c.green / 400.0, c.blue / 400.0); /* darker: words are thin */
            name_point(cr, p, &names, s->names[i], x, y, radius_of(p, s) + p->f.font * 0.15);
        }
    }
}
