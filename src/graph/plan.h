/* Private to graph/: where every value lives, in which order steps run, and how memory is shared (plan once, then
 * run with no allocation and no decision).
 *
 * homes.c  gives every value a region of a home: a slice lies in its parent's home, a concat's parts are written
 *          straight into slices of the concat's home, a branch's levels lie one after another in one home, so
 *          split and concat move no bytes. Where a value is wanted in two homes, a copy node is added.
 * plan.c   lists the steps (forward, then backward with its own store/add flags and zeroed ranges), finds out when
 *          every home lives, and packs homes, saved and scratch memory into one arena.
 *
 * No inner padding of odd slices: pixels enter the convolution kernels as broadcast scalars, so only the pixel
 * stride (a multiple of 16 floats from 16 channels on) is aligned, not every slice (docs/ARCHITECTURE.md). */
#ifndef Y9_GRAPH_PLAN_H
#define Y9_GRAPH_PLAN_H

#include "graph/net.h"

/* A block of the arena and the steps between which it must not be overwritten. */
struct plan_block {
    size_t floats, offset; /* offset from the arena's start, in floats */
    int first, last;       /* steps, inclusive; first > last: unused */
    int pause, resume;     /* steps pause < t < resume may overwrite it (0, 0: none) */
};

struct region {
    int home;      /* index into homes */
    int root;      /* the value that spans the home (or the head level): slices of one root share gradients */
    int channel;   /* first channel inside the root */
    size_t offset; /* floats from the home's start */
    size_t pixel_stride, image_stride;
};

struct homes {
    struct region *region; /* one a value, then one a copied part (n_regions) */
    int n_regions;
    struct plan_block *home;
    int n_homes;
    /* Copies: value `from` is wanted in a second home too; `to` is a region index >= n_values. */
    struct copy {
        int from, to, concat; /* to is needed when `concat` is read */
        struct node node;     /* an OP_COPY node for the executor */
    } * copy;
    int n_copies;
    int branch_home[MAX_BRANCHES];
    enum element *element;        /* a home: what its channels are (elements_choose) */
    struct conv_quant **channels; /* a home of ELEMENT_BYTE: how to read each channel; else NULL */
};

enum step_kind { STEP_FORWARD, STEP_BACKWARD, STEP_ZERO, STEP_AGAIN };

struct plan_step {
    enum step_kind kind;
    int call;             /* FORWARD, BACKWARD, AGAIN: its dst was dropped after the forward pass */
    int root, channel, c; /* ZERO: channels [channel, channel + c) of the gradient of a root */
    double seconds;       /* of the last timed run */
};

struct plan {
    int n;                  /* images */
    struct extent *inputs;  /* key, one an input */
    struct extent *extents; /* one a value */
    struct homes homes;
    struct call *calls; /* one a node, then one a copy */
    int n_calls;
    int *packed;             /* one a call: index into the net's packed weights, or -1 */
    struct plan_step *steps; /* forward steps, then backward steps */
    int n_steps, n_forward, cap_steps;
    struct plan_block *gradient; /* one a home, laid out as the home; floats 0: no gradient, or in place */
    bool *in_place;              /* home -> its gradient overwrites the home itself (a convolution's output) */
    bool *dropped;               /* home -> not kept for the backward pass but made again there */
    struct plan_block *saved, *scratch, *d_scratch; /* one a call */
    size_t arena_floats;
    float *bound; /* arena the pointers were made for */
    struct arena memory;
};

struct plan_request {
    const struct graph *graph;
    const struct backend *backend;
    struct plan_options options;
    bool keep_all;
    const int *outputs; /* bare modules: values that must survive the run */
    int n_outputs;
    bool input_gradients;
    float *params, *d_params;
};

/* Everything but the addresses. */
enum status homes_build(const struct graph *g, int n, const struct extent *extents, struct arena *memory,
                        struct homes *out);
/* What each home holds; regions and sizes of those of bytes and of bf16 become those of words of several channels. */
enum status elements_choose(const struct plan_request *r, struct plan *p);
enum status plan_build(const struct plan_request *r, int n, const struct extent *inputs, struct plan **out);
void plan_destroy(struct plan *p);
/* Point every call at the arena (arena_floats, 64-byte aligned). */
void plan_bind(struct plan *p, float *arena);
float *block_address(const struct plan_block *b, float *arena); /* NULL for a block without memory */

/* Offsets for blocks that are alive at the same time not to overlap; returns the arena's size in floats. */
size_t layout_blocks(struct plan_block **blocks, int n);

struct tensor plan_tensor(const struct plan *p, const struct graph *g, int value);
struct tensor plan_gradient(const struct plan *p, const struct graph *g, int value);

#endif
