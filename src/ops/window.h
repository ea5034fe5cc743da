/* Pooling windows along one axis. */
#ifndef Y9_OPS_WINDOW_H
#define Y9_OPS_WINDOW_H

#include "core/status.h"
#include "graph/graph.h"

struct window_span {
    int first, end;
};

/* The windows (outputs 0..out-1) that cover place `at` of the input. */
static inline struct window_span windows_over(int at, const struct pool_attr *pool, int out)
{
    int last = (at + pool->pad) / pool->stride;
    int before = at + pool->pad - pool->k; /* start of the first window is above this */
    int first = before < 0 ? 0 : before / pool->stride + 1;
    return (struct window_span){first, MIN(last + 1, out)};
}

/* The taps of window `to` that lie inside an input of `in` places. */
static inline struct window_span window_taps(int to, const struct pool_attr *pool, int in)
{
    int start = to * pool->stride - pool->pad;
    return (struct window_span){MAX(0, -start), MIN(pool->k, in - start)};
}

#endif
