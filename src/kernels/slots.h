/* What a kernel is given. Kernels see pointers and counts only; loops over parts, packing and edges are the frame's
 * (ops/conv2d.c). A kernel reads and writes nothing but what its structure names. */
#ifndef Y9_KERNELS_SLOTS_H
#define Y9_KERNELS_SLOTS_H

#include "kernels/act.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_PANEL_VECTORS = 4 };
enum { FETCH_STEPS = 16 };

/* --- direct convolution: m pixels x one panel of output channels ---
 * acc[i][col] = sum over taps t and channels c of a[t*a_stride + i][a_offset + c] * b[(t*k + c)*nv*vl + col]
 * dst[i][dst_offset + col] = act(acc + bias[col] (+ dst) (+ addend[i][...])) (+ residual[i][...]),   col < n */
struct conv_tile {
    int m, n, nv;          /* pixels (<= mr[nv]), valid columns (<= nv*vl), vectors in the panel */
    int taps, k;           /* reduction: taps x channels; taps 0 writes act(bias) */
    const float *const *a; /* one pointer a tap and pixel; padding points to zeros */
    size_t a_stride, a_offset;
    int beside; /* a pointer serves so many taps more, each beside_step floats behind the one before */
    long beside_step;
    const float *const *next; /* like a: a later tile's, to be fetched into the cache; NULL: none */
    const float *ahead;       /* weights that later tiles read, to be fetched into L2: ahead_lines cache lines for */
    int ahead_lines;          /* every FETCH_STEPS steps of the reduction; NULL: none */
    const float *b;           /* packed panel [taps*k][nv*vl], aligned to a vector */
    bool half;                /* the last half vector of the panel is empty: no weights, sums that nobody reads */
    const float *bias;        /* [nv*vl], or NULL */
    float *const *dst;        /* one pointer a pixel */
    size_t dst_offset;
    const float *const *residual; /* one pointer a pixel, or NULL */
    size_t residual_offset;
    const float *const *residual_next; /* a later tile's, to be fetched into the cache; NULL: none */
    const float *const *addend;        /* one pointer a pixel, or NULL: added before the activation */
    size_t addend_offset;
    bool accumulate;                           /* add what dst holds before the activation */
    bool dst_bf16, residual_bf16, addend_bf16; /* these point to bf16; their offsets count channels all the same */
    /* As many tiles again, each with a_offset and dst_offset moved on and its weights right behind. Only for plain
     * sums: one tap, no bias, nothing added, no activation. */
    int more;
    size_t a_next, dst_next;
    enum act act;
    const struct conv_bytes *bytes; /* tiles of bytes (kernels/word_slots.h), NULL otherwise */
};

struct conv_tile_kernel {
    const char *name;
    void (*run)(const struct conv_tile *t);
    int vl;                        /* floats in a vector: panels are multiples of it */
    int nv_main, nv_max;           /* usual panel, and the widest one for the last panel */
    int mr[MAX_PANEL_VECTORS + 1]; /* most pixels of a tile for a panel of nv vectors */
    unsigned acts;                 /* the activations it has (kernels/act.h); none is always there */
};

/* clang-format off */
/* --- Strassen's algorithm (1969), one level, for a product of pixels by channels (1x1) ---
 * A = (a11 a12; a21 a22): a pair of pixels, top and bottom, in halves of `half` channels; B = (b11 b12; b21 b22): halves
 * of the input by halves of the output channels, left and right. Its error grows with the largest of what it adds up,
 * so channels are balanced first: q, a diagonal of powers of two, levels the channels of the second half with those of
 * the first, e does so for the columns: B' = (b11, b12 e; b21 / q, b22 e / q), A' = (a11, a12 q; a21, a22 q). Then
 *   p1 = (a11 + a22') (b11 + b22')   p2 = (a21 + a22') b11   p3 = a11 (b12' - b22')   p4 = a22' (b21' - b11)
 *   p5 = (a11 + a12') b22'           p6 = (a21 - a11) (b11 + b12')                    p7 = (a12' - a22') (b21' + b22')
 *   c11 = p1 + p7 - p5 + p4   c12 e = p3 + p5   c21 = p2 + p4   c22 e = p1 + p6 + p3 - p2
 * where in p4 and p7 the weights take q over: p4 = a22 (b21 - q b11), p7 = (a12 - a22) (b21 + b22 e). */
