/* What a run tells at its beginning and at its end, in plain words: one sentence a line. Epochs count from 1. */
#ifndef Y9_TRAIN_RUN_WORDS_H
#define Y9_TRAIN_RUN_WORDS_H

#include "graph/graph.h"
#include "train/run.h"

/* What is trained, on what and how. */
struct run_subject {
    const struct run_options *options;
    const char *network; /* the table's name */
    const struct graph *training, *deployed;
    int nc;
    long batches; /* an epoch */
    int threads;
    size_t memory; /* bytes, about; 0: not known */
};
enum status run_opening_words(const struct run_subject *s, struct buf *words);

/* What was reached, and what to try where mAP stayed near 0. `batches` an epoch. */
enum status run_closing_words(const struct run_options *o, const struct run_progress *p, long batches,
                              struct buf *words);

/* The row of the largest fitness, of equal ones the last; -1: there is none. */
int run_best_epoch(const struct run_progress *p);

#endif
