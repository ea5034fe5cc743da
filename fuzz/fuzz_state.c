/* The state of a run: opened, and its tensors read into a trainer. */
#include "target.h"

#include "input_file.h"
#include "tiny_trainer.h"

#include <math.h>

static void check(const struct state *s)
{
    const struct run_progress *p = &s->progress;
    if (p->nc != s->table.nc || p->n_rows != p->epoch || p->batch < 0 || s->last_step < -1 || s->updates < 0)
        abort();
    for (int i = 0; i < p->nc; i++) {
        if (!isfinite(p->ap[i]))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tiny_trainer tiny;
    struct state s;
    if (!tiny.start)
        tiny_trainer_init(&tiny); /* for the whole process */
    if (state_open(input_file("state.safetensors", data, size), &s) == OK) {
        check(&s);
        state_load(&s, &tiny.trainer);
        state_close(&s);
    }
    return 0;
}
