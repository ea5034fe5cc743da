/* export/: the deployed graph in other systems' words.
 *
 * The deployed graph as an ONNX file.
 *
 * Input `images` (n, 3, h, w): RGB in 0..1. Output `output0` (n, 4 + nc, boxes): cx, cy, w, h in input pixels, then
 * class scores, the levels one after another from P3 on, row-major inside; the form of the official export. Of a head
 * with anchors the boxes of a level are anchor by anchor, and the scores are those of the class times the objectness.
 * With NMS_ONNX an output `detections` (k, 7) before it: image of the batch, x1, y1, x2, y2 in input pixels, class,
 * score; image by image, by falling score. With NMS_EFFICIENT instead of output0 what TensorRT's node gives: `num_dets`
 * (n, 1), `det_boxes` (n, max_det, 4), `det_scores` and `det_classes` (n, max_det). With `raw` the head's maps as its
 * convolutions leave them, instead of output0: `box_8` (n, 4*reg_max, h/8, w/8), the logits of left, top, right,
 * bottom, `cls_8` (n, nc, h/8, w/8), and so on for each stride; with anchors `map_8` (n, anchors*(5 + nc), h/8, w/8).
 * Parameters keep their names. docs/EXPORT.md says which operators are used. */
#ifndef Y9_EXPORT_ONNX_H
#define Y9_EXPORT_ONNX_H

#include "graph/graph.h"

enum { ONNX_OPSET_FIRST = 11, ONNX_OPSET_LAST = 17, ONNX_OPSET = 12, ONNX_OPSET_EIGHT_BIT = 13 };

enum onnx_nms_kind {
    NMS_NONE,
    NMS_ONNX,      /* by ONNX's NonMaxSuppression */
    NMS_EFFICIENT, /* by EfficientNMS_TRT, which TensorRT alone has */
};

struct onnx_options {
    int n, h, w;    /* batch and input size, multiples of the largest stride */
    bool dynamic;   /* n, h and w are symbolic; the size above is a hint in the metadata */
    bool half;      /* weights and convolutions in 16 bits; input, box maths and outputs stay float32 */
    bool eight_bit; /* convolutions whose conv_quant is on between QuantizeLinear and DequantizeLinear; from opset 13 */
    enum onnx_nms_kind nms;
    bool raw; /* for runtimes that want no decoding in the graph, and for comparing networks alone */
    float conf, iou;
    int max_det;
    int opset;
    const char *version;      /* of the program, for the metadata; NULL: not written. Borrowed */
    const char *model;        /* "gelan-t", for the metadata; borrowed */
    const char *const *names; /* graph->head.nc class names, borrowed */
};

/* `params` are the graph's deployed parameters. Equal input, equal bytes. E_ARGUMENT: options that cannot be had;
 * E_NUMERIC: a weight beyond 16 bits; E_LIMIT: larger than a protobuf file can be. */
enum status onnx_write(const char *path, const struct graph *graph, const float *params,
                       const struct onnx_options *options);

#endif
