/* A map of images: NHWC with strides, so that a channel slice is an address. Strides count words of the size of a
 * float, each of which holds one channel of floats, two of bf16 or four of bytes, lower channels in lower bits: of a
 * map of floats, element (i, y, x, c) lies at data[i*image_stride + (y*w + x)*pixel_stride + c]; of one of bf16 it is
 * ((uint16_t *)data)[2*(i*image_stride + (y*w + x)*pixel_stride) + c].
 *
 * Homes of bf16 (graph/elements.h): a pixel has the channels rounded up to 16, so it begins every 32 bytes or a
 * multiple of that; the home begins on a cache line, and so does each image. A slice begins at an even channel and has
 * an even number of them: whole words. Words behind the last channel of a home hold anything, also what is not a
 * number. Pixels of a row and rows follow one another without a gap and there is no border: what a kernel reads outside
 * of the map, it has to make. */
#ifndef Y9_GRAPH_TENSOR_H
#define Y9_GRAPH_TENSOR_H

#include <stddef.h>

/* What a channel of a pixel is in memory. */
enum element {
    ELEMENT_FLOAT, /* float32 */
    ELEMENT_BYTE,  /* 8 bits, of a value (q - zero) * scale (struct conv_quant) */
    ELEMENT_BF16,  /* the upper half of a float (kernels/bf16_inline.h) */
};

/* In a set of elements. */
#define ELEMENT_BIT(element) (1u << (element))

static inline int element_per_word(enum element e)
{
    return e == ELEMENT_BYTE ? 4 : e == ELEMENT_BF16 ? 2 : 1;
}
static inline size_t element_size(enum element e)
{
    return sizeof(float) / (size_t)element_per_word(e);
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
