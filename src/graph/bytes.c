/* Maps of bytes (RUN_INFER, PRECISION_INT8): a home holds bytes where every node that writes or reads it can, so that
 * only the borders of the 8-bit part convert.
 *
 * A unit is what one node writes: it has one scale, from what the convolutions that read it say about their inputs. A
 * concat is several units side by side, each with its own scale: a convolution folds them into its weights. Pools,
 * upsamplings and copies go from one scale to another. */
#include "graph/bytes.h"

#include "graph/op_rules.h"
#include "graph/plan.h"

#include <math.h>

struct value_range {
    float low, high; /* equal: nobody named one */
};

struct chooser {
    const struct graph *g;
    const struct plan_request *r;
    struct plan *p;
    struct homes *h;
    int *group;           /* home -> a home of the same group: they hold bytes together or not at all */
    bool *refused;        /* a representative of a group: somebody wants floats */
    int **unit;           /* a home: channel -> the region that is written there, -1 */
    bool **inner, **seen; /* a home: channel -> some convolution reads it within its unit; some convolution reads it */
    struct value_range *own;  /* a unit: union of what is said by readers within it; then its range */
    struct value_range *wide; /* a unit: union of what is said by readers that reach beyond it */
};

static const struct region *region_of(const struct chooser *b, int v)
{
    return &b->h->region[v];
}

static int channels_of(const struct chooser *b, int v)
{
    const int from = v < b->g->n_values ? v : b->h->copy[v - b->g->n_values].from;
    return b->g->values[from].c;
}

static int group_of(struct chooser *b, int v)
{
    int home = region_of(b, v)->home;
    while (b->group[home] != home)
        home = b->group[home];
    return home;
}

static void join(struct chooser *b, int v, int w)
{
    const int to = group_of(b, v), from = group_of(b, w);
    b->refused[to] |= b->refused[from];
    b->group[from] = to;
}

static void refuse(struct chooser *b, int v)
{
    b->refused[group_of(b, v)] = true;
}

static void widen(struct value_range *r, struct value_range by)
{
    r->low = fminf(r->low, by.low);
    r->high = fmaxf(r->high, by.high);
}

static bool reads_bytes(const struct chooser *b, const struct node *n)
{
    return conv_in_bytes(n, b->g->values[n->src[0]].c, &b->r->options);
}

static bool moves_bytes(const struct node *n)
{
    return op_rules[n->op]->moves_bytes;
}

/* The unit that a value lies in; -1: none, or several. */
static int unit_of(const struct chooser *b, int v)
{
    const struct region *r = region_of(b, v);
    const int *unit = b->unit[r->home] + r->channel;
    for (int i = 1; i < channels_of(b, v); i++) {
        if (unit[i] != unit[0])
            return -1;
    }
    return unit[0];
}

static bool all_marked(const struct chooser *b, bool *const *marks, int v)
{
    const struct region *r = region_of(b, v);
    for (int i = 0; i < channels_of(b, v); i++) {
        if (!marks[r->home][r->channel + i])
            return false;
    }
    return true;
}

/* What a convolution says about the values that it reads. */
static void note_reader_range(struct chooser *b, const struct node *n)
{
    const struct conv_quant *q = &n->u.conv.quant;
    const struct value_range said = {(float)-q->zero * q->scale, (float)(255 - q->zero) * q->scale};
    const struct region *r = region_of(b, n->src[0]);
    const bool inside = unit_of(b, n->src[0]) >= 0;
    for (int i = r->channel; i < r->channel + channels_of(b, n->src[0]); i++) {
        const int unit = b->unit[r->home][i];
        if (unit >= 0)
            widen(inside ? &b->own[unit] : &b->wide[unit], said);
        b->seen[r->home][i] = true;
        b->inner[r->home][i] |= inside;
    }
}

static void join_or_refuse(struct chooser *b, const struct node *n)
{
    if (moves_bytes(n)) {
        join(b, n->dst, n->src[0]);
    } else if (reads_bytes(b, n)) {
        note_reader_range(b, n);
    } else {
        refuse(b, n->dst);
        for (int i = 0; i < n->n_src; i++)
            refuse(b, n->src[i]);
    }
}

/* What only a pool or the like reads takes the range of what that makes of it; readers come later, so from the end.
 * Pools and residuals know one scale, and what is only added as a residual has none. */
static void inherit_range(struct chooser *b, const struct node *n)
{
    if (moves_bytes(n)) {
        const int from = unit_of(b, n->src[0]), to = unit_of(b, n->dst);
        if (from < 0 || to < 0)
            refuse(b, n->src[0]);
        else if (!all_marked(b, b->seen, n->src[0]))
            widen(&b->own[from], b->own[to]);
    } else if (reads_bytes(b, n) && n->u.conv.residual) {
        if (unit_of(b, n->src[1]) < 0 || !all_marked(b, b->seen, n->src[1]))
            refuse(b, n->src[1]);
    }
}

/* Maps that are seen from outside, and channels that do not lie in whole words. */
static void refuse_ends(struct chooser *b)
{
    const struct graph *g = b->g;
    const int per_word = element_per_word(ELEMENT_BYTE);
    for (int v = 0; v < g->n_values; v++) {
        const struct value *value = &g->values[v];
        const bool input = value->writer < 0 && value->parent < 0 && !value->n_parts;
        if (input || value->c % per_word || region_of(b, v)->channel % per_word)
            refuse(b, v);
    }
    for (int i = 0; i < g->n_branches; i++) {
        for (int l = 0; l < g->branch[i].n_levels; l++)
            refuse(b, g->branch[i].level[l]);
    }
    for (int i = 0; i < b->r->n_outputs; i++)
        refuse(b, b->r->outputs[i]);
}

