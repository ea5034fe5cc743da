/* Which convolutions run on bytes, and which maps between them hold bytes. */
#ifndef Y9_GRAPH_BYTES_H
#define Y9_GRAPH_BYTES_H

#include "graph/backend.h"
#include "graph/op_rules.h"

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

#endif
