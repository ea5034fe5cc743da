#include "lab/random_net.h"

#include "core/mem.h"
#include "model/init.h"
#include "ops/cpu.h"

#include <math.h>
#include <stdlib.h>

/* --- depths --- */

/* Convolutions on the longest way from the picture to each value (out: n_values). */
static void count_depths(const struct graph *g, int *out)
{
    for (int v = 0; v < g->n_values; v++) { /* what a value is made of stands before it */
        const struct value *value = &g->values[v];
        out[v] = value->parent >= 0 ? out[value->parent] : 0;
        for (int i = 0; i < value->n_parts; i++)
            out[v] = MAX(out[v], out[value->parts[i]]);
        const struct node *n = value->writer >= 0 ? &g->nodes[value->writer] : NULL;
        for (int s = 0; n && s < n->n_src; s++)
            out[v] = MAX(out[v], out[n->src[s]] + (n->op == OP_CONV2D));
    }
}

/* The node behind which value v is whole. */
static int last_writer(const struct graph *g, int v)
{
    const struct value *value = &g->values[v];
    int last = value->writer;
    if (value->parent >= 0)
        return last_writer(g, value->parent);
    for (int i = 0; i < value->n_parts; i++)
        last = MAX(last, last_writer(g, value->parts[i]));
    return last;
}

/* The row nearest to `asked`, of two equally near ones the first. */
static enum status choose_row(const struct random_net *r, const int *depth_of, int asked, struct random_map *out)
{
    const struct table *t = &r->table;
    int best = -1, deepest = 0;
    for (int i = 0; i < t->n_rows - 1; i++) {
        const struct model_row *row = &r->rows[i];
        if (row->use != ROW_MAIN || row->maps.n != 1)
            continue;
        const int depth = depth_of[row->maps.map[0]];
        deepest = MAX(deepest, depth);
        if (best < 0 || abs(depth - asked) < abs(out->depth - asked)) {
            best = i;
            out->depth = depth;
        }
    }
    if (best < 0 || asked > deepest)
        return fail(E_ARGUMENT, "%s: the deepest map is that of depth %d; there is none of depth %d", t->name, deepest,
                    asked);
    out->asked = asked;
    out->row = best;
    return OK;
}

static void set_value(const struct random_net *r, struct random_map *m)
{
    m->value = r->rows[m->row].maps.map[0];
    m->last = last_writer(&r->graph, m->value);
}

enum status random_net_also(struct random_net *r, int row)
{
    const size_t size = (size_t)r->n * sizeof *r->maps;
    struct random_map *maps = mem_grow(r->maps, size, size + sizeof *maps);
    if (!maps)
        return E_NOMEM;
    r->maps = maps;
    maps[r->n] = (struct random_map){.asked = -1, .depth = -1, .row = row};
    set_value(r, &maps[r->n++]);
    return OK;
}

static enum status choose_maps(struct random_net *r, const int *depths, int n_depths)
{
    enum status rc = OK;
    int *depth_of = mem_calloc((size_t)r->graph.n_values, sizeof *depth_of);
    r->maps = mem_calloc((size_t)n_depths, sizeof *r->maps);
    TRY_CLEAN(depth_of && r->maps ? OK : E_NOMEM);
    count_depths(&r->graph, depth_of);
    for (; r->n < n_depths; r->n++) {
        TRY_CLEAN(choose_row(r, depth_of, depths[r->n], &r->maps[r->n]));
        set_value(r, &r->maps[r->n]);
    }
cleanup:
    mem_free(depth_of);
    return rc;
}

enum status random_net_open(const char *network, uint64_t seed, const int *depths, int n_depths, struct team *team,
                            struct random_net *out)
{
    const struct net_config config = {.backend = &cpu_backend, .team = team, .mode = RUN_INFER, .as_given = true};
    *out = (struct random_net){0};
    TRY(table_open(network, &out->table));
    TRY(model_build(&out->table, NULL, &out->graph, &out->rows));
    out->params = mem_alloc(out->graph.param_floats, sizeof *out->params);
    if (!out->params)
        return E_NOMEM;
    model_init(&out->graph, seed, out->params);
    TRY(choose_maps(out, depths, n_depths));
    return net_create(&out->graph, out->params, NULL, &config, &out->net);
}

