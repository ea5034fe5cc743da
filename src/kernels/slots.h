/* What a kernel is given. Kernels see pointers and counts only; loops over parts, packing and edges are the frame's
 * (ops/conv2d.c). A kernel reads and writes nothing but what its structure names. */
#ifndef Y9_KERNELS_SLOTS_H
#define Y9_KERNELS_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

enum { MAX_PANEL_VECTORS = 4 };

/* Same order as enum act of graph/graph.h (asserted in ops/conv2d.c). */
enum kernel_act { KERNEL_ACT_NONE, KERNEL_ACT_SILU, KERNEL_ACT_RELU };

/* --- direct convolution: m pixels x one panel of output channels ------------------------------------------------
 * acc[i][col] = sum over taps t and channels c of a[t*a_stride + i][a_offset + c] * b[(t*k + c)*nv*vl + col]
 * dst[i][dst_offset + col] = act(acc + bias[col] (+ dst)) (+ residual[i][residual_offset + col]),   col < n */
struct conv_tile {
    int m, n, nv;          /* pixels (<= mr[nv]), valid columns (<= nv*vl), vectors in the panel */
    int taps, k;           /* reduction: taps x channels; taps 0 writes act(bias) */
    const float *const *a; /* one pointer a tap and pixel; padding points to k + a_offset zeros */
    size_t a_stride, a_offset;
    const float *b;    /* packed panel [taps*k][nv*vl], aligned to a vector */
    const float *bias; /* [nv*vl], or NULL */
    float *const *dst; /* one pointer a pixel */
    size_t dst_offset;
    const float *const *residual; /* one pointer a pixel, or NULL */
    size_t residual_offset;
    bool accumulate; /* add what dst holds before the activation */
    enum kernel_act act;
};

struct conv_tile_kernel {
    const char *name;
    void (*run)(const struct conv_tile *t);
    int vl;                        /* floats in a vector: panels are multiples of it */
    int nv_main, nv_max;           /* usual panel, and the widest one for the last panel */
    int mr[MAX_PANEL_VECTORS + 1]; /* most pixels of a tile for a panel of nv vectors */
};

/* --- weight gradient: m input channels x one panel of output channels, over many pixels --------------------------
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

#endif
