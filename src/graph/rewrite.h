/* Private to graph/: one graph made from another, node by node (deploy.c, lower.c). */
#ifndef Y9_GRAPH_REWRITE_H
#define Y9_GRAPH_REWRITE_H

#include "graph/graph.h"

struct rewrite {
    const struct graph *from;
    struct graph *to;
    bool *needed; /* values of `from` that the result depends on; all false at first */
    int *readers; /* how many needed nodes, slices and concats use a value */
    int *map;     /* value of `from` -> value of `to`, -1 */
    bool copies;  /* slices and the parts of concats are maps of their own, copied */
};

enum status rewrite_init(struct rewrite *r, const struct graph *from, struct graph *to);
void rewrite_free(struct rewrite *r);
void rewrite_count_readers(struct rewrite *r);
void rewrite_params(struct rewrite *r); /* all of them, in their places */
void rewrite_inputs(struct rewrite *r); /* they come first, as in `from` */
void rewrite_head(struct rewrite *r);   /* the branches, when all nodes are there */
/* The value of `to` that stands for v: made now where v is an input, a slice or a concat and was not asked for yet. */
int rewrite_value(struct rewrite *r, int v);

#endif
