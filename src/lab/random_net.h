/* A network with random weights whose maps at chosen depths are looked at.
 *
 * Depth is the number of convolutions on the longest way from the picture. A table's rows hand on maps; for each depth
 * that is asked for, the row nearest to it is taken. Batch normalisations have the statistics of pictures that were
 * given, layer by layer, as in the first step of a training: with the statistics of a network that never saw a picture,
 * 200 layers would shrink every value to nothing. */
#ifndef Y9_LAB_RANDOM_NET_H
#define Y9_LAB_RANDOM_NET_H

#include "core/parallel.h"
#include "graph/net.h"
#include "image/image.h"
#include "model/model.h"

#include <stdbool.h>

struct random_map {
    int asked, depth, row;
    int value, last; /* of the graph; the node behind which it is whole */
};

/* Map `i` is there, n pictures; it is borrowed and gone when the call returns. A failure ends the run. */
typedef enum status map_visitor(void *context, int i, const struct tensor *map);

struct random_net {
    struct table table;
    struct graph graph;
    const struct model_row *rows; /* of the graph's arena */
    float *params;
    struct net *net;
    struct random_map *maps; /* (n) one a depth, in the order asked for, then those of random_net_also */
    int n;
    struct random_run *run; /* while one is on its way */
};

/* `network` is a name or a path of a table. E_ARGUMENT for a depth (above 0) that it does not have. Released with
 * random_net_close, also after a failure. */
enum status random_net_open(const char *network, uint64_t seed, const int *depths, int n_depths, struct team *team,
                            struct random_net *out);
void random_net_close(struct random_net *r);

/* One more map to be visited: of a row. */
enum status random_net_also(struct random_net *r, int row);

/* Runs n pictures of one size, multiples of the stride. `measure`: batch normalisations take their statistics from
 * these pictures and keep them; otherwise they have those they were given last. */
enum status random_net_run(struct random_net *r, const struct image *pictures, int n, bool measure, map_visitor *visit,
                           void *context);

/* What the sides of a picture must be multiples of for all of these networks. */
enum status random_net_stride(const char *const *networks, int n, int *stride);

#endif
