/* The detection loss (SPEC 7): class (BCE), box (CIoU) and dfl over one, two or three head branches, with the
 * gradient written where the network's backward pass picks it up.
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

struct loss_config {
    int nc;
    double box_gain, cls_gain, dfl_gain; /* 7.5, 0.5, 1.5 */
    double aux_weight, main_weight;      /* 0.25, 1 */
    double cls_positive_weight;          /* cls_pw, 1 */
    double focal_gamma;                  /* fl_gamma, 0: plain BCE */
    enum loss_assign assign;
    struct assign_config assigner; /* top-k 10, alpha 0.5, beta 6 */
    int coarse_top_k;              /* 20 */
};
struct loss_config loss_config_default(int nc);

enum { LOSS_BOX, LOSS_CLS, LOSS_DFL, LOSS_ITEMS };

struct loss_result {
    double item[LOSS_ITEMS]; /* box, cls, dfl with gains, before the factor of images */
    double total;            /* what the gradients are of */
};

struct loss;

/* `team` is borrowed and may be NULL. E_ARGUMENT for a config out of range. */
enum status loss_create(const struct loss_config *config, struct team *team, struct loss **out);
void loss_destroy(struct loss *loss);

/* Loss of a batch. `branches`: auxiliary ones first, main last, all of one shape. `targets`: (n_targets, 6) rows
 * (image, class, cx, cy, w, h), the box normalised to the network's input. Where a branch has d_logits every
 * channel of it is written; lanes between channels and stride are left alone.
 * Outside values are checked: E_ARGUMENT for a row that names no image or class or is not finite, E_SHAPE for
 * branches that do not fit. NaN logits give a NaN total, not an error. */
enum status loss_run(struct loss *loss, const struct head_output *branches, int n_branches, const float *targets,
                     int n_targets, struct loss_result *result);

/* What the last loss_run assigned to a branch; borrowed from the loss, valid until its next run. */
struct loss_assignment {
    const int *label;                  /* (images, anchors) index into labels, or -1 */
    const float *score;                /* (images, anchors) target score */
    const struct assign_label *labels; /* of all images, in pixels, grouped by image */
    const int *first;                  /* (images + 1) first label of each image */
    double sum, divisor;               /* of the target scores; the same with its floor */
};
struct loss_assignment loss_get_assignment(const struct loss *loss, int branch);

#endif
