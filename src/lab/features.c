#include "lab/features.h"

#include "core/mem.h"
#include "lab/inverse.h"
#include "lab/map_numbers.h"
#include "lab/random_net.h"

#include <stdio.h>
#include <string.h>

/* --- a run --- */

struct probe {
    const struct features_options *o;
    const struct image *input;
    const struct letterbox *box;
    struct random_net net;
    struct features *out;
    struct tensor *copies; /* (net.n) of whole maps where the picture is computed back from them; data NULL: not */
};

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

static enum status take(void *context, int i, const struct tensor *map)
{
    struct probe *p = context;
    if (i >= p->out->n || inverse_exists(&p->net.table, p->out->maps[i].row))
        TRY(copy_map(map, &p->copies[i]));
    return i < p->out->n ? map_measure(map, p->input, p->box, p->o->reduction, &p->out->maps[i]) : OK;
}

static enum status choose_maps(struct probe *p)
{
    struct features *f = p->out;
    const struct table *table = &p->net.table;
    f->maps = mem_calloc((size_t)p->net.n, sizeof *f->maps);
    if (!f->maps)
        return E_NOMEM;
    for (; f->n < p->net.n; f->n++) {
        const struct random_map *m = &p->net.maps[f->n];
        f->maps[f->n] =
            (struct feature_map){.asked = m->asked, .depth = m->depth, .row = m->row, .recovered_error = -1};
    }
    for (int r = 1; inverse_exists(table, r); r++) { /* what the first Coupling reads */
        if (strcmp(table->rows[r].module, "Coupling") != 0)
            continue;
        TRY(random_net_also(&p->net, r - 1));
        break;
    }
    p->copies = mem_calloc((size_t)p->net.n, sizeof *p->copies);
    return p->copies ? OK : E_NOMEM;
}

/* --- what it costs --- */

static enum status count_costs(struct probe *p)
{
    enum status rc = OK;
    const struct graph *graph = &p->net.graph;
    double total, *flops = mem_calloc((size_t)graph->n_rows, sizeof *flops);
    if (!flops)
        return E_NOMEM;
    TRY_CLEAN(model_count_flops(graph, p->box->h, p->box->w, flops, &total));
    for (int i = 0; i < p->out->n; i++) {
        struct feature_map *m = &p->out->maps[i];
        snprintf(m->module, sizeof m->module, "%s", p->net.rows[m->row].module);
        for (int r = 0; r <= m->row; r++) {
            m->params += (double)p->net.rows[r].params;
            m->gflops += 1e-9 * flops[r];
        }
    }
cleanup:
    mem_free(flops);
    return rc;
}

/* Another run, without measuring anything else. */
static enum status measure_time(struct probe *p)
{
    const struct node_report *reports;
    net_set_timing(p->net.net, true);
    TRY(random_net_run(&p->net, p->input, 1, false, NULL, NULL));
    const int n = net_report(p->net.net, &reports);
    for (int i = 0; i < p->out->n; i++)
        for (int k = 0; k < n; k++)
            if (reports[k].node->row <= p->out->maps[i].row)
                p->out->maps[i].milliseconds += 1e3 * reports[k].seconds;
    return OK;
}

static enum status check_inverse(struct probe *p)
{
    const struct tensor *first = &p->copies[p->net.n - 1];
    for (int i = 0; i < p->out->n; i++) {
        struct feature_map *m = &p->out->maps[i];
        if (!inverse_exists(&p->net.table, m->row))
            continue;
        TRY(inverse_check(&p->net.table, &p->net.graph, p->net.params, m->row, &p->copies[i], first, p->o->team,
                          &m->recovered_error));
    }
    return OK;
}

/* --- all --- */

static enum status run_network(struct probe *p)
{
    const struct net *net = p->net.net;
    TRY(random_net_run(&p->net, p->input, 1, true, take, p));
    p->out->map_bytes = (double)net_arena_bytes(net);
    p->out->weight_bytes = (double)net_packed_bytes(net) + (double)p->net.graph.param_floats * sizeof(float);
    return OK;
}

enum status features_run(const struct features_options *o, const struct image *input, const struct letterbox *box,
                         struct features *out)
{
    enum status rc = OK;
    struct probe p = {.o = o, .input = input, .box = box, .out = out};
    *out = (struct features){0};
    TRY_CLEAN(random_net_open(o->network, o->seed, o->depths, o->n_depths, o->team, &p.net));
    TRY_CLEAN((out->name = mem_strdup(p.net.table.name)) ? OK : E_NOMEM);
    TRY_CLEAN(choose_maps(&p));
    TRY_CLEAN(count_costs(&p));
    TRY_CLEAN(run_network(&p));
    TRY_CLEAN(check_inverse(&p));
    if (o->timed)
        TRY_CLEAN(measure_time(&p));
cleanup:
    for (int i = 0; p.copies && i < p.net.n; i++)
        mem_free(p.copies[i].data);
    mem_free(p.copies);
    random_net_close(&p.net);
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
