/* graph/: a network as data, and the plan that lets a backend run it. No floats are computed here.
 *
 * The intermediate representation: values (maps), nodes (primitive ops) and parameters.
 *
 * A graph knows channels, not sizes: rows and columns come with a plan (graph_infer). Three kinds of values:
 *   plain   written by one node (or the graph's input)
 *   slice   channels [first, first+c) of its parent: chunk, split, CBLinear's maps. No node writes it.
 *   concat  its parts side by side: no node writes it, its parts' writers do (plan.c gives it a home).
 * Nodes stand in execution order. Everything is owned by the graph's arena. */
#ifndef Y9_GRAPH_GRAPH_H
#define Y9_GRAPH_GRAPH_H

#include "core/mem.h"
#include "kernels/act.h"

#include <stdbool.h>

enum op {
#define OP(upper, lower) OP_##upper,
#include "graph/ops.def"
#undef OP
    OP_COUNT
};

enum {
    MAX_SRC = 10,     /* CBFuse of E has six inputs */
    MAX_LEVELS = 5,   /* detection levels of a branch */
    MAX_BRANCHES = 3, /* head branches: auxiliary ones first, main last */
    MAX_ANCHORS = 8,  /* boxes that an anchor head predicts in a cell */
    MAX_BN = 3,       /* normalised inputs of a bn_act: RepConv's, with its identity */
    MAX_NODE_PARAMS = 4 * MAX_BN,
};

#define BN_EPSILON  1e-3f /* SPEC 1 */
#define BN_MOMENTUM 0.03f

struct value {
    const char *name; /* "model.4.cv1" for messages and golden tests */
    int c;            /* channels */
    int row;          /* table row that made it */
    int parent;       /* slice: the value it is cut from; -1 otherwise */
    int first;        /* slice: first channel inside the parent */
    int n_parts;      /* concat: number of parts; 0 otherwise */
    const int *parts; /* concat: values, in channel order */
    int writer;       /* plain: index of the node that writes it; -1 for the input, slices and concats */
};

enum param_role {
    PARAM_WEIGHT,   /* convolution weights (oc, ic/groups, kh, kw) */
    PARAM_BIAS,     /* convolution bias (oc) */
    PARAM_GAMMA,    /* BN weight (c) */
    PARAM_BETA,     /* BN bias (c) */
    PARAM_MEAN,     /* BN running_mean (c): a statistic, not trained */
    PARAM_VAR,      /* BN running_var (c): a statistic, not trained */
    PARAM_IMPLICIT, /* YOLOv7's implicit vectors (1, c, 1, 1) */
    PARAM_DFL,      /* frozen 0..reg_max-1, counted as the official code counts it */
};

struct param {
    const char *name; /* "model.4.cv1.conv.weight": the official state_dict name */
    enum param_role role;
    int rank, shape[4];
    size_t first, count; /* place inside the parameter block, in floats (first is a multiple of 16) */
    int row;             /* table row that owns it */
};

static inline bool param_is_trained(const struct param *p)
{
    return p->role != PARAM_MEAN && p->role != PARAM_VAR && p->role != PARAM_DFL;
}

/* How a convolution with 8-bit integers reads its input: x = (q - zero) * scale with q in 0 .. 255. Weights need no
 * entry: they are signed, symmetric, and each output channel's scale is max|w| / 127. */
struct conv_quant {
    bool on; /* false: this convolution stays in higher precision */
    float scale;
    int zero; /* 0 .. 255 */
};

struct conv_attr {
    int oc, kh, kw, stride, pad, dilation, groups;
    int weight, bias;        /* parameters; bias -1 when absent */
    enum act act;            /* deployed form only; training form keeps it in bn_act */
    bool residual;           /* src[1] is added after the activation */
    struct conv_quant quant; /* deployed form only */

    /* Lowered form only (graph_lower): */
    int first_ic, weight_ic; /* src holds input channels first_ic .. of weight_ic; weight_ic 0: all of them */
    int addend_scale;        /* src[1], upsampled (nearest) by this, is added before the activation; 0: none */
    bool pooled;             /* src is averaged (2x2, stride 1) on the way in */
};

