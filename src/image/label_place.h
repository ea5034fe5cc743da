/* Inside of draw.c: where labels go. A coarse map of the picture remembers what lies where, labels already placed and
 * boxes so small that a label would bury them; the cost of a place is read from that map, so that the work grows with
 * the number of labels and not with its square. */
#ifndef Y9_IMAGE_LABEL_PLACE_H
#define Y9_IMAGE_LABEL_PLACE_H

#include "core/status.h"

struct rect {
    double x, y, w, h;
};

struct label_map {
    int rows, cols, h, w; /* h, w: of the picture */
    double cell;          /* side of a cell in pixels */
    float *weight;        /* (rows, cols): sum of weight per pixel of what covers the cell; owned */
};

/* A map of a picture for texts of that size in pixels. E_NOMEM. */
enum status label_map_init(struct label_map *m, int h, int w, double text_size);
void label_map_free(struct label_map *m);

/* Make it cost 1 to cover all of this box, where it is hardly larger than its label (w x h). */
void label_map_protect(struct label_map *m, const float xyxy[4], double label_w, double label_h);

/* The place of a label of w x h beside the box (whose line is `line` pixels wide): outside of it where that buries
 * nothing, above it by preference, always touching it and inside the picture. The place is taken for the labels that
 * follow. */
struct rect label_map_place(struct label_map *m, const float xyxy[4], double w, double h, double line);

#endif
