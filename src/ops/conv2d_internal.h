/* Shared by the files of ops/conv2d: geometry, panels, and the passes. Private to them. */
#ifndef Y9_OPS_CONV2D_INTERNAL_H
#define Y9_OPS_CONV2D_INTERNAL_H

#include "core/cpu.h"
#include "graph/backend.h"
#include "kernels/kernels.h"

#include <stdint.h>
#include <string.h>

enum {
    POINTER_FLOATS = sizeof(void *) / sizeof(float)
}; /* scratch is counted in floats, also where it holds pointers */

/* Which pixels a reduction reads. Grid point (gy, gx) and tap (ty, tx) read the source pixel
 *   (gy*step + y0 + ty*dy, gx*step + x0 + tx*dx), or zeros outside of it, and write the target pixel
 *   (ty0 + gy*tstep, tx0 + gx*tstep).
 * The forward pass is one grid; the data gradient is stride*stride grids (phases) of step 1. */
struct tap_grid {
    int gh, gw, step;
    int n_ty, n_tx; /* taps */
    int y0, x0, dy, dx;
    int ty0, tx0, tstep;
    int ky0, kx0, kstep; /* weight tap of (ty, tx): (ky0 + ty*kstep, kx0 + tx*kstep) */
};

struct conv_shape {
    int ic, oc, groups, icg, ocg;
    int first_ic,
        weight_ic; /* of a group's input channels the weights have weight_ic, the source those from first_ic */
    int kh, kw, stride, pad, dilation;
};

struct conv_shape conv_shape_of(const struct call *c);
struct tap_grid forward_grid(const struct call *c);
struct tap_grid dgrad_grid(const struct call *c, int phase); /* phase: 0 .. stride * stride - 1 */

/* How `n` columns are cut into panels of whole vectors: fills nv and returns the first column of panel i. */
static inline int round_up(int x, int to)
{
    return (x + to - 1) / to * to;
}
static inline size_t round_up_size(size_t x, size_t to)
{
    return (x + to - 1) / to * to;
}
/* Vectors of the panel that starts when `left` vectors are still to be covered. */
static inline int panel_vectors(int left, int nv_main, int nv_max)
{
    return left <= nv_max ? left : nv_main;
}

/* Whether a panel of n columns leaves its last half vector empty. */
static inline bool panel_is_half(const struct conv_tile_kernel *k, int nv, int n)
{
    return n <= nv * k->vl - k->vl / 2;
}

/* Tiles to come fetch `floats` weights from `from` on (NULL: none), each of them its share. */
static inline void conv_ahead(struct conv_tile *t, const float *from, size_t floats, int tiles)
{
    const size_t chunks = (size_t)tiles * (size_t)t->taps * (size_t)((t->k + FETCH_STEPS - 1) / FETCH_STEPS);
    t->ahead = from;
    t->ahead_lines = (int)((floats / 16 + chunks - 1) / chunks);
}

static inline void conv_ahead_step(struct conv_tile *t)
{
    if (t->ahead)
        t->ahead += (size_t)(t->ahead_lines * t->taps * ((t->k + FETCH_STEPS - 1) / FETCH_STEPS)) * 16;
}

/* Fill pointers for grid points [first, first + count) of one image: out[tap*out_stride + i]. */
void fill_taps(const struct tap_grid *g, const struct tensor *src, int image, const float *zeros, int first, int count,
               const float **out, size_t out_stride);

/* The pixels of an addend that the same points take: the nearest ones, each scale * scale times. */
void fill_addends(const struct tensor *addend, int scale, int image, int first, int count, const float **out);

