/* A map of images: NHWC with strides, so that a channel slice is an address. Strides count words of the size of a
 * float, each of which holds one channel of floats or four of bytes: of a map of floats, element (i, y, x, c) lies at
 * data[i*image_stride + (y*w + x)*pixel_stride + c]. */
#ifndef Y9_GRAPH_TENSOR_H
#define Y9_GRAPH_TENSOR_H

#include <stddef.h>

/* What a channel of a pixel is in memory. */
enum element {
    ELEMENT_FLOAT, /* float32 */
    ELEMENT_BYTE,  /* 8 bits, of a value (q - zero) * scale (struct conv_quant) */
};

static inline int element_per_word(enum element e)
{
    return e == ELEMENT_BYTE ? 4 : 1;
}

struct tensor {
    float *data;         /* borrowed: whoever planned the memory owns it */
    int n, h, w, c;      /* images, rows, columns, channels */
    size_t pixel_stride; /* words from a pixel to the next; >= those of c */
    size_t image_stride; /* words from an image to the next; >= h*w*pixel_stride */
    enum element element;
};

static inline float *tensor_image(const struct tensor *t, int i)
{
    return t->data + (size_t)i * t->image_stride;
}

static inline float *tensor_pixel(const struct tensor *t, int i, int y, int x)
{
    return tensor_image(t, i) + ((size_t)y * (size_t)t->w + (size_t)x) * t->pixel_stride;
}

/* Channels [first, first + c) of t: no bytes move, the strides stay the parent's. `first` begins a word. */
static inline struct tensor tensor_channels(struct tensor t, int first, int c)
{
    t.data += first / element_per_word(t.element);
    t.c = c;
    return t;
}

#endif
