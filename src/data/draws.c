#include "data/draws.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIXUP_SHAPE = 32 };

struct draws draws_counted(uint64_t seed, uint64_t epoch, uint64_t sample)
{
    return (struct draws){.rng = rng_seed(seed, epoch, sample)};
}

struct draws draws_replay(const struct draw *log, int n)
{
    static const struct draw none;
    return (struct draws){.log = log ? log : &none, .n_log = n};
}

/* The next entry's numbers when the log agrees with what is asked for; NULL (and the fault is kept) when it does not.
 */
static const double *replay(struct draws *d, const char *name, int count)
{
    const struct draw *entry = d->next < d->n_log ? &d->log[d->next] : NULL;
    d->next++;
    if (d->fault[0])
        return NULL;
    if (!entry)
        snprintf(d->fault, sizeof d->fault, "draw %d (%s) is one more than the log has", d->next, name);
    else if (strcmp(entry->name, name) != 0)
        snprintf(d->fault, sizeof d->fault, "draw %d is %s, the log has %s", d->next, name, entry->name);
    else if (entry->count != count)
        snprintf(d->fault, sizeof d->fault, "draw %d (%s) takes %d values, the log has %d", d->next, name, count,
                 entry->count);
    else
        return entry->values;
    return NULL;
}

/* A logged number must be one that could have been drawn: a log is outside data. */
static bool in_range(struct draws *d, const char *name, double x, double low, double high)
{
    if (x >= low && x <= high)
        return true;
    snprintf(d->fault, sizeof d->fault, "draw %d (%s): %g is outside of %g .. %g", d->next, name, x, low, high);
    return false;
}

static double replay_number(struct draws *d, const char *name, double low, double high)
{
    const double *values = replay(d, name, 1);
    return values && in_range(d, name, *values, low, high) ? *values : low;
}

static bool is_member(const int *population, int n, int value)
{
    if (!population)
        return value >= 0 && value < n;
    for (int i = 0; i < n; i++) {
        if (population[i] == value)
            return true;
    }
    return false;
}

static void replay_members(struct draws *d, const char *name, const int *population, int n, int k, int *out)
{
    const double *values = replay(d, name, k);
    for (int i = 0; i < k; i++) {
        out[i] = population ? population[0] : 0;
        if (!values)
            continue;
        if (is_member(population, n, (int)values[i]))
            out[i] = (int)values[i];
        else if (!d->fault[0])
            snprintf(d->fault, sizeof d->fault, "draw %d (%s): %g is no element", d->next, name, values[i]);
    }
}

enum status draws_finish(const struct draws *d)
{
    if (d->fault[0])
        return fail(E_FORMAT, "%s", d->fault);
    if (d->log && d->next < d->n_log)
        return fail(E_FORMAT, "only %d of %d logged draws were asked for; the next is %s", d->next, d->n_log,
                    d->log[d->next].name);
    return OK;
}

double draws_random(struct draws *d)
{
    return d->log ? replay_number(d, "random", 0, 1) : rng_uniform(&d->rng);
}

double draws_uniform(struct draws *d, double low, double high)
{
    return d->log ? replay_number(d, "uniform", low, high) : rng_range(&d->rng, low, high);
}

int draws_randint(struct draws *d, int low, int high)
{
    assert(low <= high);
    if (d->log)
        return (int)replay_number(d, "randint", low, high);
    return low + (int)rng_below(&d->rng, (uint64_t)(high - low) + 1);
}

void draws_shuffle(struct draws *d, int *values, int n)
{
    if (d->log) {
        const double *order = replay(d, "shuffle", n);
        for (int i = 0; order && i < n; i++) {
            int found = i;
            while (found < n && values[found] != (int)order[i])
                found++;
            if (found == n) {
                snprintf(d->fault, sizeof d->fault, "draw %d (shuffle): %g is none of the values", d->next, order[i]);
                return;
            }
            int keep = values[i];
            values[i] = values[found];
            values[found] = keep;
        }
        return;
    }
    for (int i = n - 1; i > 0; i--) {
        int other = (int)rng_below(&d->rng, (uint64_t)i + 1), keep = values[i];
        values[i] = values[other];
        values[other] = keep;
    }
}

void draws_signed(struct draws *d, double *out, int n)
{
    const double *values = d->log ? replay(d, "np.uniform", n) : NULL;
    for (int i = 0; i < n; i++) {
        if (!d->log)
            out[i] = rng_range(&d->rng, -1, 1);
        else
            out[i] = values && in_range(d, "np.uniform", values[i], -1, 1) ? values[i] : 0;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The k-th smallest of n uniform numbers has the distribution Beta(k, n + 1 - k): the median of 63 is Beta(32, 32),
 * without a logarithm whose last bit could differ between machines. */
double draws_mixup_ratio(struct draws *d)
{
    double u[2 * MIXUP_SHAPE - 1];
    if (d->log)
        return replay_number(d, "np.beta", 0, 1);
    for (int i = 0; i < COUNT(u); i++)
        u[i] = rng_uniform(&d->rng);
    qsort(u, COUNT(u), sizeof *u, compare_doubles);
    return u[MIXUP_SHAPE - 1];
}

void draws_choices(struct draws *d, const int *population, int n, int k, int *out)
{
    assert(n > 0);
    if (d->log) {
        replay_members(d, "choices", population, n, k, out);
        return;
    }
    for (int i = 0; i < k; i++) {
        int at = (int)rng_below(&d->rng, (uint64_t)n);
        out[i] = population ? population[at] : at;
    }
}

void draws_sample(struct draws *d, const int *population, int n, int k, int *out)
{
    assert(k <= n);
    if (d->log) {
        replay_members(d, "sample", population, n, k, out);
        return;
    }
    /* Knuth, TAOCP 2, 3.4.2, algorithm S, then a shuffle for the order */
    int taken = 0;
    for (int i = 0; taken < k; i++) {
        if ((int)rng_below(&d->rng, (uint64_t)(n - i)) < k - taken)
            out[taken++] = population ? population[i] : i;
    }
    draws_shuffle(d, out, k);
}
