/* A run's folder (SPEC 10): runs/train/exp/
 *
 *   opt.yaml hyp.yaml               what was asked for
 *   state.safetensors               everything that --resume needs (state.h); the truth of which the rest is made
 *   weights/{last,best}.safetensors training form with the EMA's values; epoch<n>.safetensors with --save-period
 *   results.csv                     a row an epoch, the first is 1 (the official code counts from 0)
 *   results.png labels.png ...      pictures (report.h)
 *
 * Order is what makes a kill harmless: at the end of an epoch the state is written first, then results.csv and the
 * weights from it; a run that is resumed at the end of an epoch writes these again. Every file appears whole. */
#ifndef Y9_TRAIN_RUN_H
#define Y9_TRAIN_RUN_H

#include "model/model.h"
#include "train/run_options.h"

/* A row of results.csv. Of the losses the first is named; the others stand behind it in the order of loss_item_name. */
enum result_column {
    RESULT_TRAIN_LOSS,
    RESULT_PRECISION = RESULT_TRAIN_LOSS + LOSS_ITEMS,
    RESULT_RECALL,
    RESULT_MAP50,
    RESULT_MAP,
    RESULT_VAL_LOSS,
    RESULT_LR0 = RESULT_VAL_LOSS + LOSS_ITEMS,
    RESULT_LR1,
    RESULT_LR2,
    RESULT_COLUMNS,
};
enum { RESULT_NAME = 32 };
/* "metrics/mAP_0.5", "val/cls_loss"; the kind of head names the losses. `buffer` may be what is returned. */
const char *result_column_name(enum head_kind head, int column, char buffer[RESULT_NAME]);

enum { METRICS = RESULT_LR0 - RESULT_PRECISION }; /* of a validation: precision ... the losses */

/* How far a run is. Part of the state; all of it is exact. */
struct run_progress {
    int epoch;              /* epochs that are over: trained, validated, with their row */
    long batch;             /* batches done of epoch `epoch` */
    double sum[LOSS_ITEMS]; /* of the losses of these batches */
    double best_fitness;    /* largest so far, at first 0 */
    double stop_fitness;    /* early stopping's own best, */
    int stop_epoch;         /* and its epoch */
    double metric[METRICS]; /* of the last validation; losses 0 with several branches (SPEC 10) */
    double *ap;             /* (nc) mAP50-95 a class of the last validation, for --image-weights; owned */
    int nc;
    double (*rows)[RESULT_COLUMNS]; /* (n_rows) one an epoch; owned */
    int n_rows, row_capacity;
    enum head_kind head; /* of the network: what its losses are called */
    bool stopped;        /* early stopping ended the run */
    bool finished;       /* nothing is left to do */
};
enum status run_progress_init(struct run_progress *p, int nc);
void run_progress_free(struct run_progress *p);
enum status run_progress_add_row(struct run_progress *p, const double row[RESULT_COLUMNS]);

/* Paths of a run's folder; owned. */
struct run_folder {
    char *path, *weights; /* the folder, and its weights/ */
    char *state, *results, *options, *hyper, *last, *best;
    int lock; /* file descriptor; -1: not locked */
};

/* A new folder project/name, project/name2 ... with weights/ and opt.yaml in it. exist_ok: project/name as it is; where
 * a run is in it, its state is removed, its results and weights get names with "old", and *replaced tells so. Where it
 * fails, a folder that it made is removed again. */
enum status run_folder_create(const char *project, const char *name, bool exist_ok, const struct run_options *o,
                              struct run_folder *out, bool *replaced);
/* Remove what run_folder_create and the first state have made, and the folder if there is nothing else in it. */
void run_folder_discard(const struct run_folder *f);
/* An existing one: `path` is the folder, or a file in it or in its weights/. E_IO when it is no run's folder. Left-over
 * temporary files of writers that were killed are removed. */
enum status run_folder_open(const char *path, struct run_folder *out);
/* The paths of a run's folder, whether it is there or not; nothing is locked or looked at. */
enum status run_folder_name(const char *folder, struct run_folder *out);
void run_folder_close(struct run_folder *f);

/* results.csv from all rows. */
enum status run_write_results(const struct run_folder *f, const struct run_progress *p);

#endif
