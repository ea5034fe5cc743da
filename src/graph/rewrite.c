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

/* A map of its own with what v holds. */
static int copy_of(struct rewrite *r, int v, const char *name)
{
    const struct node n = {.op = OP_COPY, .n_src = 1, .src = {v}, .name = name};
    return r->to->out_of_memory ? 0 : graph_node(r->to, &n, r->to->values[v].c);
}

int rewrite_value(struct rewrite *r, int v)
{
    if (r->map[v] >= 0)
        return r->map[v];
    const struct value *value = &r->from->values[v];
    if (value->parent >= 0) {
        int parent = rewrite_value(r, value->parent);
        r->map[v] = graph_slice(r->to, parent, value->first, value->c, value->name);
        if (r->copies)
            r->map[v] = copy_of(r, r->map[v], value->name);
    } else if (value->n_parts) {
        int *parts = arena_alloc(&r->to->arena, (size_t)value->n_parts, sizeof *parts);
        if (!parts) {
            r->to->out_of_memory = true;
            return 0;
        }
        for (int i = 0; i < value->n_parts; i++)
            parts[i] = rewrite_value(r, value->parts[i]);
        for (int i = 0; r->copies && i < value->n_parts; i++)
            parts[i] = copy_of(r, parts[i], value->name);
        r->map[v] = graph_concat(r->to, parts, value->n_parts, value->name);
    } else {
        r->map[v] = graph_input(r->to, value->c, value->name);
    }
    return r->map[v];
}

void rewrite_params(struct rewrite *r)
{
    const struct graph *g = r->from;
    for (int i = 0; i < g->n_params; i++)
        graph_param(r->to, g->params[i].name, g->params[i].role, g->params[i].rank, g->params[i].shape);
}

void rewrite_inputs(struct rewrite *r)
{
    const struct graph *g = r->from;
    for (int i = 0; i < g->n_values; i++) {
        if (g->values[i].writer < 0 && g->values[i].parent < 0 && !g->values[i].n_parts)
            rewrite_value(r, i);
    }
}

void rewrite_head(struct rewrite *r)
{
    const struct graph *g = r->from;
    r->to->n_branches = g->n_branches;
    for (int i = 0; i < g->n_branches; i++) {
        r->to->branch[i].n_levels = g->branch[i].n_levels;
        for (int l = 0; l < g->branch[i].n_levels; l++)
            r->to->branch[i].level[l] = rewrite_value(r, g->branch[i].level[l]);
    }
    r->to->n_rows = g->n_rows;
    r->to->head = g->head;
    r->to->deployed = g->deployed;
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
