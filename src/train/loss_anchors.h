/* The losses of anchor heads (HEAD_ANCHORS; SPEC-wild C.7), OTA and with auxiliary branches AuxOTA: box (CIoU),
 * objectness (BCE; the target of a matched box is its CIoU) and class (BCE). SimOTA matches labels and anchor boxes on
 * the main branch's predictions; auxiliary branches have a matching of their own that takes more cells. Private to
 * loss.c, which has checked config, branches and targets. */
#ifndef Y9_TRAIN_LOSS_ANCHORS_H
#define Y9_TRAIN_LOSS_ANCHORS_H

#include "train/loss.h"

struct anchor_loss;

/* To be destroyed also where it fails. */
enum status anchor_loss_create(const struct loss_config *config, struct team *team, struct anchor_loss **out);
void anchor_loss_destroy(struct anchor_loss *l);
enum status anchor_loss_run(struct anchor_loss *l, const struct head_output *branches, int n_branches,
                            const float *targets, int n_targets, struct loss_result *result);
struct loss_matching anchor_loss_matching(const struct anchor_loss *l, int branch);

#endif
