/* Which convolutions run on bytes, and which maps between them hold bytes. */
#ifndef Y9_GRAPH_BYTES_H
#define Y9_GRAPH_BYTES_H

#include "graph/backend.h"
#include "graph/op_rules.h"

/* This node is a convolution that reads its input (src[0], `ic` channels) in 8 bits. */
static inline bool conv_in_bytes(const struct node *n, int ic, const struct plan_options *o)
{
    if (!op_rules[n->op]->quant || o->mode != RUN_INFER || o->precision != PRECISION_INT8)
        return false;
    const struct conv_attr *a = &n->u.conv;
    return a->quant.on && a->quant.scale > 0 && (a->groups == 1 || ic / a->groups % 4 == 0);
}

#endif
