/* What training is made of: the network, its parameters, their gradients, the optimizer and the EMA, and the parts of
 * one iteration (SPEC 10, "Step rule"). train.c puts them in order. */
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
    struct team *team;        /* borrowed; NULL: the calling thread */
    struct comm *comm;        /* borrowed; NULL: one rank */
    bool exact;               /* direct convolution only */
    enum precision precision; /* fp32 or bf16: that of the products of convolutions, forward and backward */
    struct loss_config loss;
    struct optimizer_config optimizer;
    const bool *frozen; /* graph->n_rows flags; borrowed during trainer_init; may be NULL */
    double clip_norm;   /* 10; 0: no clipping */
    bool even_steps; /* YOLOv7: a step where the iteration is a multiple of the accumulation; else since the last one */
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

/* E_UNSUPPORTED where this machine does not train in that precision: it has no instruction for it, and Y9_EMULATE=1
 * does not ask to do without. Never another precision in its place. */
enum status trainer_check_precision(enum precision precision);

/* Training starts from `value` (graph->param_floats, copied). Release with trainer_free, also after a failure. */
enum status trainer_init(struct trainer_state *t, const struct trainer_config *config, const float *value);
void trainer_free(struct trainer_state *t);

/* Call before the first batch of each epoch. */
void trainer_begin_epoch(struct trainer_state *t);

/* After net_forward: the loss and, in the head's gradients, where net_backward starts from. `targets`: (n_targets, 6)
 * as in loss_run; `ni` is the iteration. E_NUMERIC when the loss is not finite names the layer where that began. */
enum status trainer_loss(struct trainer_state *t, long ni, const float *targets, int n_targets,
                         struct loss_result *loss);

/* Has the gradient been summed over enough batches for a step? */
bool trainer_due(const struct trainer_state *t, long ni, const struct schedule_point *point);
/* The sum of the gradient over all ranks. */
enum status trainer_sum(struct trainer_state *t);
/* Clip the gradient and let the optimizer use it up; *norm is its length before clipping. E_NUMERIC when it is not
 * finite: nothing was changed then. */
enum status trainer_optimize(struct trainer_state *t, long ni, const struct schedule_point *point, double *norm);

/* --freeze (SPEC 10): one number n freezes rows 0..n-1, several freeze exactly those. `frozen`: n_rows flags. */
enum status freeze_rows(const int *numbers, int count, bool *frozen, int n_rows);

#endif
