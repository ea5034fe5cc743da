#include "graph/plan.h"

#include "graph/op_rules.h"

#include <assert.h>
#include <string.h>

struct planner {
    const struct plan_request *r;
    const struct graph *g;
    struct plan *p;
    bool *wants_gradient; /* a region: its gradient leads to a parameter or a wanted input */
    int *readers;         /* a value: nodes, slices, concats and outputs that use it */
    int *node_readers;    /* the nodes among them */
    bool *made_again;     /* a dropped home: so far */
    bool **covered;       /* a root: channels whose gradient has been written so far */
    bool trains;
};

static void touch(struct plan_block *b, int time)
{
    if (b->first > b->last) {
        b->first = b->last = time;
        return;
    }
    b->first = MIN(b->first, time);
    b->last = MAX(b->last, time);
}

static const struct region *region_of(const struct plan *p, int v)
{
    return &p->homes.region[v];
}

static struct plan_block *home_of(struct plan *p, int v)
{
    return &p->homes.home[region_of(p, v)->home];
}

static struct plan_block *gradient_block(struct plan *p, int v)
{
    int home = region_of(p, v)->home;
    return p->in_place[home] ? &p->homes.home[home] : &p->gradient[home];
}

/* Backward steps come after the loss, which takes the moment n_forward. */
static int time_of(const struct plan *p, int step)
{
    return step < p->n_forward ? step : step + 1;
}

/* --- tensors --- */

static int channels_of(const struct planner *b, int v)
{
    return v < b->g->n_values ? b->g->values[v].c : b->g->values[b->p->homes.copy[v - b->g->n_values].from].c;
}

static struct extent extent_of(const struct planner *b, int v)
{
    return b->p->extents[v < b->g->n_values ? v : b->p->homes.copy[v - b->g->n_values].from];
}

static struct tensor shape_of(const struct planner *b, int v)
{
    const struct region *r = region_of(b->p, v);
    struct extent e = extent_of(b, v);
    return (struct tensor){.n = b->p->n,
                           .h = e.h,
                           .w = e.w,
                           .c = channels_of(b, v),
                           .pixel_stride = r->pixel_stride,
                           .image_stride = r->image_stride,
                           .element = b->p->homes.element[r->home]};
}

/* --- calls --- */

static void set_param(struct planner *b, struct call *c, int slot, int param)
{
    const struct plan_request *r = b->r;
    if (param < 0)
        return;
    const struct param *p = &b->g->params[param];
    c->param[slot] = r->params + p->first;
    if (r->d_params && param_is_trained(p))
        c->d_param[slot] = r->d_params + p->first;
}

static void set_params(struct planner *b, struct call *c)
{
    int param[MAX_NODE_PARAMS], count = node_params(c->node, param);
    for (int i = 0; i < count; i++)
        set_param(b, c, i, param[i]);
}

/* How the first channel of a value of bytes is read. */
static struct conv_quant quant_of(const struct plan *p, int v)
{
    const struct region *r = region_of(p, v);
    return p->homes.element[r->home] == ELEMENT_BYTE ? p->homes.channels[r->home][r->channel] : (struct conv_quant){0};
}

static void make_calls(struct planner *b)
{
    struct plan *p = b->p;
    for (int i = 0; i < p->n_calls; i++) {
        struct call *c = &p->calls[i];
        c->graph = b->g;
        c->node = i < b->g->n_nodes ? &b->g->nodes[i] : &p->homes.copy[i - b->g->n_nodes].node;
        c->options = b->r->options;
        for (int s = 0; s < c->node->n_src; s++)
            c->src[s] = shape_of(b, c->node->src[s]);
        for (int s = 0; s < c->node->n_src; s++)
            c->src_quant[s] = quant_of(p, c->node->src[s]);
        if (c->src[0].element == ELEMENT_BYTE)
            c->src_channels =
                p->homes.channels[region_of(p, c->node->src[0])->home] + region_of(p, c->node->src[0])->channel;
        c->dst = shape_of(b, c->node->dst);
        c->dst_quant = quant_of(p, c->node->dst);
        set_params(b, c);
        p->packed[i] = -1;
    }
}

/* --- forward steps --- */

static void add_step(struct plan *p, struct plan_step s)
{
    assert(p->n_steps < p->cap_steps);
    p->steps[p->n_steps++] = s;
}