void random_net_close(struct random_net *r)
{
    net_destroy(r->net);
    mem_free(r->maps);
    mem_free(r->params);
    graph_free(&r->graph);
    table_free(&r->table);
    *r = (struct random_net){0};
}

/* --- a run --- */

struct random_run {
    struct random_net *r;
    bool measure;
    map_visitor *visit;
    void *context;
    int next_node; /* maps of nodes before it were visited */
    enum status rc;
};

/* Mean and biased variance of each channel over all pictures. */
static void measure_channels(const struct tensor *t, float *mean, float *variance)
{
    const double n = (double)t->n * t->h * t->w;
    for (int k = 0; k < t->c; k++) {
        double sum = 0, squares = 0;
        const double shift = tensor_pixel(t, 0, 0, 0)[k]; /* keeps the difference of squares exact */
        for (int i = 0; i < t->n * t->h; i++) {
            const float *p = tensor_pixel(t, i / t->h, i % t->h, 0) + k;
            for (int x = 0; x < t->w; x++, p += t->pixel_stride) {
                const double d = *p - shift;
                sum += d;
                squares += d * d;
            }
        }
        mean[k] = (float)(shift + sum / n);
        variance[k] = (float)fmax(squares / n - sum / n * (sum / n), 0);
    }
}

/* Before a node of the graph runs: maps that became whole since the last one are visited while they are still there. */
static void visit_whole(struct random_run *run, int node)
{
    const struct random_net *r = run->r;
    for (int i = 0; i < r->n && run->rc == OK; i++) {
        if (r->maps[i].last < run->next_node - 1 || r->maps[i].last >= node)
            continue;
        const struct tensor map = net_value(r->net, r->maps[i].value);
        run->rc = run->visit(run->context, i, &map);
    }
    run->next_node = node + 1;
}

static void watch(void *context, const struct call *c)
{
    struct random_run *run = context;
    const struct random_net *r = run->r;
    const struct node *n = c->node;
    if (run->visit && n >= r->graph.nodes && n < r->graph.nodes + r->graph.n_nodes)
        visit_whole(run, (int)(n - r->graph.nodes));
    for (int i = 0; run->measure && n->op == OP_BN_ACT && i < n->u.bn_act.n_bn; i++)
        measure_channels(&c->src[i], r->params + r->graph.params[n->u.bn_act.bn[i].mean].first,
                         r->params + r->graph.params[n->u.bn_act.bn[i].var].first);
}

enum status random_net_run(struct random_net *r, const struct image *pictures, int n, bool measure, map_visitor *visit,
                           void *context)
{
    struct random_run run = {.r = r, .measure = measure, .visit = visit, .context = context, .rc = OK};
    TRY(net_plan(r->net, n, pictures[0].h, pictures[0].w));
    const struct tensor input = net_input(r->net);
    for (int i = 0; i < n; i++)
        image_to_float(&pictures[i], tensor_image(&input, i), input.pixel_stride);
    net_set_observer(r->net, watch, &run);
    net_forward(r->net);
    net_set_observer(r->net, NULL, NULL);
    return run.rc;
}

/* --- sizes --- */

static enum status stride_of(const char *network, int *stride)
{
    struct table table;
    struct graph graph;
    enum status rc = table_open(network, &table);
    if (rc != OK)
        return rc;
    rc = model_build(&table, NULL, &graph, NULL);
    if (rc == OK) {
        *stride = graph_largest_stride(&graph);
        graph_free(&graph);
    }
    table_free(&table);
    return rc;
}

enum status random_net_stride(const char *const *networks, int n, int *stride)
{
    *stride = GRAPH_LEAST_STRIDE;
    for (int i = 0; i < n; i++) {
        int one;
        TRY(stride_of(networks[i], &one));
        for (int step = *stride; *stride % one; *stride += step) {
        }
    }
    return OK;
}
