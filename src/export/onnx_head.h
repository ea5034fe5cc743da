/* Inside of export/: from the head's raw maps to boxes and scores (SPEC 3) and on to detections, in ONNX operators. */
#ifndef Y9_EXPORT_ONNX_HEAD_H
#define Y9_EXPORT_ONNX_HEAD_H

#include "export/onnx_builder.h"
#include "graph/graph.h"

struct onnx_head {
    const char *name;      /* label of the nodes */
    int n, nc, bins;       /* n: batch, -1 symbolic */
    const char *dfl;       /* (1, bins, 1, 1): 0, 1, 2 ... */
    int n_levels, anchors; /* anchors: over all levels; -1: sizes are symbolic */
    struct {
        const char *box, *cls; /* (n, 4*bins, h, w) and (n, nc, h, w), float32 */
        int h, w, stride;
    } level[MAX_LEVELS];
};

struct onnx_decoded {
    const char *box;    /* (n, 4, anchors): cx, cy, w, h */
    const char *scores; /* (n, nc, anchors) */
};
struct onnx_decoded onnx_decode(struct onnx_builder *b, const struct onnx_head *head);

struct onnx_nms {
    float conf, iou;
    int max_det;
};
/* For a batch of one: the best class of each anchor point, class by class suppressed. The output's name is `out`. */
void onnx_suppress(struct onnx_builder *b, const struct onnx_head *head, const struct onnx_decoded *in,
                   const struct onnx_nms *rule, const char *out);

#endif
