/* Feature maps of a network with random weights at growing depth: what its architecture alone keeps of a picture.
 *
 * What depth is and which statistics batch normalisations have: lab/random_net.h; here those of this one picture. */
#ifndef Y9_LAB_FEATURES_H
#define Y9_LAB_FEATURES_H

#include "core/parallel.h"
#include "image/image.h"
#include "image/letterbox.h"

#include <stdbool.h>

/* How the channels of a map become one number a pixel. */
enum reduction {
    REDUCE_MEAN,      /* mean of the channels */
    REDUCE_RMS,       /* root of their mean square */
    REDUCE_MAX,       /* largest channel */
    REDUCE_COMPONENT, /* first principal component: the mix of channels that varies most; its sign is that which goes
                         with the picture's brightness */
    REDUCTIONS
};

/* "the mean of 48 channels" */
void reduction_words(enum reduction r, int channels, char *text, size_t size);

struct feature_map {
    int asked, depth, row;
    char module[32]; /* of the row */
    int h, w, c;     /* of the whole map */
    float *values;   /* (inner_h, inner_w): the map reduced, without the grey border of the input */
    int inner_h, inner_w;
    double params, gflops; /* from the picture to here */
    double milliseconds;   /* of the same way, in one run; 0: not timed */
    /* Of the channels' covariance C over the pixels: (tr C)^2 / tr C^2, how many independent directions they vary in; 1
     * to c. 0: the map is constant. */
    double directions;
    double shown_correlation;   /* of `values` with the picture's brightness at the map's size, -1 to 1 */
    double channel_correlation; /* the largest absolute one of a single channel */
    /* Where every row so far can be undone: largest difference, in units of the picture's range of 0 to 1, between the
     * picture and what is computed back from this map. Below 0: it cannot be computed back. */
    double recovered_error;
};

struct features {
    char *name; /* of the network */
    int n;
    struct feature_map *maps;
    double map_bytes, weight_bytes; /* of the whole network: maps in memory at a time; parameters, packed ones too */
};

struct features_options {
    const char *network; /* name or path of a table */
    const int *depths;   /* n_depths, above 0 */
    int n_depths;
    uint64_t seed;
    enum reduction reduction;
    bool timed;
    struct team *team; /* borrowed */
};

/* `input` is the letterboxed picture. Released with features_free, also after a failure. E_ARGUMENT for a depth that
 * the network does not have. */
enum status features_run(const struct features_options *o, const struct image *input, const struct letterbox *box,
                         struct features *out);
void features_free(struct features *f);

#endif