/* The node after which a value is complete; -1: from the start. */
static int last_writer(const struct graph *g, int v)
{
    const struct value *value = &g->values[v];
    if (value->parent >= 0)
        return last_writer(g, value->parent);
    int last = value->writer;
    for (int i = 0; i < value->n_parts; i++) {
        int part = last_writer(g, value->parts[i]);
        last = MAX(last, part);
    }
    return last;
}

static void add_copies_after(struct planner *b, int node)
{
    for (int i = 0; i < b->p->homes.n_copies; i++) {
        if (last_writer(b->g, b->p->homes.copy[i].from) == node)
            add_step(b->p, (struct plan_step){.kind = STEP_FORWARD, .call = b->g->n_nodes + i});
    }
}

static void make_forward(struct planner *b)
{
    add_copies_after(b, -1);
    for (int i = 0; i < b->g->n_nodes; i++) {
        add_step(b->p, (struct plan_step){.kind = STEP_FORWARD, .call = i});
        add_copies_after(b, i);
    }
    b->p->n_forward = b->p->n_steps;
}

/* --- backward steps: gradients mirror values view for view --- */

static void mark_wanted(struct planner *b)
{
    const struct graph *g = b->g;
    for (int i = 0; i < g->n_values; i++) {
        const struct value *v = &g->values[i];
        bool wanted = false;
        if (v->writer >= 0) {
            const struct node *n = &g->nodes[v->writer];
            wanted = node_is_trained(g, n);
            for (int s = 0; s < n->n_src; s++)
                wanted |= b->wants_gradient[n->src[s]];
        } else if (v->parent >= 0) {
            wanted = b->wants_gradient[v->parent];
        } else if (v->n_parts) {
            for (int s = 0; s < v->n_parts; s++)
                wanted |= b->wants_gradient[v->parts[s]];
        } else {
            wanted = b->r->input_gradients;
        }
        b->wants_gradient[i] = wanted;
    }
    for (int i = 0; i < b->p->homes.n_copies; i++)
        b->wants_gradient[b->p->homes.copy[i].to] = b->wants_gradient[b->p->homes.copy[i].from];
}

static void count_readers(struct planner *b)
{
    const struct graph *g = b->g;
    for (int i = 0; i < b->p->n_calls; i++) {
        const struct node *n = b->p->calls[i].node;
        for (int s = 0; s < n->n_src; s++) {
            b->readers[n->src[s]]++;
            b->node_readers[n->src[s]]++;
        }
    }
    for (int i = 0; i < g->n_values; i++) {
        if (g->values[i].parent >= 0)
            b->readers[g->values[i].parent]++;
        for (int s = 0; s < g->values[i].n_parts; s++)
            b->readers[g->values[i].parts[s]]++;
    }
    for (int i = 0; i < b->r->n_outputs; i++)
        b->readers[b->r->outputs[i]]++;
}

/* A map that nobody else reads, such as a convolution's output before its bn_act: after the backward pass of its reader
 * nobody needs it, so its gradient takes its place. */
static void choose_in_place(struct planner *b)
{
    for (int i = 0; i < b->g->n_nodes && !b->r->keep_all; i++) {
        const struct node *n = &b->g->nodes[i];
        for (int s = 0; op_rules[n->op]->in_place && s < n->n_src; s++) {
            int v = n->src[s], writer = b->g->values[v].writer;
            bool alone = writer >= 0 && region_of(b->p, v)->root == v && b->readers[v] == 1;
            if (alone && op_rules[n->op]->in_place(n, s) && !node_backward_reads(&b->g->nodes[writer], OP_DST))
                b->p->in_place[region_of(b->p, v)->home] = true;
        }
    }
}

/* --- values that are made again --- */

/* Maps live from the forward to the backward pass, and the loss finds nearly all of them alive. The output of a bn_act
 * in a home of its own can be dropped after its last reader: the backward pass makes it again from the convolution's
 * output in one pass over it, before the first convolution that needs it. */
enum { DROPPED_SHARE = 7 }; /* up to a seventh of all homes: that halves what PyTorch needs, for 1 % of the time */

