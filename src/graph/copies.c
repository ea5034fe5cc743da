/* A graph whose splits and concats move their maps. See graph.h. */
#include "graph/rewrite.h"

#include <string.h>

enum status graph_with_copies(const struct graph *g, struct graph *out, int *map)
{
    enum status rc = OK;
    struct rewrite r;
    graph_init(out);
    TRY_CLEAN(rewrite_init(&r, g, out));
    r.copies = true;
    rewrite_params(&r);
    rewrite_inputs(&r);
    for (int i = 0; i < g->n_nodes; i++) {
        struct node n = g->nodes[i];
        out->n_rows = n.row; /* the builder stamps new nodes and values with it */
        for (int s = 0; s < n.n_src; s++)
            n.src[s] = rewrite_value(&r, n.src[s]);
        r.map[n.dst] = graph_node(out, &n, g->values[n.dst].c);
    }
    rewrite_head(&r);
    memcpy(map, r.map, (size_t)g->n_values * sizeof *map);
    rc = graph_finish(out);
cleanup:
    rewrite_free(&r);
    if (rc != OK)
        graph_free(out);
    return rc;
}
