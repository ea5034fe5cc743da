/* What the elements of each home are: floats, or what the precision of inference asks for (bytes, bf16), where every
 * node that writes or reads the home can. */
#ifndef Y9_GRAPH_ELEMENTS_H
#define Y9_GRAPH_ELEMENTS_H

#include "graph/backend.h"
#include "graph/op_rules.h"
#include "graph/plan.h"

/* This convolution reads its input (`ic` channels) in 8 bits. */
static inline bool conv_reads_bytes(const struct conv_attr *a, int ic, const struct plan_options *o)
{
    return o->mode == RUN_INFER && o->precision == PRECISION_INT8 && a->quant.on && a->quant.scale > 0 &&
           (a->groups == 1 || ic / a->groups % 4 == 0);
}

/* This node is a convolution that reads src[0] in 8 bits. */
static inline bool conv_in_bytes(const struct node *n, int ic, const struct plan_options *o)
{
    return op_rules[n->op]->quant && conv_reads_bytes(&n->u.conv, ic, o);
}

/* The state of a choice, for elements.c and bytes.c alone. */
struct element_choice {
    const struct graph *g;
    const struct plan_request *r;
    struct plan *p;
    struct homes *h;
    enum element element; /* what homes hold that nobody refuses */
    int *group;           /* home -> a home of the same group: they hold it together or not at all */
    bool *refused;        /* a representative of a group: somebody wants floats */
};

static inline const struct region *element_region(const struct element_choice *b, int v)
{
    return &b->h->region[v];
}

/* Of a value or of a copied part. */
static inline int element_channels(const struct element_choice *b, int v)
{
    const int from = v < b->g->n_values ? v : b->h->copy[v - b->g->n_values].from;
    return b->g->values[from].c;
}

/* The home that stands for the group of v's home. */
static inline int element_group(const struct element_choice *b, int v)
{
    int home = element_region(b, v)->home;
    while (b->group[home] != home)
        home = b->group[home];
    return home;
}

static inline bool element_refused(const struct element_choice *b, int v)
{
    return b->refused[element_group(b, v)];
}

static inline void element_refuse(struct element_choice *b, int v)
{
    b->refused[element_group(b, v)] = true;
}

/* Its sources and dst hold the element together. */
static inline bool element_moves(const struct element_choice *b, const struct node *n)
{
    return op_rules[n->op]->moves & ELEMENT_BIT(b->element);
}

/* A value, or a copied part, that one node writes. */
static inline bool element_is_unit(const struct element_choice *b, int v)
{
    return v >= b->g->n_values || b->g->values[v].writer >= 0;
}

/* How homes of bytes are read (homes.channels); values without a range are refused. */
enum status bytes_ranges(struct element_choice *b);

#endif
