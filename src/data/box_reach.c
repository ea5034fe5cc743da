#include "data/box_reach.h"

/* Rounding of tools that write whole pixels or scale boxes back. */
static const float TOLERANCE = 2;

struct box_reach box_reach(const float xywh[4], int w, int h)
{
    /* rounding of parts takes a box at the edge a little beyond 1 */
    const float right = xywh[0] + xywh[2], bottom = xywh[1] + xywh[3], one = 1.001F;
    struct box_reach r = {.within_a_pixel = right <= one && bottom <= one};
    if (w > 0 && h > 0)
        r.beyond = xywh[0] < -TOLERANCE || xywh[1] < -TOLERANCE || right > (float)w + TOLERANCE ||
                   bottom > (float)h + TOLERANCE;
    return r;
}
