/* The task-aligned assigner (SPEC 8; TOOD, Feng et al. 2021): which anchor points of one image answer for which
 * label, and how strongly.
 *
 *   overlap[g,a] = max(CIoU(label g, box a), 0)        metric[g,a] = score[a, class g]^alpha * overlap^beta
 *
 * Each label takes the top_k anchor points of largest metric inside it; a point claimed twice goes to the label of
 * largest overlap among all labels of the image (SPEC 8 step 5: a quirk, it need not be a claimant); the score of
 * a point is its metric, rescaled so that each label's best point scores the label's best overlap.
 * With `inside` (YOLOv8's) overlap and metric are 0 for a point outside the label and for a label that is not valid: a
 * point claimed twice then stays with a label around it. Crowds alone differ.
 * Equal metrics: the lowest anchor index first. Images are independent of each other. */
#ifndef Y9_TRAIN_ASSIGNER_H
#define Y9_TRAIN_ASSIGNER_H

#include "detect/boxes.h"

#include "core/status.h"

#include <stdbool.h>

struct assign_config {
    int top_k;         /* 1 .. ASSIGN_MAX_TOP_K, and at most the number of anchor points */
    float alpha, beta; /* exponents of score and overlap; beta > 0 */
    bool inside;       /* nothing overlaps from outside */
};
enum { ASSIGN_MAX_TOP_K = 512 };

struct assign_label {
    struct ciou_box box; /* input pixels */
    int class;
    bool valid; /* false: takes no point of its own, but still wins conflicts (SPEC 8 steps 4 and 5) unless inside */
};

/* Compute the box of one anchor point (input pixels). Called at most once a point, only for points that lie inside
 * a label: the others are never looked at. */
typedef void assign_decode_fn(void *context, int anchor, struct ciou_box *box);

/* What the assigner sees on its way through one image, for those who want to look. Grows; starts as {0}. */
struct assign_claim {
    int label, anchor;
    float metric, overlap;
};
struct assign_trace {
    float *metric;               /* (anchors) the largest one that a valid label has for a point inside of it; else 0 */
    struct assign_claim *claims; /* (n_claims) by label, each label's candidates by falling metric */
    int n_claims;
    unsigned char *contested; /* (anchors) claimed by two labels or more */
    float *overlap;           /* (anchors) of the point with the label that it answers for; 0: background */
    int anchors, claim_capacity;
};
enum status assign_trace_reserve(struct assign_trace *t, int anchors, int labels, int top_k);
void assign_trace_free(struct assign_trace *t);

/* The predictions and labels of one image; everything is borrowed. */
struct assign_image {
    int anchors;
    const float *x, *y;     /* (anchors) anchor points, input pixels */
    const float *scores;    /* (anchors, score_stride): class probabilities, or their logits */
    size_t score_stride;    /* floats */
    bool logits;            /* scores are logits: the sigmoid is taken where it is needed */
    struct ciou_box *boxes; /* (anchors) predicted boxes, input pixels */
    unsigned char *ready;   /* (anchors) nonzero: this box is there; else decode() makes it and sets it */
    assign_decode_fn *decode;
    void *context;
    const struct assign_label *labels;
    int n_labels;
    struct assign_trace *trace; /* reserved for this image; NULL: nobody looks */
};

/* Memory for one image at a time; one a thread. Start from {0}. */
struct assign_scratch {
    unsigned char *inside, *conflict; /* (anchors) */
    float *overlap;                   /* (anchors) of the point with its label */
    int *taken;                       /* (anchors) points with a label so far */
    float *best;                      /* (labels, 2): largest metric and overlap of its points */
    int anchors, labels;              /* capacity */
};
enum status assign_scratch_reserve(struct assign_scratch *s, int anchors, int labels);
void assign_scratch_free(struct assign_scratch *s);

/* For every anchor point: label[a] = index of its label or -1 (background), score[a] = its target score (0 for
 * background). `s` was reserved for this image's size. Cannot fail. */
void assign_run(const struct assign_config *config, const struct assign_image *image, struct assign_scratch *s,
                int *label, float *score);

#endif
