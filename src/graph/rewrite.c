#include "graph/rewrite.h"

#include <string.h>

enum status rewrite_init(struct rewrite *r, const struct graph *from, struct graph *to)
{
    const size_t values = (size_t)from->n_values;
    *r = (struct rewrite){.from = from, .to = to};
    r->needed = mem_calloc(values, sizeof *r->needed);
    r->readers = mem_calloc(values, sizeof *r->readers);
    r->map = mem_alloc(values, sizeof *r->map);
    if (!r->needed || !r->readers || !r->map)
        return E_NOMEM;
    memset(r->map, -1, values * sizeof *r->map);
    return OK;
}

void rewrite_free(struct rewrite *r)
{
    mem_free(r->needed);
    mem_free(r->readers);
    mem_free(r->map);
}

int rewrite_value(struct rewrite *r, int v)
{
    if (r->map[v] >= 0)
        return r->map[v];
    const struct value *value = &r->from->values[v];
    if (value->parent >= 0) {
        int parent = rewrite_value(r, value->parent);
        r->map[v] = graph_slice(r->to, parent, value->first, value->c, value->name);
    } else if (value->n_parts) {
        int *parts = arena_alloc(&r->to->arena, (size_t)value->n_parts, sizeof *parts);
        if (!parts) {
            r->to->out_of_memory = true;
            return 0;
        }
        for (int i = 0; i < value->n_parts; i++)
            parts[i] = rewrite_value(r, value->parts[i]);
        r->map[v] = graph_concat(r->to, parts, value->n_parts, value->name);
    } else {
        r->map[v] = graph_input(r->to, value->c, value->name);
    }
    return r->map[v];
}

void rewrite_count_readers(struct rewrite *r)
{
    const struct graph *g = r->from;
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        for (int s = 0; r->needed[n->dst] && s < n->n_src; s++)
            r->readers[n->src[s]]++;
    }
    for (int i = 0; i < g->n_values; i++) {
        const struct value *v = &g->values[i];
        if (!r->needed[i])
            continue;
        if (v->parent >= 0)
            r->readers[v->parent]++;
        for (int p = 0; p < v->n_parts; p++)
            r->readers[v->parts[p]]++;
    }
}
