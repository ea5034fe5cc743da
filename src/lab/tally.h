/* Mean and spread of numbers that come one by one. */
#ifndef Y9_LAB_TALLY_H
#define Y9_LAB_TALLY_H

#include <math.h>

/* Starts as {0}. */
struct tally {
    long n;
    double mean;
    double squares; /* sum of squared distances from the mean */
};

static inline void tally_add(struct tally *t, double value)
{
    const double from = value - t->mean;
    t->n++;
    t->mean += from / (double)t->n;
    t->squares += from * (value - t->mean);
}

/* NAN where nothing was added. */
static inline double tally_mean(const struct tally *t)
{
    return t->n ? t->mean : NAN;
}

/* Standard deviation of the numbers, n - 1 in the divisor; NAN for fewer than two. */
static inline double tally_deviation(const struct tally *t)
{
    return t->n > 1 ? sqrt(t->squares / (double)(t->n - 1)) : NAN;
}

#endif
