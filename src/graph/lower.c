/* Deployed form -> lowered form. See graph.h. */
#include "graph/op_rules.h"
#include "graph/rewrite.h"

#include <stdio.h>
#include <string.h>

/* An average pool as AConv and ADown have it, of which every reader can average on its own, of the whole map or of a
 * slice. */
static bool is_absorbed_pool(const struct graph *g, const struct node *pool)
{
    if (pool->op != OP_AVGPOOL || pool->u.pool.k != 2 || pool->u.pool.stride != 1)
        return false;
    for (int i = 0; i < g->n_values; i++) {
        for (int k = 0; k < g->values[i].n_parts; k++) {
            const int part = g->values[i].parts[k];
            if (part == pool->dst || g->values[part].parent == pool->dst)
                return false;
        }
        if (g->values[i].parent >= 0 && g->values[g->values[i].parent].parent == pool->dst)
            return false;
    }
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        for (int s = 0; s < n->n_src; s++) {
            if (n->src[s] != pool->dst && g->values[n->src[s]].parent != pool->dst)
                continue;
            if (!op_rules[n->op]->takes_pool || !op_rules[n->op]->takes_pool(g, n, s))
                return false;
        }
    }
    return true;
}

/* The node whose absorbed average pool made v, or the parent of v; NULL: v is an ordinary map. */
static const struct node *absorbed_pool(const struct graph *g, const bool *absorbed, int v)
{
    const int whole = g->values[v].parent >= 0 ? g->values[v].parent : v;
    const int writer = g->values[whole].writer;
    const bool pool = writer >= 0 && absorbed[writer] && g->nodes[writer].op == OP_AVGPOOL;
    return pool ? &g->nodes[writer] : NULL;
}

/* What an absorbed pool's reader reads instead of v: the same channels of the pool's source. */
static int before_pool(struct rewrite *r, const struct node *pool, int v)
{
    const struct value *value = &r->from->values[v];
    const int source = rewrite_value(r, pool->src[0]);
    return value->parent >= 0 ? graph_slice(r->to, source, value->first, value->c, value->name) : source;
}

/* The part of n's source, a pair, that an upsampling made and nobody else reads, or -1. */
static int upsampled_part(const struct rewrite *r, const struct node *n)
{
    const struct graph *g = r->from;
    const struct conv_attr *a = &n->u.conv;
    if (n->op != OP_CONV2D || a->kh != 1 || a->kw != 1 || a->stride != 1 || a->pad || a->groups != 1 || a->residual)
        return -1;
    const struct value *concat = &g->values[n->src[0]];
    if (concat->n_parts != 2 || r->readers[n->src[0]] != 1)
        return -1;
    for (int i = 0; i < concat->n_parts; i++) {
        const int writer = g->values[concat->parts[i]].writer;
        if (writer >= 0 && g->nodes[writer].op == OP_UPSAMPLE && r->readers[concat->parts[i]] == 1)
            return i;
    }
    return -1;
}

/* act(W [up(x), rest] + b) = act(W_rest rest + b + up(W_x x)) */
static void emit_split(struct rewrite *r, const struct node *n, int part)
{
    const struct graph *g = r->from;
    const struct value *concat = &g->values[n->src[0]];
    const struct node *up = &g->nodes[g->values[concat->parts[part]].writer];
    const int other = concat->parts[1 - part], before = g->values[concat->parts[0]].c;
    char name[512];
    struct node small = *n, large = *n;
    snprintf(name, sizeof name, "%s.low", n->name);
    small.name = name;
    small.src[0] = rewrite_value(r, up->src[0]);
    small.u.conv.bias = -1;
    small.u.conv.act = ACT_NONE;
    small.u.conv.first_ic = part ? before : 0;
    large.src[0] = rewrite_value(r, other);
    large.u.conv.first_ic = part ? 0 : before;
    small.u.conv.weight_ic = large.u.conv.weight_ic = concat->c;
    large.src[large.n_src++] = graph_node(r->to, &small, n->u.conv.oc);
    large.u.conv.addend_scale = up->u.scale;
    r->map[n->dst] = graph_node(r->to, &large, n->u.conv.oc);
}

