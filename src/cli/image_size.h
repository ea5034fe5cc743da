/* --img, the same for every verb that runs a network: what was given, else the size that the weights were trained at,
 * else 640; rounded up to a multiple of the network's largest stride. Which of these it was is said in one line. */
#ifndef Y9_CLI_IMAGE_SIZE_H
#define Y9_CLI_IMAGE_SIZE_H

#include "cli/options.h"
#include "weights/weights.h"

enum { IMAGE_SIZE_MOST = 8192 };

/* clang-format off */
/* `most`: 2 where height and width may differ, 1 where the input is a square. */
#define IMAGE_SIZE_OPTION(help, most) \
    {"img", "imgsz img-size", OPTION_INTS, NULL, help, 1, IMAGE_SIZE_MOST, most, .value = VALUE_SIZE}
/* clang-format on */

struct image_size {
    int h, w;
};

/* What a network says of its input. */
struct input_facts {
    int stride;
    int h, w;   /* the size that it takes by default */
    bool known; /* it was trained at that size */
};
/* The same for facts; those of a network that is not --weights' are not `given`. */
struct image_size image_size_from(const struct options *o, const struct input_facts *facts, bool given);

/* `w`: the network, whose stride counts, and which may know its size where it was read from --weights; NULL: it is
 * not known yet, and the stride that every network has is taken. */
struct image_size image_size_of(const struct options *o, const struct weights *w);
/* The same for a verb that takes squares only: the longer side of a rectangle that the weights remember. */
int image_side_of(const struct options *o, const struct weights *w);

/* Warns where the weights were trained at another size than they are about to be used at. */
void image_size_compare(const struct weights *w, int height, int width);

#endif
