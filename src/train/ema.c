#include "train/ema.h"

#include "core/mem.h"

#include <math.h>
#include <string.h>

enum { PART = 65536 };

enum status ema_init(struct ema *e, const float *value, size_t count, struct team *team)
{
    *e = (struct ema){.value = mem_alloc(count, sizeof(float)), .count = count, .team = team};
    if (!e->value)
        return E_NOMEM;
    memcpy(e->value, value, count * sizeof *value);
    return OK;
}

void ema_free(struct ema *e)
{
    mem_free(e->value);
    *e = (struct ema){0};
}

double ema_decay(long update)
{
    return 0.9999 * (1 - exp(-(double)update / 2000));
}

static void update_part(void *context, int part, int thread)
{
    (void)thread;
    const struct ema *e = context;
    size_t first = (size_t)part * PART, n = MIN(e->count - first, PART);
    float *restrict average = e->value + first;
    const float *restrict value = e->source + first;
    const float decay = e->decay, rest = e->rest;
    for (size_t i = 0; i < n; i++)
        average[i] = average[i] * decay + rest * value[i];
}

void ema_update(struct ema *e, const float *value)
{
    double decay = ema_decay(++e->updates);
    e->source = value;
    e->decay = (float)decay;
    e->rest = (float)(1 - decay);
    team_run(e->team, (int)((e->count + PART - 1) / PART), update_part, e);
}
