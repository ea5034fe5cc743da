/* The rule of CBFuse's resize (SPEC 1). */
#ifndef Y9_OPS_NEAREST_H
#define Y9_OPS_NEAREST_H

#include "core/status.h"

/* Which row (column) of `in` row (column) `to` of `out` reads: min(floor(to * (in / out as float32)), in - 1). */
static inline int nearest(int to, int in, int out)
{
    float ratio = (float)in / (float)out;
    int from = (int)((float)to * ratio);
    return MIN(from, in - 1);
}

#endif
