#include "lab/gradients.h"

#include "core/mem.h"
#include "core/progress.h"
#include "data/multiscale.h"
#include "lab/gradient_parts.h"
#include "ops/cpu.h"
#include "train/check.h"

#include <stdio.h>
#include <string.h>

const char *branch_name(int branch, int n_branches)
{
    static const char *const several[MAX_BRANCHES] = {"auxiliary 1", "auxiliary 2", "auxiliary 3"};
    return branch == n_branches - 1 ? "main" : n_branches == 2 ? "auxiliary" : several[branch];
}

struct work {
    const struct gradients_options *o;
    struct gradients *out;
    struct loader *loader;
    struct loss *loss;
    struct net *net;
    float *params, *grad; /* (param_floats) a copy, as training moves running statistics; of one backward pass */
    float *branch;        /* (n_branches, param_floats) of one batch */
    struct head_parts parts[MAX_BRANCHES];
    float (*targets)[6];
    int target_capacity;
};

/* --- which maps --- */

/* reached[v]: a bit for each branch whose raw maps depend on value v. */
static void mark_reached(const struct graph *g, unsigned *reached)
{
    for (int b = 0; b < g->n_branches; b++)
        for (int l = 0; l < g->branch[b].n_levels; l++)
            reached[g->branch[b].level[l]] |= 1u << b;
    for (int v = g->n_values - 1; v >= 0; v--) { /* what a value is made of stands before it */
        const struct value *value = &g->values[v];
        const struct node *n = value->writer >= 0 ? &g->nodes[value->writer] : NULL;
        if (value->parent >= 0)
            reached[value->parent] |= reached[v];
        for (int i = 0; i < value->n_parts; i++)
            reached[value->parts[i]] |= reached[v];
        for (int s = 0; n && s < n->n_src; s++)
            reached[n->src[s]] |= reached[v];
    }
}

static enum status choose_rows(struct work *w)
{
    enum status rc = OK;
    const struct gradients_options *o = w->o;
    const struct graph *g = o->graph;
    const int side = 16 * graph_largest_stride(g);
    const unsigned all = (1u << g->n_branches) - 1;
    unsigned *reached = mem_calloc((size_t)g->n_values, sizeof *reached);
    struct extent *extent = mem_calloc((size_t)g->n_values, sizeof *extent);
    TRY_CLEAN(reached && extent ? OK : E_NOMEM);
    mark_reached(g, reached);
    TRY_CLEAN(graph_infer(g, &(struct extent){side, side}, extent));
    w->out->n_levels = g->branch[g->n_branches - 1].n_levels;
    for (int l = 0; l < w->out->n_levels; l++) {
        struct gradient_level *level = &w->out->level[l];
        level->stride = g->stride[l];
        level->row = -1;
        for (int r = 0; r < o->table->n_backbone && r < g->n_rows; r++) {
            const int v = o->rows[r].maps.n == 1 ? o->rows[r].maps.map[0] : -1;
            if (v >= 0 && reached[v] == all && extent[v].h * level->stride == side)
                level->row = r;
        }
    }
cleanup:
    mem_free(reached);
    mem_free(extent);
    return rc;
}

/* --- a batch --- */

/* The batch's labels with the network's classes. */
static enum status take_targets(struct work *w, const struct batch *b)
{
    w->targets = mem_reserve(w->targets, &w->target_capacity, MAX(b->n_targets, 1), sizeof *w->targets);
    if (!w->targets)
        return E_NOMEM;
    for (int i = 0; i < b->n_targets; i++) {
        float *row = w->targets[i];
        memcpy(row, b->targets[i], sizeof *w->targets);
        if (w->o->class_of)
            row[1] = (float)w->o->class_of[(int)row[1]];
        w->out->objects[object_size_of((double)row[4] * b->w * (double)row[5] * b->h)]++;
    }
    w->out->pictures += b->n;
    return OK;
}

static enum status check_room(const struct work *w, const struct batch *b)
{
    const struct graph *g = w->o->graph;
    const struct memory_need need = {.fixed = (size_t)(2 + g->n_branches) * g->param_floats * sizeof(float) +
                                              net_packed_bytes(w->net),
                                     .batches = net_arena_bytes(w->net),
                                     .batch = b->n,
                                     .size = MAX(b->h, b->w)};
    return check_memory(&need);
}

