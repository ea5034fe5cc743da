/* Pooling, one source for every vector width: include a simd_<isa>.h first. Vectors run over channels; nothing is
 * rounded differently from plain C, so all variants give the same bits (a maximum of +0 and -0 may be either). */
#include "kernels/inlining.h"
#include "kernels/map_inline.h"
#include "kernels/pool_inline.h"
#include "kernels/slots.h"

#include <math.h>

static inline vf load(const float *p, int n)
{
    return n == VL ? v_load(p) : v_load_n(p, n);
}

static inline void store(float *p, vf x, int n)
{
    if (n == VL)
        v_store(p, x);
    else
        v_store_n(p, x, n);
}

/* Where a later tap takes the place of the best so far. */
static inline vmask wins(vf tap, vf best)
{
    return vmask_or(v_gt(tap, best), v_isnan(tap));
}

/* Channels of one window of `rows` rows, tap by tap; the place only where it is wanted. */
FORCE_INLINE void max_window(const struct pool_run *r, int x, struct pool_span cols, int rows, int k, int n,
                             bool placed, const bool from16, const bool to16)
{
    vf best = v_set1(-INFINITY), place = v_set1((float)(r->first_ky * r->k + cols.first));
    const float *row = r->src + (size_t)(x * r->stride - r->pad + cols.first) * r->src_pixel;
    for (int ky = r->first_ky; ky < r->first_ky + rows; ky++, row += r->src_row) {
        const float *tap = row;
        for (int kx = cols.first; kx < cols.end; kx++, tap += r->src_pixel) {
            vf value = map_load(tap, (size_t)k, n, from16);
            vmask won = wins(value, best);
            best = v_select(won, value, best);
            if (placed)
                place = v_select(won, v_set1((float)(ky * r->k + kx)), place);
        }
    }
    map_store(r->dst + (size_t)x * r->dst_pixel, (size_t)k, best, n, to16);
    if (placed)
        v_store_bytes_n(r->place + (size_t)x * (size_t)r->c + k, place, n);
}

FORCE_INLINE void max_channels(const struct pool_run *r, int x, struct pool_span cols, int rows, bool placed,
                               const bool from16, const bool to16)
{
    int k = 0;
    for (; k + VL <= r->c; k += VL)
        max_window(r, x, cols, rows, k, VL, placed, from16, to16);
    if (k < r->c)
        max_window(r, x, cols, rows, k, r->c - k, placed, from16, to16);
}

FORCE_INLINE void max_windows(const struct pool_run *r, bool placed, const bool from16, const bool to16)
{
    const int rows = r->end_ky - r->first_ky;
    for (int x = 0; x < r->n; x++) {
        struct pool_span cols = pool_taps(x, r->k, r->stride, r->pad, r->width);
        if (r->k == 3 && rows == 3 && cols.first == 0 && cols.end == 3) /* the usual window, without loops */
            max_channels(r, x, (struct pool_span){0, 3}, 3, placed, from16, to16);
        else
            max_channels(r, x, cols, rows, placed, from16, to16);
    }
}

/* Stride 1: each column's maximum over the rows is made once and kept for the k windows that see it. */
FORCE_INLINE void max_columns(const struct pool_run *r, int k, int n, const bool from16, const bool to16)
{
    vf column[MAX_POOL_K];
    int made = 0, rows = r->end_ky - r->first_ky;
    for (int x = 0; x < r->n; x++) {
        struct pool_span cols = pool_taps(x, r->k, 1, r->pad, r->width);
        int first = x - r->pad + cols.first, end = x - r->pad + cols.end;
        for (; made < end; made++) {
            const float *tap = r->src + (size_t)made * r->src_pixel;
            vf best = map_load(tap, (size_t)k, n, from16);
            for (int y = 1; y < rows; y++) {
                tap += r->src_row;
                vf value = map_load(tap, (size_t)k, n, from16);
                best = v_select(wins(value, best), value, best);
            }
            column[made % MAX_POOL_K] = best;
        }
        vf best = column[first % MAX_POOL_K];
        for (int u = first + 1; u < end; u++) {
            vf value = column[u % MAX_POOL_K];
            best = v_select(wins(value, best), value, best);
        }
        map_store(r->dst + (size_t)x * r->dst_pixel, (size_t)k, best, n, to16);
    }
}

FORCE_INLINE void max_row(const struct pool_run *r, const bool from16, const bool to16)
{
    if (r->stride > 1) {
        max_windows(r, false, from16, to16);
        return;
    }
    int k = 0;
    for (; k + VL <= r->c; k += VL)
        max_columns(r, k, VL, from16, to16);
    if (k < r->c)
        max_columns(r, k, r->c - k, from16, to16);
}

static void pool_max(const struct pool_run *r)
{
    if (!r->src_bf16 && !r->dst_bf16)
        max_row(r, false, false);
    else
        max_row(r, r->src_bf16, r->dst_bf16);
}

