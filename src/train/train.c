/* Training, the ring of the paper: batch -> forward -> loss -> backward -> sum over ranks -> optimizer -> EMA ->
 * checkpoint. What it works with is made ready in train_setup.c. */
#include "train/train.h"

#include "core/clock.h"
#include "core/path.h"
#include "core/progress.h"
#include "core/terminal.h"
#include "data/multiscale.h"
#include "data/preview.h"
#include "data/sampling.h"
#include "detect/decode.h"
#include "eval/report.h"
#include "eval/val_sheets.h"
#include "eval/validate.h"
#include "ops/recipe.h"
#include "train/run_report.h"
#include "train/run_validation.h"
#include "train/run_words.h"
#include "train/train_job.h"
#include "weights/weights.h"

#include <stdio.h>
#include <string.h>

/* Seconds since *clock, which is set to now. */
static double lap(double *clock)
{
    double now = clock_seconds(), seconds = now - *clock;
    *clock = now;
    return seconds;
}

enum status train_step(struct trainer_state *t, long ni, const struct schedule_point *point, const float *targets,
                       int n_targets, struct step_report *report)
{
    double clock = clock_seconds();
    *report = (struct step_report){0};
    net_forward(t->net);
    report->forward = lap(&clock);
    TRY(trainer_loss(t, ni, targets, n_targets, &report->loss));
    report->loss_time = lap(&clock);
    net_backward(t->net);
    report->backward = lap(&clock);
    if (trainer_due(t, ni, point)) {
        TRY(trainer_sum(t));
        TRY(trainer_optimize(t, ni, point, &report->norm));
        ema_update(&t->ema, t->value);
        report->stepped = true;
    }
    report->step = lap(&clock);
    return OK;
}

/* --- an epoch's batches --- */

/* A batch of pictures into the network's input, at a size of its own with --multi-scale. */
static enum status load_batch(struct train_job *j, const struct batch *b, int *size)
{
    int h = b->h, w = b->w;
    if (j->options.multi_scale)
        multi_scale_draw((uint64_t)j->options.seed, (uint64_t)j->progress.epoch, (uint64_t)b->number, j->options.img,
                         graph_largest_stride(&j->graph), b->h, b->w, &h, &w);
    *size = MAX(h, w);
    enum status rc = net_plan(j->trainer.net, b->n, h, w);
    if (rc != OK)
        return rc;
    struct tensor input = net_input(j->trainer.net);
    for (int i = 0; i < b->n; i++) {
        struct image picture = batch_image(b, i);
        image_to_float_resized(&picture, h, w, tensor_image(&input, i), input.pixel_stride);
    }
    return OK;
}

static bool asked_to_stop(const struct train_job *j)
{
    return j->request->events.stop && *j->request->events.stop;
}

static enum status interrupted(struct train_job *j)
{
    enum status rc = job_save_state(j);
    if (rc != OK)
        return rc;
    const struct run_progress *p = &j->progress;
    if (!p->batch)
        return fail(E_INTERRUPTED, "stopped after epoch %d/%d; go on with: yolo9 train --resume %s", p->epoch,
                    j->options.epochs, j->folder.path);
    return fail(E_INTERRUPTED, "stopped in epoch %d/%d after %ld of %ld batches; go on with: yolo9 train --resume %s",
                p->epoch + 1, j->options.epochs, p->batch, loader_batches(j->loader), j->folder.path);
}

static enum status save_now_and_then(struct train_job *j)
{
    double minutes = j->options.save_minutes;
    if (minutes > 0 && clock_seconds() - j->saved >= 60 * minutes)
        return job_save_state(j);
    return OK;
}

static void tell_batch(const struct train_job *j, const struct batch *b, int size, long first, double begun)
{
    const struct train_events *e = &j->request->events;
    struct train_tick tick = {.phase = PHASE_TRAIN,
                              .epoch = j->progress.epoch + 1,
                              .epochs = j->options.epochs,
                              .head = j->progress.head,
                              .batch = j->progress.batch,
                              .batches = loader_batches(j->loader),
                              .first = first,
                              .instances = b->n_targets,
                              .size = size,
                              .seconds = clock_seconds() - begun};
    for (int k = 0; k < LOSS_ITEMS; k++)
        tick.loss[k] = j->progress.sum[k] / (double)j->progress.batch;
    if (e->tick)
        e->tick(e->context, &tick);
}

/* A sheet of a batch with its labels, in the run's folder. */
static enum status draw_labels(const struct train_job *j, const char *name, const struct batch *b,
                               const struct dataset *d)
{
    char *path = path_join(j->folder.path, name);
    enum status rc = path ? preview_batch(b, d, path) : E_NOMEM;
    mem_free(path);
    return rc;
}

