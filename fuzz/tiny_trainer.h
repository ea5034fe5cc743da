/* A trainer of the tiny network: what fuzz_state reads states into, and make_seeds writes. */
#ifndef Y9_FUZZ_TINY_TRAINER_H
#define Y9_FUZZ_TINY_TRAINER_H

#include "core/mem.h"
#include "model/init.h"
#include "ops/cpu.h"
#include "tiny_table.h"
#include "train/state.h"

#include <stdlib.h>
#include <string.h>

struct tiny_trainer {
    struct table table;
    struct graph graph;
    float *start;
    struct trainer_state trainer;
};

static void tiny_trainer_init(struct tiny_trainer *t)
{
    if (table_read(tiny_table, strlen(tiny_table), "tiny", &t->table) != OK ||
        model_build(&t->table, NULL, &t->graph, NULL) != OK)
        abort();
    t->start = mem_calloc(t->graph.param_floats, sizeof *t->start);
    const struct trainer_config config = {
        .graph = &t->graph,
        .backend = &cpu_backend,
        .loss = loss_config_default(t->table.nc),
        .optimizer = {.kind = OPTIMIZER_SGD, .beta = 0.9},
    };
    if (!t->start)
        abort();
    model_init(&t->graph, 1, t->start);
    if (trainer_init(&t->trainer, &config, t->start) != OK)
        abort();
}

#endif
