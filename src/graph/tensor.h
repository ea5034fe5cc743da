/* A float32 map of images: NHWC with strides, so that a channel slice is an address.
 * Element (i, y, x, c) lies at data[i*image_stride + (y*w + x)*pixel_stride + c]. */
#ifndef Y9_GRAPH_TENSOR_H
#define Y9_GRAPH_TENSOR_H

#include <stddef.h>

struct tensor {
    float *data;         /* borrowed: whoever planned the memory owns it */
    int n, h, w, c;      /* images, rows, columns, channels */
    size_t pixel_stride; /* floats from a pixel to the next; >= c */
    size_t image_stride; /* floats from an image to the next; >= h*w*pixel_stride */
};

static inline float *tensor_image(const struct tensor *t, int i)
{
    return t->data + (size_t)i * t->image_stride;
}

static inline float *tensor_pixel(const struct tensor *t, int i, int y, int x)
{
    return tensor_image(t, i) + ((size_t)y * (size_t)t->w + (size_t)x) * t->pixel_stride;
}

/* Channels [first, first + c) of t: no bytes move, the strides stay the parent's. */
static inline struct tensor tensor_channels(struct tensor t, int first, int c)
{
    t.data += first;
    t.c = c;
    return t;
}

#endif
