/* What the rest of the program needs to know of an op beside how it is run: one row an op (op_rules.c), indexed by
 * ops.def. Planning, deployment, lowering, elements, initialisation, checks and reports read these rows and know no op
 * by name, so that a new op is a line in ops.def, a row here and a file in ops/.
 *
 * Whatever a row leaves out (NULL, false) has a default that may cost memory or speed but is never wrong; it stands
 * beside each field. */
#ifndef Y9_GRAPH_OP_RULES_H
#define Y9_GRAPH_OP_RULES_H

#include "graph/graph.h"
#include "graph/tensor.h"

enum { OP_DST = -1 };

enum folds {
    FOLDS_NOTHING,
    FOLDS_NORMALISED, /* src[0 .. u.bn_act.n_bn - 1] are normalised */
    FOLDS_IMPLICIT,   /* an implicit vector, u.implicit */
};

struct op_rule {
    /* Channels and attributes fit, E_SHAPE names the node. NULL: every source has as many channels as dst. */
    enum status (*check)(const struct graph *g, const struct node *n);

    /* Rows and columns of dst; `e` has those of every value. NULL: every source and dst have the same. */
    enum status (*infer)(const struct graph *g, const struct node *n, const struct extent *e, struct extent *dst);

    /* The places in the node's attributes that hold parameters (an index, or -1: absent), in the order in which
     * struct call has them; returns how many. NULL: none. */
    int (*params)(struct node *n, int *place[MAX_NODE_PARAMS]);

    /* Does the backward pass look at source s again (OP_DST: at dst)? NULL: at all of them, so that they are kept. */
    bool (*backward_reads)(const struct node *n, int s);

    /* May the gradient of source s overwrite that source, because the backward pass reads and writes it element by
     * element? NULL: no, it gets memory of its own. */
    bool (*in_place)(const struct node *n, int s);

    /* Can the backend's `again` make dst once more in the backward pass, so that it need not be kept? NULL: no. */
    bool (*remade)(const struct node *n);

    /* The activation that it ends with. NULL: none. */
    enum act (*activation)(const struct node *n);

    /* How its parameters go into the weights of the convolutions without activation that write its sources when the
     * network is deployed (deploy.c). */
    enum folds folds;

    /* How it reads src[0] in 8 bits, where it can. NULL: it cannot, and its maps are floats. */
    struct conv_quant *(*quant)(struct node *n);

    /* The elements beside float (a set, ELEMENT_BIT) that it moves: dst holds values of its sources, means or sums of
     * them, all in this element together. Bytes have one source and go from one scale to another. 0: floats only. */
    unsigned moves;

    /* Can source s (OP_DST: dst) be bf16, whatever its other maps are? NULL: no. */
    bool (*takes_bf16)(const struct graph *g, const struct node *n, int s);

    /* Can it average source s (2x2, stride 1) on the way in; `take_pool` tells it to. NULL: no. */
    bool (*takes_pool)(const struct graph *g, const struct node *n, int s);
    void (*take_pool)(struct node *n);

    /* Multiplications and additions of its products for one picture. NULL: none worth counting. */
    double (*flops)(const struct graph *g, const struct node *n, struct extent dst);

    /* "3x3 s2 g4 96>64". NULL: its name and the channels of dst. */
    void (*describe)(const struct graph *g, const struct node *n, char *text, size_t size);
};

extern const struct op_rule *const op_rules[OP_COUNT];
const char *op_name(enum op op);

/* Does the backward pass look at source s (OP_DST: at dst) again? */
bool node_backward_reads(const struct node *n, int s);
/* The node's parameters (an index, or -1: absent) in the order of struct call; returns how many. */
int node_params(const struct node *n, int param[MAX_NODE_PARAMS]);
/* Does it have a parameter that is trained? */
bool node_is_trained(const struct graph *g, const struct node *n);
/* The activation that it ends with, ACT_NONE without one. */
enum act node_activation(const struct node *n);
/* How it reads src[0] in 8 bits; NULL: this op never does. */
const struct conv_quant *node_quant(const struct node *n);
void node_describe(const struct graph *g, const struct node *n, char *text, size_t size);

#endif
