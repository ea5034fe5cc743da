#include "graph/plan.h"

#include <string.h>

/* Rows of wide maps start on a cache line; the image and other narrow maps stay narrow. */
static size_t pad_channels(int c)
{
    size_t unit = c < 16 ? 4 : 16;
    return ((size_t)c + unit - 1) / unit * unit;
}

struct homes_builder {
    const struct graph *g;
    struct homes *h;
    int *container; /* value -> value or branch level it is written into, -1 */
    int *at;        /* first channel inside the container */
    bool *contained;
    int n_regions;
};

/* How many parts from i on are slices that together cover one whole parent, in order (0: none). The parent can
 * then be written in place of its slices. */
static int covering_run(const struct graph *g, const struct value *concat, int i)
{
    int parent = g->values[concat->parts[i]].parent, next = 0;
    if (parent < 0)
        return 0;
    for (int k = i; k < concat->n_parts; k++) {
        const struct value *part = &g->values[concat->parts[k]];
        if (part->parent != parent || part->first != next)
            return 0;
        next += part->c;
        if (next == g->values[parent].c)
            return k - i + 1;
    }
    return 0;
}

static bool is_input(const struct graph *g, int v)
{
    const struct value *value = &g->values[v];
    return value->writer < 0 && value->parent < 0 && !value->n_parts;
}

static bool contain(struct homes_builder *b, int v, int concat, int channel)
{
    if (b->contained[v] || is_input(b->g, v) || b->g->values[v].parent >= 0)
        return false;
    b->contained[v] = true;
    b->container[v] = concat;
    b->at[v] = channel;
    return true;
}

static enum status add_copy(struct homes_builder *b, int from, int concat, int channel)
{
    struct copy *c = &b->h->copy[b->h->n_copies++];
    *c = (struct copy){.from = from, .to = b->n_regions, .concat = concat};
    c->node = (struct node){.op = OP_COPY, .n_src = 1, .src = {from}, .dst = b->n_regions, .name = "copy"};
    c->node.row = b->g->values[concat].row;
    b->container[b->n_regions] = concat;
    b->at[b->n_regions] = channel;
    b->contained[b->n_regions++] = true;
    return OK;
}

static enum status place_concat(struct homes_builder *b, int concat)
{
    const struct graph *g = b->g;
    const struct value *v = &g->values[concat];
    int channel = 0;
    for (int i = 0; i < v->n_parts;) {
        int run = covering_run(g, v, i);
        int part = run ? g->values[v->parts[i]].parent : v->parts[i];
        if (contain(b, part, concat, channel)) {
            channel += g->values[part].c;
            i += MAX(run, 1);
            continue;
        }
        TRY(add_copy(b, v->parts[i], concat, channel));
        channel += g->values[v->parts[i]].c;
        i++;
    }
    return OK;
}

static int new_home(struct homes *h, size_t floats)
{
    h->home[h->n_homes] = (struct plan_block){.floats = floats, .first = 1, .last = 0};
    return h->n_homes++;
}

/* The levels of a branch lie one after another in one home: image i is [anchor points][channels]. */
static void place_branch(struct homes_builder *b, int branch, int n, const struct extent *e)
{
    const struct branch *br = &b->g->branch[branch];
    size_t stride = (size_t)(b->g->values[br->level[0]].c + 15) / 16 * 16, anchors = 0;
    for (int l = 0; l < br->n_levels; l++)
        anchors += (size_t)e[br->level[l]].h * (size_t)e[br->level[l]].w;
    int home = new_home(b->h, (size_t)n * anchors * stride);
    size_t first = 0;
    for (int l = 0; l < br->n_levels; l++) {
        int v = br->level[l];
        b->h->region[v] = (struct region){.home = home,
                                          .root = v,
                                          .offset = first * stride,
                                          .pixel_stride = stride,
                                          .image_stride = anchors * stride};
        b->contained[v] = true;
        first += (size_t)e[v].h * (size_t)e[v].w;
    }
    b->h->branch_home[branch] = home;
}

/* A value's region from its container's or parent's; roots get a home of their own. Containers may have larger
 * indices than their parts, so this recurses (depth: nesting of concats and slices). */
static void resolve(struct homes_builder *b, int v, int n, const struct extent *e)
{
    struct region *r = &b->h->region[v];
    bool extra = v >= b->g->n_values;
    const struct value *value = extra ? NULL : &b->g->values[v];
    if (r->home >= 0)
        return;
    int outer = -1, channel = 0;
    if (value && value->parent >= 0) {
        outer = value->parent;
        channel = value->first;
    } else if (b->contained[v]) {
        outer = b->container[v];
        channel = b->at[v];
    }
    if (outer >= 0) {
        resolve(b, outer, n, e);
        *r = b->h->region[outer];
        r->channel += channel;
        r->offset += (size_t)channel;
        return;
    }
    size_t stride = pad_channels(value->c);
    size_t image = ((size_t)e[v].h * (size_t)e[v].w * stride + 15) / 16 * 16;
    int home = new_home(b->h, (size_t)n * image);
    *r = (struct region){.home = home, .root = v, .pixel_stride = stride, .image_stride = image};
}

enum status homes_build(const struct graph *g, int n, const struct extent *extents, struct arena *memory,
                        struct homes *out)
{
    int parts = 0;
    for (int i = 0; i < g->n_values; i++)
        parts += g->values[i].n_parts;
    size_t most = (size_t)g->n_values + (size_t)parts;
    struct homes_builder b = {.g = g, .h = out, .n_regions = g->n_values};
    *out = (struct homes){0};
    out->region = arena_alloc(memory, most, sizeof *out->region);
    out->home = arena_alloc(memory, most + MAX_BRANCHES, sizeof *out->home);
    out->copy = arena_alloc(memory, (size_t)parts + 1, sizeof *out->copy);
    b.container = arena_alloc(memory, most, sizeof *b.container);
    b.at = arena_alloc(memory, most, sizeof *b.at);
    b.contained = arena_alloc(memory, most, sizeof *b.contained);
    if (!out->region || !out->home || !out->copy || !b.container || !b.at || !b.contained)
        return E_NOMEM;
    for (size_t i = 0; i < most; i++)
        out->region[i].home = -1;
    for (int i = 0; i < g->n_branches; i++)
        place_branch(&b, i, n, extents);
    for (int i = 0; i < g->n_values; i++) {
        if (g->values[i].n_parts)
            TRY(place_concat(&b, i));
    }
    out->n_regions = b.n_regions;
    for (int i = 0; i < out->n_regions; i++)
        resolve(&b, i, n, extents);
    return OK;
}