/* A reduction over taps and channels, direct: pixels through pointers, panels of weights (conv2d_direct.c). */
struct pass {
    const struct conv_tile_kernel *kernel;
    struct tap_grid grid;
    struct tensor src, dst, residual; /* residual.data NULL: none */
    struct tensor addend; /* data NULL: none; added before the activation, each pixel addend_scale^2 times */
    int addend_scale;
    int groups, reduction, columns; /* of one group: source words (floats, if nothing else is said), target channels */
    const float *bias, *weights;    /* bias NULL: none */
    bool accumulate;
    enum act act;
    const struct conv_bytes *bytes;    /* of a kernel of bytes, NULL otherwise */
    uint32_t padding;                  /* the word that pixels outside of the source hold; */
    const struct conv_quant *channels; /* not NULL: their bytes are the channels' zeros instead */

    /* Not NULL: src holds floats, which a part converts to the kernel's words before it reads them */
    void (*convert)(const struct word_run *r);
    float factor, zero;

    /* Set by run_pass */
    int points, per_part, parts_per_image; /* grid points of an image; how they are cut */
    size_t zero_floats, pointer_floats, window_floats, thread_floats;
    const float *zeros;
    float *scratch;
};

/* What node attributes say of residual and addend. */
void pass_set_sources(struct pass *p, const struct call *c);
size_t pass_scratch_floats(struct pass *p, int threads);
void run_pass(struct pass *p, const struct call *c, float *scratch);
/* The data gradient's, without its weights. */
struct pass direct_dgrad_pass(const struct kernels *k, const struct call *c, int phase);

/* --- words of lower precision (conv2d_words.c): INT8 needs conv_in_bytes() of graph/elements.h --- */
/* A convolution that reads bf16 already, or is faster with bf16 than direct with floats */
bool bf16_fits(const struct call *c);
size_t bf16_packed_floats(const struct kernels *k, const struct call *c);
void bf16_pack(const struct kernels *k, const struct call *c);
size_t bf16_scratch_floats(const struct kernels *k, const struct call *c);
void bf16_forward(const struct kernels *k, const struct call *c);
bool bf16_fits_dgrad(const struct call *c); /* training in bf16, and not by Winograd */
size_t bf16_packed_d_floats(const struct kernels *k, const struct call *c);
void bf16_pack_d(const struct kernels *k, const struct call *c);
size_t bf16_d_scratch_floats(const struct kernels *k, const struct call *c);
void bf16_dgrad(const struct kernels *k, const struct call *c);
size_t bytes_packed_floats(const struct kernels *k, const struct call *c);
void bytes_silu_pieces(float *c0); /* the parabolas of struct conv_bytes, for factor 1 and zero 0 */
enum { BYTES_SILU_FLOATS = 3 * SILU_PIECES };
/* What every kernel of bytes packs: scales of columns and biases without the inputs' zeros, a group padded to `padded`;
 * then a weight of a column of that scale, which reads `channel` of the map; and what follows the sums, SiLU's pieces
 * standing at packed[0]. */
void bytes_fold(const struct call *c, float *bias, float *scale, int padded);
signed char bytes_weight(const struct call *c, int channel, float weight, float scale);
struct conv_bytes bytes_finish_of(const struct call *c, size_t scale_offset);
void bytes_pack(const struct kernels *k, const struct call *c);
size_t bytes_scratch_floats(const struct kernels *k, const struct call *c);
void bytes_forward(const struct kernels *k, const struct call *c);

