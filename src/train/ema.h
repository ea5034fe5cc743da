/* Exponential moving average of the parameter block, BN statistics included (SPEC 6.2).
 *   decay(u) = 0.9999 * (1 - exp(-u / 2000)),  e = decay * e + (1 - decay) * w */
#ifndef Y9_TRAIN_EMA_H
#define Y9_TRAIN_EMA_H

#include "core/parallel.h"

struct ema {
    float *value; /* (count) owned */
    size_t count;
    long updates; /* done so far; part of a checkpoint */
    struct team *team;
    const float *source; /* of the running call */
    float decay, rest;
};

/* Starts as a copy of `value`. `team` is borrowed and may be NULL. */
enum status ema_init(struct ema *e, const float *value, size_t count, struct team *team);
void ema_free(struct ema *e);

double ema_decay(long update); /* of update number 1, 2, ... */
void ema_update(struct ema *e, const float *value);

#endif
