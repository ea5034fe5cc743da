/* Convolutions of lower precision. A word is 32 bits of neighbouring channels, a float's place in a map: two bf16
 * numbers or four bytes, lower channels in lower bits. conv_tile then counts words: k and a_offset in words, one panel
 * row is nv*vl words; scale, bias and everything behind the sums stay numbers a channel. Included by slots.h. */
#ifndef Y9_KERNELS_WORD_SLOTS_H
#define Y9_KERNELS_WORD_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

struct conv_tile;

enum { SILU_PIECES = 32, SILU_PIECE_OF_0 = 17 };

/* A tile of bytes: inputs 0 .. 255, weights -127 .. 127, sums of 32 bits that are the same in every instruction set.
 * y = act(sum * scale[col] + bias[col]) (+ residual); a map of bytes holds q = round(y * factor + zero), cut to
 * 0 .. 255 (|y * factor| < 2^31), and stands for (q - zero) * step. dst_offset and residual_offset count channels. */
struct conv_bytes {
    size_t scale_offset;            /* scale = bias + scale_offset; bias is never NULL */
    bool dst_bytes, residual_bytes; /* dst and residual point to bytes */
    float factor, zero;             /* of dst */
    float residual_step, residual_zero;
    /* SiLU(x) * factor + zero as c[0] + c[1] x + c[2] x^2, c of the piece round(2 x) + SILU_PIECE_OF_0 or of the
     * nearest end. SiLU to 2.5e-4; to 1.2e-3 below -8.25; beyond 6.75 to 4e-3, where a step is at least 0.026. For
     * kernels that look up faster than they compute. */
    _Alignas(64) float silu[3][SILU_PIECES];
};

struct conv_tile_kernel;
struct conv_bf16_kernel {
    const struct conv_tile_kernel *tile;
};
struct conv_bytes_kernel {
    const struct conv_tile_kernel *tile;
};

/* --- floats to words: a run of pixels ---
 * The last word's channels beyond c are 0. */
struct word_run {
    const float *src;
    size_t src_pixel; /* floats from a pixel to the next */
    void *dst;
    size_t dst_pixel; /* words from a pixel to the next; whole words of c channels fit */
    int pixels, c;
    float factor, zero; /* bytes: round(x * factor) + zero, cut to 0 .. 255; NaN gives 0 */
};

struct words_kernel {
    const char *name;
    void (*to_bf16)(const struct word_run *r); /* nearest even; NaN stays NaN, denormals become 0 */
    void (*to_bytes)(const struct word_run *r);
    /* A float as the sum of two bf16: to_bf16, and `low` words behind each of its words what that leaves of it, in the
     * same way; of what is not finite nothing is left. */
    void (*split)(const struct word_run *r, size_t low);
};

/* --- pooling of bytes: one output pixel ---
 * dst's scale may be another one than src's: a byte becomes round(byte * factor + shift), cut to 0 .. 255. */
struct byte_pool_run {
    const unsigned char *const *src; /* the taps' pixels, those that exist */
    int taps, c;
    unsigned char *dst;
    float factor, shift;
};

struct byte_pool_kernel {
    const char *name;
    void (*max)(const struct byte_pool_run *r);
    void (*mean)(const struct byte_pool_run *r); /* rounded once */
    void (*rescale)(unsigned char *dst, const unsigned char *src, int c, float factor, float shift);
};

#endif
