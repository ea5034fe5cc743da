/* A home holds elements that are not floats where every node that writes or reads it can (op_rules.h), so that only the
 * borders of that part convert. Ops that move values tie the homes of their sources and of dst together; a convolution
 * goes from any element to any other. The strides and sizes of such homes become those of whole words.
 *
 * Bytes need scales as well: bytes.c. */
#include "graph/elements.h"

static void join(struct element_choice *b, int v, int w)
{
    const int to = element_group(b, v), from = element_group(b, w);
    b->refused[to] |= b->refused[from];
    b->group[from] = to;
}

/* Does the node take source s (OP_DST: dst) in this element, whatever its other maps hold? Bytes come and go at
 * convolutions that run on them: their residual and dst are bytes or floats. */
static bool takes(const struct element_choice *b, const struct node *n, int s)
{
    if (b->element == ELEMENT_BYTE)
        return conv_in_bytes(n, b->g->values[n->src[0]].c, &b->r->options);
    return op_rules[n->op]->takes_bf16 && op_rules[n->op]->takes_bf16(b->g, n, s);
}

static void join_or_refuse(struct element_choice *b, const struct node *n)
{
    const bool moves = element_moves(b, n);
    if (!moves && !takes(b, n, OP_DST))
        element_refuse(b, n->dst);
    for (int s = 0; s < n->n_src; s++) {
        if (moves)
            join(b, n->dst, n->src[s]);
        else if (!takes(b, n, s))
            element_refuse(b, n->src[s]);
    }
}

/* Maps that are seen from outside, and channels that do not lie in whole words. */
static void refuse_ends(struct element_choice *b)
{
    const struct graph *g = b->g;
    const int per_word = element_per_word(b->element);
    for (int v = 0; v < g->n_values; v++) {
        const struct value *value = &g->values[v];
        const bool input = value->writer < 0 && value->parent < 0 && !value->n_parts;
        if (input || value->c % per_word || element_region(b, v)->channel % per_word)
            element_refuse(b, v);
    }
    for (int i = 0; i < g->n_branches; i++) {
        for (int l = 0; l < g->branch[i].n_levels; l++)
            element_refuse(b, g->branch[i].level[l]);
    }
    for (int i = 0; i < b->r->n_outputs; i++)
        element_refuse(b, b->r->outputs[i]);
}

/* Strides and offsets shrink, homes too. */
static void set_element(struct element_choice *b, int v)
{
    struct region *r = &b->h->region[v];
    const struct extent e = b->p->extents[r->root];
    const size_t per_word = (size_t)element_per_word(b->element);
    b->h->element[r->home] = b->element;
    r->pixel_stride = ((size_t)b->g->values[r->root].c + 15) / 16 * 16 / per_word;
    r->image_stride = ((size_t)e.h * (size_t)e.w * r->pixel_stride + 15) / 16 * 16;
    r->offset = (size_t)r->channel / per_word;
    b->h->home[r->home].floats = (size_t)b->p->n * r->image_stride;
}

/* What this run asks for. */
static enum element wanted(const struct plan_request *r)
{
    if (r->options.mode != RUN_INFER || r->keep_all || r->options.precision == PRECISION_FP32)
        return ELEMENT_FLOAT;
    return r->options.precision == PRECISION_INT8 ? ELEMENT_BYTE : ELEMENT_BF16;
}

enum status elements_choose(const struct plan_request *r, struct plan *p)
{
    struct homes *h = &p->homes;
    struct arena *memory = &p->memory;
    const size_t homes = (size_t)h->n_homes;
    struct element_choice b = {.g = r->graph, .r = r, .p = p, .h = h, .element = wanted(r)};
    h->element = arena_alloc(memory, homes, sizeof *h->element); /* ELEMENT_FLOAT */
    h->channels = arena_alloc(memory, homes, sizeof *h->channels);
    if (!h->element || !h->channels)
        return E_NOMEM;
    if (b.element == ELEMENT_FLOAT)
        return OK;
    b.group = arena_alloc(memory, homes, sizeof *b.group);
    b.refused = arena_alloc(memory, homes, sizeof *b.refused);
    if (!b.group || !b.refused)
        return E_NOMEM;
    for (int i = 0; i < h->n_homes; i++)
        b.group[i] = i;
    for (int i = 0; i < b.g->n_nodes; i++)
        join_or_refuse(&b, &b.g->nodes[i]);
    for (int i = 0; i < h->n_copies; i++)
        join_or_refuse(&b, &h->copy[i].node);
    refuse_ends(&b);
    if (b.element == ELEMENT_BYTE)
        TRY(bytes_ranges(&b));
    for (int v = 0; v < h->n_regions; v++) {
        if (!element_refused(&b, v))
            set_element(&b, v);
    }
    return OK;
}
