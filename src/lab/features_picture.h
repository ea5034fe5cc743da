/* Feature maps as one picture: the photo, a row an architecture, a column a depth. */
#ifndef Y9_LAB_FEATURES_PICTURE_H
#define Y9_LAB_FEATURES_PICTURE_H

#include "lab/features.h"

struct features_sheet {
    const struct image *input; /* the letterboxed photo */
    const struct letterbox *box;
    const char *photo;               /* its name */
    const struct features *networks; /* (n), all with the same number of maps */
    int n;
    enum reduction reduction;
    uint64_t seed;
};

/* Writes a PNG. */
enum status features_draw(const struct features_sheet *s, const char *path);

#endif
