/* Where a chart's points lie on its panel. */
#include "image/chart_plot.h"

struct colour series_colour(const struct chart *c, int k)
{
    return c->series[k].coloured ? c->series[k].colour : palette_get(k);
}

double plot_x(const struct plot *p, double v)
{
    return p->f.x + p->f.w * scale_place(&p->x, v);
}

double plot_y(const struct plot *p, double v)
{
    double place = scale_place(&p->y, v);
    return p->f.y + p->f.h * (p->chart->y.down ? place : 1 - place);
}

bool plot_point(const struct plot *p, const struct series *s, int i, double *x, double *y)
{
    if (!axis_usable(&p->chart->x, series_x(s, i)) || !axis_usable(&p->chart->y, s->y[i]))
        return false;
    *x = plot_x(p, series_x(s, i));
    *y = plot_y(p, s->y[i]);
    /* A line may leave the frame, but not so far that cairo's fixed-point numbers wrap round. */
    *x = MAX(MIN(*x, 1e5), -1e5);
    *y = MAX(MIN(*y, 1e5), -1e5);
    return true;
}
