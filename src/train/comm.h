/* Ranks that train together. One rank is the rule; an interface keeps the training loop the same for more. Every
 * call is made by all ranks in the same order. Sums must add in rank order, so that results can be repeated. */
#ifndef Y9_TRAIN_COMM_H
#define Y9_TRAIN_COMM_H

#include "core/status.h"

struct comm {
    int rank, size;
    void *state;                                                           /* the implementation's */
    enum status (*sum)(struct comm *c, float *x, size_t n);                /* all-reduce in place */
    enum status (*sum_double)(struct comm *c, double *x, size_t n);        /* the same for counts and losses */
    enum status (*broadcast)(struct comm *c, void *x, size_t n, int root); /* n bytes of `root` to all */
    enum status (*barrier)(struct comm *c);
    void (*close)(struct comm *c);
};

/* The only rank of one: every call is done at once. */
struct comm comm_single(void);

#endif
