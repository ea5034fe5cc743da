/* Maps of bytes in the ops that move values: src[0] and dst hold bytes, each with a scale of its own. */
#ifndef Y9_OPS_BYTE_POOL_H
#define Y9_OPS_BYTE_POOL_H

#include "graph/backend.h"

/* A byte of src[0] is round(byte * factor + shift) in dst. */
struct byte_scale {
    float factor, shift;
};
struct byte_scale byte_scale_of(const struct call *c);

void byte_maxpool_forward(const struct call *c);
void byte_avgpool_forward(const struct call *c);
void byte_resize_forward(const struct call *c); /* upsample, copy */

#endif
