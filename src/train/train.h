/* train/: learning: target assignment, losses, optimizers, averages, the state of a run and its loop.
 *
 * Training (SPEC 10): a run from its options, or the rest of one that was interrupted.
 *
 * A run is a pure function of its options, the data and the instruction set: neither threads nor workers nor kills in
 * between change a byte of its weights and results. */
#ifndef Y9_TRAIN_TRAIN_H
#define Y9_TRAIN_TRAIN_H

#include "eval/evaluation.h"
#include "train/run.h"
#include "train/step.h"

#include <signal.h>

struct step_report {
    struct loss_result loss; /* of this rank's batch */
    bool stepped;
    double norm;                               /* of the gradient before clipping; where stepped */
    double forward, loss_time, backward, step; /* seconds */
};

/* One iteration with the batch that lies in net_input(t->net) after net_plan: the ring of training. `targets`:
 * (n_targets, 6) as in loss_run; `ni` counts iterations from the first epoch's first batch, `point` is its learning
 * rates (schedule_at). E_NUMERIC when loss or gradient are not finite: nothing was learnt of this batch. */
enum status train_step(struct trainer_state *t, long ni, const struct schedule_point *point, const float *targets,
                       int n_targets, struct step_report *report);

/* --- a whole run --- */

enum train_phase { PHASE_TRAIN, PHASE_VALIDATE, PHASE_FINAL }; /* the last: validation of the best weights */

/* What a user is told after each batch. */
struct train_tick {
    enum train_phase phase;
    enum head_kind head; /* what the losses are (loss_item_name) */
    int epoch, epochs;   /* the first is 1 */
    long batch, batches; /* done of the phase, of all */
    long first;          /* batches that were done before, in the part of the epoch that a resumed run had behind it */
    double loss[LOSS_ITEMS]; /* means of the epoch so far */
    int instances, size;     /* labels of the batch; its longer side */
    double seconds;          /* since the phase began (was resumed) */
};

/* And at the end of an epoch. */
struct train_epoch {
    enum head_kind head;
    int epoch, epochs; /* the first is 1 */
    const double *row; /* (RESULT_COLUMNS) */
    bool validated;    /* else the metrics are those of an earlier epoch (--noval) */
    bool best;         /* so far */
};

struct train_events {
    void *context;
    void (*text)(void *context, const char *line);                 /* a sentence for the user */
    void (*tick)(void *context, const struct train_tick *tick);    /* after each batch */
    void (*epoch)(void *context, const struct train_epoch *epoch); /* after each epoch */
    /* The metrics of the best weights, class by class, at the end of the run. */
    void (*final)(void *context, const struct evaluation *e, const struct evaluation_result *r,
                  const char *const *names);
    const volatile sig_atomic_t *stop; /* not 0: finish the batch, save and return */
};

struct train_request {
    const struct run_options *options; /* of a new run; NULL: resume */
    const char *project, *name;        /* its folder: project/name, name2 ... */
    bool exist_ok;
    const char *resume; /* folder of a run, or a file in it */
    const char *data;   /* resume: the dataset's YAML where it was moved; NULL: where it was */
    int workers;        /* loader threads */
    bool no_cache;      /* neither read nor write the label cache */
    struct team *team;  /* borrowed; NULL: the calling thread */
    struct train_events events;
};

/* E_INTERRUPTED when `stop` was set: the sentence says how to go on. */
enum status train_run(const struct train_request *request);

#endif