/* --- CBFuse ---
 * dst = p + resize(q) + resize(r) .. + t, where a 1x1 without activation makes p in t's size and a convolution makes t,
 * each for nobody else: the first adds up(q + resize(r) ..), the second adds what the first made. */

/* The node that writes all channels of v, itself or what v is a slice of, for this one reader; NULL: none does. */
static const struct node *whole_writer(const struct rewrite *r, int v)
{
    const struct graph *g = r->from;
    if (r->readers[v] != 1)
        return NULL;
    const int parent = g->values[v].parent;
    if (parent >= 0 && (r->readers[parent] != 1 || g->values[parent].c != g->values[v].c))
        return NULL;
    const int writer = g->values[parent >= 0 ? parent : v].writer;
    return writer >= 0 ? &g->nodes[writer] : NULL;
}

static bool divides(struct extent small, struct extent large)
{
    const int scale = large.h / small.h;
    return small.h * scale == large.h && small.w * scale == large.w;
}

/* Not an average pool's map, which the convolution may take in. */
static bool plain_source(const struct graph *g, const struct node *n)
{
    const int root = g->values[n->src[0]].parent >= 0 ? g->values[n->src[0]].parent : n->src[0];
    return g->values[root].writer < 0 || g->nodes[g->values[root].writer].op != OP_AVGPOOL;
}

/* The last node that v depends on; -1: none. */
static int last_writer(const struct graph *g, int v)
{
    const int root = g->values[v].parent >= 0 ? g->values[v].parent : v;
    return g->values[root].n_parts ? g->n_nodes : g->values[root].writer;
}

/* `e` are the maps' sizes for some image. */
static bool is_absorbed_fuse(const struct rewrite *r, const struct node *fuse, const struct extent *e)
{
    const struct graph *g = r->from;
    if (fuse->op != OP_FUSE || fuse->n_src < 3)
        return false;
    const int end = fuse->n_src - 1, p = fuse->src[0], q = fuse->src[1], t = fuse->src[end];
    const struct node *first = whole_writer(r, p), *last = whole_writer(r, t);
    if (!first || !last || first->op != OP_CONV2D || last->op != OP_CONV2D || g->values[t].parent >= 0 ||
        !plain_source(g, last))
        return false;
    const struct conv_attr *a = &first->u.conv;
    bool fits = a->kh == 1 && a->kw == 1 && a->stride == 1 && !a->pad && a->groups == 1 && a->act == ACT_NONE;
    fits = fits && !a->residual && !last->u.conv.residual && e[p].h == e[t].h && e[p].w == e[t].w;
    fits = fits && divides(e[q], e[t]) && e[q].h < e[t].h && first < last;
    for (int s = 1; fits && s < end; s++) {
        const int writer = last_writer(g, fuse->src[s]);
        fits = divides(e[fuse->src[s]], e[q]) && writer >= 0 && &g->nodes[writer] < last;
    }
    return fits;
}

static void emit_fuse(struct rewrite *r, const struct node *fuse, const struct extent *e)
{
    const struct graph *g = r->from;
    const int end = fuse->n_src - 1, q = fuse->src[1], t = fuse->src[end], c = g->values[t].c;
    struct node rest = *fuse, first = *whole_writer(r, fuse->src[0]), last = *whole_writer(r, t);
    int sum = rewrite_value(r, q);
    if (end > 2) { /* the smaller ones, then q, in q's size */
        rest.n_src = 0;
        for (int s = 2; s < end; s++)
            rest.src[rest.n_src++] = rewrite_value(r, fuse->src[s]);
        rest.src[rest.n_src++] = sum;
        sum = graph_node(r->to, &rest, c);
    }
    first.src[0] = rewrite_value(r, first.src[0]);
    first.src[first.n_src++] = sum;
    first.u.conv.addend_scale = e[t].h / e[q].h;
    last.src[0] = rewrite_value(r, last.src[0]);
    last.src[last.n_src++] = graph_node(r->to, &first, c);
    last.u.conv.residual = true;
    r->map[fuse->dst] = graph_node(r->to, &last, c);
}

