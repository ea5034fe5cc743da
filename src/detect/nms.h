/* Non-maximum suppression of one image's candidates (SPEC 12.1), class by class unless agnostic. */
#ifndef Y9_DETECT_NMS_H
#define Y9_DETECT_NMS_H

#include "detect/decode.h"

#include <stdint.h>

#define NMS_CLASS_OFFSET 7680.0f /* SPEC 12.1; head_class_offset says what a head's authors chose */

enum { NMS_MAX_CANDIDATES = 30000 }; /* by score; the rest is dropped before suppression */

struct detection {
    float xyxy[4]; /* input pixels from nms_apply, photo pixels after boxes_to_photo */
    float score;
    int class;
};

/* What became of each candidate, for those who want to look. Grows; starts as {0}. */
enum nms_fate { NMS_KEPT, NMS_SUPPRESSED, NMS_LEFT_OUT /* behind max_detections or NMS_MAX_CANDIDATES */ };
struct nms_end {
    enum nms_fate fate;
    int by;    /* the detection that it became, or the best one that suppressed it; -1 where it was left out */
    float iou; /* with that one, where it was suppressed */
};
struct nms_trace {
    struct nms_end *ends; /* (candidates) in their order */
    int capacity;
};

struct nms_config {
    double iou_threshold; /* suppress where IoU > threshold, strictly */
    int max_detections;
    bool agnostic;      /* classes suppress each other */
    float class_offset; /* pixels between the boxes of a class and of the next, in single precision; 0: NMS_CLASS_OFFSET
                         */
    struct nms_trace *trace; /* borrowed; NULL: nobody looks */
};

/* Reusable memory; start from {0}, release with nms_free. Nothing is allocated once it has seen its largest image. */
struct nms_workspace {
    uint32_t *keys, *order; /* two halves each: the sort's source and target */
    size_t capacity;
    float *kept; /* x1[], y1[], x2[], y2[], area[] of max_detections boxes */
    int *next, *head;
    int kept_capacity, head_capacity;
};
void nms_free(struct nms_workspace *w);

void nms_trace_free(struct nms_trace *t);

/* Detections by falling score (equal scores: in the order of the candidates). dst has room for max_detections. */
enum status nms_apply(struct nms_workspace *w, const struct candidates *c, const struct nms_config *config,
                      struct detection *dst, int *count);

#endif
