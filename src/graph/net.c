#include "graph/net.h"

#include "core/clock.h"
#include "core/cpu.h"
#include "graph/op_rules.h"
#include "graph/packed.h"
#include "graph/plan.h"

#include <assert.h>
#include <string.h>

enum { MAX_PLANS = 8 }; /* rectangular batches and the short last one; the oldest goes */

struct net {
    struct plan_request request;
    struct graph lowered; /* what runs in place of a deployed graph, and where its values are; map NULL: as given */
    int *map;
    struct team *team;
    struct plan *plans[MAX_PLANS], *current; /* most recently used first */
    int n_plans;
    float *arena;
    size_t arena_floats;
    struct packed_store own, *packed; /* packed: `own`, or one that is shared with other networks */
    int *stale;                       /* (nodes) calls whose weights must be packed again */
    unsigned version;
    bool dropped; /* the parameters may be gone: no further plan */
    int *outputs;
    net_observer *observer; /* may be NULL */
    void *observer_context;
    bool timing;
    struct node_report *reports;
};

/* The lowered graph with real copies in its place. */
static enum status add_copies(struct net *net, const struct graph *graph)
{
    enum status rc = OK;
    struct graph copied = {0};
    int *map = mem_alloc((size_t)net->lowered.n_values, sizeof *map);
    TRY_CLEAN(map ? OK : E_NOMEM);
    TRY_CLEAN(graph_with_copies(&net->lowered, &copied, map));
    for (int v = 0; v < graph->n_values; v++)
        net->map[v] = net->map[v] < 0 ? -1 : map[net->map[v]];
    graph_free(&net->lowered);
    net->lowered = copied;
cleanup:
    mem_free(map);
    return rc;
}

/* Integers run as calibrated, direct convolutions and golden tests as written. */
static enum status lower(struct net *net, const struct graph *graph, const struct net_config *config)
{
    enum status rc = OK;
    if (!graph->deployed || !graph->n_branches || config->mode != RUN_INFER || config->exact || config->keep_all ||
        config->as_given || config->precision == PRECISION_INT8)
        return OK;
    int *map = mem_alloc((size_t)graph->n_values, sizeof *map);
    if (!map)
        return E_NOMEM;
    TRY_CLEAN(graph_lower(graph, &net->lowered, map));
    net->map = map;
    net->request.graph = &net->lowered;
    map = NULL;
    if (config->copies)
        TRY_CLEAN(add_copies(net, graph));
cleanup:
    mem_free(map);
    return rc;
}

enum status net_create(const struct graph *graph, float *params, float *d_params, const struct net_config *config,
                       struct net **out)
{
    struct net *net = mem_calloc(1, sizeof *net);
    *out = net;
    if (!net)
        return E_NOMEM;
    net->team = config->team;
    net->version = 1;
    packed_store_init(&net->own);
    net->packed = config->packed ? config->packed : &net->own;
    net->request = (struct plan_request){
        .graph = graph,
        .backend = config->backend,
        .options = {.mode = config->mode,
                    .exact = config->exact,
                    .precision = config->precision,
                    .features = cpu_features(),
                    .threads = team_size(config->team)},
        .keep_all = config->keep_all,
        .params = params,
        .d_params = config->mode == RUN_INFER ? NULL : d_params,
    };
    enum status rc = lower(net, graph, config);
    if (rc != OK)
        return rc;
    net->stale = mem_alloc((size_t)net->request.graph->n_nodes, sizeof *net->stale);
    return net->stale ? OK : E_NOMEM;
}

static void forget_plans(struct net *net)
{
    for (int i = 0; i < net->n_plans; i++)
        plan_destroy(net->plans[i]);
    net->n_plans = 0;
    net->current = NULL;
}

void net_destroy(struct net *net)
{
    if (!net)
        return;
    forget_plans(net);
    packed_store_free(&net->own);
    if (net->map)
        graph_free(&net->lowered);
    mem_free(net->map);
    mem_free(net->stale);
    mem_free(net->arena);
    mem_free(net->outputs);
    mem_free(net->reports);
    mem_free(net);
}