static enum status start_epoch(struct train_job *j)
{
    struct run_progress *p = &j->progress;
    int close = run_close_mosaic(&j->options);
    struct epoch_config epoch = {.epoch = (uint64_t)p->epoch,
                                 .first = p->batch,
                                 .mosaic = !close || p->epoch < j->options.epochs - close,
                                 .weights = j->picture_weights};
    if (j->picture_weights)
        TRY(image_weights(j->train, p->ap, j->picture_weights));
    if (p->batch == 0)
        trainer_begin_epoch(&j->trainer);
    TRY(loader_start(j->loader, &epoch));
    return OK;
}

/* The batches of the epoch that are left. */
static enum status train_epoch(struct train_job *j)
{
    static const char *const first_batches[] = {"train_batch0.jpg", "train_batch1.jpg", "train_batch2.jpg"};
    struct run_progress *p = &j->progress;
    const struct batch *b;
    struct step_report step;
    long first = p->batch;
    double begun = clock_seconds();
    int size;
    TRY(start_epoch(j));
    while (p->batch < loader_batches(j->loader)) {
        long ni = p->epoch * loader_batches(j->loader) + p->batch;
        struct schedule_point point = schedule_at(&j->schedule, ni);
        TRY(loader_next(j->loader, &b));
        TRY(load_batch(j, b, &size));
        TRY(train_step(&j->trainer, ni, &point, (const float *)b->targets, b->n_targets, &step));
        for (int k = 0; k < LOSS_ITEMS; k++)
            p->sum[k] += step.loss.item[k];
        p->batch++;
        if (ni < COUNT(first_batches) && !j->options.noplots)
            TRY(draw_labels(j, first_batches[ni], b, j->train));
        tell_batch(j, b, size, first, begun);
        if (asked_to_stop(j))
            TRY(interrupted(j));
        TRY(save_now_and_then(j));
    }
    return OK;
}

/* --- its end --- */

static bool is_last_epoch(const struct train_job *j)
{
    const struct run_progress *p = &j->progress;
    int patience = j->options.patience;
    bool may_stop = patience && p->epoch && p->epoch - 1 - p->stop_epoch >= patience - 1;
    return p->epoch + 1 >= j->options.epochs || may_stop;
}

/* Follows a validation picture by picture. */
struct watch {
    struct train_job *j;
    struct val_sheets *sheets; /* NULL: nothing is drawn */
    bool final;
    double begun;
    double loss[LOSS_ITEMS]; /* summed over batches */
};

/* The loss of a batch whose logits the validation network still holds. */
static enum status add_loss(struct watch *w, const struct batch *b)
{
    struct loss_result result;
    struct head_output head = net_output(w->j->val_net, 0);
    enum status rc = loss_run(w->j->val_loss, &head, 1, (const float *)b->targets, b->n_targets, &result);
    for (int k = 0; rc == OK && k < LOSS_ITEMS; k++)
        w->loss[k] += result.item[k];
    return rc;
}

static enum status watch_picture(void *context, const struct validated *v)
{
    struct watch *w = context;
    const struct train_job *j = w->j;
    const struct train_events *e = &j->request->events;
    const struct batch *b = v->batch;
    struct train_tick tick = {.phase = w->final ? PHASE_FINAL : PHASE_VALIDATE,
                              .epoch = MIN(j->progress.epoch + 1, j->options.epochs),
                              .epochs = j->options.epochs,
                              .batch = b->number + 1,
                              .batches = loader_batches(j->val_loader),
                              .size = MAX(b->h, b->w),
                              .seconds = clock_seconds() - w->begun};
    if (asked_to_stop(j))
        TRY(fail(E_INTERRUPTED, "stopped while validating"));
    if (w->sheets)
        TRY(val_sheets_add(w->sheets, v));
    if (v->place + 1 < b->n)
        return OK;
    if (j->val_loss)
        TRY(add_loss(w, b));
    if (e->tick)
        e->tick(e->context, &tick);
    return OK;
}

/* Deploy the values of a training form and run them over the validation pictures. */
static enum status validate_values(struct train_job *j, const float *value, bool final, struct evaluation *e,
                                   struct evaluation_result *result, double loss[LOSS_ITEMS])
{
    enum status rc = OK;
    const struct run_options *o = &j->options;
    const struct validate_config config = run_val_config(o, &j->graph);
    const struct evaluation_config plain = {0};
    struct validate_times times = {0};
    struct val_sheets sheets = {j->folder.path, {.dataset = j->val}, {.dataset = j->val}};
    struct watch watch = {
        .j = j, .sheets = final && !o->noplots ? &sheets : NULL, .final = final, .begun = clock_seconds()};
    recipe_evaluate(&j->graph, value, &j->deployed, j->deployed_ema);
    net_params_changed(j->val_net);
    TRY_CLEAN(evaluation_init(e, j->graph.head.nc, &plain));
    TRY_CLEAN(validate(j->val_net, j->val_loader, j->val, &config, e, &times, watch_picture, &watch));
    TRY_CLEAN(evaluation_finish(e, result));
    for (int k = 0; k < LOSS_ITEMS; k++)
        loss[k] = watch.loss[k] / (double)loader_batches(j->val_loader);
cleanup:
    val_sheets_free(&sheets);
    return rc;
}

