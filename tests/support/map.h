/* Maps for tests of ops: slices of wider homes, floats, bf16 or bytes, with canaries around them. */
#ifndef Y9_TESTS_MAP_H
#define Y9_TESTS_MAP_H

#include "core/mem.h"
#include "core/rng.h"
#include "graph/graph.h"
#include "graph/tensor.h"
#include "kernels/bf16_inline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { CANARY = 0xa5 };

static inline int below(struct rng *r, int n)
{
    return (int)rng_below(r, (uint64_t)n);
}

struct map {
    unsigned char *memory;
    size_t bytes;
    struct tensor t;
    struct conv_quant quant; /* on: bytes */
};

/* Element (image, y, x, c) of a map, or the place in it where a float lies. */
static inline void *place(const struct map *m, int image, int y, int x, int c)
{
    return (unsigned char *)tensor_pixel(&m->t, image, y, x) + (size_t)c * element_size(m->t.element);
}

static inline double value(const struct map *m, int image, int y, int x, int c)
{
    if (m->t.element == ELEMENT_FLOAT)
        return *(float *)place(m, image, y, x, c);
    if (m->t.element == ELEMENT_BF16)
        return (double)bf16_value(*(uint16_t *)place(m, image, y, x, c));
    return ((double)*(unsigned char *)place(m, image, y, x, c) - m->quant.zero) * (double)m->quant.scale;
}

static inline struct map map_of(struct rng *r, int n, int h, int w, int c, enum element element,
                                struct conv_quant quant)
{
    const size_t per_word = (size_t)element_per_word(element);
    size_t before = (size_t)below(r, 9), after = (size_t)below(r, 9);
    struct map m = {.quant = quant, .t = {.n = n, .h = h, .w = w, .c = c, .element = element}};
    m.t.pixel_stride = before + ((size_t)c + per_word - 1) / per_word + after;
    m.t.image_stride = m.t.pixel_stride * (size_t)(h * w);
    m.bytes = m.t.image_stride * (size_t)n * sizeof(float);
    m.memory = mem_alloc(m.bytes, 1);
    assert_non_null(m.memory);
    memset(m.memory, CANARY, m.bytes);
    m.t.data = (float *)(void *)m.memory + before;
    return m;
}

static inline struct map map_make(struct rng *r, int n, int h, int w, int c, struct conv_quant quant)
{
    return map_of(r, n, h, w, c, quant.on ? ELEMENT_BYTE : ELEMENT_FLOAT, quant);
}

#define EACH(map, at_image, at_y, at_x, at_c)                 \
    for (int at_image = 0; at_image < (map)->t.n; at_image++) \
        for (int at_y = 0; at_y < (map)->t.h; at_y++)         \
            for (int at_x = 0; at_x < (map)->t.w; at_x++)     \
                for (int at_c = 0; at_c < (map)->t.c; at_c++)

static inline void map_random(struct rng *r, struct map *m, bool whole)
{
    EACH(m, image, y, x, c)
    {
        if (m->t.element == ELEMENT_BF16)
            *(uint16_t *)place(m, image, y, x, c) = bf16_of((float)rng_normal(r));
        else if (m->quant.on)
            *(unsigned char *)place(m, image, y, x, c) = (unsigned char)below(r, 256);
        else
            *(float *)place(m, image, y, x, c) = whole ? (float)(below(r, 300) - 100) : (float)rng_normal(r);
    }
}

static inline void map_check_canaries(const struct map *m)
{
    unsigned char *copy = mem_alloc(m->bytes, 1);
    memcpy(copy, m->memory, m->bytes);
    EACH(m, image, y, x, c)
    memset(copy + ((unsigned char *)place(m, image, y, x, c) - m->memory), CANARY, element_size(m->t.element));
    for (size_t i = 0; i < m->bytes; i++) {
        if (copy[i] != CANARY)
            fail_msg("byte %zu outside of the slice was written", i);
    }
    mem_free(copy);
}

#endif
