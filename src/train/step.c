#include "train/step.h"

#include "core/cpu.h"
#include "formats/half.h"
#include "train/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void round_to_half(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = f16_to_f32(f32_to_f16(x[i]));
}

enum status trainer_check_precision(enum precision precision)
{
    if (precision == PRECISION_FP32 || cpu_emulates() || cpu_multiplies_bf16(cpu_features()))
        return OK;
    return fail(E_UNSUPPORTED,
                "training in bf16 needs a processor that multiplies bf16 numbers (AVX-512 BF16), and %s%s", cpu_name(),
                getenv("Y9_CPU") ? " limited by Y9_CPU does not" : " does not");
}

enum status trainer_init(struct trainer_state *t, const struct trainer_config *config, const float *value)
{
    size_t n = config->graph->param_floats;
    struct net_config net = {.backend = config->backend,
                             .team = config->team,
                             .mode = RUN_TRAIN,
                             .exact = config->exact,
                             .precision = config->precision};
    *t = (struct trainer_state){.config = *config, .last_step = -1};
    TRY(trainer_check_precision(config->precision));
    t->value = mem_alloc(n, sizeof *t->value);
    t->grad = mem_calloc(n, sizeof *t->grad);
    if (!t->value || !t->grad)
        TRY(E_NOMEM);
    memcpy(t->value, value, n * sizeof *value);
    TRY(ema_init(&t->ema, t->value, n, config->team));
    if (config->fp16_start)
        round_to_half(t->value, n);
    TRY(loss_create(&config->loss, config->team, &t->loss));
    TRY(optimizer_create(&config->optimizer, config->graph, config->frozen, config->team, &t->optimizer));
    TRY(net_create(config->graph, t->value, t->grad, &net, &t->net));
    t->config.frozen = NULL;
    return OK;
}

void trainer_free(struct trainer_state *t)
{
    net_destroy(t->net);
    optimizer_destroy(t->optimizer);
    loss_destroy(t->loss);
    ema_free(&t->ema);
    mem_free(t->value);
    mem_free(t->grad);
    *t = (struct trainer_state){0};
}

void trainer_begin_epoch(struct trainer_state *t)
{
    if (!t->config.carry_gradients)
        memset(t->grad, 0, t->config.graph->param_floats * sizeof *t->grad);
}

/* The layer where the last forward pass left the finite numbers. Maps share memory, so the pass is made once more in a
 * net that keeps them all; NULL where that is not possible. */
static const char *find_layer(struct trainer_state *t)
{
    const char *layer = NULL;
    const struct graph *g = t->config.graph;
    const struct net_config config = {.backend = t->config.backend,
                                      .team = t->config.team,
                                      .mode = RUN_TRAIN,
                                      .exact = t->config.exact,
                                      .precision = t->config.precision,
                                      .keep_all = true};
    struct net *net = NULL;
    struct tensor from = net_input(t->net);
    if (net_create(g, t->value, t->grad, &config, &net) == OK && net_plan(net, from.n, from.h, from.w) == OK) {
        struct tensor to = net_input(net);
        for (int i = 0; i < from.n; i++)
            for (int y = 0; y < from.h; y++)
                for (int x = 0; x < from.w; x++)
                    memcpy(tensor_pixel(&to, i, y, x), tensor_pixel(&from, i, y, x), (size_t)from.c * sizeof(float));
        net_forward(net);
        layer = check_values(g, net);
    }
    net_destroy(net);
    return layer;
}

enum status trainer_loss(struct trainer_state *t, long ni, const float *targets, int n_targets,
                         struct loss_result *loss)
{
    struct head_output branches[MAX_BRANCHES];
    const struct graph *g = t->config.graph;
    for (int b = 0; b < g->n_branches; b++)
        branches[b] = net_output(t->net, b);
    enum status rc = loss_run(t->loss, branches, g->n_branches, targets, n_targets, loss);
    if (rc != OK || isfinite(loss->total))
        return rc;
    const char *layer = find_layer(t);
    const enum head_kind head = g->head.kind;
    return fail(E_NUMERIC, "the loss of iteration %ld is not finite (%s %g, %s %g, %s %g); it began in %s", ni,
                loss_item_name(head, 0), loss->item[0], loss_item_name(head, 1), loss->item[1], loss_item_name(head, 2),
                loss->item[2], layer ? layer : "the loss itself");
}

bool trainer_due(const struct trainer_state *t, long ni, const struct schedule_point *point)
{
    if (t->config.even_steps)
        return ni % (long)point->accumulate == 0;
    return (double)(ni - t->last_step) >= point->accumulate;
}

enum status trainer_sum(struct trainer_state *t)
{
    struct comm *comm = t->config.comm;
    return comm ? comm->sum(comm, t->grad, t->config.graph->param_floats) : OK;
}

enum status trainer_optimize(struct trainer_state *t, long ni, const struct schedule_point *point, double *norm)
{
    *norm = optimizer_norm(t->optimizer, t->grad);
    if (!isfinite(*norm)) {
        const char *layer = check_gradients(t->config.graph, t->grad);
        return fail(E_NUMERIC, "the gradient of iteration %ld is not finite; it began in %s", ni,
                    layer ? layer : "its sum");
    }
    double scale = t->config.clip_norm > 0 ? optimizer_clip(*norm, t->config.clip_norm) : 1;
    optimizer_step(t->optimizer, t->value, t->grad, scale, point->lr, point->momentum);
    net_params_changed(t->net);
    t->last_step = ni;
    return OK;
}

enum status freeze_rows(const int *numbers, int count, bool *frozen, int n_rows)
{
    memset(frozen, 0, (size_t)n_rows * sizeof *frozen);
    for (int i = 0; i < count; i++) {
        int most = count == 1 ? n_rows : n_rows - 1;
        if (numbers[i] < 0 || numbers[i] > most)
            return fail(E_ARGUMENT, "freeze %d: the model has rows 0 to %d", numbers[i], n_rows - 1);
        if (count == 1)
            for (int row = 0; row < numbers[0]; row++)
                frozen[row] = true;
        else
            frozen[numbers[i]] = true;
    }
    return OK;
}
