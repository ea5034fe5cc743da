/* Whose rules fill what a network table leaves open. The same rows mean different widths to the packages that write
 * them; a table says by its key `family` which rules are its own (absent: the official ones). */
#ifndef Y9_MODEL_FAMILY_H
#define Y9_MODEL_FAMILY_H

#include <stdbool.h>

struct family {
    const char *name; /* "official" */
    /* A row's width is scaled and rounded up to a multiple of 8, except where it happens to equal a number: the
     * channels of a head with anchors, anchors * (nc + 5), or the number of classes itself. */
    bool keeps_class_count;
    /* Width of a head's class tower: max(channels of the first level, min(class_factor * nc, class_most)). */
    int class_factor, class_most;
    /* What training uses for such networks unless asked otherwise (train/run_options.h, train/presets.def). */
    const char *assigner, *recipe;
};

/* NULL if there is no family of this name; name NULL: the official one. */
const struct family *family_find(const char *name);

/* The width that this family neither scales nor rounds. */
int family_kept_width(const struct family *f, int nc, int anchors);

#endif
