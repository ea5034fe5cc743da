/* Learning rates, momentum and accumulation of every iteration (SPEC 10). A pure function of the configuration and
 * the iteration's number: nothing to save, resume included. */
#ifndef Y9_TRAIN_SCHEDULE_H
#define Y9_TRAIN_SCHEDULE_H

#include "train/optimizer.h"

enum schedule_kind { SCHEDULE_LINEAR, SCHEDULE_COSINE, SCHEDULE_FLAT_COSINE, SCHEDULE_FIXED };

struct schedule {
    enum schedule_kind kind;
    int epochs;
    long batches; /* iterations an epoch */
    int batch, nominal_batch;
    double lr0, lrf;
    double momentum;
    double warmup_epochs, warmup_momentum, warmup_bias_lr;
    long least_warmup; /* iterations; 0: 100 */
    bool lr_lag;       /* the official one-epoch lag outside warm-up: epoch e runs with f(e - 1) */
};

struct schedule_point {
    double lr[GROUPS];
    double momentum;   /* SGD */
    double accumulate; /* batches of one optimizer step; a whole number */
};

/* f(epoch): the factor of lr0. */
double schedule_factor(const struct schedule *s, int epoch);
/* Iterations of the warm-up: max(round(warmup_epochs * batches), least_warmup). It covers ni = 0 .. that, inclusive. */
long schedule_warmup(const struct schedule *s);
/* Weight decay of the whole run: the hyper-parameter scaled by the images of a step over the nominal batch. */
double schedule_weight_decay(const struct schedule *s, double weight_decay);
/* Iteration `ni` counts from the first epoch's first batch. */
struct schedule_point schedule_at(const struct schedule *s, long ni);

#endif
