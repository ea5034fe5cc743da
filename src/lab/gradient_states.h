/* Networks whose gradients are compared: weight files, first values, two moments of a training run. */
#ifndef Y9_LAB_GRADIENT_STATES_H
#define Y9_LAB_GRADIENT_STATES_H

#include "lab/gradients.h"
#include "train/run_options.h"
#include "weights/weights.h"

struct gradient_state {
    char label[120]; /* "pgi-s0, last", "gelan-t, start (seed 0)" */
    struct weights w;
    struct run_options run; /* of its loss: the run's or the weights' own, else the defaults; not settled yet */
    struct gradients g;     /* once it was measured */
};

/* Each of them starts from {0} and is released with gradient_state_free, also after a failure. */
void gradient_state_free(struct gradient_state *s);
/* E_UNSUPPORTED: the file is deployed, it has neither auxiliary branches nor batch normalisation. */
enum status gradient_state_load(const char *path, struct gradient_state *out);
/* First values, as a training of that seed begins with. */
enum status gradient_state_start(const char *cfg, int nc, uint64_t seed, struct gradient_state *out);

/* Of the run in a folder, with its options (opt.yaml): the weights of its first epoch that was kept (--save-period) and
 * of its last. Where none was kept, or it is the last one itself, and the run began with random weights, these are
 * drawn again. E_ARGUMENT: it has only one state. */
enum status gradient_states_during(const char *folder, struct gradient_state *early, struct gradient_state *late);

/* What all of them are measured on. */
struct gradient_settings {
    const struct dataset *dataset;
    const char *data; /* its name, for sentences */
    int img, batch, batches;
    uint64_t seed;                  /* of the choice of pictures and of augmentation */
    bool augment;                   /* as the state's recipe has it; else each picture in its letterbox */
    double aux_weight, main_weight; /* below 0: as the state's run has them */
    int workers;
    struct team *team; /* borrowed */
};
/* Fills s->g and settles s->run. E_SHAPE: the dataset has other classes. */
enum status gradient_state_measure(struct gradient_state *s, const struct gradient_settings *settings);

#endif
