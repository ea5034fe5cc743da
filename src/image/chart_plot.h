/* Inside of chart.c (chart_scale.c, chart_plot.c, chart_names.c, chart_legend.c): a chart whose place and scales are
 * known. */
#ifndef Y9_IMAGE_CHART_PLOT_H
#define Y9_IMAGE_CHART_PLOT_H

#include "image/chart.h"
#include "image/chart_frame.h"

struct plot {
    const struct chart *chart;
    struct frame f;
    struct scale x, y;
    double legend_x, legend_w; /* of a legend beside the plot */
};

bool axis_usable(const struct axis *a, double v);
void axis_scale(const struct chart *c, bool vertical, struct scale *s);
double series_x(const struct series *s, int i);
/* Width of a bar in units of x: given, or four fifths of the smallest step. */
double series_bar_width(const struct series *s);
struct colour series_colour(const struct chart *c, int k);
/* Where point i lies on the panel; false: it leaves a gap. */
bool plot_point(const struct plot *p, const struct series *s, int i, double *x, double *y);
double plot_x(const struct plot *p, double v);
double plot_y(const struct plot *p, double v);

/* Words beside points (chart_names.c). */
void names_draw(cairo_t *cr, const struct plot *p);

/* The width that a legend beside the plot takes, at most three tenths of `w`. */
double legend_width(cairo_t *cr, const struct plot *p, double w);
/* Beside the plot, or in that corner of it where it covers the fewest points. Entries that have no room are counted in
 * a last line. */
void legend_draw(cairo_t *cr, const struct plot *p);

#endif
