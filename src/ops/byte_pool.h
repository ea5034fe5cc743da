/* Pooling where src[0] and dst hold bytes of one scale: what maxpool.c and avgpool.c do in that case. */
#ifndef Y9_OPS_BYTE_POOL_H
#define Y9_OPS_BYTE_POOL_H

#include "graph/backend.h"

void byte_maxpool_forward(const struct call *c);
void byte_avgpool_forward(const struct call *c); /* rounded to nearest, halves up */

#endif
