#include "train/comm.h"

static enum status sum(struct comm *c, float *x, size_t n)
{
    (void)c, (void)x, (void)n; /* the sum of one rank is what it has */
    return OK;
}

static enum status sum_double(struct comm *c, double *x, size_t n)
{
    (void)c, (void)x, (void)n;
    return OK;
}

static enum status broadcast(struct comm *c, void *x, size_t n, int root)
{
    (void)x, (void)n;
    if (root < 0 || root >= c->size)
        return fail(E_ARGUMENT, "broadcast from rank %d of %d", root, c->size);
    return OK;
}

static enum status barrier(struct comm *c)
{
    (void)c;
    return OK;
}

static void close_single(struct comm *c)
{
    *c = (struct comm){0};
}

struct comm comm_single(void)
{
    return (struct comm){.rank = 0,
                         .size = 1,
                         .sum = sum,
                         .sum_double = sum_double,
                         .broadcast = broadcast,
                         .barrier = barrier,
                         .close = close_single};
}
