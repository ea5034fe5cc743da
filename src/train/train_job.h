/* Inside of train.c (train_setup.c, start.c, train_job.c): a run with everything it works with. */
#ifndef Y9_TRAIN_TRAIN_JOB_H
#define Y9_TRAIN_TRAIN_JOB_H

#include "data/loader.h"
#include "train/state.h"
#include "train/train.h"
#include "weights/checkpoint.h"

struct train_job {
    const struct train_request *request;
    struct run_options options;
    struct run_settled settled; /* what was said of them before they were settled for the network */
    struct run_folder folder;
    struct run_progress progress;
    struct state state; /* what a resumed run was read from, until it is loaded */
    bool resumed;

    struct dataset_yaml yaml;
    struct dataset *train, *val;
    uint64_t data; /* fingerprint of `train` */

    struct checkpoint start_file; /* the weights of a new run, until they are taken */
    struct table table;
    struct graph graph, deployed;
    float *start;        /* first values of a new run; freed once the trainer has them */
    float *deployed_ema; /* (deployed.param_floats) the EMA as validation runs it */

    struct schedule schedule;
    struct trainer_state trainer;
    struct loader *loader;
    struct net *val_net; /* of the deployed form; kept, its weights are packed again for each validation */
    struct loader *val_loader;
    struct loss *val_loss;   /* heads of one branch; NULL: not measured, as the official trainer of two branches */
    double *picture_weights; /* (train->n_images) of --image-weights, else NULL */

    char *recipe; /* JSON: what weights remember of this training */

    double saved, begun; /* clock_seconds of the last state, of the start */
};

/* From a request to a job that is ready for its next batch, its folder made and its first state written. */
enum status job_open(struct train_job *j, const struct train_request *request);
void job_close(struct train_job *j);

void job_say(const struct train_job *j, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* First values of a new run from weights: what fits, and what there is to say about it. */
enum status job_start_from(struct train_job *j, const struct checkpoint *c);
/* Anchor boxes that fit the data, where the network's do not (start_anchors.c). */
enum status job_fit_anchors(struct train_job *j);
enum status job_save_state(struct train_job *j);
enum status job_write_weights(const struct train_job *j, const char *path); /* the EMA, training form */

#endif
