/* Maps of bytes (RUN_INFER, PRECISION_INT8): a home holds bytes where every node that writes or reads it can, so that
 * only the borders of the 8-bit part convert. All values of a home, and of homes that a pool, an upsampling or a copy
 * joins, share one scale: that of the union of what their convolutions say about their inputs. */
#include "graph/bytes.h"

#include "graph/plan.h"

#include <math.h>

struct chooser {
    const struct graph *g;
    const struct plan_request *r;
    struct homes *h;
    int *group;        /* home -> a home of the same group; the representative points to itself */
    bool *refused;     /* a representative: somebody wants floats */
    float *low, *high; /* a representative: the union of ranges; low == high: nobody named one */
};

static int find(struct chooser *b, int home)
{
    while (b->group[home] != home)
        home = b->group[home] = b->group[b->group[home]];
    return home;
}

static int group_of(struct chooser *b, int value)
{
    return find(b, b->h->region[value].home);
}

static void widen(struct chooser *b, int group, float low, float high)
{
    b->low[group] = fminf(b->low[group], low);
    b->high[group] = fmaxf(b->high[group], high);
}

static void join(struct chooser *b, int v, int w)
{
    const int to = group_of(b, v), from = group_of(b, w);
    if (to == from)
        return;
    b->group[from] = to;
    b->refused[to] |= b->refused[from];
    widen(b, to, b->low[from], b->high[from]);
}

static void refuse(struct chooser *b, int value)
{
    b->refused[group_of(b, value)] = true;
}

static void look_at(struct chooser *b, const struct node *n)
{
    const struct conv_quant *q = &n->u.conv.quant;
    if (n->op == OP_MAXPOOL || n->op == OP_AVGPOOL || n->op == OP_UPSAMPLE || n->op == OP_COPY) {
        join(b, n->dst, n->src[0]);
    } else if (conv_in_bytes(n, b->g->values[n->src[0]].c, &b->r->options)) {
        widen(b, group_of(b, n->src[0]), (float)-q->zero * q->scale, (float)(255 - q->zero) * q->scale);
    } else {
        refuse(b, n->dst);
        for (int i = 0; i < n->n_src; i++)
            refuse(b, n->src[i]);
    }
}

/* Maps that are seen from outside, and channels that do not lie in whole words. */
static void refuse_ends(struct chooser *b)
{
    const struct graph *g = b->g;
    for (int v = 0; v < g->n_values; v++) {
        const struct value *value = &g->values[v];
        const bool input = value->writer < 0 && value->parent < 0 && !value->n_parts;
        if (input || value->c % 4 || b->h->region[v].channel % 4)
            refuse(b, v);
    }
    for (int i = 0; i < g->n_branches; i++) {
        for (int l = 0; l < g->branch[i].n_levels; l++)
            refuse(b, g->branch[i].level[l]);
    }
    for (int i = 0; i < b->r->n_outputs; i++)
        refuse(b, b->r->outputs[i]);
}

static struct conv_quant quant_of(float low, float high)
{
    const float scale = (high - low) / 255;
    return (struct conv_quant){true, scale, (int)lrintf(-low / scale)};
}

/* Words instead of floats: strides and offsets shrink, homes too. */
static void use_words(struct plan *p, const struct graph *g)
{
    struct homes *h = &p->homes;
    for (int v = 0; v < h->n_regions; v++) {
        struct region *r = &h->region[v];
        if (!h->quant[r->home].on)
            continue;
        const struct extent e = p->extents[r->root];
        const size_t stride = ((size_t)g->values[r->root].c + 15) / 16 * 4;
        r->pixel_stride = stride;
        r->image_stride = ((size_t)e.h * (size_t)e.w * stride + 15) / 16 * 16;
        r->offset = (size_t)r->channel / 4;
        h->home[r->home].floats = (size_t)p->n * r->image_stride;
    }
}

enum status bytes_choose(const struct plan_request *r, struct plan *p)
{
    struct homes *h = &p->homes;
    const size_t n = (size_t)h->n_homes;
    struct chooser b = {.g = r->graph, .r = r, .h = h};
    h->quant = arena_alloc(&p->memory, n, sizeof *h->quant);
    b.group = arena_alloc(&p->memory, n, sizeof *b.group);
    b.refused = arena_alloc(&p->memory, n, sizeof *b.refused);
    b.low = arena_alloc(&p->memory, n, sizeof *b.low);
    b.high = arena_alloc(&p->memory, n, sizeof *b.high);
    if (!h->quant || !b.group || !b.refused || !b.low || !b.high)
        return E_NOMEM;
    if (r->options.precision != PRECISION_INT8 || r->options.mode != RUN_INFER || r->keep_all)
        return OK;
    for (int i = 0; i < h->n_homes; i++)
        b.group[i] = i;
    for (int i = 0; i < r->graph->n_nodes; i++)
        look_at(&b, &r->graph->nodes[i]);
    for (int i = 0; i < h->n_copies; i++)
        look_at(&b, &h->copy[i].node);
    refuse_ends(&b);
    for (int i = 0; i < h->n_homes; i++) {
        const int group = find(&b, i);
        if (!b.refused[group] && b.low[group] < b.high[group])
            h->quant[i] = quant_of(b.low[group], b.high[group]);
    }
    use_words(p, r->graph);
    return OK;
}
