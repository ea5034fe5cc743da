/* Weights in the form that kernels read, packed once for each (node, algorithm) and used by every plan. A store belongs
 * to one network, or is shared by several over the same parameters (a detector in each thread): then every one of them
 * must have the same graph, arithmetic and `exact`, and the parameters must not change. */
#ifndef Y9_GRAPH_PACKED_H
#define Y9_GRAPH_PACKED_H

#include "graph/backend.h"

#include <pthread.h>

struct packed_weights {
    int node, variant; /* key: two plans that choose the same algorithm for a node share the block */
    float *data[2];
    size_t floats[2];
    unsigned version; /* of the parameters it was packed from; 0: never */
    bool zeroed;      /* memory is touched by the first packing, not before */
};

/* Functions are called with `lock` held where a store is shared; what an item's data points to stays where it is. */
struct packed_store {
    pthread_mutex_t lock;
    struct packed_weights *items;
    int count, capacity;
};

void packed_store_init(struct packed_store *s);
void packed_store_free(struct packed_store *s); /* when no network uses it any more */

/* Index of the block of node `node` for the algorithm that the call has chosen; made where there is none. */
enum status packed_store_find(struct packed_store *s, int node, const struct call *c, int *index);
size_t packed_store_bytes(const struct packed_store *s);

#endif
