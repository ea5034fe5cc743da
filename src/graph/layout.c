#include "graph/plan.h"

#include <stdlib.h>
#include <string.h>

static int largest_first(const void *a, const void *b)
{
    const struct plan_block *x = *(struct plan_block *const *)a, *y = *(struct plan_block *const *)b;
    if (x->floats != y->floats)
        return x->floats < y->floats ? 1 : -1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y; /* same arena, same order of allocation: the same on every run */
}

static int lowest_first(const void *a, const void *b)
{
    const struct plan_block *x = *(struct plan_block *const *)a, *y = *(struct plan_block *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool cross(int first, int last, const struct plan_block *b)
{
    if (b->resume)
        return (first <= b->pause && b->first <= last) || (first <= b->last && b->resume <= last);
    return first <= b->last && b->first <= last;
}

static bool alive_together(const struct plan_block *a, const struct plan_block *b)
{
    if (a->resume)
        return cross(a->first, a->pause, b) || cross(a->resume, a->last, b);
    return cross(a->first, a->last, b);
}

static size_t whole_lines(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

/* Each block in this order into the lowest gap that is free during its life; returns the arena's size. */
static size_t place(struct plan_block *const *blocks, int n, struct plan_block **busy)
{
    size_t total = 0;
    for (int i = 0; i < n; i++) {
        struct plan_block *b = blocks[i];
        int n_busy = 0;
        for (int k = 0; k < i; k++) {
            if (alive_together(blocks[k], b))
                busy[n_busy++] = blocks[k];
        }
        qsort(busy, (size_t)n_busy, sizeof *busy, lowest_first);
        size_t floats = whole_lines(b->floats), at = 0;
        for (int k = 0; k < n_busy; k++) {
            if (busy[k]->offset >= at + floats)
                break;
            at = MAX(at, busy[k]->offset + whole_lines(busy[k]->floats));
        }
        b->offset = at;
        total = MAX(total, at + floats);
    }
    return total;
}

static void move(struct plan_block **blocks, int from, int to)
{
    struct plan_block *b = blocks[from];
    if (to < from)
        memmove(blocks + to + 1, blocks + to, (size_t)(from - to) * sizeof(struct plan_block *));
    else
        memmove(blocks + from, blocks + from + 1, (size_t)(to - from) * sizeof(struct plan_block *));
    blocks[to] = b;
}

/* Biggest block first (Pisarchyk and Lee 2020, "greedy by size"). Then, as long as that helps, the block on top of the
 * arena goes before all others. Sizes are multiples of 16 floats, so every block starts on a cache line. */
size_t layout_blocks(struct plan_block **blocks, int n)
{
    struct plan_block **busy = mem_alloc((size_t)n + 1, sizeof(struct plan_block *));
    if (!busy)
        return 0;
    qsort(blocks, (size_t)n, sizeof *blocks, largest_first);
    size_t total = place(blocks, n, busy);
    for (bool better = n > 0; better;) {
        int top = 0;
        while (blocks[top]->offset + whole_lines(blocks[top]->floats) < total)
            top++;
        move(blocks, top, 0);
        const size_t other = place(blocks, n, busy);
        better = other < total;
        if (!better) {
            move(blocks, 0, top);
            place(blocks, n, busy);
        } else {
            total = other;
        }
    }
    mem_free(busy);
    return total;
}
