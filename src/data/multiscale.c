#include "data/multiscale.h"

#include "core/rng.h"

#include <math.h>

static int scaled(int side, double factor, int stride)
{
    return (int)ceil(side * factor / stride) * stride;
}

void multi_scale_draw(uint64_t seed, uint64_t epoch, uint64_t batch, int size, int stride, int h, int w, int *new_h,
                      int *new_w)
{
    struct rng r = rng_seed(seed ^ rng_hash("multi-scale"), epoch, batch);
    int low = size / 2, high = size + size / 2 + stride; /* low .. high-1, then cut to a multiple */
    int side = (low + (int)rng_below(&r, (uint64_t)(high - low))) / stride * stride;
    double factor = (double)MAX(side, stride) / MAX(h, w);
    *new_h = factor != 1 ? scaled(h, factor, stride) : h;
    *new_w = factor != 1 ? scaled(w, factor, stride) : w;
}

/* Where output place `dst` looks: between i0 and i1, with the weight of i1. */
struct tap {
    int i0, i1;
    float weight;
};

static struct tap tap_of(int dst, float scale, int n)
{
    float src = fmaxf(((float)dst + 0.5f) * scale - 0.5f, 0);
    int i0 = MIN((int)src, n - 1);
    return (struct tap){i0, MIN(i0 + 1, n - 1), src - (float)i0};
}

void image_to_float_resized(const struct image *img, int h, int w, float *dst, size_t pixel_stride)
{
    float unit[256], scale_y = (float)img->h / (float)h, scale_x = (float)img->w / (float)w;
    size_t row = (size_t)img->w * 3;
    if (h == img->h && w == img->w) {
        image_to_float(img, dst, pixel_stride);
        return;
    }
    for (int i = 0; i < 256; i++)
        unit[i] = (float)i / 255.0f;
    for (int y = 0; y < h; y++) {
        struct tap ty = tap_of(y, scale_y, img->h);
        const uint8_t *top = img->data + (size_t)ty.i0 * row, *bottom = img->data + (size_t)ty.i1 * row;
        for (int x = 0; x < w; x++, dst += pixel_stride) {
            struct tap tx = tap_of(x, scale_x, img->w);
            for (int c = 0; c < 3; c++) {
                int a = tx.i0 * 3 + c, b = tx.i1 * 3 + c;
                float above = (1 - tx.weight) * unit[top[a]] + tx.weight * unit[top[b]];
                float below = (1 - tx.weight) * unit[bottom[a]] + tx.weight * unit[bottom[b]];
                dst[c] = (1 - ty.weight) * above + ty.weight * below;
            }
        }
    }
}
