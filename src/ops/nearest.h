/* The rule of CBFuse's resize (SPEC 1). */
#ifndef Y9_OPS_NEAREST_H
#define Y9_OPS_NEAREST_H

#include "core/status.h"

/* Which row (column) of `in` row (column) `to` of `out` reads: min(floor(to * (in / out as float32)), in - 1). */
static inline int nearest_by(int to, int in, float ratio)
{
    int from = (int)((float)to * ratio);
    return MIN(from, in - 1);
}

static inline float nearest_ratio(int in, int out)
{
    return (float)in / (float)out;
}

static inline int nearest(int to, int in, int out)
{
    return nearest_by(to, in, nearest_ratio(in, out));
}

#endif
