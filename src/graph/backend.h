/* The device seam: a backend is a table of op implementations; plan.c fills one `struct call` a node and the
 * executor runs them in order. ops/ is the CPU backend. */
#ifndef Y9_GRAPH_BACKEND_H
#define Y9_GRAPH_BACKEND_H

#include "core/parallel.h"
#include "graph/graph.h"
#include "graph/tensor.h"

#include <stdint.h>

enum run_mode {
    RUN_INFER,     /* deployed form, or training form with running statistics (eval mode); no backward pass */
    RUN_TRAIN,     /* batch statistics, everything saved that the backward pass needs */
    RUN_EVAL_GRAD, /* running statistics as constants, with a backward pass (golden tests, frozen statistics) */
};

enum precision { PRECISION_FP32, PRECISION_BF16, PRECISION_INT8 };

struct plan_options {
    enum run_mode mode;
    bool exact; /* direct convolution only */
    enum precision precision;
    uint64_t features; /* the mask (core/cpu.h) that the kernels are chosen for */
    int threads;       /* size of the team that will run it */
};

/* Everything one node needs to run. `src`, `dst` and the gradients mirror the graph's views. */
struct call {
    const struct graph *graph;
    const struct node *node;
    struct plan_options options;

    struct tensor src[MAX_SRC], dst;
    struct tensor d_src[MAX_SRC], d_dst; /* backward; d_src[i].c 0 (and data NULL): that gradient is not wanted */
    struct conv_quant src_quant[MAX_SRC], dst_quant; /* of maps of ELEMENT_BYTE (graph/elements.h) */
    const struct conv_quant *src_channels;           /* src[0] of bytes: a concat has scales of its own for its parts */
    bool add[MAX_SRC];                               /* backward: add to d_src[i] instead of storing */

    /* Parameters in the order of the op's rule (graph/op_rules.h): conv2d: weight, bias; bn_act: gamma, beta, mean,
     * var (x n_bn). NULL: absent */
    float *param[MAX_NODE_PARAMS];
    float *d_param[MAX_NODE_PARAMS]; /* backward adds to these (NULL for statistics and frozen ones) */

    /* Set by op_impl.plan: */
    int variant;             /* the op's own choice of algorithm: a function of shape, features and options */
    size_t packed_floats[2]; /* packed weights: [0] for forward, [1] for the backward pass; 0: none */
    size_t saved_floats;     /* kept from forward to backward (RUN_TRAIN) */
    size_t scratch_floats;   /* needed while forward runs */
    size_t d_scratch_floats; /* needed while backward runs */

    /* Given by the executor, 64-byte aligned: */
    float *packed[2], *saved, *scratch; /* scratch: of the pass that runs */
    struct team *team;
};

struct op_impl {
    /* Shapes and strides are set, memory is not yet (all data pointers NULL). NULL: nothing to decide, none needed */
    enum status (*plan)(struct call *c);
    const char *(*variant_name)(const struct call *c); /* of what plan chose, for reports; NULL: it chooses nothing */
    void (*pack)(const struct call *c);                /* parameters -> packed; after every change of the parameters */
    void (*forward)(const struct call *c);             /* cannot fail */
    void (*again)(const struct call *c);    /* dst once more, after forward and before backward; NULL: it cannot */
    void (*backward)(const struct call *c); /* d_dst -> d_src (store or add), d_param (add); cannot fail; d_dst is
                                               nobody's afterwards and may have been used as scratch; NULL: a network
                                               with this op is refused where it would be trained */
};

struct backend {
    const char *name;
    /* The precision that inference does best to run in where this one is asked for: a function of the machine alone */
    enum precision (*runs)(enum precision asked, uint64_t features);
    const struct op_impl *ops[OP_COUNT];
};

#endif
