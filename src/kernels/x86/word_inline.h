/* A word of a map, as an integer: AMD's Zen 4 broadcasts two integers a cycle from memory to 512 bits, but a float only
 * every 1.3 cycles, which bounds tiles of one vector. */
#ifndef Y9_KERNELS_WORD_INLINE_H
#define Y9_KERNELS_WORD_INLINE_H

#include <string.h>

static inline int word_at(const float *p)
{
    int word;
    memcpy(&word, p, sizeof word);
    return word;
}

#endif