static bool droppable(const struct planner *b, const struct node *n)
{
    const struct region *r = region_of(b->p, n->dst);
    const struct op_rule *rule = op_rules[n->op];
    return rule->remade && rule->remade(n) && !node_backward_reads(n, OP_DST) && b->r->backend->ops[n->op]->again &&
           r->root == n->dst && b->node_readers[n->dst] > 0 && b->node_readers[n->dst] == b->readers[n->dst];
}

/* The largest ones, in the order of nodes among equals. */
static void choose_dropped(struct planner *b)
{
    struct plan *p = b->p;
    size_t all = 0, dropped = 0;
    for (int i = 0; i < p->homes.n_homes; i++)
        all += p->homes.home[i].floats;
    while (dropped < all / DROPPED_SHARE && !b->r->keep_all) {
        int largest = -1;
        for (int i = 0; i < b->g->n_nodes; i++) {
            const int home = region_of(p, b->g->nodes[i].dst)->home;
            if (droppable(b, &b->g->nodes[i]) && !p->dropped[home] &&
                (largest < 0 || p->homes.home[home].floats > p->homes.home[largest].floats))
                largest = home;
        }
        if (largest < 0)
            return;
        p->dropped[largest] = true;
        dropped += p->homes.home[largest].floats;
    }
}

static int count_covered(const struct planner *b, const struct region *r, int c)
{
    int n = 0;
    for (int i = 0; i < c; i++)
        n += b->covered[r->root][r->channel + i];
    return n;
}

/* Zero the channels of a region that no writer has reached yet. */
static void zero_rest(struct planner *b, const struct region *r, int c)
{
    bool *covered = b->covered[r->root] + r->channel;
    for (int i = 0; i < c;) {
        int run = 0;
        while (i + run < c && !covered[i + run])
            covered[i + run++] = true;
        if (run)
            add_step(b->p, (struct plan_step){.kind = STEP_ZERO, .root = r->root, .channel = r->channel + i, .c = run});
        i += MAX(run, 1);
    }
}

/* Returns whether the writer must add. */
static bool write_gradient(struct planner *b, int v)
{
    const struct region *r = region_of(b->p, v);
    int c = channels_of(b, v), covered = count_covered(b, r, c);
    if (covered == 0) {
        memset(b->covered[r->root] + r->channel, true, (size_t)c);
        return false;
    }
    if (covered < c)
        zero_rest(b, r, c);
    return true;
}

/* Steps before the backward pass of a node: what it reads and was dropped. */
static void make_again(struct planner *b, const struct node *n)
{
    for (int s = 0; s < n->n_src; s++) {
        const int home = region_of(b->p, n->src[s])->home;
        if (!node_backward_reads(n, s) || !b->p->dropped[home] || b->made_again[home])
            continue;
        b->made_again[home] = true;
        add_step(b->p, (struct plan_step){.kind = STEP_AGAIN, .call = b->g->values[n->src[s]].writer});
    }
}

static void make_backward_call(struct planner *b, int index)
{
    struct call *c = &b->p->calls[index];
    const struct node *n = c->node;
    const struct region *dst = region_of(b->p, n->dst);
    if (!b->wants_gradient[n->dst] || count_covered(b, dst, c->dst.c) == 0)
        return; /* no loss depends on it */
    make_again(b, n);
    zero_rest(b, dst, c->dst.c);
    c->d_dst = c->dst;
    for (int s = 0; s < n->n_src; s++) {
        if (!b->wants_gradient[n->src[s]])
            continue;
        c->add[s] = write_gradient(b, n->src[s]);
        c->d_src[s] = c->src[s];
    }
    add_step(b->p, (struct plan_step){.kind = STEP_BACKWARD, .call = index});
}

static void make_backward(struct planner *b)
{
    const struct graph *g = b->g;
    struct plan *p = b->p;
    for (int i = 0; i < g->n_branches; i++) {
        for (int l = 0; l < g->branch[i].n_levels; l++) {
            int v = g->branch[i].level[l];
            memset(b->covered[v], true, (size_t)g->values[v].c); /* the loss writes all of it */
        }
    }
    for (int i = 0; i < b->r->n_outputs; i++) {
        const struct region *r = region_of(p, b->r->outputs[i]);
        memset(b->covered[r->root] + r->channel, true, (size_t)g->values[b->r->outputs[i]].c);
    }
    for (int i = p->n_forward - 1; i >= 0; i--)
        make_backward_call(b, p->steps[i].call);
    for (int i = 0; i < g->n_values && b->r->input_gradients; i++) { /* a map that no output depends on: zero */
        const struct value *v = &g->values[i];
        if (v->writer < 0 && v->parent < 0 && !v->n_parts)
            zero_rest(b, region_of(p, i), v->c);
    }
}