/* clang-format on */
enum strassen_product {
    STRASSEN_P1,
    STRASSEN_P7,
    STRASSEN_P6,
    STRASSEN_P3,
    STRASSEN_P5,
    STRASSEN_P2,
    STRASSEN_P4,
    STRASSEN_PRODUCTS
};
enum { STRASSEN_SUMS = 5 };

struct strassen_sums {
    const float *const *top, *const *bottom; /* a pointer a pair */
    int pairs, half;                         /* half: a multiple of 16 */
    const float *q;                          /* [half] */
    float *sums; /* of a pair the factors of p1, p7, p6, p5, p2, one after another; `stride` apart */
    size_t stride;
};

struct strassen_tile {
    int m, half;                   /* pairs (<= mr), channels of a product */
    const float *const *a;         /* of each product in the order above a pointer a pair */
    size_t a_stride;               /* pointers from a product to the next */
    const float *b;                /* of each product in the same order [half][width] */
    const float *right;            /* [width]: 1 / e */
    const float *bias[2];          /* left and right: [width], or NULL */
    float *const *dst[2];          /* top and bottom */
    size_t column[2];              /* left and right: dst[0][i][column[1] + j] is c12 */
    const float *const *addend[2]; /* top and bottom, read at the same columns before the activation; or NULL */
    const float *const *next[2];   /* top and bottom: pixels of a later tile, to be fetched into the cache; or NULL */
    enum act act;
};

struct strassen_kernel {
    const char *name;
    int mr, width; /* most pairs of a tile; columns of a panel */
    void (*sums)(const struct strassen_sums *t);
    void (*tile)(const struct strassen_tile *t);
    unsigned acts; /* as of struct conv_tile_kernel */
};

#include "kernels/word_slots.h" /* the same tiles on words of two bf16 numbers or four bytes */

#include "kernels/matrix_slots.h" /* all panels over a line of points, by a matrix unit */

/* --- weight gradient: m input channels x one panel of output channels, over many pixels ---
 * c[i*c_stride + col] += sum over pixels p of a[p][a_offset + i] * b[p*b_stride + col],   col < n */
struct wgrad_tile {
    int m, n, nv, pixels;
    const float *const *a; /* one pointer a pixel */
    size_t a_offset;
    const float *b;
    size_t b_stride;
    float *c; /* rows of nv*vl floats, aligned to a vector; columns >= n are garbage that nobody reads */
    size_t c_stride;
};

struct wgrad_tile_kernel {
    const char *name;
    void (*run)(const struct wgrad_tile *t);
    int vl, nv_main, nv_max;
    int mr[MAX_PANEL_VECTORS + 1];
};

/* The same on words of bf16: a pixel is a pair of pixels, each of its words a channel of the first one and the same of
 * the second one. */
struct pair_run {
    const float *const *src; /* one pointer a pixel */
    size_t offset;
    int pixels, c; /* of an odd number the last pair's second is 0 */
    float *dst;    /* pair q at dst[q*dst_pair]: words of channels [offset, offset + c), then zeros up to `width` */
    size_t dst_pair;
    int width;
};

struct wgrad_bf16_kernel {
    const struct wgrad_tile_kernel *tile;
    void (*pairs)(const struct pair_run *r);
};

/* --- batch normalisation and activation: a run of pixels ---
 * z[k] = beta[k] + sum over the n_src sources of (src[k] - mean[k]) * scale[k]
 * Arrays a channel (mean, scale, beta, shift, slope, sum) have room for c rounded up to 16; what lies beyond c may be
 * read and, in `sum`, written, but means nothing. */
enum { MAX_BN_SRC = 3 };

struct bn_run {
    int n_src, pixels, c;
    enum act act;
    const float *src[MAX_BN_SRC]; /* first pixel; src_stride floats from a pixel to the next */
    size_t src_stride[MAX_BN_SRC];
    const float *mean[MAX_BN_SRC], *scale[MAX_BN_SRC], *beta;

    float *dst; /* forward */
    size_t dst_stride;
    const float *residual; /* added after the activation, or NULL */
    size_t residual_stride;

    float *d_dst; /* d_sums turns it into d_z, which backward reads */
    size_t d_dst_stride;
    const float *shift[MAX_BN_SRC], *slope[MAX_BN_SRC]; /* NULL: 0 */
    float *d_src[MAX_BN_SRC];                           /* may be src; NULL: not wanted */
    size_t d_src_stride[MAX_BN_SRC];
    bool add[MAX_BN_SRC];

    double *sum; /* sums: rows of sum_stride doubles, overwritten */
    size_t sum_stride;
};

