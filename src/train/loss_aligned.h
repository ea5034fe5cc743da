/* The loss of heads with one box a cell (HEAD_DFL; SPEC 7): class (BCE), box (CIoU) and dfl, with the targets of the
 * task-aligned assigner. Private to loss.c, which has checked config, branches and targets. */
#ifndef Y9_TRAIN_LOSS_ALIGNED_H
#define Y9_TRAIN_LOSS_ALIGNED_H

#include "train/loss.h"

struct aligned_loss;

/* To be destroyed also where it fails. */
enum status aligned_loss_create(const struct loss_config *config, struct team *team, struct aligned_loss **out);
void aligned_loss_destroy(struct aligned_loss *l);
enum status aligned_loss_run(struct aligned_loss *l, const struct head_output *branches, int n_branches,
                             const float *targets, int n_targets, struct loss_result *result);
struct loss_assignment aligned_loss_assignment(const struct aligned_loss *l, int branch);

#endif
