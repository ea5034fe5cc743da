/* Inside of export/: from the head's raw maps to boxes and scores (SPEC 3) and on to detections, in ONNX operators. */
#ifndef Y9_EXPORT_ONNX_HEAD_H
#define Y9_EXPORT_ONNX_HEAD_H

#include "export/onnx_builder.h"
#include "graph/graph.h"

enum { ONNX_HEAD_MAPS = 2 };

struct onnx_head {
    const char *name; /* label of the nodes */
    const struct head *head;
    int n, nc;          /* n: batch, -1 symbolic */
    const char *dfl;    /* HEAD_DFL: (1, reg_max, 1, 1): 0, 1, 2 ... */
    int n_levels, rows; /* rows: boxes of all levels; -1: sizes are symbolic */
    struct {
        /* float32. HEAD_DFL: (n, 4*reg_max, h, w) and (n, nc, h, w); HEAD_ANCHORS: (n, n_anchors*(5 + nc), h, w) */
        const char *map[ONNX_HEAD_MAPS];
        int h, w, stride;
    } level[MAX_LEVELS];
};

/* What differs from one kind of head to another. */
struct onnx_head_maps {
    int n;                            /* raw maps a level */
    const char *name[ONNX_HEAD_MAPS]; /* what --raw calls them: "box" of "box_8" */
};
struct onnx_head_maps onnx_head_maps(enum head_kind kind);
/* Channels of raw map k of a level. */
int onnx_map_channels(const struct head *h, int k);

struct onnx_decoded {
    const char *box;    /* (n, 4, rows): cx, cy, w, h */
    const char *scores; /* (n, nc, rows): class times objectness where there is one */
};
struct onnx_decoded onnx_decode(struct onnx_builder *b, const struct onnx_head *head);

struct onnx_nms {
    float conf, iou;
    int max_det;
};
enum { ONNX_DETECTION = 7 }; /* image, x1, y1, x2, y2, class, score */
/* The best class of each row, class by class suppressed: (k, ONNX_DETECTION). The output's name is `out`. */
void onnx_suppress(struct onnx_builder *b, const struct onnx_head *head, const struct onnx_decoded *in,
                   const struct onnx_nms *rule, const char *out);
/* TensorRT's node: num_dets, det_boxes, det_scores, det_classes. */
void onnx_suppress_efficient(struct onnx_builder *b, const struct onnx_head *head, const struct onnx_decoded *in,
                             const struct onnx_nms *rule);

#endif
