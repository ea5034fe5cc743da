#include "model/figures.h"

#include "model/names.h"

#include <stdio.h>
#include <string.h>

void figures_free(struct figures *r)
{
    mem_free(r->rows);
    graph_free(&r->training);
    graph_free(&r->deployed);
    table_free(&r->table);
    *r = (struct figures){0};
}

/* Is `name` a part of the auxiliary branches of the head in row `row`? */
static bool is_auxiliary_head(const struct graph *g, int row, const char *name)
{
    const char *rest;
    int branch = names_row(name, &rest) == row ? head_branch_of(g->head.kind, g->n_branches, rest) : -1;
    return branch >= 0 && branch < g->n_branches - 1;
}

/* What the auxiliary branches of the head cost. */
static enum status count_auxiliary_head(struct figures *r)
{
    enum status rc = OK;
    const struct graph *g = &r->training;
    int head = r->n_rows - 1;
    struct cost *cost = &r->rows[head].auxiliary;
    struct extent *extents = mem_alloc((size_t)g->n_values, sizeof *extents);
    if (!extents)
        return E_NOMEM;
    TRY_CLEAN(graph_infer(g, &(struct extent){r->h, r->w}, extents));
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        if (n->row == head && is_auxiliary_head(g, head, n->name))
            cost->gflops += 1e-9 * graph_node_flops(g, n, extents[n->dst]);
    }
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        bool statistic = p->role == PARAM_MEAN || p->role == PARAM_VAR;
        if (p->row == head && !statistic && is_auxiliary_head(g, head, p->name))
            cost->params += (double)p->count;
    }
cleanup:
    mem_free(extents);
    return rc;
}

static enum status count_rows(struct figures *r, const struct model_row *rows)
{
    enum status rc = OK;
    double total, *flops = mem_calloc((size_t)r->training.n_rows, sizeof *flops);
    r->n_rows = r->training.n_rows;
    r->rows = mem_calloc((size_t)r->n_rows, sizeof *r->rows);
    if (!flops || !r->rows) {
        rc = E_NOMEM;
        goto cleanup;
    }
    TRY_CLEAN(model_count_flops(&r->training, r->h, r->w, flops, &total));
    r->whole = (struct cost){(double)model_count_params(&r->training, -1), 1e-9 * total};
    for (int i = 0; i < r->n_rows; i++) {
        struct row_cost *row = &r->rows[i];
        *row = (struct row_cost){rows[i].module, rows[i].tag,        rows[i].from,
                                 rows[i].args,   .use = rows[i].use, .maps = rows[i].maps};
        row->cost = (struct cost){(double)rows[i].params, 1e-9 * flops[i]};
        if (row->use != ROW_MAIN)
            row->auxiliary = row->cost;
    }
    TRY_CLEAN(count_auxiliary_head(r));
cleanup:
    mem_free(flops);
    return rc;
}

enum status figures_count(struct table table, const struct model_options *options, int h, int w, struct figures *r)
{
    enum status rc = OK;
    const struct model_row *rows;
    double flops;
    *r = (struct figures){.table = table};
    TRY_CLEAN(model_build(&r->table, options, &r->training, &rows));
    r->h = graph_round_side(&r->training, h);
    r->w = graph_round_side(&r->training, w);
    TRY_CLEAN(count_rows(r, rows));
    TRY_CLEAN(model_deploy(&r->table, &r->training, &r->deployed));
    TRY_CLEAN(model_count_flops(&r->deployed, r->h, r->w, NULL, &flops));
    r->left = (struct cost){(double)model_count_params(&r->deployed, -1), 1e-9 * flops};
cleanup:
    if (rc != OK)
        figures_free(r);
    return rc;
}

enum status figures_build(const char *model, const struct model_options *options, int h, int w, struct figures *r)
{
    struct table table;
    enum status rc = table_open(model, &table);
    return rc == OK ? figures_count(table, options, h, w, r) : rc;
}

struct cost figures_auxiliary(const struct figures *r)
{
    struct cost sum = {0};
    for (int i = 0; i < r->n_rows; i++) {
        sum.params += r->rows[i].auxiliary.params;
        sum.gflops += r->rows[i].auxiliary.gflops;
    }
    return sum;
}
