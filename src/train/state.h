/* The state of a run in one file, from which it goes on bit for bit: parameters, EMA, gradients summed so far,
 * optimizer, counters, position in the epoch, results, options, network table.
 *
 * A safetensors file. Tensors "<name>" (parameter), "ema.<name>", "grad.<name>" (left out where all are zero) and
 * "<optimizer state>.<name>" ("momentum_buffer.model.0.conv.weight"); metadata as in every weight file (weights.h),
 * yolo9.options (run_options.h) and yolo9.run, JSON. It is written to a temporary name and
 * renamed, so a kill at any moment leaves the old or the new one. */
#ifndef Y9_TRAIN_STATE_H
#define Y9_TRAIN_STATE_H

#include "core/class_match.h"
#include "formats/safetensors.h"
#include "train/run.h"
#include "train/step.h"
#include "weights/weights.h"

#include <stdint.h>

/* What a state is the state of; all borrowed. */
struct state_subject {
    const struct run_options *options;
    const struct weights_meta *weights; /* of the training form: nc and widths are in its table */
    uint64_t data;                      /* fingerprint of the training pictures and labels */
};

/* trainer NULL: the run is over, and only its story is kept. */
enum status state_write(const char *path, const struct state_subject *subject, const struct run_progress *progress,
                        struct trainer_state *trainer);

/* A state read from its file: everything but the tensors at once, these with state_load. */
struct state {
    struct safetensors file;
    struct run_options options;
    struct run_progress progress;
    struct table table;
    uint64_t data;
    long last_step, updates, steps; /* of the trainer, its EMA and its optimizer */
    bool gradients;                 /* it holds gradients that no step has used yet */
};
enum status state_open(const char *path, struct state *s);
/* Fill a trainer whose graph was built from s->table. E_FORMAT names the first tensor that is missing or does not
 * fit. */
enum status state_load(const struct state *s, struct trainer_state *trainer);
/* A run goes on with the classes it began with: E_ARGUMENT where `here`, those of the data, stand in another order or
 * are others. `words` gets a sentence where a class only has another name. */
enum status state_check_classes(const struct state *s, const struct class_list *here, struct buf *words);
void state_close(struct state *s);

#endif