struct bn {
    int gamma, beta, mean, var; /* parameters */
};

struct bn_act_attr {
    int n_bn;             /* normalised inputs: 1, 2 for RepConvN, up to 3 for RepConv */
    struct bn bn[MAX_BN]; /* one an input */
    enum act act;
    bool residual; /* the last src is added after the activation */
};

struct pool_attr {
    int k, stride, pad;
    bool pooled; /* lowered form only: src is averaged (2x2, stride 1) on the way in */
};

struct implicit_attr {
    int vector;      /* parameter */
    bool multiplies; /* else it is added */
};

struct node {
    enum op op;
    int n_src, src[MAX_SRC], dst;
    int row;
    const char *name; /* parameter path without leaf: "model.4.cv1.conv" */
    union {
        struct conv_attr conv;
        struct bn_act_attr bn_act;
        struct pool_attr pool; /* maxpool, avgpool */
        struct implicit_attr implicit;
        int scale;    /* upsample */
        enum act act; /* act */
    } u;
};

/* How a deployed parameter pair (weight, bias) is made of training-form parameters (SPEC 6.3):
 *   W = sum_t scale_t * weight_t,  b = sum_t beta_t - mean_t*scale_t (+ bias_t*scale_t), scale = gamma/sqrt(var + eps)
 * A term without BN has gamma -1 and scale 1. A 1x1 weight inside a 3x3 sum goes to the centre tap, and so does a term
 * without weight, RepConv's identity: 1 from input channel o to output o. Implicit vectors a before and m after the
 * convolution are taken in last: W' = m W, b' = m (b + W a). ops/recipe.h evaluates it. */
struct recipe_term {
    int weight, bias; /* training-form parameters; -1 when absent */
    struct bn bn;     /* all -1 when absent */
};
struct recipe {
    int weight, bias; /* deployed parameters that it makes */
    int shift, scale; /* implicit vectors a and m; -1 when absent */
    int n_terms;
    struct recipe_term term[MAX_BN];
};

struct branch {
    int n_levels, level[MAX_LEVELS]; /* raw maps of head_channels() channels, finest level first */
};

/* What the channels of the raw maps mean. Whatever depends on it (boxes and scores of a cell, first biases, loss,
 * export) is a table of functions with one entry a kind in the layer that does it: detect/decode_kinds.h,
 * model/init.c, train/, export/. */
enum head_kind {
    HEAD_DFL,     /* a cell has one box: 4 x reg_max logits of its sides' distances, then nc class logits */
    HEAD_ANCHORS, /* a cell has n_anchors boxes, each x, y, w, h, objectness, nc classes, one after the other */
    HEAD_KINDS
};

/* The head of a graph; all branches are of one kind. Plain data that graph_deploy and graph_lower copy. Anchors are
 * written there when a model is built (from the table's `anchors`), so whoever finds better ones gives them to the
 * table before (table_set_anchors) and they are saved with it. */
struct head {
    enum head_kind kind;
    int nc;
    int reg_max;                              /* HEAD_DFL: bins a side; else 0 */
    int n_anchors;                            /* HEAD_ANCHORS: boxes a cell; else 0 */
    float anchor[MAX_LEVELS][MAX_ANCHORS][2]; /* HEAD_ANCHORS: width, height in pixels of the network's input */
};

static inline int head_cell_boxes(const struct head *h)
{
    return h->kind == HEAD_ANCHORS ? h->n_anchors : 1;
}

/* Channels of a raw map. */
static inline int head_channels(const struct head *h)
{
    return h->kind == HEAD_ANCHORS ? h->n_anchors * (5 + h->nc) : 4 * h->reg_max + h->nc;
}

struct graph {
    struct arena arena;
    struct value *values;
    int n_values, cap_values;
    struct node *nodes;
    int n_nodes, cap_nodes;
    struct param *params;
    int n_params, cap_params;
    size_t param_floats;    /* size of the parameter block */
    struct recipe *recipes; /* deployed form only */
    int n_recipes;
    int n_inputs, input;                /* inputs are values without writer; input: the first, the image */
    int n_branches;                     /* 0 for a bare module */
    struct branch branch[MAX_BRANCHES]; /* main = the last one */
    struct head head;                   /* of all branches */
    int stride[MAX_LEVELS];             /* of the main branch's levels, from graph_infer at 256 */
    int n_rows;
    int faulty_row; /* the table row that graph_finish found a fault in; -1: none in particular */
    bool deployed;
    bool out_of_memory; /* a builder failed; graph_finish reports it */
};