/* --- lifetimes --- */

static void live_forward(struct planner *b, int step)
{
    const struct call *c = &b->p->calls[b->p->steps[step].call];
    int t = time_of(b->p, step);
    for (int s = 0; s < c->node->n_src; s++)
        touch(home_of(b->p, c->node->src[s]), t);
    touch(home_of(b->p, c->node->dst), t);
}

/* Free from its last use so far until here. */
static void resume(struct plan_block *b, int time)
{
    b->pause = b->last;
    b->resume = time;
    touch(b, time);
}

static void live_again(struct planner *b, int step)
{
    struct plan *p = b->p;
    const int call = p->steps[step].call, t = time_of(p, step);
    const struct node *n = p->calls[call].node;
    resume(home_of(p, n->dst), t);
    resume(&p->scratch[call], t);
    for (int s = 0; s < n->n_src; s++)
        touch(home_of(p, n->src[s]), t);
    if (p->saved[call].floats)
        touch(&p->saved[call], t);
}

static void live_backward(struct planner *b, int step)
{
    struct plan *p = b->p;
    int index = p->steps[step].call, t = time_of(p, step);
    const struct call *c = &p->calls[index];
    for (int s = 0; s < c->node->n_src; s++) {
        if (node_backward_reads(c->node, s))
            touch(home_of(p, c->node->src[s]), t);
        if (c->d_src[s].c)
            touch(gradient_block(p, c->node->src[s]), t);
    }
    if (node_backward_reads(c->node, OP_DST))
        touch(home_of(p, c->node->dst), t);
    touch(gradient_block(p, c->node->dst), t);
    if (p->saved[index].floats)
        touch(&p->saved[index], t);
}

static void live_ends(struct planner *b)
{
    const struct graph *g = b->g;
    struct plan *p = b->p;
    int loss = p->n_forward, end = p->n_steps + 1;
    for (int i = 0; i < g->n_values; i++) {
        const struct value *v = &g->values[i];
        if (v->writer < 0 && v->parent < 0 && !v->n_parts) { /* an input: filled before the first step */
            touch(home_of(p, i), 0);
            if (b->trains && b->r->input_gradients)
                touch(gradient_block(p, i), end);
        }
    }
    for (int i = 0; i < g->n_branches; i++) {
        touch(&p->homes.home[p->homes.branch_home[i]], loss);
        if (b->trains)
            touch(&p->gradient[p->homes.branch_home[i]], loss);
    }
    for (int i = 0; i < b->r->n_outputs; i++) {
        touch(home_of(p, b->r->outputs[i]), loss);
        if (b->trains)
            touch(gradient_block(p, b->r->outputs[i]), loss);
    }
    for (int i = 0; i < p->homes.n_homes && b->r->keep_all; i++) {
        touch(&p->homes.home[i], 0);
        touch(&p->homes.home[i], end);
        if (p->gradient[i].first <= p->gradient[i].last) {
            touch(&p->gradient[i], 0);
            touch(&p->gradient[i], end);
        }
    }
}

static void find_lifetimes(struct planner *b)
{
    struct plan *p = b->p;
    for (int i = 0; i < p->n_steps; i++) {
        const struct plan_step *s = &p->steps[i];
        int t = time_of(p, i);
        if (s->kind == STEP_ZERO) {
            touch(gradient_block(p, s->root), t);
            continue;
        }
        if (s->kind == STEP_AGAIN) {
            live_again(b, i);
            continue;
        }
        bool forward = s->kind == STEP_FORWARD;
        if (forward)
            live_forward(b, i);
        else
            live_backward(b, i);
        touch(forward ? &p->scratch[s->call] : &p->d_scratch[s->call], t);
        if (forward && p->saved[s->call].floats)
            touch(&p->saved[s->call], t);
    }
    live_ends(b);
    for (int i = 0; i < p->homes.n_homes; i++) { /* gradient blocks that something touched get memory */
        if (p->gradient[i].first <= p->gradient[i].last)
            p->gradient[i].floats = p->homes.home[i].floats;
    }
}