static enum status forward(struct work *w, const struct batch *b)
{
    struct head_output branches[MAX_BRANCHES];
    struct loss_result loss;
    const struct graph *g = w->o->graph;
    TRY(net_plan(w->net, b->n, b->h, b->w));
    TRY(check_room(w, b));
    struct tensor input = net_input(w->net);
    for (int i = 0; i < b->n; i++) {
        const struct image picture = batch_image(b, i);
        image_to_float_resized(&picture, b->h, b->w, tensor_image(&input, i), input.pixel_stride);
    }
    net_forward(w->net);
    for (int i = 0; i < g->n_branches; i++)
        branches[i] = net_output(w->net, i);
    TRY(loss_run(w->loss, branches, g->n_branches, (const float *)w->targets, b->n_targets, &loss));
    for (int k = 0; k < LOSS_ITEMS; k++)
        tally_add(&w->out->loss[k], loss.item[k]);
    if (!isfinite(loss.total))
        return fail(E_NUMERIC, "%s: the loss of batch %ld is not finite; it began in %s", w->o->table->name, b->number,
                    check_values(g, w->net) ? check_values(g, w->net) : "the loss itself");
    return head_parts_take(w->parts, branches, g->n_branches, w->loss, (const float *)w->targets);
}

static double tensor_norm(const struct tensor *t)
{
    double squares = 0;
    for (int i = 0; t->data && i < t->n; i++)
        for (int y = 0; y < t->h; y++)
            for (int x = 0; x < t->w; x++) {
                const float *p = tensor_pixel(t, i, y, x);
                for (int c = 0; c < t->c; c++)
                    squares += (double)p[c] * p[c];
            }
    return sqrt(squares);
}

/* One part's gradient, from the heads to the parameters and the backbone's maps; its parameters' is added up in
 * w->branch. */
static void run_part(struct work *w, int branch, enum object_size size, int pictures)
{
    const struct graph *g = w->o->graph;
    struct gradients *out = w->out;
    long positives[MAX_LEVELS];
    double norm[MAX_LEVELS];
    bool any = false;
    head_parts_measure(&w->parts[branch], size, positives, norm);
    for (int l = 0; l < out->n_levels; l++)
        any |= positives[l] > 0;
    if (any) {
        net_forward(w->net); /* a backward pass uses up what it leaves: the statistics of batch normalisation */
        head_parts_show(w->parts, g->n_branches, branch, size);
        float *sum = w->branch + (size_t)branch * g->param_floats;
        memset(w->grad, 0, g->param_floats * sizeof *w->grad);
        net_backward(w->net);
        for (size_t i = 0; i < g->param_floats; i++)
            sum[i] += w->grad[i];
    }
    for (int l = 0; l < out->n_levels; l++) {
        struct level_part *part = &out->level[l].part[branch][size];
        const int row = out->level[l].row;
        part->positives += positives[l];
        tally_add(&part->head, norm[l] / pictures);
        if (row < 0)
            continue;
        const struct tensor d = net_gradient(w->net, w->o->rows[row].maps.map[0]);
        tally_add(&part->map, any ? tensor_norm(&d) / pictures : 0);
    }
}

/* Scalar products of all branches' gradients in a row's parameters. */
static void row_products(const struct work *w, int row, double product[MAX_BRANCHES][MAX_BRANCHES])
{
    const struct graph *g = w->o->graph;
    memset(product, 0, sizeof(double[MAX_BRANCHES][MAX_BRANCHES]));
    for (int p = 0; p < g->n_params; p++) {
        const struct param *param = &g->params[p];
        if (param->row != row || !param_is_trained(param))
            continue;
        for (int a = 0; a < g->n_branches; a++)
            for (int b = 0; b <= a; b++) {
                const float *x = w->branch + (size_t)a * g->param_floats + param->first;
                const float *y = w->branch + (size_t)b * g->param_floats + param->first;
                double sum = 0;
                for (size_t i = 0; i < param->count; i++)
                    sum += (double)x[i] * y[i];
                product[a][b] += sum;
            }
    }
}

