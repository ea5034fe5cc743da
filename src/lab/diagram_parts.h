/* Inside of the diagram of a network. */
#ifndef Y9_LAB_DIAGRAM_PARTS_H
#define Y9_LAB_DIAGRAM_PARTS_H

#include "lab/diagram.h"

/* Sizes in pixels. */
enum {
    BOX_WIDTH = 176,
    BOX_LINE = 24,   /* height of a box with one line of text */
    BOX_LINES = 38,  /* with two */
    BOX_GAP = 30,    /* behind a box: its wire and what it hands on */
    WIRE_DROP = 18,  /* from a box to where its wire turns aside */
    TRACK = 7,       /* between wires side by side */
    PORT = 7,        /* between wires that enter a box on one side */
    GUTTER_PAD = 15, /* between boxes and the wires of a gutter */
    CHANNEL_PAD = 5,
    BAND_PAD = 6,
    WORD_PAD = 8,    /* between a box and its words */
    TITLE_SIZE = 11, /* of text */
    ARGS_SIZE = 10,
    MAP_SIZE = 10,
};

/* diagram_rows.c: boxes and wires of the rows, without places. */
enum status diagram_rows(struct diagram *d);
/* diagram_stages.c: stages and their columns. */
enum status diagram_stages(struct diagram *d);
/* diagram_place.c: y of all bands and boxes; needs the boxes' heights and bands[].n_tracks. */
void diagram_place_rows(struct diagram *d);
/* x of all columns and boxes: gutter[i] tracks left of column i, n_stages + 1 of them. */
void diagram_place_columns(struct diagram *d, const int *gutter);
/* diagram_route.c: widths of gutters and channels, and the points of all wires. */
enum status diagram_route(struct diagram *d);

/* diagram_draw.c: the lines over the grid; where the longest of them ends. */
double diagram_draw_title(cairo_t *cr, const struct diagram *d);

static inline int box_column(const struct diagram *d, int box)
{
    return d->stages[d->boxes[box].stage].column;
}

static inline bool box_upwards(const struct diagram *d, int box)
{
    return d->stages[d->boxes[box].stage].direction < 0;
}

/* Where a box's wire turns aside. */
static inline double box_exit(const struct diagram *d, int box)
{
    const struct box *b = &d->boxes[box];
    return box_upwards(d, box) ? b->y - WIRE_DROP : b->y + b->height + WIRE_DROP;
}

/* Is `to` the box that follows `from` in its column, in the stage's direction? */
bool box_follows(const struct diagram *d, int from, int to);

#endif