/* --- putting it together --- */

/* A backend may run an op forward only: such a network cannot be trained on it. */
static enum status check_backward(const struct planner *b)
{
    for (int i = b->p->n_forward; i < b->p->n_steps; i++) {
        const struct plan_step *s = &b->p->steps[i];
        const struct node *n = s->kind == STEP_BACKWARD ? b->p->calls[s->call].node : NULL;
        if (n && !b->r->backend->ops[n->op]->backward)
            return fail(E_UNSUPPORTED, "%s: the backend %s has no backward pass for %s", n->name, b->r->backend->name,
                        op_name(n->op));
    }
    return OK;
}

static enum status plan_ops(struct planner *b)
{
    struct plan *p = b->p;
    for (int i = 0; i < p->n_calls; i++) {
        struct call *c = &p->calls[i];
        const struct op_impl *op = b->r->backend->ops[c->node->op];
        if (op->plan)
            TRY(op->plan(c));
        p->saved[i] = (struct plan_block){.floats = c->saved_floats, .first = 1, .last = 0};
        p->scratch[i] = (struct plan_block){.floats = c->scratch_floats, .first = 1, .last = 0};
        p->d_scratch[i] = (struct plan_block){.floats = c->d_scratch_floats, .first = 1, .last = 0};
    }
    return OK;
}

static void gather(struct plan_block **list, int *n, struct plan_block *blocks, int count)
{
    for (int i = 0; i < count; i++) {
        if (blocks[i].floats && blocks[i].first <= blocks[i].last)
            list[(*n)++] = &blocks[i];
    }
}

static enum status lay_out(struct planner *b)
{
    struct plan *p = b->p;
    int n = 0;
    struct plan_block **list = mem_alloc((size_t)p->homes.n_homes * 2 + (size_t)p->n_calls * 3 + 1, sizeof *list);
    if (!list)
        return E_NOMEM;
    gather(list, &n, p->homes.home, p->homes.n_homes);
    gather(list, &n, p->gradient, p->homes.n_homes);
    gather(list, &n, p->saved, p->n_calls);
    gather(list, &n, p->scratch, p->n_calls);
    gather(list, &n, p->d_scratch, p->n_calls);
    p->arena_floats = layout_blocks(list, n);
    mem_free(list);
    return n && !p->arena_floats ? E_NOMEM : OK;
}

static enum status allocate(struct planner *b)
{
    struct plan *p = b->p;
    struct arena *a = &p->memory;
    size_t regions = (size_t)p->homes.n_regions, homes = (size_t)p->homes.n_homes;
    p->n_calls = b->g->n_nodes + p->homes.n_copies;
    size_t calls = (size_t)p->n_calls;
    p->calls = arena_alloc(a, calls, sizeof *p->calls);
    p->packed = arena_alloc(a, calls, sizeof *p->packed);
    /* forward, again, backward, and zeroed ranges: a range covers at least one region that nothing else zeroes */
    p->cap_steps = p->n_calls * 3 + p->homes.n_regions * 2 + 1;
    p->steps = arena_alloc(a, (size_t)p->cap_steps, sizeof *p->steps);
    p->gradient = arena_alloc(a, homes, sizeof *p->gradient);
    p->in_place = arena_alloc(a, homes, sizeof *p->in_place);
    p->saved = arena_alloc(a, calls, sizeof *p->saved);
    p->scratch = arena_alloc(a, calls, sizeof *p->scratch);
    p->d_scratch = arena_alloc(a, calls, sizeof *p->d_scratch);
    b->wants_gradient = arena_alloc(a, regions, sizeof *b->wants_gradient);
    p->dropped = arena_alloc(a, homes, sizeof *p->dropped);
    b->readers = arena_alloc(a, regions, sizeof *b->readers);
    b->node_readers = arena_alloc(a, regions, sizeof *b->node_readers);
    b->made_again = arena_alloc(a, homes, sizeof *b->made_again);
    b->covered = arena_alloc(a, regions, sizeof *b->covered);
    if (!p->calls || !p->packed || !p->steps || !p->gradient || !p->in_place || !p->saved || !p->scratch ||
        !p->d_scratch || !p->dropped || !b->wants_gradient || !b->readers || !b->node_readers || !b->made_again ||
        !b->covered)
        return E_NOMEM;
    for (size_t i = 0; i < homes; i++)
        p->gradient[i] = (struct plan_block){.first = 1, .last = 0};
    for (size_t i = 0; i < regions && b->trains; i++) {
        int root = p->homes.region[i].root;
        if (!b->covered[root] && !(b->covered[root] = arena_alloc(a, (size_t)b->g->values[root].c, sizeof(bool))))
            return E_NOMEM;
    }
    return OK;
}