static void measure_rows(struct work *w, int pictures)
{
    const int n = w->o->graph->n_branches, main = n - 1;
    double product[MAX_BRANCHES][MAX_BRANCHES];
    for (int r = 0; r < w->out->n_rows; r++) {
        struct gradient_row *row = &w->out->rows[r];
        double whole = 0;
        if (row->params == 0)
            continue;
        row_products(w, r, product);
        for (int a = 0; a < n; a++) {
            for (int b = 0; b <= a; b++)
                whole += (a == b ? 1 : 2) * product[a][b];
            tally_add(&row->norm[a], sqrt(product[a][a]) / pictures);
            if (product[a][a] > 0 && product[main][main] > 0)
                tally_add(&row->cosine[a], product[main][a] / sqrt(product[a][a] * product[main][main]));
        }
        tally_add(&row->whole, sqrt(fmax(whole, 0)) / pictures);
    }
}

static enum status run_batch(struct work *w, const struct batch *b)
{
    const struct graph *g = w->o->graph;
    TRY(take_targets(w, b));
    TRY(forward(w, b));
    memset(w->branch, 0, (size_t)g->n_branches * g->param_floats * sizeof *w->branch);
    for (int branch = 0; branch < g->n_branches; branch++)
        for (int size = 0; size < OBJECT_SIZES; size++)
            run_part(w, branch, (enum object_size)size, b->n);
    measure_rows(w, b->n);
    return OK;
}

/* --- all --- */

static enum status open_rows(struct work *w)
{
    const struct gradients_options *o = w->o;
    struct gradients *out = w->out;
    out->n_branches = o->graph->n_branches;
    out->rows = mem_calloc((size_t)o->graph->n_rows, sizeof *out->rows);
    if (!out->rows)
        return E_NOMEM;
    out->n_rows = o->graph->n_rows;
    for (int r = 0; r < out->n_rows; r++) {
        snprintf(out->rows[r].module, sizeof out->rows[r].module, "%s", o->rows[r].module);
        out->rows[r].use = o->rows[r].use;
    }
    for (int p = 0; p < o->graph->n_params; p++)
        if (param_is_trained(&o->graph->params[p]))
            out->rows[o->graph->params[p].row].params += (double)o->graph->params[p].count;
    return choose_rows(w);
}

static enum status open_work(struct work *w)
{
    const struct gradients_options *o = w->o;
    const size_t floats = o->graph->param_floats;
    /* All maps are kept, so that the gradients of inner ones can be read. */
    const struct net_config net = {.backend = &cpu_backend, .team = o->team, .mode = RUN_TRAIN, .keep_all = true};
    TRY(open_rows(w));
    w->params = mem_alloc(floats, sizeof *w->params);
    w->grad = mem_calloc(floats, sizeof *w->grad);
    w->branch = mem_calloc(floats * (size_t)o->graph->n_branches, sizeof *w->branch);
    if (!w->params || !w->grad || !w->branch)
        return E_NOMEM;
    memcpy(w->params, o->params, floats * sizeof *w->params);
    TRY(loss_create(&o->loss, o->team, &w->loss));
    TRY(net_create(o->graph, w->params, w->grad, &net, &w->net));
    TRY(loader_open(&o->loader, &w->loader));
    return OK;
}

static enum status run_batches(struct work *w)
{
    const int n = (int)MIN(loader_batches(w->loader), (long)w->o->batches);
    struct progress bar;
    TRY(loader_start(w->loader, &(struct epoch_config){.mosaic = w->o->mosaic}));
    progress_start(&bar, w->o->table->name, n);
    for (int i = 0; i < n; i++) {
        const struct batch *b;
        TRY(loader_next(w->loader, &b));
        TRY(run_batch(w, b));
        progress_step(&bar, i + 1);
    }
    progress_end(&bar);
    return OK;
}

enum status gradients_run(const struct gradients_options *o, struct gradients *out)
{
    enum status rc = OK;
    struct work w = {.o = o, .out = out};
    *out = (struct gradients){0};
    TRY_CLEAN(open_work(&w));
    TRY_CLEAN(run_batches(&w));
cleanup:
    loader_close(w.loader);
    net_destroy(w.net);
    loss_destroy(w.loss);
    for (int b = 0; b < MAX_BRANCHES; b++)
        head_parts_free(&w.parts[b]);
    mem_free(w.params);
    mem_free(w.grad);
    mem_free(w.branch);
    mem_free(w.targets);
    return rc;
}

void gradients_free(struct gradients *g)
{
    mem_free(g->rows);
    *g = (struct gradients){0};
}
