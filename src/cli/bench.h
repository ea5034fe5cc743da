/* Inside of yolo9 bench. */
#ifndef Y9_CLI_BENCH_H
#define Y9_CLI_BENCH_H

#include "cli/options.h"
#include "graph/net.h"
#include "weights/weights.h"

/* --weights, or --cfg with random values (and --nc classes). */
enum status bench_load(const struct options *o, struct weights *w);
double bench_peak_mb(void);                 /* largest resident memory of this process so far */
double bench_median(double *values, int n); /* sorts them */

/* bench_inference.c: inference. */
enum status bench_inference(const struct options *o);
/* Median milliseconds of one image through the deployed form of a network with random weights, in fp32. */
enum status bench_latency(const char *cfg, int h, int w, int threads, int runs, double *ms);

/* bench_choices.c: what the processor has, and for each kind of convolution the algorithm that ran, and why. */
enum status bench_print_choices(const struct node_report *reports, int n);

/* bench_train.c, with --train: forward, loss, backward and optimizer step of a batch, an image. */
enum status bench_train(const struct options *o);

#endif