static enum status validate_epoch(struct train_job *j, bool *validated)
{
    enum status rc = OK;
    struct run_progress *p = &j->progress;
    struct evaluation evaluation = {0};
    struct evaluation_result result = {0};
    double loss[LOSS_ITEMS];
    *validated = !j->options.noval || is_last_epoch(j);
    if (!*validated)
        return OK;
    rc = validate_values(j, j->trainer.ema.value, false, &evaluation, &result, loss);
    if (rc == OK) {
        const struct ap_result *a = &result.official;
        const double metric[METRICS - LOSS_ITEMS] = {a->precision, a->recall, a->map50, a->map};
        memcpy(p->metric, metric, sizeof metric);
        memcpy(p->metric + COUNT(metric), loss, sizeof loss);
        memcpy(p->ap, a->maps, (size_t)p->nc * sizeof *p->ap);
    }
    evaluation_result_free(&result);
    evaluation_free(&evaluation);
    return rc;
}

static double row_fitness(const double row[RESULT_COLUMNS])
{
    return ap_fitness(row[RESULT_MAP50], row[RESULT_MAP]);
}

static void tell_epoch(const struct train_job *j, const double *row, bool validated)
{
    const struct train_events *e = &j->request->events;
    const struct train_epoch told = {.epoch = j->progress.epoch,
                                     .epochs = j->options.epochs,
                                     .head = j->progress.head,
                                     .row = row,
                                     .validated = validated,
                                     .best = row_fitness(row) > 0 && row_fitness(row) == j->progress.best_fitness};
    if (e->epoch)
        e->epoch(e->context, &told);
}

/* The row of the epoch that was just trained and validated; then it is over. */
static enum status close_epoch(struct train_job *j, bool validated)
{
    struct run_progress *p = &j->progress;
    long batches = loader_batches(j->loader);
    struct schedule_point point = schedule_at(&j->schedule, (p->epoch + 1) * batches - 1);
    double row[RESULT_COLUMNS];
    for (int k = 0; k < LOSS_ITEMS; k++)
        row[RESULT_TRAIN_LOSS + k] = p->sum[k] / (double)batches;
    memcpy(row + RESULT_PRECISION, p->metric, sizeof p->metric);
    for (int k = 0; k < GROUPS; k++)
        row[RESULT_LR0 + k] = point.lr[k];
    enum status rc = run_progress_add_row(p, row);
    if (rc != OK)
        return rc;
    double fitness = row_fitness(row);
    p->best_fitness = MAX(p->best_fitness, fitness);
    if (fitness >= p->stop_fitness) {
        p->stop_fitness = fitness;
        p->stop_epoch = p->epoch;
    }
    p->stopped = j->options.patience && p->epoch - p->stop_epoch >= j->options.patience;
    p->epoch++;
    p->batch = 0;
    memset(p->sum, 0, sizeof p->sum);
    tell_epoch(j, row, validated);
    return OK;
}

static bool is_trained(const struct train_job *j)
{
    return j->progress.epoch >= j->options.epochs || j->progress.stopped;
}

/* Everything that is made of the state at the end of an epoch. Written again where a resumed run begins there. */
static enum status publish_epoch(struct train_job *j)
{
    enum status rc = OK;
    const struct run_progress *p = &j->progress;
    int period = j->options.save_period;
    if (p->epoch < 1 || p->batch > 0)
        return OK;
    TRY(run_write_results(&j->folder, p));
    if (j->options.nosave && !is_trained(j))
        return OK;
    TRY(job_write_weights(j, j->folder.last));
    if (row_fitness(p->rows[p->epoch - 1]) == p->best_fitness)
        TRY(job_write_weights(j, j->folder.best));
    if (period > 0 && p->epoch % period == 0) {
        char name[64];
        snprintf(name, sizeof name, "epoch%d.safetensors", p->epoch);
        char *path = path_join(j->folder.weights, name);
        rc = path ? job_write_weights(j, path) : E_NOMEM;
        mem_free(path);
    }
    return rc;
}

/* --- the end of the run --- */

