/* Maps of bytes (RUN_INFER, PRECISION_INT8): what a byte stands for.
 *
 * A unit is what one node writes: it has one scale, from what the convolutions that read it say about their inputs. A
 * concat is several units side by side, each with its own scale: a convolution folds them into its weights. Pools,
 * upsamplings and copies go from one scale to another. */
#include "graph/elements.h"

#include <math.h>

struct value_range {
    float low, high; /* equal: nobody named one */
};

struct ranges {
    struct element_choice *b;
    int **unit;           /* a home: channel -> the region that is written there, -1 */
    bool **inner, **seen; /* a home: channel -> some convolution reads it within its unit; some convolution reads it */
    struct value_range *own;  /* a unit: union of what is said by readers within it; then its range */
    struct value_range *wide; /* a unit: union of what is said by readers that reach beyond it */
};

static void widen(struct value_range *r, struct value_range by)
{
    r->low = fminf(r->low, by.low);
    r->high = fmaxf(r->high, by.high);
}

/* The unit that a value lies in; -1: none, or several. */
static int unit_of(const struct ranges *x, int v)
{
    const struct region *r = element_region(x->b, v);
    const int *unit = x->unit[r->home] + r->channel;
    for (int i = 1; i < element_channels(x->b, v); i++) {
        if (unit[i] != unit[0])
            return -1;
    }
    return unit[0];
}

static bool all_marked(const struct ranges *x, bool *const *marks, int v)
{
    const struct region *r = element_region(x->b, v);
    for (int i = 0; i < element_channels(x->b, v); i++) {
        if (!marks[r->home][r->channel + i])
            return false;
    }
    return true;
}

static bool reads_bytes(const struct ranges *x, const struct node *n)
{
    return conv_in_bytes(n, x->b->g->values[n->src[0]].c, &x->b->r->options);
}

/* What a convolution says about the values that it reads. */
static void note_reader_range(struct ranges *x, const struct node *n)
{
    if (!reads_bytes(x, n))
        return;
    const struct conv_quant *q = &n->u.conv.quant;
    const struct value_range said = {(float)-q->zero * q->scale, (float)(255 - q->zero) * q->scale};
    const struct region *r = element_region(x->b, n->src[0]);
    const bool inside = unit_of(x, n->src[0]) >= 0;
    for (int i = r->channel; i < r->channel + element_channels(x->b, n->src[0]); i++) {
        const int unit = x->unit[r->home][i];
        if (unit >= 0)
            widen(inside ? &x->own[unit] : &x->wide[unit], said);
        x->seen[r->home][i] = true;
        x->inner[r->home][i] |= inside;
    }
}

/* What only a pool or the like reads takes the range of what that makes of it; readers come later, so from the end.
 * Pools and residuals know one scale, and what is only added as a residual has none. */
static void inherit_range(struct ranges *x, const struct node *n)
{
    if (element_moves(x->b, n)) {
        const int from = unit_of(x, n->src[0]), to = unit_of(x, n->dst);
        if (from < 0 || to < 0)
            element_refuse(x->b, n->src[0]);
        else if (!all_marked(x, x->seen, n->src[0]))
            widen(&x->own[from], x->own[to]);
    } else if (reads_bytes(x, n) && n->u.conv.residual) {
        if (unit_of(x, n->src[1]) < 0 || !all_marked(x, x->seen, n->src[1]))
            element_refuse(x->b, n->src[1]);
    }
}

/* Tables of a home's channels; every region belongs to a root whose channels it counts. */
static enum status make_tables(struct ranges *x)
{
    struct homes *h = x->b->h;
    struct arena *memory = &x->b->p->memory;
    const size_t homes = (size_t)h->n_homes, regions = (size_t)h->n_regions;
    x->unit = arena_alloc(memory, homes, sizeof *x->unit);
    x->inner = arena_alloc(memory, homes, sizeof *x->inner);
    x->seen = arena_alloc(memory, homes, sizeof *x->seen);
    x->own = arena_alloc(memory, regions, sizeof *x->own);
    x->wide = arena_alloc(memory, regions, sizeof *x->wide);
    if (!x->unit || !x->inner || !x->seen || !x->own || !x->wide)
        return E_NOMEM;
    for (int v = 0; v < h->n_regions; v++) {
        const struct region *r = element_region(x->b, v);
        const size_t c = (size_t)x->b->g->values[r->root].c;
        if (!x->unit[r->home]) {
            x->unit[r->home] = arena_alloc(memory, c, sizeof(int));
            x->inner[r->home] = arena_alloc(memory, c, sizeof(bool));
            x->seen[r->home] = arena_alloc(memory, c, sizeof(bool));
            h->channels[r->home] = arena_alloc(memory, c, sizeof(struct conv_quant));
            if (!x->unit[r->home] || !x->inner[r->home] || !x->seen[r->home] || !h->channels[r->home])
                return E_NOMEM;
            for (size_t i = 0; i < c; i++)
                x->unit[r->home][i] = -1;
        }
        for (int i = 0; element_is_unit(x->b, v) && i < element_channels(x->b, v); i++)
            x->unit[r->home][r->channel + i] = v;
    }
    return OK;
}

static struct conv_quant quant_of(struct value_range r)
{
    const float scale = (r.high - r.low) / 255;
    return (struct conv_quant){true, scale, (int)lrintf(-r.low / scale)};
}

enum status bytes_ranges(struct element_choice *b)
{
    struct ranges x = {.b = b};
    const struct homes *h = b->h;
    TRY(make_tables(&x));
    for (int i = 0; i < b->g->n_nodes; i++)
        note_reader_range(&x, &b->g->nodes[i]);
    for (int v = 0; v < h->n_regions; v++) {
        if (element_is_unit(b, v) && !all_marked(&x, x.inner, v))
            widen(&x.own[v], x.wide[v]);
    }
    for (int i = h->n_copies - 1; i >= 0; i--)
        inherit_range(&x, &h->copy[i].node);
    for (int i = b->g->n_nodes - 1; i >= 0; i--)
        inherit_range(&x, &b->g->nodes[i]);
    for (int v = 0; v < h->n_regions; v++) {
        if (element_is_unit(b, v) && x.own[v].low >= x.own[v].high)
            element_refuse(b, v);
    }
    for (int v = 0; v < h->n_regions; v++) {
        const struct region *r = element_region(b, v);
        if (element_refused(b, v))
            h->channels[r->home] = NULL;
        for (int i = 0; !element_refused(b, v) && element_is_unit(b, v) && i < element_channels(b, v); i++)
            h->channels[r->home][r->channel + i] = quant_of(x.own[v]);
    }
    return OK;
}
