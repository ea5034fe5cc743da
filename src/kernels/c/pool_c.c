/* Plain C pooling: the oracle of every other variant, which all give the same bits. */
#include "kernels/c/map_inline.h"
#include "kernels/pool_inline.h"
#include "kernels/slots.h"

#include <math.h>

static void max_of(const struct pool_run *r, int x, int k, float *best, int *place)
{
    struct pool_span cols = pool_taps(x, r->k, r->stride, r->pad, r->width);
    *best = -INFINITY;
    *place = r->first_ky * r->k + cols.first;
    for (int ky = r->first_ky; ky < r->end_ky; ky++)
        for (int kx = cols.first; kx < cols.end; kx++) {
            size_t column = (size_t)(x * r->stride - r->pad + kx);
            const float *pixel = r->src + (size_t)(ky - r->first_ky) * r->src_row + column * r->src_pixel;
            float tap = map_value(pixel, (size_t)k, r->src_bf16);
            if (tap > *best || isnan(tap)) {
                *best = tap;
                *place = ky * r->k + kx;
            }
        }
}

static void pool_max(const struct pool_run *r)
{
    int place;
    float best;
    for (int x = 0; x < r->n; x++)
        for (int k = 0; k < r->c; k++) {
            max_of(r, x, k, &best, &place);
            map_put(r->dst + (size_t)x * r->dst_pixel, (size_t)k, best, r->dst_bf16);
        }
}

static void pool_max_place(const struct pool_run *r)
{
    int place;
    float best;
    for (int x = 0; x < r->n; x++)
        for (int k = 0; k < r->c; k++) {
            max_of(r, x, k, &best, &place);
            map_put(r->dst + (size_t)x * r->dst_pixel, (size_t)k, best, r->dst_bf16);
            r->place[(size_t)x * (size_t)r->c + (size_t)k] = (unsigned char)place;
        }
}

static void pool_mean(const struct pool_run *r)
{
    for (int x = 0; x < r->n; x++) {
        const float *start = r->src + (size_t)(x * r->stride) * r->src_pixel;
        for (int k = 0; k < r->c; k++) {
            float sum = 0.0f;
            for (int ky = 0; ky < r->k; ky++)
                for (int kx = 0; kx < r->k; kx++)
                    sum +=
                        map_value(start + (size_t)ky * r->src_row + (size_t)kx * r->src_pixel, (size_t)k, r->src_bf16);
            map_put(r->dst + (size_t)x * r->dst_pixel, (size_t)k, sum * r->factor, r->dst_bf16);
        }
    }
}

/* Column x, channel k of d_src: what the windows over it give, in row-major order. */
static float d_sum(const struct pool_d_run *r, int x, int k, bool max)
{
    struct pool_span cols = pool_windows(x, r->k, r->stride, r->pad, r->n);
    float sum = 0.0f;
    for (int v = r->first_row; v < r->end_row; v++)
        for (int u = cols.first; u < cols.end; u++) {
            size_t row = (size_t)(v - r->first_row), window = row * (size_t)r->n + (size_t)u;
            int me = (r->y + r->pad - v * r->stride) * r->k + x + r->pad - u * r->stride;
            float d = r->d_dst[row * r->d_dst_row + (size_t)u * r->d_dst_pixel + (size_t)k];
            if (!max || r->place[window * (size_t)r->c + (size_t)k] == me)
                sum += d;
        }
    return max ? sum : sum * r->factor;
}

static void pool_d(const struct pool_d_run *r, bool max)
{
    for (int x = 0; x < r->width; x++)
        for (int k = 0; k < r->c; k++) {
            float *to = r->d_src + (size_t)x * r->d_src_pixel + k, d = d_sum(r, x, k, max);
            *to = r->add ? *to + d : d;
        }
}

static void pool_d_max(const struct pool_d_run *r)
{
    pool_d(r, true);
}

static void pool_d_mean(const struct pool_d_run *r)
{
    pool_d(r, false);
}

static void sum_runs(float *dst, const float *const *src, int n_src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float sum = src[0][i];
        for (int s = 1; s < n_src; s++)
            sum += src[s][i];
        dst[i] = sum;
    }
}

static void sum_runs_bf16(uint16_t *dst, const uint16_t *const *src, int n_src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float sum = bf16_value(src[0][i]);
        for (int s = 1; s < n_src; s++)
            sum += bf16_value(src[s][i]);
        dst[i] = bf16_of(sum);
    }
}

KERNEL_TABLE(pool, c) = {"c", pool_max, pool_max_place, pool_mean, pool_d_max, pool_d_mean, sum_runs, sum_runs_bf16};