/* The best weights once more, class by class and with pictures. */
static enum status final_pass(struct train_job *j)
{
    enum status rc = OK;
    struct checkpoint c = {0};
    struct weights_report report = {0};
    struct evaluation evaluation = {0};
    struct evaluation_result result = {0};
    double loss[LOSS_ITEMS];
    const char *path = path_exists(j->folder.best) ? j->folder.best : j->folder.last;
    float *value = mem_calloc(j->graph.param_floats, sizeof *value);
    TRY_CLEAN(value ? OK : E_NOMEM);
    TRY_CLEAN(checkpoint_open(path, &c));
    TRY_CLEAN(weights_transfer(&c, &j->graph, value, NULL, &report));
    job_say(j, "validating %s", path);
    TRY_CLEAN(validate_values(j, value, true, &evaluation, &result, loss));
    if (j->request->events.final)
        j->request->events.final(j->request->events.context, &evaluation, &result, j->val->names);
    if (!j->options.noplots) {
        TRY_CLEAN(report_pictures(&evaluation, &result, j->val->names, j->folder.path));
        TRY_CLEAN(run_plot_results(&j->folder, &j->progress));
    }
cleanup:
    evaluation_result_free(&result);
    evaluation_free(&evaluation);
    report_free(&report);
    checkpoint_close(&c);
    mem_free(value);
    return rc;
}

static enum status finish(struct train_job *j)
{
    enum status rc = OK;
    struct buf words = {0};
    char time[32];
    TRY_CLEAN(final_pass(j));
    TRY_CLEAN(run_closing_words(&j->options, &j->progress, loader_batches(j->loader), &words));
    j->progress.finished = true;
    TRY_CLEAN(job_save_state(j));
    progress_time(clock_seconds() - j->begun, time, sizeof time);
    job_say(j, "%d %s done%s in %s", j->progress.epoch, noun(j->progress.epoch, "epoch", "epochs"),
            j->resumed ? ", the last part" : "", time);
    for (const char *line = words.data; line && *line; line += strcspn(line, "\n") + 1)
        job_say(j, "%.*s", (int)strcspn(line, "\n"), line);
    job_say(j, "results are in %s, the best weights: %s", j->folder.path,
            path_exists(j->folder.best) ? j->folder.best : j->folder.last);
cleanup:
    buf_free(&words);
    return rc;
}

static enum status run(struct train_job *j)
{
    TRY(publish_epoch(j));
    while (!is_trained(j)) {
        bool validated;
        TRY(train_epoch(j));
        TRY(validate_epoch(j, &validated));
        TRY(close_epoch(j, validated));
        TRY(job_save_state(j));
        TRY(publish_epoch(j));
        if (asked_to_stop(j) && !is_trained(j))
            TRY(interrupted(j));
    }
    TRY(finish(j));
    return OK;
}

/* What a user can still do after a failure in the middle of a run is told behind the failure's own sentence. */
static enum status explain(struct train_job *j, enum status rc)
{
    char sentence[1024];
    snprintf(sentence, sizeof sentence, "%s", fail_text());
    if (rc == E_INTERRUPTED && strstr(sentence, "--resume"))
        return rc;
    if (rc == E_INTERRUPTED || rc == E_IO) { /* nothing is wrong with what is in memory */
        enum status saved = job_save_state(j);
        return fail(rc, "%s; %s yolo9 train --resume %s", sentence,
                    saved == OK ? "the run goes on with:" : "its last state goes on with:", j->folder.path);
    }
    if (rc == E_NUMERIC)
        return fail(rc,
                    "%s; the last good weights and state are kept in %s. A smaller learning rate (--hyp lr0=%g) or "
                    "a longer warm-up may help",
                    sentence, j->folder.path, j->options.hyper.lr0 / 10);
    return fail(rc, "%s", sentence);
}

enum status train_run(const struct train_request *request)
{
    struct train_job j;
    enum status rc = job_open(&j, request);
    if (rc == OK && j.progress.finished) {
        job_say(&j, "%s: this run is finished (%d %s), there is nothing to resume", j.folder.path, j.progress.epoch,
                noun(j.progress.epoch, "epoch", "epochs"));
    } else if (rc == OK) {
        if (j.resumed)
            job_say(&j, "resuming in %s: epoch %d/%d, %ld of %ld batches of it are done", j.folder.path,
                    MIN(j.progress.epoch + 1, j.options.epochs), j.options.epochs, j.progress.batch,
                    loader_batches(j.loader));
        else
            job_say(&j, "training in %s", j.folder.path);
        rc = run(&j);
        if (rc != OK)
            rc = explain(&j, rc);
    }
    job_close(&j);
    return rc;
}