static void emit_node(struct rewrite *r, const struct node *n, const bool *absorbed)
{
    struct node copy = *n;
    const struct op_rule *rule = op_rules[n->op];
    const struct node *pool = rule->takes_pool ? absorbed_pool(r->from, absorbed, n->src[0]) : NULL;
    for (int s = 0; s < n->n_src; s++)
        copy.src[s] = s == 0 && pool ? before_pool(r, pool, n->src[0]) : rewrite_value(r, n->src[s]);
    if (pool)
        rule->take_pool(&copy);
    r->map[n->dst] = graph_node(r->to, &copy, r->from->values[n->dst].c);
}

/* Nodes that others take in. split[i]: the part of node i's source that is upsampled, -1: none; fuse[i]: the CBFuse
 * that node i, which makes its last source, takes in, -1: none. */
static void find_rewrites(const struct rewrite *r, int *split, int *fuse, const struct extent *e, bool *absorbed)
{
    const struct graph *g = r->from;
    for (int i = 0; i < g->n_nodes; i++)
        fuse[i] = -1;
    for (int i = 0; i < g->n_nodes; i++) {
        split[i] = upsampled_part(r, &g->nodes[i]);
        if (split[i] >= 0)
            absorbed[g->values[g->values[g->nodes[i].src[0]].parts[split[i]]].writer] = true;
        else if (is_absorbed_pool(g, &g->nodes[i]))
            absorbed[i] = true;
        else if (is_absorbed_fuse(r, &g->nodes[i], e)) {
            const struct node *n = &g->nodes[i];
            absorbed[i] = absorbed[whole_writer(r, n->src[0]) - g->nodes] = true;
            fuse[whole_writer(r, n->src[n->n_src - 1]) - g->nodes] = i;
        }
    }
}

enum status graph_lower(const struct graph *g, struct graph *out, int *map)
{
    enum status rc = OK;
    struct rewrite r;
    int *split = mem_calloc((size_t)g->n_nodes + 1, sizeof *split);
    int *fuse = mem_calloc((size_t)g->n_nodes + 1, sizeof *fuse);
    bool *absorbed = mem_calloc((size_t)g->n_nodes + 1, sizeof *absorbed);
    struct extent *extents = mem_calloc((size_t)g->n_values, sizeof *extents);
    graph_init(out);
    rc = rewrite_init(&r, g, out);
    if (rc == OK && (!split || !fuse || !absorbed || !extents))
        rc = E_NOMEM;
    TRY_CLEAN(rc);
    memset(r.needed, true, (size_t)g->n_values * sizeof *r.needed);
    rewrite_count_readers(&r);
    TRY_CLEAN(graph_infer(g, &(struct extent){256, 256}, extents)); /* SPEC 4.6 */
    find_rewrites(&r, split, fuse, extents, absorbed);
    rewrite_params(&r);
    rewrite_inputs(&r);
    for (int i = 0; i < g->n_nodes; i++) {
        out->n_rows = g->nodes[i].row; /* the builder stamps new nodes and values with it */
        if (split[i] >= 0)
            emit_split(&r, &g->nodes[i], split[i]);
        else if (fuse[i] >= 0)
            emit_fuse(&r, &g->nodes[fuse[i]], extents);
        else if (!absorbed[i])
            emit_node(&r, &g->nodes[i], absorbed);
    }
    rewrite_head(&r);
    memcpy(map, r.map, (size_t)g->n_values * sizeof *map);
    rc = graph_finish(out);
cleanup:
    rewrite_free(&r);
    mem_free(split);
    mem_free(fuse);
    mem_free(absorbed);
    mem_free(extents);
    if (rc != OK)
        graph_free(out);
    return rc;
}