static bool is_unit(const struct chooser *b, int v)
{
    return v >= b->g->n_values || b->g->values[v].writer >= 0;
}

/* Tables of a home's channels; every region belongs to a root whose channels it counts. */
static enum status make_tables(struct chooser *b)
{
    struct arena *memory = &b->p->memory;
    for (int v = 0; v < b->h->n_regions; v++) {
        const struct region *r = region_of(b, v);
        const size_t c = (size_t)b->g->values[r->root].c;
        if (!b->unit[r->home]) {
            b->unit[r->home] = arena_alloc(memory, c, sizeof(int));
            b->inner[r->home] = arena_alloc(memory, c, sizeof(bool));
            b->seen[r->home] = arena_alloc(memory, c, sizeof(bool));
            b->h->channels[r->home] = arena_alloc(memory, c, sizeof(struct conv_quant));
            if (!b->unit[r->home] || !b->inner[r->home] || !b->seen[r->home] || !b->h->channels[r->home])
                return E_NOMEM;
            for (size_t i = 0; i < c; i++)
                b->unit[r->home][i] = -1;
        }
        for (int i = 0; is_unit(b, v) && i < channels_of(b, v); i++)
            b->unit[r->home][r->channel + i] = v;
    }
    return OK;
}

static struct conv_quant quant_of(struct value_range r)
{
    const float scale = (r.high - r.low) / 255;
    return (struct conv_quant){true, scale, (int)lrintf(-r.low / scale)};
}

/* Another element than float: strides and offsets shrink, homes too. */
static void set_element(struct chooser *b, int v, enum element element)
{
    struct region *r = &b->h->region[v];
    const struct extent e = b->p->extents[r->root];
    const size_t per_word = (size_t)element_per_word(element);
    b->h->element[r->home] = element;
    r->pixel_stride = ((size_t)b->g->values[r->root].c + 15) / 16 * 16 / per_word;
    r->image_stride = ((size_t)e.h * (size_t)e.w * r->pixel_stride + 15) / 16 * 16;
    r->offset = (size_t)r->channel / per_word;
    b->h->home[r->home].floats = (size_t)b->p->n * r->image_stride;
}

static void decide(struct chooser *b)
{
    for (int i = 0; i < b->g->n_nodes; i++)
        join_or_refuse(b, &b->g->nodes[i]);
    for (int i = 0; i < b->h->n_copies; i++)
        join_or_refuse(b, &b->h->copy[i].node);
    for (int v = 0; v < b->h->n_regions; v++) {
        if (is_unit(b, v) && !all_marked(b, b->inner, v))
            widen(&b->own[v], b->wide[v]);
    }
    for (int i = b->h->n_copies - 1; i >= 0; i--)
        inherit_range(b, &b->h->copy[i].node);
    for (int i = b->g->n_nodes - 1; i >= 0; i--)
        inherit_range(b, &b->g->nodes[i]);
    refuse_ends(b);
    for (int v = 0; v < b->h->n_regions; v++) {
        if (is_unit(b, v) && b->own[v].low >= b->own[v].high)
            refuse(b, v);
    }
}

static enum status allocate(struct chooser *b)
{
    struct arena *memory = &b->p->memory;
    const size_t homes = (size_t)b->h->n_homes, regions = (size_t)b->h->n_regions;
    b->group = arena_alloc(memory, homes, sizeof *b->group);
    b->refused = arena_alloc(memory, homes, sizeof *b->refused);
    b->unit = arena_alloc(memory, homes, sizeof *b->unit);
    b->inner = arena_alloc(memory, homes, sizeof *b->inner);
    b->seen = arena_alloc(memory, homes, sizeof *b->seen);
    b->own = arena_alloc(memory, regions, sizeof *b->own);
    b->wide = arena_alloc(memory, regions, sizeof *b->wide);
    if (!b->group || !b->refused || !b->unit || !b->inner || !b->seen || !b->own || !b->wide)
        return E_NOMEM;
    for (int i = 0; i < b->h->n_homes; i++)
        b->group[i] = i;
    return make_tables(b);
}

enum status bytes_choose(const struct plan_request *r, struct plan *p)
{
    struct homes *h = &p->homes;
    struct chooser b = {.g = r->graph, .r = r, .p = p, .h = h};
    h->element = arena_alloc(&p->memory, (size_t)h->n_homes, sizeof *h->element); /* ELEMENT_FLOAT */
    h->channels = arena_alloc(&p->memory, (size_t)h->n_homes, sizeof *h->channels);
    if (!h->element || !h->channels)
        return E_NOMEM;
    if (r->options.precision != PRECISION_INT8 || r->options.mode != RUN_INFER || r->keep_all)
        return OK;
    TRY(allocate(&b));
    decide(&b);
    for (int v = 0; v < h->n_regions; v++) {
        const struct region *region = region_of(&b, v);
        if (b.refused[group_of(&b, v)]) {
            h->channels[region->home] = NULL;
            continue;
        }
        set_element(&b, v, ELEMENT_BYTE);
        for (int i = 0; is_unit(&b, v) && i < channels_of(&b, v); i++)
            h->channels[region->home][region->channel + i] = quant_of(b.own[v]);
    }
    return OK;
}
