/* A network drawn from its table and graph. Boxes are the table's rows; a head is one box a branch and level. They
 * stand in a grid: a band for each level of the pyramid (rows and columns of the map that a box hands on), a column for
 * each stage, which is a run of rows that goes only down or only up in the pyramid. Auxiliary stages stand left of the
 * first backbone. Wires run in the gaps: below a box (above it, where its stage runs upwards), in the gutters between
 * columns and the channels between bands, so that none of them crosses a box. */
#ifndef Y9_LAB_DIAGRAM_H
#define Y9_LAB_DIAGRAM_H

#include "image/chart.h"
#include "model/figures.h"

enum { DIAGRAM_BANDS = 18, WIRE_POINTS = 7 };

enum part { PART_INPUT, PART_BACKBONE, PART_NECK, PART_HEAD, PART_COUNT };
extern const char *const part_names[PART_COUNT];

struct box {
    int row;        /* of the table; -1: the image */
    int branch;     /* of a head's box; -1 otherwise */
    int head_level; /* of a head's box: which of the branch's */
    enum part part;
    enum row_use use;  /* ROW_AUXILIARY: deploying removes it */
    char title[80];    /* "4 RepNCSPELAN4" */
    char args[96];     /* "64, 64, 32, 3": without the input's channels, which the wires tell */
    char hands_on[48]; /* "64 x 80 x 80" */
    int c, h, w;       /* of the map that it hands on; of several maps c is the largest's */
    int band;          /* 0: the image, then one a level from stride 1 on */
    int stage;
    bool two_lines; /* the arguments stand below the title */
    double x, y, width, height;
};

struct wire {
    int from, to; /* boxes */
    int c;        /* channels of the map on it */
    int n;        /* points */
    double x[WIRE_POINTS], y[WIRE_POINTS];
};

struct stage {
    int direction; /* 1: down the pyramid (coarser), -1: up, 0: its rows stand each for itself */
    bool auxiliary;
    int column;
};

struct band {
    double y, height;      /* without the channel above it */
    double channel_height; /* above the band */
    int n_tracks;          /* wires in the channel */
};

struct dot {
    double x, y;
    int box; /* whose wire forks there */
};

struct diagram {
    const struct figures *figures; /* borrowed */
    struct box *boxes;
    struct wire *wires;
    struct stage *stages;
    struct dot *dots; /* where wires of one box fork */
    int n_boxes, n_wires, n_stages, n_dots;
    double *column_x; /* (n_stages) left edge of the boxes of a column */
    struct band bands[DIAGRAM_BANDS];
    double left, top, width, height; /* of the whole picture; left and top: where the grid begins */
};

/* `f` has to live as long as *d. Released with diagram_free; on failure *d is empty. E_LIMIT for a picture with sides
 * above what can be drawn. */
enum status diagram_build(const struct figures *f, struct diagram *d);
void diagram_free(struct diagram *d);
/* panel_fn of image/chart.h, for a panel of the diagram's width and height. */
void diagram_draw(cairo_t *cr, double w, double h, const void *diagram);

#endif
