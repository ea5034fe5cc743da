/* All random numbers of augmentation come through here, under the names of golden/README.md "Random draws". In
 * training they are counter-based: what a sample draws depends on (seed, epoch, sample) alone, never on the worker that
 * makes it. In the golden tests a log hands out the official code's numbers, and anything else than that very sequence
 * of names is a fault. */
#ifndef Y9_DATA_DRAWS_H
#define Y9_DATA_DRAWS_H

#include "core/rng.h"
#include "core/status.h"

/* One entry of a log: what was asked for, and the numbers it gave. */
struct draw {
    const char *name;
    const double *values;
    int count;
};

struct draws {
    struct rng rng;
    const struct draw *log; /* borrowed; NULL: counter-based */
    int n_log, next;
    char fault[128]; /* the first difference from the log; "" = none */
};

struct draws draws_counted(uint64_t seed, uint64_t epoch, uint64_t sample);
struct draws draws_replay(const struct draw *log, int n);
/* E_FORMAT with a sentence when something else than the log was asked for, or less. Counted draws never fail. After a
 * fault every draw is some number within its range, so that the caller needs no checks on the way. */
enum status draws_finish(const struct draws *d);

double draws_random(struct draws *d);                           /* "random": [0, 1) */
double draws_uniform(struct draws *d, double low, double high); /* "uniform": [low, high) */
int draws_randint(struct draws *d, int low, int high);          /* "randint": low .. high, both possible */
void draws_shuffle(struct draws *d, int *values, int n);        /* "shuffle": in place */
void draws_signed(struct draws *d, double *out, int n);         /* "np.uniform": n numbers of [-1, 1) */
double draws_mixup_ratio(struct draws *d);                      /* "np.beta": Beta(32, 32) */
/* k of n elements; `population` NULL stands for 0 .. n-1. */
void draws_choices(struct draws *d, const int *population, int n, int k, int *out); /* "choices": with replacement */
void draws_sample(struct draws *d, const int *population, int n, int k, int *out);  /* "sample": without; k <= n */

#endif