void net_params_changed(struct net *net)
{
    assert(!net->dropped);
    net->version++;
}

void net_graph_changed(struct net *net)
{
    net->version++; /* how weights are packed depends on the attributes */
    forget_plans(net);
}

enum status net_set_outputs(struct net *net, const int *values, int count, bool input_gradients)
{
    forget_plans(net);
    mem_free(net->outputs);
    net->outputs = mem_alloc((size_t)count, sizeof *values);
    if (!net->outputs)
        return E_NOMEM;
    for (int i = 0; i < count; i++)
        net->outputs[i] = net->map ? net->map[values[i]] : values[i];
    net->request.outputs = net->outputs;
    net->request.n_outputs = count;
    net->request.input_gradients = input_gradients;
    return OK;
}

/* --- packed weights --- */

static enum status attach_packed(struct net *net, struct plan *p)
{
    enum status rc = OK;
    pthread_mutex_lock(&net->packed->lock);
    for (int i = 0; i < net->request.graph->n_nodes && rc == OK; i++) {
        struct call *c = &p->calls[i];
        if (!c->packed_floats[0] && !c->packed_floats[1])
            continue;
        rc = packed_store_find(net->packed, i, c, &p->packed[i]);
        if (rc != OK)
            break;
        c->packed[0] = net->packed->items[p->packed[i]].data[0];
        c->packed[1] = net->packed->items[p->packed[i]].data[1];
    }
    pthread_mutex_unlock(&net->packed->lock);
    return rc;
}

/* Calls whose weights are packed in one hand-out. */
struct call_packing {
    const struct net *net;
    const int *calls;
};

static void pack_part(void *context, int part, int thread)
{
    (void)thread;
    const struct call_packing *job = context;
    const struct net *net = job->net;
    const int call = job->calls[part];
    struct packed_weights *w = &net->packed->items[net->current->packed[call]];
    for (int i = 0; i < 2 && !w->zeroed; i++) {
        if (w->data[i])
            memset(w->data[i], 0, w->floats[i] * sizeof(float));
    }
    w->zeroed = true;
    struct call c = net->current->calls[call];
    c.team = NULL; /* this thread packs alone */
    net->request.backend->ops[c.node->op]->pack(&c);
}

/* Lists in `stale` the calls whose weights were packed from older parameters, or never. */
static int list_stale(struct net *net)
{
    const struct plan *p = net->current;
    int n = 0;
    for (int i = 0; i < p->n_calls; i++) {
        if (p->packed[i] < 0)
            continue;
        struct packed_weights *w = &net->packed->items[p->packed[i]];
        if (w->version == net->version)
            continue;
        net->stale[n++] = i;
        w->version = net->version;
    }
    return n;
}

static void pack_calls(struct net *net, int first, int end)
{
    struct call_packing job = {net, net->stale + first};
    team_run(net->team, end - first, pack_part, &job);
}

/* Weights are packed once a version of the parameters: at the first run after a change. Layers are shared among the
 * threads: one hand-out for all instead of one a layer. Other networks of a shared store wait meanwhile. */
void net_pack(struct net *net)
{
    pthread_mutex_lock(&net->packed->lock);
    pack_calls(net, 0, list_stale(net));
    pthread_mutex_unlock(&net->packed->lock);
}

bool net_is_packed(const struct net *net)
{
    bool packed = true;
    const struct plan *p = net->current;
    pthread_mutex_lock(&net->packed->lock);
    for (int i = 0; i < p->n_calls && packed; i++) {
        int param[MAX_NODE_PARAMS];
        packed = p->packed[i] < 0 ? !node_params(p->calls[i].node, param)
                                  : net->packed->items[p->packed[i]].version == net->version;
    }
    pthread_mutex_unlock(&net->packed->lock);
    return packed;
}

/* The lowest parameter that stale calls `i` .. n - 1 will read; NULL: none. */
static float *lowest_read(const struct net *net, int i, int n)
{
    float *lowest = NULL;
    for (; i < n; i++) {
        const struct call *c = &net->current->calls[net->stale[i]];
        for (int k = 0; k < MAX_NODE_PARAMS; k++) {
            if (c->param[k] && (!lowest || c->param[k] < lowest))
                lowest = c->param[k];
        }
    }
    return lowest;
}

