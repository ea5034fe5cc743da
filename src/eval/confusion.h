/* Confusion matrix of detections and labels (SPEC 12.5): row = predicted class, column = class of the label, and one
 * more of each for background. */
#ifndef Y9_EVAL_CONFUSION_H
#define Y9_EVAL_CONFUSION_H

#include "eval/matching.h"

struct confusion {
    int nc;
    uint64_t *cells;    /* [nc + 1][nc + 1], row-major */
    int *best, *winner; /* scratch: best label of a detection, winning detection of a label */
    float *best_iou;
    int detection_capacity, label_capacity;
};

enum status confusion_init(struct confusion *c, int nc);
void confusion_free(struct confusion *c);

/* Count one image. Scores above 0.25 and overlaps above 0.45 (both strictly) take part; matching ignores class. An
 * unmatched detection is counted only if the image had a match (the official code's habit). Images without labels
 * count nothing. Labels of a crowd are to be left out by the caller. */
enum status confusion_add(struct confusion *c, const struct detection *detections, int n_detections,
                          const struct eval_label *labels, int n_labels);

#endif
