/* From activation to decision on one photo: what each level of the head says, the distributions behind one box, and
 * what non-maximum suppression does with the candidates. Everything is the detector's own. */
#ifndef Y9_LAB_DETECTIONS_H
#define Y9_LAB_DETECTIONS_H

#include "detect/detector.h"

/* The largest class score of each cell of a level. */
struct level_heat {
    int h, w, stride;
    float *score; /* (h, w) */
    float most;   /* the largest of them, */
    int class;    /* and its class */
};

/* A candidate, in the order that suppression looks at them: by falling score. */
struct traced_box {
    int class;
    float score;
    float input[4], photo[4]; /* xyxy in pixels of the input and of the photo */
    int row;                  /* decoded row */
    struct nms_end end;
};

/* Where a decoded row lies. */
struct row_place {
    int level, x, y; /* cell */
    int anchor;      /* of an anchor head; else 0 */
};

struct detections_figure {
    const struct graph *graph;
    struct detector_input input;
    struct level_heat levels[MAX_LEVELS];
    int n_levels;
    struct traced_box *boxes;
    int n_boxes, kept, suppressed, left_out;
    /* One box looked into: a detection, or where there is none the best row of all. */
    int chosen; /* number of the detection from 0 on; -1: no box was kept */
    int row, class;
    float score;
    struct row_place place;
    float xyxy[4];                 /* pixels of the input */
    int bins;                      /* HEAD_DFL: of a side; else 0 */
    float dfl[4][DECODE_MAX_BINS]; /* (sides, bins) probabilities of left, top, right, bottom */
    float distance[4];             /* their expectations, in strides */
    float logits[5];               /* HEAD_ANCHORS: sigmoids of x, y, w, h and objectness */
    float *classes;                /* (nc) scores */
    /* inside */
    struct detector *detector;
    struct nms_trace trace;
    float *decoded;
};

/* `config` as for detect; its `trace` is set here. `chosen`: which detection to look into, from 0 on, by falling score;
 * E_ARGUMENT where there are fewer, unless it is 0. Released with detections_figure_free, also after a failure; *out
 * must stay where it is. */
enum status detections_figure_make(const struct graph *graph, float *params, const struct detector_config *config,
                                   const struct image *photo, int chosen, struct detections_figure *out);
void detections_figure_free(struct detections_figure *f);

#endif
