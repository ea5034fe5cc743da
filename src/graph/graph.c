#include "graph/op_rules.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void graph_init(struct graph *g)
{
    *g = (struct graph){.input = -1};
    arena_init(&g->arena);
}

void graph_free(struct graph *g)
{
    arena_free(&g->arena);
    *g = (struct graph){.input = -1};
}

/* A builder that runs out of memory marks the graph and goes on in a scratch entry; graph_finish reports it. */
static void *grow(struct graph *g, void *items, int n, int *cap, size_t size)
{
    if (g->out_of_memory)
        return NULL;
    if (n < *cap)
        return items;
    int bigger = *cap ? *cap * 2 : 64;
    void *grown = arena_alloc(&g->arena, (size_t)bigger, size);
    if (!grown) {
        g->out_of_memory = true;
        return NULL;
    }
    if (n)
        memcpy(grown, items, (size_t)n * size);
    *cap = bigger;
    return grown;
}

static const char *keep_name(struct graph *g, const char *name)
{
    const char *copy = arena_strdup(&g->arena, name);
    if (!copy)
        g->out_of_memory = true;
    return copy ? copy : "";
}

static int add_value(struct graph *g, struct value v, const char *name)
{
    struct value *values = grow(g, g->values, g->n_values, &g->cap_values, sizeof *values);
    if (!values)
        return 0;
    g->values = values;
    v.name = keep_name(g, name);
    v.row = g->n_rows;
    values[g->n_values] = v;
    return g->n_values++;
}

int graph_input(struct graph *g, int c, const char *name)
{
    int v = add_value(g, (struct value){.c = c, .parent = -1, .writer = -1}, name);
    if (!g->n_inputs++)
        g->input = v;
    return v;
}

int graph_slice(struct graph *g, int parent, int first, int c, const char *name)
{
    assert(g->out_of_memory || (first >= 0 && c > 0 && first + c <= g->values[parent].c));
    return add_value(g, (struct value){.c = c, .parent = parent, .first = first, .writer = -1}, name);
}

int graph_concat(struct graph *g, const int *parts, int n_parts, const char *name)
{
    int *copy = arena_alloc(&g->arena, (size_t)n_parts, sizeof *copy);
    if (!copy || g->out_of_memory) {
        g->out_of_memory = true;
        return 0;
    }
    int c = 0;
    for (int i = 0; i < n_parts; i++) {
        copy[i] = parts[i];
        c += g->values[parts[i]].c;
    }
    return add_value(g, (struct value){.c = c, .parent = -1, .parts = copy, .n_parts = n_parts, .writer = -1}, name);
}

int graph_param(struct graph *g, const char *name, enum param_role role, int rank, const int *shape)
{
    struct param *params = grow(g, g->params, g->n_params, &g->cap_params, sizeof *params);
    if (!params)
        return 0;
    g->params = params;
    struct param *p = &params[g->n_params];
    *p = (struct param){.name = keep_name(g, name), .role = role, .rank = rank, .row = g->n_rows};
    p->first = g->param_floats;
    p->count = 1;
    for (int i = 0; i < 4; i++) {
        p->shape[i] = i < rank ? shape[i] : 1;
        p->count *= (size_t)p->shape[i];
    }
    g->param_floats += (p->count + 15) / 16 * 16; /* each parameter starts on a cache line */
    return g->n_params++;
}

int graph_node(struct graph *g, const struct node *n, int c)
{
    struct node *nodes = grow(g, g->nodes, g->n_nodes, &g->cap_nodes, sizeof *nodes);
    if (!nodes)
        return 0;
    g->nodes = nodes;
    const char *name = n->name ? n->name : "";
    int dst = add_value(g, (struct value){.c = c, .parent = -1, .writer = g->n_nodes}, name);
    struct node *copy = &nodes[g->n_nodes];
    *copy = *n;
    copy->dst = dst;
    copy->row = g->n_rows;
    copy->name = g->out_of_memory ? "" : g->values[dst].name;
    g->n_nodes++;
    return dst;
}

/* --- checks --- */

static enum status check_node(const struct graph *g, const struct node *n)
{
    if (op_rules[n->op]->check)
        return op_rules[n->op]->check(g, n);
    for (int i = 0; i < n->n_src; i++) {
        if (g->values[n->src[i]].c != g->values[n->dst].c)
            return fail(E_SHAPE, "%s: input %d has %d channels, %d are needed", n->name, i, g->values[n->src[i]].c,
                        g->values[n->dst].c);
    }
    return OK;
}

/* Every parameter but the head's DFL is one of a node: else an op's rule does not say which parameters it has, and it
 * would run without them. */
