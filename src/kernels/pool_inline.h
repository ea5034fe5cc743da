/* Windows along a row of columns. */
#ifndef Y9_KERNELS_POOL_INLINE_H
#define Y9_KERNELS_POOL_INLINE_H

struct pool_span {
    int first, end;
};

/* The taps of window `to` that lie inside a source of `size` places. */
static inline struct pool_span pool_taps(int to, int k, int stride, int pad, int size)
{
    int start = to * stride - pad;
    return (struct pool_span){start < 0 ? -start : 0, size - start < k ? size - start : k};
}

/* The windows out of `n` that cover place `at` of the source. */
static inline struct pool_span pool_windows(int at, int k, int stride, int pad, int n)
{
    int end = (at + pad) / stride + 1;
    int before = at + pad - k; /* the last place where a window starts too early */
    return (struct pool_span){before < 0 ? 0 : before / stride + 1, end < n ? end : n};
}

#endif
