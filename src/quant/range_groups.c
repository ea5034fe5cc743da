#include "quant/range_groups.h"

static int find(int *up, int v)
{
    while (up[v] != v)
        v = up[v] = up[up[v]];
    return v;
}

static void unite(int *up, int a, int b)
{
    up[find(up, a)] = find(up, b);
}

static bool keeps_range(enum op op)
{
    return op == OP_MAXPOOL || op == OP_AVGPOOL || op == OP_UPSAMPLE;
}

enum status range_groups(const struct graph *g, int *group, int *n_groups)
{
    int *up = mem_alloc((size_t)g->n_values, sizeof *up);
    if (!up)
        return E_NOMEM;
    for (int v = 0; v < g->n_values; v++)
        up[v] = v;
    for (int v = 0; v < g->n_values; v++) {
        if (g->values[v].parent >= 0)
            unite(up, v, g->values[v].parent);
        for (int k = 0; k < g->values[v].n_parts; k++)
            unite(up, v, g->values[v].parts[k]);
    }
    for (int i = 0; i < g->n_nodes; i++) {
        if (keeps_range(g->nodes[i].op))
            unite(up, g->nodes[i].dst, g->nodes[i].src[0]);
    }
    *n_groups = 0;
    for (int v = 0; v < g->n_values; v++) {
        if (find(up, v) == v)
            group[v] = (*n_groups)++;
    }
    for (int v = 0; v < g->n_values; v++)
        group[v] = group[find(up, v)];
    mem_free(up);
    return OK;
}
