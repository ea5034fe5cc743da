/* The detection loss over one, two or three head branches, with the gradient written where the network's backward pass
 * picks it up. The kind of head decides which one it is:
 *
 *   HEAD_DFL      box (CIoU), class (BCE or varifocal) and dfl, targets from the task-aligned assigner (SPEC 7;
 * loss_aligned.h) HEAD_ANCHORS  box (CIoU), objectness and class (BCE), targets from SimOTA (SPEC-wild C.7;
 * loss_anchors.h)
 *
 *   item = gain * (aux_weight * auxiliary branches + main_weight * main branch),  total = (sum of items) * images
 *
 * A `struct loss` owns its workspace; it grows to the largest batch seen and then allocates no more. Sums are cut
 * into parts by the shape alone: results do not depend on the number of threads. */
#ifndef Y9_TRAIN_LOSS_H
#define Y9_TRAIN_LOSS_H

#include "graph/net.h"
#include "train/assigner.h"

/* How branches get their targets (SPEC 7.6). */
enum loss_assign {
    ASSIGN_INDEPENDENT,    /* every branch from its own predictions: the official way */
    ASSIGN_LEAD,           /* the main branch's targets for all */
    ASSIGN_COARSE_TO_FINE, /* main branch's predictions; top-k of its own for the auxiliary branches */
    ASSIGN_LEAD_UNFLOORED, /* official ComputeLossLH: as lead, but the sum of target scores has no floor of 1,
                              so a batch without labels gives NaN (SPEC 7.4) */
};

/* What a class score is trained with; the varifocal loss is for HEAD_DFL alone, whose targets say how good a box is. */
enum loss_cls { CLS_LOSS_BCE, CLS_LOSS_VFL };

/* What only the loss of anchor heads has. */
struct anchor_loss_config {
    double obj_gain;            /* 0.7 */
    double obj_positive_weight; /* obj_pw, 1 */
    double label_smoothing;     /* 0 */
    float most_ratio;           /* anchor_t, 4: of the sides of a label and an anchor box */
    float reach, aux_reach;     /* CANDIDATE_NEAREST and CANDIDATE_ALL: of the main and the auxiliary branches */
    int top_k;                  /* of SimOTA: 10, where there are auxiliary branches 20 */
    bool height_for_both;       /* official quirk: SimOTA takes the height for the width of a picture too */
};

struct loss_config {
    enum head_kind head;
    int nc;
    double box_gain, cls_gain, dfl_gain; /* 7.5, 0.5, 1.5; of anchor heads 0.05, 0.3 */
    double aux_weight, main_weight;      /* 0.25, 1 */
    double cls_positive_weight;          /* cls_pw, 1 */
    double focal_gamma;                  /* fl_gamma, 0: plain BCE */
    enum loss_cls cls_loss;              /* CLS_LOSS_BCE */
    enum loss_assign assign;
    struct assign_config assigner; /* top-k 10, alpha 0.5, beta 6 */
    int coarse_top_k;              /* 20 */
    bool trace;                    /* keep what the assigner sees on its way, of the batch's first image */
    struct anchor_loss_config anchors;
};
struct loss_config loss_config_default(int nc); /* HEAD_DFL */
/* What a head with so many branches is trained with. */
struct loss_config loss_config_of(const struct head *head, int n_branches);
/* Anchor heads: the gains that a recipe is written with hold for three levels, 80 classes and pictures of 640 pixels
 * (SPEC-wild C.7); scale them to others. Nothing for heads of another kind. */
void loss_scale_gains(struct loss_config *c, int n_levels, int img);

enum { LOSS_ITEMS = 3 };
/* Of HEAD_DFL "box", "cls", "dfl"; of HEAD_ANCHORS "box", "obj", "cls". */
const char *loss_item_name(enum head_kind head, int item);

struct loss_result {
    double item[LOSS_ITEMS]; /* with gains, before the factor of images */
    double total;            /* what the gradients are of */
};

struct loss;
struct anchor_candidate; /* train/anchor_candidates.h */

/* `team` is borrowed and may be NULL. E_ARGUMENT for a config out of range. */
enum status loss_create(const struct loss_config *config, struct team *team, struct loss **out);
void loss_destroy(struct loss *loss);

/* Loss of a batch. `branches`: auxiliary ones first, main last, all of one shape and of the head that the loss was made
 * for. `targets`: (n_targets, 6) rows (image, class, cx, cy, w, h), the box normalised to the network's input. Where a
 * branch has d_logits every channel of it is written; lanes between channels and stride are left alone.
 * Outside values are checked: E_ARGUMENT for a row that names no image or class or is not finite, E_SHAPE for
 * branches that do not fit. NaN logits give a NaN total, not an error (an anchor head's boxes and classes: where they
 * are looked at). */
enum status loss_run(struct loss *loss, const struct head_output *branches, int n_branches, const float *targets,
                     int n_targets, struct loss_result *result);

/* What the last loss_run assigned to a branch of a HEAD_DFL; borrowed from the loss, valid until its next run. */
struct loss_assignment {
    const int *label;                  /* (images, anchors) index into labels, or -1 */
    const float *score;                /* (images, anchors) target score */
    const struct assign_label *labels; /* of all images, in pixels, grouped by image */
    const int *first;                  /* (images + 1) first label of each image */
    double sum, divisor;               /* of the target scores; the same with its floor */
    const struct assign_trace *trace;  /* of the first image, where the config asks for it; else NULL */
};
struct loss_assignment loss_get_assignment(const struct loss *loss, int branch);

/* The same of a branch of HEAD_ANCHORS: every candidate, grouped by image, then by level. */
struct loss_matching {
    const struct anchor_candidate *candidates;
    const int *first; /* (images * levels + 1) first candidate of each group */
    const int *owner; /* row of the targets that each candidate answers for, or -1 */
    /* Of each candidate, where the config asks for a trace and else NULL: */
    const float *iou;    /* of the main branch's predicted box with its label; 0: it has none. SimOTA goes by it */
    const float *object; /* the branch's target of its objectness, its CIoU from 0 up; 0: it has none */
};
struct loss_matching loss_get_matching(const struct loss *loss, int branch);

#endif
