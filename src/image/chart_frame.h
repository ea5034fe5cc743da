/* Inside of chart.c and heatmap.c: the frame around a plot, its title, axis labels and ticks. */
#ifndef Y9_IMAGE_CHART_FRAME_H
#define Y9_IMAGE_CHART_FRAME_H

#include "image/paint.h"

#include <stdbool.h>

enum { MAX_TICKS = 96 };

struct scale {
    double low, high;
    bool logarithmic;
    bool whole; /* ticks at whole numbers only */
};

struct tick {
    double value, place; /* place: 0..1 along the axis, left to right or top to bottom */
    char text[64];
};

struct frame {
    double font;       /* text size, from the panel's size */
    double small;      /* of the words at the ticks */
    double x, y, w, h; /* the plot area */
};

double scale_place(const struct scale *s, double v);                             /* 0 at low, 1 at high */
int axis_ticks(const struct scale *s, int wanted, struct tick ticks[MAX_TICKS]); /* returns how many */

/* White ground and the text size. */
void frame_begin(struct frame *f, cairo_t *cr, double w, double h);
/* Place the plot area so that every text has room, and write the texts. Words under the x axis are turned upright where
 * they would touch, and shortened beyond a third of the panel. Any text may be NULL. */
void frame_layout(struct frame *f, cairo_t *cr, double w, double h, const char *title, const char *x_label,
                  const char *y_label, struct tick *x, int n_x, struct tick *y, int n_y);
void frame_grid(const struct frame *f, cairo_t *cr, const struct tick *x, int n_x, const struct tick *y, int n_y);
void frame_border(const struct frame *f, cairo_t *cr);

#endif
