/* Which detections of an image are right, at ten IoU thresholds (SPEC 12.3), for the official metric. */
#ifndef Y9_EVAL_MATCHING_H
#define Y9_EVAL_MATCHING_H

#include "detect/nms.h"

enum { EVAL_IOUS = 10 }; /* 0.50, 0.55, ... 0.95 */

struct eval_label {
    float xyxy[4]; /* photo pixels */
    int class;
    bool crowd;  /* COCO iscrowd: only metric B knows it; metric A and the confusion matrix never see it */
    double area; /* COCO's `area` (of the mask), or the box's own where there is none */
};

/* The thresholds in single precision, as linspace(0.5, 0.95, 10) makes them. */
void matching_thresholds(float dst[EVAL_IOUS]);

/* correct[d]: bit t set = detection d is right at threshold t. Detections stand by falling score, as NMS leaves them.
 * taken: scratch of n_labels flags. No label may be a crowd. */
void match_detections(const struct detection *detections, int n_detections, const struct eval_label *labels,
                      int n_labels, uint16_t *correct, uint16_t *taken);

#endif
