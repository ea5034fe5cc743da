/* Charts for reports, drawn with cairo: lines, points and bars over axes, and heat maps with labels. A chart is a plain
 * description that borrows everything; one or several are written as PNG or SVG, by the file's extension. */
#ifndef Y9_IMAGE_CHART_H
#define Y9_IMAGE_CHART_H

#include "image/paint.h"

#include <stdbool.h>

enum series_style { SERIES_LINE, SERIES_POINTS, SERIES_LINE_POINTS, SERIES_BARS };

/* The first series lies on top, and stands first in the legend. */
struct series {
    const char *name; /* in the legend; NULL = none there */
    enum series_style style;
    const double *x, *y; /* (n); x NULL = 0, 1, 2 ...; a value that is not finite leaves a gap; n 0 = a heading */
    int n;               /* of the legend; a point alone between gaps is drawn as a point */
    double width;        /* line: pixels, point: diameter in pixels, bar: in units of x; 0 = a good one */
    double alpha;        /* 0 = 1 */
    bool dashed, coloured;
    struct colour colour;         /* where `coloured`; otherwise that of its number (palette.h) */
    const struct colour *colours; /* (n): of each point or bar, NULL = all alike */
    const char *const *names;     /* (n): words beside the points, where they cover least; NULL = none */
};

struct axis {
    const char *label;        /* NULL = none */
    double low, high;         /* low < high: fixed; otherwise from the data */
    bool logarithmic;         /* values must be above 0: others leave a gap */
    bool whole;               /* ticks at whole numbers only */
    bool down;                /* y: from the top down, as in pictures */
    const char *const *names; /* ticks 0, 1 ... n_names-1 with these words instead of numbers */
    int n_names;
};

struct chart {
    const char *title;
    struct axis x, y;
    const struct series *series;
    int n_series;
    bool legend_beside;    /* right of the plot; otherwise in the corner where it covers least */
    const char *mark_name; /* a dashed vertical line at `mark`, in the legend too; NULL = none */
    double mark;
    const char *note; /* a sentence in the middle of the plot, where there is nothing to plot; NULL = none */
    int w, h;         /* of the file, for chart_write; 0 = 960 x 640 */
};

struct heatmap {
    const char *title, *x_label, *y_label, *bar_label;
    const double *values; /* (rows, cols), row 0 on top; not finite or `blank_zero` and 0 = left empty */
    int rows, cols;
    const char *const *row_names, *const *col_names; /* NULL = none; shortened or thinned out where they do not fit */
    double low, high;                                /* colour range; low < high, otherwise from the data */
    int decimals;                                    /* of the numbers in the cells, shown where they fit; -1 = none */
    bool blank_zero, logarithmic;                    /* colours by the logarithm: counts of very different size */
    bool last_apart; /* a line before the last row and column, which are of another kind */
    bool diagonal;   /* outlined */
    int w, h;        /* for heatmap_write; 0 = 960 x 800 */
};

/* Draws `what` into 0..w x 0..h, white ground included. */
typedef void panel_fn(cairo_t *cr, double w, double h, const void *what);
void chart_draw(cairo_t *cr, double w, double h, const void *chart);
void heatmap_draw(cairo_t *cr, double w, double h, const void *heatmap);

struct panel {
    panel_fn *draw;   /* chart_draw, heatmap_draw or one's own; NULL leaves the place empty */
    const void *what; /* its struct */
};

/* .png or .svg, else E_UNSUPPORTED; E_LIMIT for sides above 32767. The file appears whole or not at all. */
enum status figure_write(const char *path, int w, int h, const struct panel *panels, int rows, int cols);
enum status chart_write(const struct chart *chart, const char *path);
enum status heatmap_write(const struct heatmap *heatmap, const char *path);

/* counts[i] = values in [low + i*step, low + (i+1)*step), step = (high - low) / bins, the last one closed; centres[i]
 * (may be NULL) = middle of bin i. Values outside are not counted. */
void histogram_count(const double *values, int n, double low, double high, int bins, double *counts, double *centres);

#endif
