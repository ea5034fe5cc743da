/* Plain C on words of two bf16 numbers and of four bytes: the oracle of every other variant. */
#include "core/status.h"
#include "kernels/bf16_inline.h"
#include "kernels/c/bytes_inline.h"
#include "kernels/c/conv_inline.h"
#include "kernels/pairs_inline.h"

#include <math.h>

enum { VL = 16 };

static void bf16_pixel(const struct conv_tile *t, int i)
{
    float acc[VL] = {0};
    const uint16_t *b = (const uint16_t *)t->b;
    for (int tap = 0; tap < t->taps; tap++) {
        const uint16_t *a = (const uint16_t *)conv_tile_source(t, tap, i);
        for (int c = 0; c < t->k; c++, a += 2, b += 2 * VL) {
            for (int j = 0; j < VL; j++)
                acc[j] += bf16_value(a[0]) * bf16_value(b[2 * j]) + bf16_value(a[1]) * bf16_value(b[2 * j + 1]);
        }
    }
    for (int j = 0; j < t->n; j++)
        conv_tile_finish(t, i, j, acc[j]);
}

static void bf16_tile(const struct conv_tile *t)
{
    for (int i = 0; i < t->m; i++)
        bf16_pixel(t, i);
}

static const struct conv_tile_kernel bf16 = {"bf16 c", bf16_tile, VL, 1, 1, {0, 8}, ACTS_ALL};
KERNEL_TABLE(conv_bf16, c) = {&bf16};

static void wgrad_run(const struct wgrad_tile *t)
{
    for (int i = 0; i < t->m; i++) {
        float acc[VL] = {0};
        for (int p = 0; p < t->pixels; p++) {
            const uint16_t *a = (const uint16_t *)(t->a[p] + t->a_offset + (size_t)i);
            const uint16_t *b = (const uint16_t *)(t->b + (size_t)p * t->b_stride);
            for (int j = 0; j < t->n; j++)
                acc[j] += bf16_value(a[0]) * bf16_value(b[2 * j]) + bf16_value(a[1]) * bf16_value(b[2 * j + 1]);
        }
        for (int j = 0; j < t->n; j++)
            t->c[(size_t)i * t->c_stride + (size_t)j] += acc[j];
    }
}

static const struct wgrad_tile_kernel wgrad = {"bf16 c", wgrad_run, VL, 1, 1, {0, 8}};
KERNEL_TABLE(wgrad_bf16, c) = {&wgrad, make_pairs};

static void bytes_tile(const struct conv_tile *t)
{
    for (int i = 0; i < t->m; i++) {
        int sums[VL] = {0};
        const signed char *b = (const signed char *)t->b;
        for (int tap = 0; tap < t->taps; tap++) {
            const unsigned char *a = (const unsigned char *)conv_tile_source(t, tap, i);
            for (int c = 0; c < t->k; c++, a += 4, b += 4 * VL) {
                for (int j = 0; j < 4 * VL; j++)
                    sums[j / 4] += a[j % 4] * b[j];
            }
        }
        bytes_finish(t, i, sums);
    }
}

static const struct conv_tile_kernel bytes = {"int8 c", bytes_tile, VL, 1, 1, {0, 8}, ACTS_ALL};
KERNEL_TABLE(conv_bytes, c) = {&bytes};

static void to_bf16(const struct word_run *r)
{
    for (int p = 0; p < r->pixels; p++) {
        uint16_t *dst = (uint16_t *)r->dst + (size_t)p * r->dst_pixel * 2;
        for (int c = 0; c < (r->c + 1) / 2 * 2; c++)
            dst[c] = c < r->c ? bf16_of(r->src[(size_t)p * r->src_pixel + (size_t)c]) : 0;
    }
}

static void split(const struct word_run *r, size_t low)
{
    to_bf16(r);
    for (int p = 0; p < r->pixels; p++) {
        uint16_t *dst = (uint16_t *)r->dst + ((size_t)p * r->dst_pixel + low) * 2;
        for (int c = 0; c < (r->c + 1) / 2 * 2; c++)
            dst[c] = c < r->c ? bf16_rest(r->src[(size_t)p * r->src_pixel + (size_t)c]) : 0;
    }
}

static void to_bytes(const struct word_run *r)
{
    for (int p = 0; p < r->pixels; p++) {
        unsigned char *dst = (unsigned char *)r->dst + (size_t)p * r->dst_pixel * 4;
        for (int c = 0; c < (r->c + 3) / 4 * 4; c++)
            dst[c] = c < r->c ? byte_of(r->src[(size_t)p * r->src_pixel + (size_t)c], r->factor, r->zero) : 0;
    }
}

static unsigned char rescaled(int sum, float factor, float shift)
{
    const float q = rintf((float)sum * factor + shift);
    return q > 0 ? (unsigned char)MIN(q, 255.0f) : 0;
}

static void byte_rescale(unsigned char *dst, const unsigned char *src, int c, float factor, float shift)
{
    for (int i = 0; i < c; i++)
        dst[i] = rescaled(src[i], factor, shift);
}

static void byte_max(const struct byte_pool_run *r)
{
    for (int i = 0; i < r->c; i++) {
        int most = 0;
        for (int tap = 0; tap < r->taps; tap++)
            most = MAX(most, r->src[tap][i]);
        r->dst[i] = rescaled(most, r->factor, r->shift);
    }
}

static void byte_mean(const struct byte_pool_run *r)
{
    for (int i = 0; i < r->c; i++) {
        int sum = 0;
        for (int tap = 0; tap < r->taps; tap++)
            sum += r->src[tap][i];
        r->dst[i] = rescaled(sum, r->factor / (float)r->taps, r->shift);
    }
}

KERNEL_TABLE(words, c) = {"c", to_bf16, to_bytes, split};
KERNEL_TABLE(byte_pool, c) = {"c", byte_max, byte_mean, byte_rescale};
