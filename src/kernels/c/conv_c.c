/* Plain C convolution tiles: the oracle of every other variant. */
#include "kernels/slots.h"

#include <math.h>

enum { VL = 16 };

static float activate(float x, enum kernel_act act)
{
    if (act == KERNEL_ACT_SILU)
        return x / (1.0f + expf(-x));
    return act == KERNEL_ACT_RELU && x < 0 ? 0 : x;
}

static void conv_tile_pixel(const struct conv_tile *t, int i)
{
    float acc[VL] = {0};
    const float *b = t->b;
    for (int tap = 0; tap < t->taps; tap++) {
        const float *a = t->a[(size_t)tap * t->a_stride + (size_t)i] + t->a_offset;
        for (int c = 0; c < t->k; c++, b += VL) {
            for (int j = 0; j < VL; j++)
                acc[j] += a[c] * b[j];
        }
    }
    float *dst = t->dst[i] + t->dst_offset;
    for (int j = 0; j < t->n; j++) {
        float x = acc[j];
        if (t->bias)
            x += t->bias[j];
        if (t->accumulate)
            x += dst[j];
        if (t->addend)
            x += t->addend[i][t->dst_offset + (size_t)j];
        x = activate(x, t->act);
        if (t->residual)
            x += t->residual[i][t->residual_offset + (size_t)j];
        dst[j] = x;
    }
}

static void conv_tile_run(const struct conv_tile *t)
{
    for (int i = 0; i < t->m; i++)
        conv_tile_pixel(t, i);
}

const struct conv_tile_kernel conv_tile__c = {"c", conv_tile_run, VL, 1, 1, {0, 8}};

static void wgrad_tile_run(const struct wgrad_tile *t)
{
    for (int i = 0; i < t->m; i++) {
        float acc[VL] = {0};
        for (int p = 0; p < t->pixels; p++) {
            float a = t->a[p][t->a_offset + (size_t)i];
            const float *b = t->b + (size_t)p * t->b_stride;
            for (int j = 0; j < t->n; j++)
                acc[j] += a * b[j];
        }
        for (int j = 0; j < t->n; j++)
            t->c[(size_t)i * t->c_stride + (size_t)j] += acc[j];
    }
}

const struct wgrad_tile_kernel wgrad_tile__c = {"c", wgrad_tile_run, VL, 1, 1, {0, 8}};
