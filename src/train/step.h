/* One training iteration: forward, loss, backward, and every few batches sum over ranks, clip, optimizer step, EMA
 * (SPEC 10, "Step rule"). The loop around it (epochs, loaders, validation, checkpoints) is somebody else's. */
#ifndef Y9_TRAIN_STEP_H
#define Y9_TRAIN_STEP_H

#include "graph/net.h"
#include "train/comm.h"
#include "train/ema.h"
#include "train/loss.h"
#include "train/schedule.h"

struct trainer_config {
    const struct graph *graph; /* training form; borrowed */
    const struct backend *backend;
    struct team *team; /* borrowed; NULL: the calling thread */
    struct comm *comm; /* borrowed; NULL: one rank */
    bool exact;        /* direct convolution only */
    enum precision precision;
    struct loss_config loss;
    struct optimizer_config optimizer;
    const bool *frozen;   /* graph->n_rows flags; borrowed during trainer_init; may be NULL */
    double clip_norm;     /* 10; 0: no clipping */
    bool carry_gradients; /* gradients left over at an epoch's end count in the next; official: dropped */
    bool fp16_start;      /* official quirk: round all parameters to fp16, after the EMA was copied */
};

/* Parameters are one block; gradient, EMA and optimizer states share its layout (graph->params). */
struct trainer_state {
    struct trainer_config config;
    float *value, *grad; /* (graph->param_floats) owned */
    struct net *net;
    struct loss *loss;
    struct optimizer *optimizer;
    struct ema ema;
    long last_step; /* iteration of the last optimizer step, at first -1; part of a run's state, like `grad` */
};

struct step_report {
    struct loss_result loss; /* of this rank's batch */
    bool stepped;
    double norm;                               /* of the gradient before clipping; where stepped */
    double forward, loss_time, backward, step; /* seconds */
};

/* Training starts from `value` (graph->param_floats, copied). Release with trainer_free, also after a failure. */
enum status trainer_init(struct trainer_state *t, const struct trainer_config *config, const float *value);
void trainer_free(struct trainer_state *t);

/* Call before the first batch of each epoch. */
void trainer_begin_epoch(struct trainer_state *t);

/* One batch, already in net_input(t->net) after net_plan. `targets`: (n_targets, 6) as in loss_run. `ni` is the
 * iteration, `point` its learning rates (schedule_at). E_NUMERIC when the loss is not finite: nothing was learnt of
 * this batch. */
enum status train_step(struct trainer_state *t, long ni, const struct schedule_point *point, const float *targets,
                       int n_targets, struct step_report *report);

/* --freeze (SPEC 10): one number n freezes rows 0..n-1, several freeze exactly those. `frozen`: n_rows flags. */
enum status freeze_rows(const int *numbers, int count, bool *frozen, int n_rows);

#endif
