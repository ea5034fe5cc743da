/* What split and concat cost where they are real: the same network, deployed, with random weights in fp32, once with
 * splits and concats as addresses and once with copies (graph_with_copies). */
#ifndef Y9_LAB_SPLIT_STUDY_H
#define Y9_LAB_SPLIT_STUDY_H

#include "core/parallel.h"

enum { SPLIT_MAX_NETWORKS = 16 };

struct split_result {
    const char *network; /* borrowed */
    int side, runs;
    int copies;               /* nodes that move maps, */
    double megabytes;         /* so much of them an image, written once */
    double plain_ms, copy_ms; /* medians of an image, runs of both in turn */
};

/* Measures one network. E_NUMERIC where the two do not give the same bits. */
enum status split_measure(const char *cfg, int side, int runs, struct team *team, struct split_result *out);

/* split.csv, split.json and split.md into the folder. */
enum status split_write(const struct split_result *results, int n, int threads, const char *folder);

#endif
