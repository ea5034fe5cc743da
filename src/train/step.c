#include "train/step.h"

#include "core/clock.h"
#include "formats/half.h"

#include <math.h>
#include <string.h>

static void round_to_half(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = f16_to_f32(f32_to_f16(x[i]));
}

enum status trainer_init(struct trainer_state *t, const struct trainer_config *config, const float *value)
{
    enum status rc = OK;
    size_t n = config->graph->param_floats;
    struct net_config net = {.backend = config->backend,
                             .team = config->team,
                             .mode = RUN_TRAIN,
                             .exact = config->exact,
                             .precision = config->precision};
    *t = (struct trainer_state){.config = *config, .last_step = -1};
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
cleanup:
    return rc;
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

/* Sum over ranks, clip, step, EMA. */
static enum status apply_gradients(struct trainer_state *t, const struct schedule_point *point, double *norm)
{
    enum status rc = OK;
    struct comm *comm = t->config.comm;
    if (comm)
        TRY(comm->sum(comm, t->grad, t->config.graph->param_floats));
    *norm = optimizer_norm(t->optimizer, t->grad);
    double scale = t->config.clip_norm > 0 ? optimizer_clip(*norm, t->config.clip_norm) : 1;
    optimizer_step(t->optimizer, t->value, t->grad, scale, point->lr, point->momentum);
    net_params_changed(t->net);
    ema_update(&t->ema, t->value);
cleanup:
    return rc;
}

enum status train_step(struct trainer_state *t, long ni, const struct schedule_point *point, const float *targets,
                       int n_targets, struct step_report *report)
{
    enum status rc = OK;
    struct head_output branches[MAX_BRANCHES];
    int n_branches = t->config.graph->n_branches;
    *report = (struct step_report){0};
    double begun = clock_seconds();
    net_forward(t->net);
    double forward = clock_seconds();
    for (int b = 0; b < n_branches; b++)
        branches[b] = net_output(t->net, b);
    TRY(loss_run(t->loss, branches, n_branches, targets, n_targets, &report->loss));
    if (!isfinite(report->loss.total))
        TRY(fail(E_NUMERIC, "the loss of iteration %ld is not finite (box %g, class %g, dfl %g)", ni,
                 report->loss.item[LOSS_BOX], report->loss.item[LOSS_CLS], report->loss.item[LOSS_DFL]));
    double lost = clock_seconds();
    net_backward(t->net);
    double backward = clock_seconds();
    if ((double)(ni - t->last_step) >= point->accumulate) {
        TRY(apply_gradients(t, point, &report->norm));
        t->last_step = ni;
        report->stepped = true;
    }
    report->forward = forward - begun;
    report->loss_time = lost - forward;
    report->backward = backward - lost;
    report->step = clock_seconds() - backward;
cleanup:
    return rc;
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