struct bn_act_kernel {
    const char *name;
    void (*statistics)(const struct bn_run *r); /* sum: rows 2i, 2i + 1: sums of src[i] and of its squares */
    void (*forward)(const struct bn_run *r);    /* dst = act(z) [+ residual] */
    /* d_dst becomes d_z = d_dst * act'(z); sum: row 0: d_z, row i + 1: d_z * (src[i] - mean[i]) */
    void (*d_sums)(const struct bn_run *r);
    void (*backward)(const struct bn_run *r); /* d_src[i] (=|+=) scale * d_z - shift - (src[i] - mean) * slope */
    unsigned acts;                            /* as of struct conv_tile_kernel */
};

/* --- class loss of the background: binary cross entropy with logits, target 0 --- */
struct softplus_kernel {
    const char *name;
    /* the sum of ln(1 + e^x), in double; d_x = scale / (1 + e^-x) */
    double (*run)(const float *x, float *d_x, float scale, size_t n);
};

/* --- GELU: x P(x), P the normal distribution function; its slope is P(x) + x p(x), p the density --- */
struct gelu_kernel {
    const char *name;
    void (*forward)(const float *x, float *y, size_t n);
    void (*backward)(const float *x, const float *d_y, float *d_x, bool add, size_t n); /* d_x may be x */
};

/* --- pooling: one row of outputs, or of gradients ---
 * Window (y, x) has its tap (ky, kx) at row y*stride - pad + ky, column x*stride - pad + kx; taps outside the map do
 * not exist. */
enum { MAX_POOL_K = 16 };

struct pool_run {
    int k, stride, pad, c;
    int width, n;              /* columns of the source, outputs */
    int first_ky, end_ky;      /* taps of this row that exist */
    const float *src;          /* column 0 of tap row first_ky */
    size_t src_row, src_pixel; /* floats from a row, a pixel to the next */
    float *dst;
    size_t dst_pixel;
    bool src_bf16, dst_bf16; /* max, mean: they hold bf16; the steps between pixels and rows count words of 32 bits */
    unsigned char *place;    /* max_place: where the maximum was, ky * k + kx; [n][c] */
    float factor;            /* mean: 1 / (k * k) */
};

/* One row of d_src from the windows over it: rows first_row..end_row-1 of d_dst. */
struct pool_d_run {
    int k, stride, pad, c;
    int width, n; /* columns of d_src, windows a row */
    int y, first_row, end_row;
    const float *d_dst; /* window (first_row, 0) */
    size_t d_dst_row, d_dst_pixel;
    const unsigned char *place; /* of window (first_row, 0); rows of n*c */
    float *d_src;
    size_t d_src_pixel;
    bool add;
    float factor;
};

struct pool_kernel {
    const char *name;
    void (*max)(const struct pool_run *r);       /* later taps win by >, NaN wins */
    void (*max_place)(const struct pool_run *r); /* same, and place */
    void (*mean)(const struct pool_run *r);      /* no padding: every tap exists */
    void (*d_max)(const struct pool_d_run *r);
    void (*d_mean)(const struct pool_d_run *r);
    /* dst[i] = src[0][i] + src[1][i] + ..., from left to right; a source may be dst */
    void (*sum)(float *dst, const float *const *src, int n_src, size_t n);
    void (*sum_bf16)(uint16_t *dst, const uint16_t *const *src, int n_src, size_t n); /* rounded once */
};

/* --- Winograd F(4x4, 3x3) and F(5x5, 3x3) ---
 * Lavin and Gray 2015: an m x m tile of a 3x3 convolution is A^T [(G g G^T) . (B^T d B)] A with (m + 2) x (m + 2)
 * transformed values: 36 for 16 pixels, 49 for 25. With M(x) the product of (x - p) over the points p, row p of B^T
 * holds the coefficients of M/(x - p), row p of G is (1, p, p^2)/M'(p), column p of A^T is (1, p, .. p^(m-1)); the last
 * point is infinity. F(4): 0, +-WINO_A, +-WINO_B. F(5): +-WINO5_A, +-WINO5_B, +-WINO5_C, which have a smaller error
 * than any choice with 0. */
#define WINO_A  0.625
#define WINO_B  1.25
#define WINO5_A 0.3125
#define WINO5_B 0.875
#define WINO5_C 1.5625

enum { WINO_POINTS = 36, WINO5_POINTS = 49 };

