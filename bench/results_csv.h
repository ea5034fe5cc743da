/* A results.csv, as this program and the official code write it: columns are found by name. */
#ifndef Y9_BENCH_RESULTS_CSV_H
#define Y9_BENCH_RESULTS_CSV_H

#include "train/run.h"

/* values[k] = the column columns[k] (at most 8 of them), n rows; the caller frees each. E_FORMAT where one is missing.
 */
enum status results_csv_load(const char *path, const int *columns, int n_columns, double **values, int *n);

#endif
