#include "lab/features.h"

#include "lab/inverse.h"
#include "lab/map_numbers.h"
#include "model/init.h"
#include "ops/cpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* --- a run --- */

struct wanted {
    int value, last; /* node behind which the value is whole */
    bool taken;
    struct tensor copy; /* of the whole map where the picture is computed back from it; data NULL: not */
};

struct probe {
    const struct features_options *o;
    const struct image *input;
    const struct letterbox *box;
    struct table table;
    struct graph graph;
    const struct model_row *rows;
    int *depth; /* a value */
    float *params;
    struct net *net;
    struct features *out;
    struct wanted *wanted; /* (out->n), then what the first Coupling reads */
    int n_wanted;
    enum status rc; /* of what the observer did */
};

/* Mean and biased variance of each channel of t. */
static void measure_channels(const struct tensor *t, float *mean, float *variance)
{
    const double n = (double)t->h * t->w;
    for (int k = 0; k < t->c; k++) {
        double sum = 0, squares = 0;
        const double shift = tensor_pixel(t, 0, 0, 0)[k]; /* keeps the difference of squares exact */
        for (int y = 0; y < t->h; y++) {
            const float *p = tensor_pixel(t, 0, y, 0) + k;
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

static enum status copy_map(const struct tensor *t, struct tensor *out)
{
    *out = *t;
    out->pixel_stride = (size_t)t->c;
    out->image_stride = (size_t)t->h * (size_t)t->w * (size_t)t->c;
    out->data = mem_alloc(out->image_stride, sizeof *out->data);
    if (!out->data)
        return E_NOMEM;
    for (int y = 0; y < t->h; y++)
        for (int x = 0; x < t->w; x++)
            memcpy(tensor_pixel(out, 0, y, x), tensor_pixel(t, 0, y, x), (size_t)t->c * sizeof(float));
    return OK;
}

static enum status take(struct probe *p, int i)
{
    struct wanted *w = &p->wanted[i];
    const struct tensor t = net_value(p->net, w->value);
    w->taken = true;
    if (i >= p->out->n || inverse_exists(&p->table, p->out->maps[i].row))
        TRY(copy_map(&t, &w->copy));
    return i < p->out->n ? map_measure(&t, p->input, p->box, p->o->reduction, &p->out->maps[i]) : OK;
}

/* Before a node runs: maps that are whole by now are taken while they are still there, and a batch normalisation gets
 * the statistics of what it is about to read. */
static void watch(void *context, const struct call *c)
{
    struct probe *p = context;
    const struct node *n = c->node;
    if (n >= p->graph.nodes && n < p->graph.nodes + p->graph.n_nodes) {
        for (int i = 0; i < p->n_wanted && p->rc == OK; i++)
            if (!p->wanted[i].taken && n - p->graph.nodes > p->wanted[i].last)
                p->rc = take(p, i);
    }
    for (int i = 0; n->op == OP_BN_ACT && i < n->u.bn_act.n_bn; i++)
        measure_channels(&c->src[i], p->params + p->graph.params[n->u.bn_act.bn[i].mean].first,
                         p->params + p->graph.params[n->u.bn_act.bn[i].var].first);
}

/* The row nearest to `asked`, of two equally near ones the first. */
static enum status choose_row(const struct probe *p, int asked, struct feature_map *out)
{
    const struct table *t = &p->table;
    int best = -1, deepest = 0;
    for (int r = 0; r < t->n_rows - 1; r++) {
        const struct model_row *row = &p->rows[r];
        if (row->use != ROW_MAIN || row->maps.n != 1)
            continue;
        const int depth = p->depth[row->maps.map[0]];
        deepest = MAX(deepest, depth);
        if (best < 0 || abs(depth - asked) < abs(out->depth - asked)) {
            best = r;
            out->depth = depth;
        }
    }
    if (best < 0 || asked > deepest)
        return fail(E_ARGUMENT, "%s: the deepest map is that of depth %d; there is none of depth %d", t->name, deepest,
                    asked);
    out->asked = asked;
    out->row = best;
    out->recovered_error = -1;
    return OK;
}

static enum status choose_maps(struct probe *p)
{
    struct features *f = p->out;
    const struct features_options *o = p->o;
    f->maps = mem_calloc((size_t)o->n_depths, sizeof *f->maps);
    p->wanted = mem_calloc((size_t)o->n_depths + 1, sizeof *p->wanted);
    if (!f->maps || !p->wanted)
        return E_NOMEM;
    for (int i = 0; i < o->n_depths; i++) {
        struct feature_map *m = &f->maps[f->n++];
        TRY(choose_row(p, o->depths[i], m));
        const int value = p->rows[m->row].maps.map[0];
        p->wanted[p->n_wanted++] = (struct wanted){.value = value, .last = last_writer(&p->graph, value)};
    }
    for (int r = 0; inverse_exists(&p->table, r); r++) { /* what the first Coupling reads */
        if (strcmp(p->table.rows[r].module, "Coupling") != 0 || r == 0)
            continue;
        const int value = p->rows[r - 1].maps.map[0];
        p->wanted[p->n_wanted++] = (struct wanted){.value = value, .last = last_writer(&p->graph, value)};
        break;
    }
    return OK;
}

/* --- what it costs --- */

static enum status count_costs(struct probe *p)
{
    enum status rc = OK;
    double total, *flops = mem_calloc((size_t)p->graph.n_rows, sizeof *flops);
    if (!flops)
        return E_NOMEM;
    TRY_CLEAN(model_count_flops(&p->graph, p->box->h, p->box->w, flops, &total));
    for (int i = 0; i < p->out->n; i++) {
        struct feature_map *m = &p->out->maps[i];
        snprintf(m->module, sizeof m->module, "%s", p->rows[m->row].module);
        for (int r = 0; r <= m->row; r++) {
            m->params += (double)p->rows[r].params;
            m->gflops += 1e-9 * flops[r];
        }
    }
cleanup:
    mem_free(flops);
    return rc;
}

/* Another run, without the observer. */
static void measure_time(struct probe *p)
{
    const struct node_report *reports;
    net_set_observer(p->net, NULL, NULL);
    net_set_timing(p->net, true);
    image_to_float(p->input, net_input(p->net).data, net_input(p->net).pixel_stride);
    net_forward(p->net);
    const int n = net_report(p->net, &reports);
    for (int i = 0; i < p->out->n; i++)
        for (int k = 0; k < n; k++)
            if (reports[k].node->row <= p->out->maps[i].row)
                p->out->maps[i].milliseconds += 1e3 * reports[k].seconds;
}

static enum status check_inverse(struct probe *p)
{
    const struct tensor *first = &p->wanted[p->n_wanted - 1].copy;
    for (int i = 0; i < p->out->n; i++) {
        struct feature_map *m = &p->out->maps[i];
        if (!inverse_exists(&p->table, m->row))
            continue;
        TRY(inverse_check(&p->table, &p->graph, p->params, m->row, &p->wanted[i].copy, first, p->o->team,
                          &m->recovered_error));
    }
    return OK;
}

/* --- all --- */

static enum status open_network(struct probe *p)
{
    TRY(table_open(p->o->network, &p->table));
    TRY(model_build(&p->table, NULL, &p->graph, &p->rows));
    p->out->name = mem_strdup(p->table.name);
    p->depth = mem_calloc((size_t)p->graph.n_values, sizeof *p->depth);
    p->params = mem_alloc(p->graph.param_floats, sizeof *p->params);
    if (!p->out->name || !p->depth || !p->params)
        return E_NOMEM;
    count_depths(&p->graph, p->depth);
    model_init(&p->graph, p->o->seed, p->params);
    return OK;
}

static enum status run_network(struct probe *p)
{
    const struct net_config config = {.backend = &cpu_backend, .team = p->o->team, .mode = RUN_INFER, .as_given = true};
    TRY(net_create(&p->graph, p->params, NULL, &config, &p->net));
    TRY(net_plan(p->net, 1, p->box->h, p->box->w));
    net_set_observer(p->net, watch, p);
    image_to_float(p->input, net_input(p->net).data, net_input(p->net).pixel_stride);
    net_forward(p->net);
    p->out->map_bytes = (double)net_arena_bytes(p->net);
    p->out->weight_bytes = (double)net_packed_bytes(p->net) + (double)p->graph.param_floats * sizeof(float);
    return p->rc;
}

enum status features_run(const struct features_options *o, const struct image *input, const struct letterbox *box,
                         struct features *out)
{
    enum status rc = OK;
    struct probe p = {.o = o, .input = input, .box = box, .out = out};
    *out = (struct features){0};
    TRY_CLEAN(open_network(&p));
    TRY_CLEAN(choose_maps(&p));
    TRY_CLEAN(count_costs(&p));
    TRY_CLEAN(run_network(&p));
    TRY_CLEAN(check_inverse(&p));
    if (o->timed)
        measure_time(&p);
cleanup:
    net_destroy(p.net);
    for (int i = 0; i < p.n_wanted; i++)
        mem_free(p.wanted[i].copy.data);
    mem_free(p.wanted);
    mem_free(p.depth);
    mem_free(p.params);
    graph_free(&p.graph);
    table_free(&p.table);
    return rc;
}

void features_free(struct features *f)
{
    for (int i = 0; i < f->n; i++)
        mem_free(f->maps[i].values);
    mem_free(f->maps);
    mem_free(f->name);
    *f = (struct features){0};
}

enum status features_stride(const char *network, int *stride)
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