/* Pack what is stale, and give up the parameters below what is still to be read. */
static void pack_and_discard(struct net *net)
{
    enum { FLOATS = 4 << 20 }; /* packed before their sources go: both forms of all weights are the most memory */
    const struct plan *p = net->current;
    const int n = list_stale(net);
    float *gone = net->request.params;
    for (int i = 0, end = 0; i < n; i = end) {
        for (size_t floats = 0; end < n && floats < FLOATS; end++)
            floats += net->packed->items[p->packed[net->stale[end]]].floats[0];
        pack_calls(net, i, end);
        float *lowest = lowest_read(net, end, n);
        if (lowest && lowest > gone) {
            mem_discard(gone, (size_t)(lowest - gone) * sizeof *gone);
            gone = lowest;
        }
    }
}

bool net_drop_params(struct net *net)
{
    const struct plan *p = net->current;
    if (net->request.options.mode != RUN_INFER)
        return false;
    for (int i = 0; i < p->n_calls; i++) {
        if (p->calls[i].param[0] && p->packed[i] < 0)
            return false; /* this op reads them as it runs */
    }
    pthread_mutex_lock(&net->packed->lock);
    pack_and_discard(net);
    pthread_mutex_unlock(&net->packed->lock);
    net->dropped = true;
    return true;
}

/* --- plans --- */

static bool same_key(const struct plan *p, const struct graph *g, int n, const struct extent *inputs)
{
    return p->n == n && !memcmp(p->inputs, inputs, (size_t)g->n_inputs * sizeof *inputs);
}

static void to_front(struct net *net, int i)
{
    struct plan *p = net->plans[i];
    memmove(&net->plans[1], &net->plans[0], (size_t)i * sizeof *net->plans);
    net->plans[0] = p;
}

static enum status make_current(struct net *net, struct plan *p)
{
    if (p->arena_floats > net->arena_floats) {
        mem_free(net->arena);
        net->arena_floats = 0;
        net->arena = mem_alloc(p->arena_floats, sizeof(float));
        if (!net->arena)
            return E_NOMEM;
        net->arena_floats = p->arena_floats;
    }
    net->current = p;
    if (p->bound != net->arena)
        plan_bind(p, net->arena);
    for (int i = 0; i < p->n_calls; i++)
        p->calls[i].team = net->team;
    return OK;
}

enum status net_plan_inputs(struct net *net, int n, const struct extent *inputs)
{
    enum status rc = OK;
    const struct graph *g = net->request.graph;
    struct plan *p = NULL;
    net->current = NULL;
    for (int i = 0; i < net->n_plans; i++) {
        if (same_key(net->plans[i], g, n, inputs)) {
            to_front(net, i);
            return make_current(net, net->plans[0]);
        }
    }
    if (net->dropped)
        return fail(E_ARGUMENT, "the network was made for one size, %dx%d is another", inputs[0].h, inputs[0].w);
    TRY_CLEAN(plan_build(&net->request, n, inputs, &p));
    TRY_CLEAN(attach_packed(net, p));
    if (net->n_plans == MAX_PLANS)
        plan_destroy(net->plans[--net->n_plans]);
    net->plans[net->n_plans] = p;
    to_front(net, net->n_plans++);
    p = NULL;
    TRY_CLEAN(make_current(net, net->plans[0]));
cleanup:
    plan_destroy(p);
    return rc;
}

enum status net_plan(struct net *net, int n, int h, int w)
{
    struct extent input = {h, w};
    if (net->request.graph->n_inputs != 1)
        return fail(E_ARGUMENT, "the network has %d inputs, one size was given", net->request.graph->n_inputs);
    if (n < 1 || h < 1 || w < 1)
        return fail(E_ARGUMENT, "%d images of %dx%d cannot be planned", n, h, w);
    return net_plan_inputs(net, n, &input);
}

/* --- running --- */

