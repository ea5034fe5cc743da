/* The picture of a run's results in its folder. */
#ifndef Y9_TRAIN_RUN_REPORT_H
#define Y9_TRAIN_RUN_REPORT_H

#include "train/run.h"

/* results.png: losses of training and validation, metrics and learning rate over the epochs, which count from 1; the
 * best one is marked. Nothing without a row. */
enum status run_plot_results(const struct run_folder *f, const struct run_progress *p);

#endif
