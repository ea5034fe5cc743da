/* How much of the input a linear reader finds in the maps of networks with random weights, by depth, over photos.
 *
 * A sample is a position of a map: its channels are the features, the pixels of the square behind it (side s, the map's
 * stride) what is to be recovered: all of them up to 4 x 4, else the means of 4 x 4 equal parts. So maps of stride 4
 * and more have 48 numbers to recover, whatever their depth. Each photo gives the same positions to every network. */
#ifndef Y9_LAB_RETENTION_H
#define Y9_LAB_RETENTION_H

#include "core/parallel.h"
#include "lab/photo_set.h"
#include "lab/probe.h"

struct retention_map {
    int asked, depth, row; /* of a check: -1 */
    char module[32];
    int h, w, c, t; /* t: numbers to recover */
    int samples;
    struct probe_result result;
};

/* One network with one seed. */
struct retention_net {
    char *name;
    int n;
    struct retention_map *maps; /* one a depth */
};

struct retention_options {
    const struct photo_set *photos;
    int positions;     /* of a photo, at most */
    int measured;      /* photos that batch normalisation takes its statistics from: the first ones, at most all */
    struct team *team; /* borrowed */
};

/* Batch normalisations take the statistics of the first photos, as one batch, and keep them: every photo then goes
 * through one and the same function. E_ARGUMENT for a depth that the network does not have. Released with
 * retention_free, also after a failure. */
enum status retention_measure(const struct retention_options *o, const char *network, uint64_t seed, const int *depths,
                              int n_depths, struct retention_net *out);

/* Features whose result is known, at a quarter of the sides. */
enum retention_check {
    CHECK_COPY,     /* the pixels themselves: everything is recovered */
    CHECK_NOISE,    /* 48 normal numbers: nothing is */
    CHECK_POSITION, /* where in the picture the position lies: what padding may tell, and where objects usually are */
    RETENTION_CHECKS
};
/* One map, named "copy", "noise" or "position". */
enum status retention_check(const struct retention_options *o, enum retention_check check, uint64_t seed,
                            struct retention_net *out);

void retention_free(struct retention_net *r);

#endif