/* --- by a matrix unit (conv2d_matrix.c): floats in two bf16 parts, bf16, bytes --- */
bool matrix_fp32_fits(const struct kernels *k, const struct call *c);
size_t matrix_fp32_packed_floats(const struct kernels *k, const struct call *c);
void matrix_fp32_pack(const struct kernels *k, const struct call *c);
size_t matrix_fp32_scratch_floats(const struct kernels *k, const struct call *c);
void matrix_fp32_forward(const struct kernels *k, const struct call *c);
bool matrix_bf16_fits(const struct kernels *k, const struct call *c);
size_t matrix_bf16_packed_floats(const struct kernels *k, const struct call *c);
void matrix_bf16_pack(const struct kernels *k, const struct call *c);
size_t matrix_bf16_scratch_floats(const struct kernels *k, const struct call *c);
void matrix_bf16_forward(const struct kernels *k, const struct call *c);
bool matrix_bytes_fits(const struct kernels *k, const struct call *c);
size_t matrix_bytes_packed_floats(const struct kernels *k, const struct call *c);
void matrix_bytes_pack(const struct kernels *k, const struct call *c);
size_t matrix_bytes_scratch_floats(const struct kernels *k, const struct call *c);
void matrix_bytes_forward(const struct kernels *k, const struct call *c);
/* The data gradient of a convolution of floats with stride 1. */
bool matrix_dgrad_fits(const struct kernels *k, const struct call *c);
size_t matrix_packed_d_floats(const struct kernels *k, const struct call *c);
void matrix_pack_d(const struct kernels *k, const struct call *c); /* packed[1] */
size_t matrix_d_scratch_floats(const struct kernels *k, const struct call *c);
void matrix_dgrad(const struct kernels *k, const struct call *c);

/* --- direct (conv2d_direct.c) --- */
size_t direct_packed_floats(const struct kernels *k, const struct call *c);
size_t direct_packed_d_floats(const struct kernels *k, const struct call *c);
void direct_pack(const struct kernels *k, const struct call *c);   /* packed[0] */
void direct_pack_d(const struct kernels *k, const struct call *c); /* packed[1] */
size_t direct_scratch_floats(const struct kernels *k, const struct call *c);
size_t direct_d_scratch_floats(const struct kernels *k, const struct call *c);
void direct_forward(const struct kernels *k, const struct call *c);
void direct_dgrad(const struct kernels *k, const struct call *c);

/* --- Strassen, one level (conv2d_strassen.c) --- */
bool strassen_fits(const struct kernels *k, const struct call *c); /* a wide 1x1 that it computes faster */
size_t strassen_packed_floats(const struct kernels *k, const struct call *c);
void strassen_pack(const struct kernels *k, const struct call *c);
size_t strassen_scratch_floats(const struct kernels *k, const struct call *c);
void strassen_forward(const struct kernels *k, const struct call *c);

/* --- Winograd F(4x4, 3x3) and F(5x5, 3x3) (conv2d_winograd.c) --- */
/* Pointers to side x side pixels from (y0, x0) on; `outside` for those that do not exist. */
void fill_tile(const struct tensor *map, int image, int y0, int x0, int side, const float *outside, const float **out);
bool winograd_fits(const struct call *c); /* a 3x3 of stride 1 or 2 that it can compute */
enum wino_form winograd_form(const struct call *c);
size_t winograd_packed_floats(const struct kernels *k, const struct call *c);
size_t winograd_packed_d_floats(const struct kernels *k, const struct call *c);
void winograd_pack(const struct kernels *k, const struct call *c);
void winograd_pack_d(const struct kernels *k, const struct call *c);
size_t winograd_scratch_floats(const struct kernels *k, const struct call *c);
size_t winograd_d_scratch_floats(const struct kernels *k, const struct call *c);
void winograd_forward(const struct kernels *k, const struct call *c);
void winograd_dgrad(const struct kernels *k, const struct call *c);

/* --- weight and bias gradients (conv2d_wgrad.c, conv2d_wgrad_winograd.c) --- */
bool bf16_fits_wgrad(const struct call *c); /* training in bf16: direct_wgrad multiplies bf16 */
size_t wgrad_scratch_floats(const struct kernels *k, const struct call *c);
void direct_wgrad(const struct kernels *k, const struct call *c);
bool wino_wgrad_fits(const struct kernels *k, const struct call *c); /* a 3x3 of stride 1 with sums of bearable size */
size_t wino_wgrad_scratch_floats(const struct kernels *k, const struct call *c);
void wino_wgrad(const struct kernels *k, const struct call *c);
void bias_grad(const struct call *c);

#endif
