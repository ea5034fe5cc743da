#include "graph/plan.h"

#include <stdlib.h>

static int largest_first(const void *a, const void *b)
{
    const struct block *x = *(struct block *const *)a, *y = *(struct block *const *)b;
    if (x->floats != y->floats)
        return x->floats < y->floats ? 1 : -1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y; /* same arena, same order of allocation: the same on every run */
}

static int lowest_first(const void *a, const void *b)
{
    const struct block *x = *(struct block *const *)a, *y = *(struct block *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool cross(int first, int last, const struct block *b)
{
    if (b->resume)
        return (first <= b->pause && b->first <= last) || (first <= b->last && b->resume <= last);
    return first <= b->last && b->first <= last;
}

static bool alive_together(const struct block *a, const struct block *b)
{
    if (a->resume)
        return cross(a->first, a->pause, b) || cross(a->resume, a->last, b);
    return cross(a->first, a->last, b);
}

/* Biggest block first, each into the lowest gap that is free during its life (Pisarchyk and Lee 2020, "greedy by
 * size"). Sizes are multiples of 16 floats, so every block starts on a cache line. */
size_t layout_blocks(struct block **blocks, int n)
{
    size_t total = 0;
    struct block **busy = mem_alloc((size_t)n + 1, sizeof *busy);
    if (!busy)
        return 0;
    qsort(blocks, (size_t)n, sizeof *blocks, largest_first);
    for (int i = 0; i < n; i++) {
        struct block *b = blocks[i];
        int n_busy = 0;
        for (int k = 0; k < i; k++) {
            if (alive_together(blocks[k], b))
                busy[n_busy++] = blocks[k];
        }
        qsort(busy, (size_t)n_busy, sizeof *busy, lowest_first);
        size_t floats = (b->floats + 15) / 16 * 16, at = 0;
        for (int k = 0; k < n_busy; k++) {
            if (busy[k]->offset >= at + floats)
                break;
            size_t end = busy[k]->offset + (busy[k]->floats + 15) / 16 * 16;
            at = MAX(at, end);
        }
        b->offset = at;
        total = MAX(total, at + floats);
    }
    mem_free(busy);
    return total;
}
