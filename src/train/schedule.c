#include "train/schedule.h"

#include <math.h>

#define PI 3.14159265358979323846

static double cosine_factor(double x, double lrf)
{
    return (1 - cos(x * PI)) / 2 * (lrf - 1) + 1;
}

double schedule_factor(const struct schedule *s, int epoch)
{
    int half = s->epochs / 2;
    switch (s->kind) {
    case SCHEDULE_LINEAR:
        return (1 - (double)epoch / s->epochs) * (1 - s->lrf) + s->lrf;
    case SCHEDULE_COSINE:
        return cosine_factor((double)epoch / s->epochs, s->lrf);
    case SCHEDULE_FLAT_COSINE:
        return epoch <= half ? 1 : cosine_factor((double)(epoch - half) / half, s->lrf);
    case SCHEDULE_FIXED:
        break;
    }
    return 1;
}

long schedule_warmup(const struct schedule *s)
{
    return MAX((long)nearbyint(s->warmup_epochs * (double)s->batches), s->least_warmup ? s->least_warmup : 100);
}

/* Batches of a step: max(round(nominal_batch / batch), 1). */
static double schedule_accumulate(const struct schedule *s)
{
    return MAX(nearbyint((double)s->nominal_batch / s->batch), 1);
}

double schedule_weight_decay(const struct schedule *s, double weight_decay)
{
    return weight_decay * s->batch * schedule_accumulate(s) / s->nominal_batch;
}

static double lerp(double from, double to, double t)
{
    return from + (to - from) * t;
}

/* The value of the warm-up's iteration `ni`, with f of that iteration's epoch. */
static struct schedule_point warmup_at(const struct schedule *s, long ni)
{
    double t = (double)ni / (double)schedule_warmup(s);
    double lr = s->lr0 * schedule_factor(s, (int)(ni / s->batches));
    struct schedule_point p = {
        .lr = {[GROUP_BIAS] = lerp(s->warmup_bias_lr, lr, t), [GROUP_WEIGHT] = lr * t, [GROUP_GAMMA] = lr * t},
        .momentum = lerp(s->warmup_momentum, s->momentum, t),
        .accumulate = MAX(nearbyint(lerp(1, (double)s->nominal_batch / s->batch, t)), 1),
    };
    return p;
}

struct schedule_point schedule_at(const struct schedule *s, long ni)
{
    long warmup = schedule_warmup(s), epoch = ni / s->batches;
    if (ni <= warmup)
        return warmup_at(s, ni);
    if (epoch == warmup / s->batches) /* the last value of the warm-up stays until its epoch ends */
        return warmup_at(s, warmup);
    double lr = s->lr0 * schedule_factor(s, (int)(s->lr_lag ? epoch - 1 : epoch));
    struct schedule_point p = {.momentum = s->momentum, .accumulate = schedule_accumulate(s)};
    for (int i = 0; i < GROUPS; i++)
        p.lr[i] = lr;
    return p;
}
