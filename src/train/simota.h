/* SimOTA (Ge et al. 2021, YOLOX; SPEC-wild C.6): which candidates of one image answer for which label. Every label gets
 * as many as its best IoUs add up to, the cheapest first, and a candidate answers for one label.
 *
 *   cost[label, candidate] = BCE of the classes, with sqrt(class * objectness) for probabilities, + 3 * -ln(IoU)
 *
 * Costs are made a label at a time: memory grows with candidates and labels, not with their product. Probabilities near
 * one have finite costs here, where the official ones are not numbers. */
#ifndef Y9_TRAIN_SIMOTA_H
#define Y9_TRAIN_SIMOTA_H

#include "train/anchor_candidates.h"

enum { SIMOTA_MAX_TOP_K = 64 };

struct simota_label {
    float xyxy[4]; /* pixels of the network's input */
    int class;
    int target; /* row of the batch's targets */
};

struct simota_image {
    const struct head_output *head; /* whose predictions decide */
    int image;
    const struct anchor_candidate *candidates; /* of this image, finest level first */
    const int *first; /* (n_levels + 1) their first of each level, and the end; counted from anywhere */
    const struct simota_label *labels;
    int n_labels;
    int top_k;  /* IoUs that add up to a label's number of candidates: 10, with an auxiliary branch 20 */
    float *iou; /* of each candidate's box with the label it answers for, 0 for none; NULL: nobody looks */
};

/* Workspace of one thread; starts as {0} and grows. */
struct simota_scratch {
    struct simota_candidate *candidates;
    double *logit; /* of one class, a candidate */
    int capacity;
};
enum status simota_reserve(struct simota_scratch *s, int candidates); /* the most that an image has */
void simota_scratch_free(struct simota_scratch *s);

/* owner[c] = index of the label that candidate c answers for, or -1. Of equal costs the first candidate is taken; of
 * labels to which a candidate costs the same, the first. */
void simota_run(const struct simota_image *image, struct simota_scratch *s, int *owner);

#endif