static void pool_max_place(const struct pool_run *r)
{
    if (!r->src_bf16 && !r->dst_bf16)
        max_windows(r, true, false, false);
    else
        max_windows(r, true, r->src_bf16, r->dst_bf16);
}

/* Slices of wide maps are no stream to the processor: pixels of the row that no window above has read are fetched. */
enum { FETCH_PIXELS = 12 };

FORCE_INLINE void mean_channels(const struct pool_run *r, int side, int x, int k, int n, const bool from16,
                                const bool to16)
{
    const float *row = r->src + (size_t)(x * r->stride) * r->src_pixel;
    vf sum = v_zero();
    __builtin_prefetch(
        map_address(row + (size_t)(side - 1) * r->src_row + FETCH_PIXELS * r->src_pixel, (size_t)k, from16), 0, 2);
    for (int ky = 0; ky < side; ky++, row += r->src_row)
        for (int kx = 0; kx < side; kx++)
            sum = v_add(sum, map_load(row + (size_t)kx * r->src_pixel, (size_t)k, n, from16));
    map_store(r->dst + (size_t)x * r->dst_pixel, (size_t)k, v_mul(sum, v_set1(r->factor)), n, to16);
}

FORCE_INLINE void mean_windows(const struct pool_run *r, int side, const bool from16, const bool to16)
{
    for (int x = 0; x < r->n; x++) {
        int k = 0;
        for (; k + VL <= r->c; k += VL)
            mean_channels(r, side, x, k, VL, from16, to16);
        if (k < r->c)
            mean_channels(r, side, x, k, r->c - k, from16, to16);
    }
}

static void pool_mean(const struct pool_run *r)
{
    const bool floats = !r->src_bf16 && !r->dst_bf16;
    if (floats && r->k == 2) /* AConv and ADown, without loops */
        mean_windows(r, 2, false, false);
    else if (floats)
        mean_windows(r, r->k, false, false);
    else if (r->k == 2)
        mean_windows(r, 2, r->src_bf16, r->dst_bf16);
    else
        mean_windows(r, r->k, r->src_bf16, r->dst_bf16);
}

static inline void d_channels(const struct pool_d_run *r, int x, int k, int n, bool max)
{
    struct pool_span cols = pool_windows(x, r->k, r->stride, r->pad, r->n);
    vf sum = v_zero();
    for (int v = r->first_row; v < r->end_row; v++) {
        const float *d_dst = r->d_dst + (size_t)(v - r->first_row) * r->d_dst_row + k;
        const size_t window = (size_t)(v - r->first_row) * (size_t)r->n;
        const int place = (r->y + r->pad - v * r->stride) * r->k + x + r->pad;
        for (int u = cols.first; u < cols.end; u++) {
            vf d = load(d_dst + (size_t)u * r->d_dst_pixel, n);
            if (max) {
                vf won = v_load_bytes_n(r->place + (window + (size_t)u) * (size_t)r->c + k, n);
                d = v_select(v_eq(won, v_set1((float)(place - u * r->stride))), d, v_zero());
            }
            sum = v_add(sum, d);
        }
    }
    if (!max)
        sum = v_mul(sum, v_set1(r->factor));
    float *to = r->d_src + (size_t)x * r->d_src_pixel + k;
    store(to, r->add ? v_add(load(to, n), sum) : sum, n);
}

static inline void d_run(const struct pool_d_run *r, bool max)
{
    for (int x = 0; x < r->width; x++) {
        int k = 0;
        for (; k + VL <= r->c; k += VL)
            d_channels(r, x, k, VL, max);
        if (k < r->c)
            d_channels(r, x, k, r->c - k, max);
    }
}

static void pool_d_max(const struct pool_d_run *r)
{
    d_run(r, true);
}

static void pool_d_mean(const struct pool_d_run *r)
{
    d_run(r, false);
}

static inline void sum_vector(float *dst, const float *const *src, int n_src, size_t i, int n)
{
    vf sum = load(src[0] + i, n);
    for (int s = 1; s < n_src; s++)
        sum = v_add(sum, load(src[s] + i, n));
    store(dst + i, sum, n);
}

static void sum_runs(float *dst, const float *const *src, int n_src, size_t n)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        sum_vector(dst, src, n_src, i, VL);
    if (i < n)
        sum_vector(dst, src, n_src, i, (int)(n - i));
}

static void sum_runs_bf16(uint16_t *dst, const uint16_t *const *src, int n_src, size_t n)
{
    for (size_t i = 0; i < n; i += VL) {
        const int lanes = n - i < VL ? (int)(n - i) : VL;
        vf sum = map_load((const float *)src[0], i, lanes, true);
        for (int s = 1; s < n_src; s++)
            sum = v_add(sum, map_load((const float *)src[s], i, lanes, true));
        map_store((float *)dst, i, sum, lanes, true);
    }
}