/* --- building ---
 * Builders cannot fail half way: a graph that ran out of memory is marked and graph_finish says so. Channel and
 * argument checks belong to the caller (model/). Each function returns the new value. */
void graph_init(struct graph *g);
void graph_free(struct graph *g);

int graph_input(struct graph *g, int c, const char *name); /* the first one becomes g->input */
int graph_slice(struct graph *g, int parent, int first, int c, const char *name);
int graph_concat(struct graph *g, const int *parts, int n_parts, const char *name);
int graph_param(struct graph *g, const char *name, enum param_role role, int rank, const int *shape);
/* Append a node; its dst is a new plain value of `c` channels. n->dst is ignored, n->row is g->n_rows. */
int graph_node(struct graph *g, const struct node *n, int c);
/* Check (channels agree, every parameter belongs to a node), E_NOMEM if any builder ran out of memory. Fills stride[].
 */
enum status graph_finish(struct graph *g);

/* --- lowering ---
 * The deployed form rewritten for speed, same parameters (same places in the block), same result to rounding:
 * - a 1x1 convolution of a concat with an upsampled map: that part is multiplied before it is upsampled, scale^2 times
 *   less work, and added before the activation;
 * - an average pool (AConv, ADown) is taken into the convolution and the max pool that read it, so that its map is
 *   never written;
 * - a CBFuse whose first map a 1x1 and whose target a convolution made for it alone: they add it up on the way.
 * `map` (g->n_values): value of g -> value of out, -1 where it does not exist any more. `out` is initialised here. */
enum status graph_lower(const struct graph *g, struct graph *out, int *map);

/* The same graph, for measuring what it is worth that split and concat move nothing: each slice is a map of its own
 * that is copied out of its parent, and each part of a concat is copied into it. Same parameters, same result to the
 * bit. `map` and `out` as above. */
enum status graph_with_copies(const struct graph *g, struct graph *out, int *map);

/* --- asking --- */
enum { GRAPH_LEAST_STRIDE = 32 };
struct extent {
    int h, w;
};
/* Rows and columns of every value (out: n_values); `inputs` has one extent for each graph_input, in order.
 * E_SHAPE names the value where maps that meet differ in size, or that vanishes. */
enum status graph_infer(const struct graph *g, const struct extent *inputs, struct extent *out);
/* Convolution FLOPs (2 x multiply-accumulates) of one node for a given extent of its dst (SPEC 5). */
double graph_node_flops(const struct graph *g, const struct node *n, struct extent dst);
/* Of the main branch's strides the largest, and 32 at least: sides of an image are multiples of it. */
int graph_largest_stride(const struct graph *g);
int graph_round_side(const struct graph *g, int side);         /* up to such a multiple */
int graph_find_param(const struct graph *g, const char *name); /* -1 when absent */
int graph_find_value(const struct graph *g, const char *name); /* -1 when absent */

/* --- deploy ---
 * What the main branch can reach (a bare module: its last value): alive[r] for each of n_rows rows says whether a
 * needed value was made by it. The other rows are what training needs and inference drops: the auxiliary branch. */
enum status graph_alive_rows(const struct graph *g, bool *alive);

/* Deployed name of a training-form parameter, written into buffer (model/names.h has the rules). */
typedef const char *deploy_rename_fn(void *context, const char *name, char *buffer, size_t size);

/* The inference form of a training-form graph: prune what the main branch cannot reach (this *is* the removal of
 * the PGI branch), fold BN, merge RepConvN, fuse activation and residual add into convolutions. Parameters are
 * listed in node order, named by rename (NULL: as they are), and made by out->recipes. `out` is initialised here. */
enum status graph_deploy(const struct graph *g, struct graph *out, deploy_rename_fn *rename, void *context);

#endif