/* Stride 2, the same idea for each parity of the source: output i of a row is w0 o[i] + w2 o[i+1] + w1 e[i] with
 * o[i] = x[2i], e[i] = x[2i+1] counted from the first pixel a tile reads. The two taps over o are F(4, 2), five points
 * 0, 1, WINO_P, WINO_Q, infinity; the one over e needs no transform. So a 4x4 tile is 9x9 products, five points and
 * four pixels a side, in place of 144; a product over pixels has the same weights for each of them, so that weights
 * have 6x6 transformed values as in the other form (five points and w1 a side). */
#define WINO_P -0.5
#define WINO_Q -1.5

/* WINO_S1_5: F(5x5). WINO_POOLED: the source of stride 2 is an average pool (2x2, stride 1) that the input transform
 * takes on the way. */
enum wino_form { WINO_S1, WINO_S1_5, WINO_S2, WINO_POOLED, WINO_FORMS };
enum { WINO_SIDE_S1 = 6, WINO_SIDE_S1_5 = 7, WINO_SIDE_S2 = 9 }; /* source pixels of a tile, and products, a side */
enum { WINO_SIDE_POOLED = 10 };                                  /* source pixels; products as stride 2 */
enum { WINO_SIDE_MOST = 9, WINO_OUT_MOST = 5 };                  /* products, target pixels of a tile, a side */

/* v[point*stride + c] = (B^T d B)[point], d[i] = src[i][offset + c] in row order, c < channels; v is written up to the
 * next whole vector */
struct wino_input {
    const float *const *src;  /* side * side pixels; padding points to zeros */
    const float *const *next; /* the next tile's, to be fetched into the cache; NULL: none */
    bool bf16;                /* they hold bf16; offset counts channels all the same */
    const float *factors;     /* WINO_POOLED: 9x9, 1/4 or, for a pooled pixel of the convolution's padding, 0 */
    size_t offset;
    int channels;
    float *v;
    size_t stride;
};

/* dst[i][dst_offset + col] = act((A^T m A)[i] + bias[col] (+ dst)) (+ residual), i in row order over 4x4 or 5x5, col <
 * n */
struct wino_output {
    const float *m; /* side * side rows, `stride` apart, of whole vectors */
    size_t stride;
    int n;
    const float *bias; /* whole vectors, or NULL */
    float *const *dst; /* 16 or 25 pixels; those outside of the map point to memory that may be overwritten */
    size_t dst_offset;
    const float *const *residual; /* as many, or NULL */
    size_t residual_offset;
    const float *const *residual_next; /* the next tile's, to be fetched into the cache; NULL: none */
    bool accumulate;                   /* not into bf16 */
    bool dst_bf16, residual_bf16;      /* as in struct conv_tile */
    enum act act;
};

struct winograd_kernel {
    const char *name[WINO_FORMS];
    void (*input[WINO_FORMS])(const struct wino_input *t);
    void (*output[WINO_FORMS])(const struct wino_output *t);
    unsigned acts; /* as of struct conv_tile_kernel */
};

/* The weights' side. Weight gradients are F(3x3, 4x4) with the points of F(4x4), so the input transform is the same
 * too: with e(p) = (1, p, p^2, p^3) d_dst, tap k of d_weights is the sum over points of p^k / M'(p) times the sum over
 * tiles of e(p) * (B^T d)(p). */

/* u[point*stride + col] = (G g G^T)[point]; g[tap*g_stride + col]; col < columns, whole vectors */
struct wino_pack {
    const float *g;
    size_t g_stride;
    int columns;
    float *u;
    size_t stride;
};

/* e[point*stride + c] = (A d A^T)[point], d[i] = src[i][offset + c] over 4x4, c < channels; e is written up to the next
 * whole vector */
struct wino_spread {
    const float *const *src; /* 16 pixels; those outside of the map point to zeros */
    size_t offset;
    int channels;
    float *e;
    size_t stride;
};

/* g[tap*g_stride + col] = the 3x3 taps of the sum over parts of m[part*part_stride + point*stride + col], in order */
struct wino_reduce {
    const float *m;
    size_t stride, part_stride;
    int parts, columns; /* whole vectors */
    float *g;
    size_t g_stride;
};

struct wino_weights_kernel {
    const char *name;
    int vl;
    void (*pack[WINO_FORMS])(const struct wino_pack *t);
    void (*spread)(const struct wino_spread *t);
    void (*reduce)(const struct wino_reduce *t);
};

#include "kernels/rows.h" /* how a kernel is defined */

#endif
