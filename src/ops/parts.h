/* Work is cut into parts by its shape alone, so results do not depend on the number of threads: runs of consecutive
 * pixels (or rows) of one image, about `target` floats each. */
#ifndef Y9_OPS_PARTS_H
#define Y9_OPS_PARTS_H

#include "core/status.h"

enum {
    PART_FLOATS = 16384, /* elementwise work: large against the cost of handing out a part */
    STAT_FLOATS = 65536, /* sums: partial sums stay small against what they sum */
};

struct parts {
    int length, step;     /* things an image, things a part */
    int per_image, count; /* parts an image, parts in all */
};

struct part_range {
    int image, first, end; /* things [first, end) of that image */
};

/* Cut `images` times `length` things into runs of `step`. */
static inline struct parts parts_of_rows(int images, int length, int step)
{
    struct parts p = {.length = length, .step = MIN(step, length)};
    p.per_image = (length + p.step - 1) / p.step;
    p.count = images * p.per_image;
    return p;
}

/* Cut `images` times `length` things of `each` floats. */
static inline struct parts parts_cut(int images, int length, size_t each, size_t target)
{
    return parts_of_rows(images, length, (int)MIN(MAX(1, target / MAX(1, each)), (size_t)length));
}

static inline struct part_range part_get(const struct parts *p, int part)
{
    int first = part % p->per_image * p->step;
    return (struct part_range){part / p->per_image, first, MIN(first + p->step, p->length)};
}

#endif