static void run_zero(const struct net *net, const struct plan_step *s)
{
    struct tensor t = plan_gradient(net->current, net->request.graph, s->root);
    for (int i = 0; i < t.n; i++) {
        for (int k = 0; k < t.h * t.w; k++)
            memset(tensor_image(&t, i) + (size_t)k * t.pixel_stride + s->channel, 0, (size_t)s->c * sizeof(float));
    }
}

static void run_step(struct net *net, struct plan_step *s)
{
    struct plan *p = net->current;
    double start = net->timing ? clock_seconds() : 0;
    if (s->kind == STEP_ZERO) {
        run_zero(net, s);
    } else {
        struct call *c = &p->calls[s->call];
        const struct op_impl *op = net->request.backend->ops[c->node->op];
        bool backward = s->kind == STEP_BACKWARD;
        if (s->kind == STEP_FORWARD && net->observer)
            net->observer(net->observer_context, c);
        c->scratch = block_address(backward ? &p->d_scratch[s->call] : &p->scratch[s->call], net->arena);
        (backward ? op->backward : s->kind == STEP_AGAIN ? op->again : op->forward)(c);
    }
    if (net->timing)
        s->seconds = clock_seconds() - start;
}

void net_forward(struct net *net)
{
    net_pack(net);
    for (int i = 0; i < net->current->n_forward; i++)
        run_step(net, &net->current->steps[i]);
}

void net_backward(struct net *net)
{
    for (int i = net->current->n_forward; i < net->current->n_steps; i++)
        run_step(net, &net->current->steps[i]);
}

/* --- looking --- */

struct tensor net_input(const struct net *net)
{
    return plan_tensor(net->current, net->request.graph, net->request.graph->input);
}

struct tensor net_value(const struct net *net, int value)
{
    const int at = net->map ? net->map[value] : value;
    return at < 0 ? (struct tensor){0} : plan_tensor(net->current, net->request.graph, at);
}

struct tensor net_gradient(const struct net *net, int value)
{
    return plan_gradient(net->current, net->request.graph, value);
}

struct head_output net_output(const struct net *net, int branch)
{
    const struct graph *g = net->request.graph;
    const struct plan *p = net->current;
    const struct branch *b = &g->branch[branch];
    struct tensor first = plan_tensor(p, g, b->level[0]);
    struct head_output out = {
        .head = &g->head, .logits = first.data, .stride = first.pixel_stride, .image_stride = first.image_stride};
    out.d_logits = plan_gradient(p, g, b->level[0]).data;
    out.n = p->n;
    out.channels = first.c;
    out.n_levels = b->n_levels;
    for (int l = 0; l < b->n_levels; l++) {
        struct extent e = p->extents[b->level[l]];
        out.level[l].h = e.h;
        out.level[l].w = e.w;
        out.level[l].stride = g->stride[l];
        out.level[l].first = out.anchors;
        out.anchors += e.h * e.w;
    }
    return out;
}

/* --- instruments --- */

size_t net_arena_bytes(const struct net *net)
{
    return net->current ? net->current->arena_floats * sizeof(float) : 0;
}

size_t net_packed_bytes(const struct net *net)
{
    return packed_store_bytes(net->packed);
}

int net_copies(const struct net *net)
{
    return net->current ? net->current->homes.n_copies : 0;
}

void net_set_observer(struct net *net, net_observer *observer, void *context)
{
    net->observer = observer;
    net->observer_context = context;
}

void net_set_timing(struct net *net, bool on)
{
    net->timing = on;
}

int net_report(struct net *net, const struct node_report **reports)
{
    struct plan *p = net->current;
    mem_free(net->reports);
    net->reports = mem_calloc((size_t)p->n_calls, sizeof *net->reports);
    *reports = net->reports;
    if (!net->reports)
        return 0;
    for (int i = 0; i < p->n_steps; i++) {
        const struct plan_step *s = &p->steps[i];
        if (s->kind == STEP_ZERO)
            continue;
        struct node_report *r = &net->reports[s->call];
        r->node = p->calls[s->call].node;
        r->call = &p->calls[s->call];
        *(s->kind == STEP_FORWARD ? &r->seconds : &r->d_seconds) += s->seconds;
    }
    return p->n_calls;
}