enum status plan_build(const struct plan_request *r, int n, const struct extent *inputs, struct plan **out)
{
    enum status rc = OK;
    const struct graph *g = r->graph;
    struct plan *p = mem_calloc(1, sizeof *p);
    *out = NULL;
    if (!p)
        return E_NOMEM;
    struct planner b = {.r = r, .g = g, .p = p, .trains = r->options.mode != RUN_INFER};
    arena_init(&p->memory);
    p->n = n;
    p->inputs = arena_alloc(&p->memory, (size_t)g->n_inputs, sizeof *p->inputs);
    p->extents = arena_alloc(&p->memory, (size_t)g->n_values, sizeof *p->extents);
    if (!p->inputs || !p->extents) {
        rc = E_NOMEM;
        goto cleanup;
    }
    memcpy(p->inputs, inputs, (size_t)g->n_inputs * sizeof *inputs);
    TRY_CLEAN(graph_infer(g, inputs, p->extents));
    TRY_CLEAN(homes_build(g, n, p->extents, &p->memory, &p->homes));
    TRY_CLEAN(elements_choose(r, p));
    TRY_CLEAN(allocate(&b));
    make_calls(&b);
    make_forward(&b);
    if (b.trains) {
        mark_wanted(&b);
        count_readers(&b);
        choose_in_place(&b);
        choose_dropped(&b);
        make_backward(&b);
    }
    TRY_CLEAN(check_backward(&b));
    TRY_CLEAN(plan_ops(&b));
    find_lifetimes(&b);
    TRY_CLEAN(lay_out(&b));
    *out = p;
    p = NULL;
cleanup:
    plan_destroy(p);
    return rc;
}

void plan_destroy(struct plan *p)
{
    if (!p)
        return;
    arena_free(&p->memory);
    mem_free(p);
}

/* --- addresses --- */

float *block_address(const struct plan_block *b, float *arena)
{
    return b->floats && b->first <= b->last ? arena + b->offset : NULL;
}

static float *region_address(const struct plan *p, int v, bool gradient, float *arena)
{
    const struct region *r = region_of(p, v);
    const struct plan_block *b = gradient && !p->in_place[r->home] ? &p->gradient[r->home] : &p->homes.home[r->home];
    float *start = block_address(b, arena);
    return start ? start + r->offset : NULL;
}

void plan_bind(struct plan *p, float *arena)
{
    for (int i = 0; i < p->n_calls; i++) {
        struct call *c = &p->calls[i];
        for (int s = 0; s < c->node->n_src; s++) {
            c->src[s].data = region_address(p, c->node->src[s], false, arena);
            if (c->d_src[s].c)
                c->d_src[s].data = region_address(p, c->node->src[s], true, arena);
        }
        c->dst.data = region_address(p, c->node->dst, false, arena);
        if (c->d_dst.c)
            c->d_dst.data = region_address(p, c->node->dst, true, arena);
        c->saved = block_address(&p->saved[i], arena);
    }
    p->bound = arena;
}

struct tensor plan_tensor(const struct plan *p, const struct graph *g, int v)
{
    const struct region *r = region_of(p, v);
    struct tensor t = {.n = p->n, .h = p->extents[v].h, .w = p->extents[v].w, .c = g->values[v].c};
    t.pixel_stride = r->pixel_stride;
    t.image_stride = r->image_stride;
    t.element = p->homes.element[r->home];
    t.data = region_address(p, v, false, p->bound);
    return t;
}

struct tensor plan_gradient(const struct plan *p, const struct graph *g, int v)
{
    struct tensor t = plan_tensor(p, g, v);
    t.data = region_address(p, v, true, p->bound);
    return t;
}