static enum status check_params(const struct graph *g)
{
    enum status rc = OK;
    bool *used = mem_calloc((size_t)g->n_params + 1, sizeof *used);
    if (!used)
        return E_NOMEM;
    for (int i = 0; i < g->n_nodes; i++) {
        int param[MAX_NODE_PARAMS], count = node_params(&g->nodes[i], param);
        for (int k = 0; k < count; k++)
            used[param[k] >= 0 ? param[k] : g->n_params] = true;
    }
    for (int i = 0; i < g->n_params && rc == OK; i++) {
        if (!used[i] && g->params[i].role != PARAM_DFL)
            rc = fail(E_SHAPE, "%s: no node has this parameter", g->params[i].name);
    }
    mem_free(used);
    return rc;
}

int graph_largest_stride(const struct graph *g)
{
    int stride = GRAPH_LEAST_STRIDE;
    for (int l = 0; g->n_branches && l < g->branch[g->n_branches - 1].n_levels; l++)
        stride = MAX(stride, g->stride[l]);
    return stride;
}

int graph_round_side(const struct graph *g, int side)
{
    const int stride = graph_largest_stride(g);
    return (side + stride - 1) / stride * stride;
}

/* --- shapes --- */

static enum status infer_node(const struct graph *g, const struct node *n, const struct extent *e, struct extent *out)
{
    if (op_rules[n->op]->infer)
        return op_rules[n->op]->infer(g, n, e, out);
    *out = e[n->src[0]];
    for (int i = 1; i < n->n_src; i++) {
        const struct extent other = e[n->src[i]];
        if (other.h != out->h || other.w != out->w)
            return fail(E_SHAPE, "%s: maps of %dx%d (%s) and %dx%d (%s) meet", n->name, out->h, out->w,
                        g->values[n->src[0]].name, other.h, other.w, g->values[n->src[i]].name);
    }
    return OK;
}

static enum status infer_concat(const struct graph *g, const struct value *v, const struct extent *e,
                                struct extent *out)
{
    *out = e[v->parts[0]];
    for (int i = 1; i < v->n_parts; i++) {
        struct extent part = e[v->parts[i]];
        if (part.h != out->h || part.w != out->w)
            return fail(E_SHAPE, "%s: maps of %dx%d (%s) and %dx%d (%s) are concatenated", v->name, out->h, out->w,
                        g->values[v->parts[0]].name, part.h, part.w, g->values[v->parts[i]].name);
    }
    return OK;
}

/* *faulty is the value whose extent cannot be, where there is one. */
static enum status infer_all(const struct graph *g, const struct extent *inputs, struct extent *out, int *faulty)
{
    for (int i = 0; i < g->n_values; i++) {
        const struct value *v = &g->values[i];
        *faulty = i;
        if (v->writer >= 0)
            TRY(infer_node(g, &g->nodes[v->writer], out, &out[i]));
        else if (v->parent >= 0)
            out[i] = out[v->parent];
        else if (v->n_parts)
            TRY(infer_concat(g, v, out, &out[i]));
        else
            out[i] = *inputs++;
        if (out[i].h < 1 || out[i].w < 1)
            return fail(E_SHAPE, "%s: the input is too small, nothing is left of the map", v->name);
        if (out[i].h > 1 << 20 || out[i].w > 1 << 20)
            return fail(E_LIMIT, "%s: a map of %dx%d is too large", v->name, out[i].h, out[i].w);
    }
    return OK;
}

enum status graph_infer(const struct graph *g, const struct extent *inputs, struct extent *out)
{
    int faulty;
    return infer_all(g, inputs, out, &faulty);
}

enum status graph_finish(struct graph *g)
{
    enum status rc = OK;
    struct extent *extents = NULL;
    g->faulty_row = -1;
    if (g->out_of_memory)
        return fail_memory("the network", 0);
    for (int i = 0; i < g->n_nodes; i++) {
        g->faulty_row = g->nodes[i].row;
        TRY_CLEAN(check_node(g, &g->nodes[i]));
    }
    g->faulty_row = -1;
    TRY_CLEAN(check_params(g));
    if (g->n_branches && g->n_inputs == 1) { /* a bare head has no image that strides could be measured with */
        const struct branch *main = &g->branch[g->n_branches - 1];
        struct extent input = {256, 256}; /* SPEC 4.6 */
        extents = mem_calloc((size_t)g->n_values, sizeof *extents);
        if (!extents)
            return E_NOMEM;
        int value;
        rc = infer_all(g, &input, extents, &value);
        if (rc != OK)
            g->faulty_row = g->values[value].row;
        TRY_CLEAN(rc);
        for (int l = 0; l < main->n_levels; l++)
            g->stride[l] = 256 / extents[main->level[l]].h;
    }
cleanup:
    mem_free(extents);
    return rc;
}

double graph_node_flops(const struct graph *g, const struct node *n, struct extent dst)
{
    return op_rules[n->op]->flops ? op_rules[n->op]->flops(g, n, dst) : 0;
}

int graph_find_param(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->n_params; i++) {
        if (!strcmp(g->params[i].name, name))
            return i;
    }
    return -1;
}

int graph_find_value(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->n_values; i++) {
        if (!strcmp(g->values[i].name, name))
            return i;
    }
    return -1;
}
