#include "model/model.h"

#include "model/names.h"
#include "model/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_REPEATS = 10000,  /* blocks of a whole table: rows times repeats times depth */
    MAX_PARAMS = 1 << 30, /* floats of a whole model */
};

void model_options_init(struct model_options *o)
{
    *o = (struct model_options){0};
    for (int i = 0; i < MAX_BRANCHES; i++)
        head_shape_init(&o->head[i]);
}

/* --- one table being built --- */

struct build {
    const struct table *table;
    struct builder builder;
    struct graph *graph;
    struct head_options head;
    struct expression_names names;
    struct model_row *rows;
    struct port image;
    long blocks; /* against MAX_REPEATS */
};

static const struct port *source(const struct build *m, int row, int i)
{
    int from = table_source_row(m->table, row, i);
    return from < 0 ? &m->image : &m->rows[from].maps;
}

/* SPEC 4 rule 2: half to even, at least 1. */
static int scaled_repeats(const struct table *t, int repeats)
{
    double scaled = rint(repeats * t->depth_multiple);
    if (repeats <= 1)
        return repeats;
    return scaled < 1 ? 1 : scaled > 1e6 ? 1000000 : (int)scaled;
}

/* SPEC 4 rule 3: width times width_multiple, rounded up to a multiple of 8; by accident not where the width equals a
 * number of the head (model/family.h). */
static double scaled_width(const struct build *m, int c2)
{
    if (c2 == family_kept_width(m->table->family, m->names.nc, m->names.anchors))
        return c2;
    if (m->table->max_channels)
        c2 = MIN(c2, m->table->max_channels);
    return ceil(c2 * m->table->width_multiple / 8) * 8;
}

static void join_text(struct build *m, struct buf *text, const char **out)
{
    const char *copy = arena_strdup(&m->graph->arena, text->data ? text->data : "");
    if (!copy)
        m->graph->out_of_memory = true;
    *out = copy ? copy : "";
    text->size = 0;
    if (text->data)
        text->data[0] = 0;
}

static enum status print_arg(const struct arg *a, struct buf *text)
{
    enum status rc = OK;
    switch (a->kind) {
    case ARG_NONE:
        return buf_printf(text, "None");
    case ARG_BOOL:
        return buf_printf(text, "%s", a->number != 0 ? "True" : "False");
    case ARG_NUMBER:
        return buf_printf(text, "%.9g", a->number);
    case ARG_TEXT:
        return buf_printf(text, "%s", a->text);
    case ARG_LIST:
        TRY(buf_printf(text, "["));
        for (int i = 0; i < a->n; i++) {
            TRY(buf_printf(text, "%s", i ? ", " : ""));
            TRY(print_arg(&a->items[i], text));
        }
        rc = buf_printf(text, "]");
    }
    return rc;
}

/* "64, 128, 64, 32, 3": input channels, output channels, then the row's other arguments. */
static enum status describe_args(struct build *m, int r, const struct module *module, int c2, struct buf *text)
{
    enum status rc = OK;
    const struct table_row *row = &m->table->rows[r];
    bool block = module->kind == MODULE_BLOCK, split = module->kind == MODULE_SPLIT;
    if (block || split)
        TRY(buf_printf(text, "%d", builder_channels(&m->builder, source(m, r, 0)->map[0])));
    if (block)
        TRY(buf_printf(text, ", %d", c2));
    if (module->row_signature)
        TRY(buf_printf(text, ", %d", scaled_repeats(m->table, row->repeats)));
    for (int i = block; i < row->n_args; i++) {
        TRY(buf_printf(text, "%s", text->size ? ", " : ""));
        TRY(print_arg(&row->args[i], text));
    }
    if (module->kind != MODULE_HEAD)
        return rc;
    TRY(buf_printf(text, "%s[", text->size ? ", " : ""));
    for (int i = 0; i < row->n_from; i++)
        TRY(buf_printf(text, "%s%d", i ? ", " : "", builder_channels(&m->builder, source(m, r, i)->map[0])));
    TRY(buf_printf(text, "]"));
    return rc;
}

static enum status describe_row(struct build *m, int r, const struct module *module, int c2)
{
    enum status rc = OK;
    struct buf text = {0};
    const struct table_row *row = &m->table->rows[r];
    struct model_row *out = &m->rows[r];
    TRY_CLEAN(buf_printf(&text, "%s", row->module));
    join_text(m, &text, &out->module);
    if (row->tag) {
        TRY_CLEAN(buf_printf(&text, "%s", row->tag));
        join_text(m, &text, &out->tag);
    }
    for (int i = 0; i < row->n_from; i++)
        TRY_CLEAN(buf_printf(&text, "%s%d", i ? ", " : "", row->from[i]));
    join_text(m, &text, &out->from);
    TRY_CLEAN(describe_args(m, r, module, c2, &text));
    join_text(m, &text, &out->args);
cleanup:
    buf_free(&text);
    return rc;
}

/* --- checks of a row --- */

static enum status check_inputs(const struct build *m, int r, const struct module *module)
{
    const struct table *t = m->table;
    const struct table_row *row = &t->rows[r];
    bool several = module->kind == MODULE_MERGE || module->kind == MODULE_FUSE || module->kind == MODULE_HEAD;
    if (!several && row->n_from != 1)
        return table_fail(t, r, E_FORMAT, "%d inputs; it takes one", row->n_from);
    for (int i = 0; i < row->n_from; i++) {
        bool list = source(m, r, i)->n > 1 || (table_source_row(t, r, i) >= 0 && /* also a list of one */
                                               !strcmp(t->rows[table_source_row(t, r, i)].module, "CBLinear"));
        if (list && module->kind != MODULE_FUSE)
            return table_fail(t, r, E_FORMAT, "row %d is a CBLinear, which only a CBFuse can read",
                              table_source_row(t, r, i));
        if (!list && module->kind == MODULE_FUSE && i < row->n_from - 1)
            return table_fail(t, r, E_FORMAT, "input %d, row %d, is no CBLinear", i, table_source_row(t, r, i));
        if (list && module->kind == MODULE_FUSE && i == row->n_from - 1)
            return table_fail(t, r, E_FORMAT, "the last input, the target, is a CBLinear");
    }
    return OK;
}

static enum status check_repeats(struct build *m, int r, const struct module *module, int repeats, int depth)
{
    bool single = module->kind == MODULE_BLOCK || module->kind == MODULE_MAP;
    if (repeats > 1 && !single)
        return table_fail(m->table, r, E_FORMAT, "%d repeats; only modules with one input and one output can repeat",
                          repeats);
    if (repeats > MAX_DEPTH)
        return table_fail(m->table, r, E_LIMIT, "%d repeats; %d are possible", repeats, MAX_DEPTH);
    m->blocks += (long)repeats * depth;
    if (m->blocks > MAX_REPEATS)
        return table_fail(m->table, r, E_LIMIT, "the table has more than %d blocks", MAX_REPEATS);
    return OK;
}

/* What the builder found while it wrote row r. */
static enum status check_fault(const struct build *m, int r)
{
    if (m->graph->out_of_memory)
        return fail_memory(m->table->source, 0);
    if (m->builder.failed)
        return table_fail(m->table, r, E_SHAPE, "%s", m->builder.fault);
    if (m->graph->param_floats > MAX_PARAMS)
        return table_fail(m->table, r, E_LIMIT, "the model has more than %d parameters", MAX_PARAMS);
    return OK;
}

/* --- building a row --- */

static enum status resolve_args(struct build *m, int r, const struct module *module, struct module_args *args)
{
    const struct table *t = m->table;
    module_defaults(module, m->builder.act, m->head.nc, args);
    enum status rc = module_set_row(module, &t->rows[r], &m->names, args);
    if (rc != OK) {
        char text[256];
        snprintf(text, sizeof text, "%s", fail_text());
        return table_fail(t, r, rc, "%s", text);
    }
    if (module->kind == MODULE_BLOCK) {
        double c2 = scaled_width(m, args->c2);
        if (c2 > MAX_CHANNELS)
            return table_fail(t, r, E_LIMIT, "%.0f channels; %d are possible", c2, MAX_CHANNELS);
        args->c2 = (int)c2;
    }
    return OK;
}

/* n copies in a row are `model.i.0`, `model.i.1` ... and need as many channels out as in. */
static enum status emit_copies(struct build *m, int r, const struct module *module, int copies,
                               const struct module_args *args)
{
    struct builder *b = &m->builder;
    struct port in = *source(m, r, 0), out = in;
    int c1 = builder_channels(b, in.map[0]);
    for (int j = 0; j < copies && !b->failed; j++) {
        size_t mark = builder_enter_number(b, j);
        module_emit(b, "", module, &in, 1, args, &out);
        builder_leave(b, mark);
        if (!b->failed && builder_channels(b, out.map[0]) != c1)
            return table_fail(m->table, r, E_SHAPE, "%d repeats need as many output as input channels, not %d and %d",
                              copies, builder_channels(b, out.map[0]), c1);
        in = out;
    }
    m->rows[r].maps = out;
    return OK;
}

static void emit_head(struct build *m, int r, int nc)
{
    const struct table_row *row = &m->table->rows[r];
    int inputs[TABLE_MAX_FROM];
    for (int i = 0; i < row->n_from; i++)
        inputs[i] = source(m, r, i)->map[0];
    m->head.nc = nc;
    detect(&m->builder, "", head_find_row(row->module, row->n_args), inputs, row->n_from, &m->head);
}

static enum status build_row(struct build *m, int r)
{
    const struct table_row *row = &m->table->rows[r];
    const struct module *module = module_find(row->module);
    struct module_args args;
    struct port in[TABLE_MAX_FROM];
    if (!module)
        return table_fail(m->table, r, E_FORMAT, "there is no module of this name");
    if ((module->kind == MODULE_HEAD) != (r == m->table->n_rows - 1))
        return table_fail(m->table, r, E_FORMAT, "%s",
                          module->kind == MODULE_HEAD
                              ? "the head must be the last row"
                              : "the last row must be a head (Detect, DDetect, DualDDetect ...)");
    m->graph->n_rows = r; /* stamps values, nodes and parameters */
    TRY(check_inputs(m, r, module));
    TRY(resolve_args(m, r, module, &args));
    int repeats = scaled_repeats(m->table, row->repeats), copies = repeats;
    if (module->row_signature) { /* BottleneckCSP: the repeats are its depth */
        args.n = MIN(repeats, MAX_DEPTH + 1);
        copies = 1;
    }
    TRY(check_repeats(m, r, module, MAX(copies, module->row_signature ? args.n : 0), args.n));

    size_t mark = builder_enter(&m->builder, "model");
    builder_enter_number(&m->builder, r);
    for (int i = 0; i < row->n_from; i++)
        in[i] = *source(m, r, i);
    if (module->kind == MODULE_HEAD)
        emit_head(m, r, args.nc);
    else if (copies > 1)
        TRY(emit_copies(m, r, module, copies, &args));
    else
        module_emit(&m->builder, "", module, in, row->n_from, &args, &m->rows[r].maps);
    builder_leave(&m->builder, mark);
    TRY(check_fault(m, r));
    TRY(describe_row(m, r, module, args.c2));
    m->rows[r].params = model_count_params(m->graph, r);
    return OK;
}

/* --- the whole table --- */

static enum status choose_head(struct build *m, const struct model_options *o)
{
    const struct table *t = m->table;
    m->head.nc = o && o->nc ? o->nc : t->nc;
    m->head.reg_max = o && o->reg_max ? o->reg_max : t->reg_max != FROM_FORMULA ? t->reg_max : REG_MAX;
    for (int i = 0; i < MAX_BRANCHES; i++)
        m->head.shape[i] = o ? head_shape_merge(o->head[i], t->head[i]) : t->head[i];
    m->head.family = t->family;
    m->head.anchor_levels = t->anchor_levels;
    m->head.n_anchors = t->anchors;
    m->head.anchor = t->anchor;
    if (m->head.nc < 1 || m->head.nc > MAX_CLASSES)
        return fail(E_ARGUMENT, "%s: %d classes; 1 to %d are possible", t->source, m->head.nc, MAX_CLASSES);
    if (m->head.reg_max < 1 || m->head.reg_max > MAX_REG_MAX)
        return fail(E_ARGUMENT, "%s: reg_max is %d; 1 to %d are possible", t->source, m->head.reg_max, MAX_REG_MAX);
    for (int i = 0; i < MAX_BRANCHES; i++) {
        const struct head_shape *s = &m->head.shape[i];
        if (s->c_box == 0 || s->c_box < FROM_FORMULA || s->c_cls == 0 || s->c_cls < FROM_FORMULA ||
            s->box_groups == 0 || s->box_groups < FROM_FORMULA)
            return fail(E_ARGUMENT, "%s: a width or group count of the head is below 1", t->source);
    }
    return OK;
}

static enum status mark_use(struct build *m)
{
    const struct table *t = m->table;
    int main = m->graph->n_branches - 1;
    bool *reached = mem_calloc((size_t)t->n_rows, 2 * sizeof *reached);
    if (!reached)
        return E_NOMEM;
    bool *by_main = reached, *by_any = reached + t->n_rows;
    rows_reached(t, main, main, by_main);
    rows_reached(t, 0, main, by_any);
    for (int r = 0; r < t->n_rows; r++)
        m->rows[r].use = by_main[r] ? ROW_MAIN : by_any[r] ? ROW_AUXILIARY : ROW_UNUSED;
    mem_free(reached);
    return OK;
}

/* Anchors of an anchor head are listed from fine to coarse, as its inputs are. Where a table has them the other way
 * round from its strides, the official code turns the anchors. */
static void order_anchors(struct graph *g)
{
    struct head *h = &g->head;
    const int last = g->n_branches ? g->branch[g->n_branches - 1].n_levels - 1 : 0;
    if (h->kind != HEAD_ANCHORS || !last)
        return;
    const float *a = h->anchor[0][0], *z = h->anchor[last][h->n_anchors - 1];
    if ((z[0] * z[1] < a[0] * a[1]) == (g->stride[last] < g->stride[0]))
        return;
    for (int l = 0; l < last - l; l++) {
        float kept[MAX_ANCHORS][2];
        memcpy(kept, h->anchor[l], sizeof kept);
        memcpy(h->anchor[l], h->anchor[last - l], sizeof kept);
        memcpy(h->anchor[last - l], kept, sizeof kept);
    }
}

/* A fault that graph_finish finds is told with the place of its row in the file. */
static enum status finish(struct build *m)
{
    enum status rc = graph_finish(m->graph);
    if (rc == OK || rc == E_NOMEM)
        return rc;
    const int row = m->graph->faulty_row;
    if (row >= 0 && row < m->table->n_rows)
        return fail_prefix(rc, "%s:%d", m->table->source, m->table->rows[row].line);
    return fail_prefix(rc, "%s", m->table->source);
}

enum status model_build(const struct table *t, const struct model_options *options, struct graph *out,
                        const struct model_row **rows)
{
    enum status rc = OK;
    struct build m = {.table = t, .graph = out};
    graph_init(out);
    builder_init(&m.builder, out, t->activation);
    TRY_CLEAN(choose_head(&m, options));
    m.names = (struct expression_names){.nc = m.head.nc, .anchors = t->anchors};
    m.rows = arena_alloc(&out->arena, (size_t)t->n_rows, sizeof *m.rows);
    if (!m.rows)
        TRY_CLEAN(E_NOMEM);
    m.image = (struct port){.n = 1, .map = {graph_input(out, t->ch, "image")}};
    for (int r = 0; r < t->n_rows; r++)
        TRY_CLEAN(build_row(&m, r));
    out->n_rows = t->n_rows;
    TRY_CLEAN(finish(&m));
    order_anchors(out);
    TRY_CLEAN(mark_use(&m));
    if (rows)
        *rows = m.rows;
cleanup:
    if (rc != OK)
        graph_free(out);
    return rc;
}

enum status model_deploy(const struct table *t, const struct graph *training, struct graph *out)
{
    struct names names;
    enum status rc = names_init(t, &names);
    if (rc != OK)
        return rc;
    rc = graph_deploy(training, out, names_deploy, &names);
    names_free(&names);
    return rc;
}

/* --- counting --- */

static bool is_statistic(const struct param *p)
{
    return p->role == PARAM_MEAN || p->role == PARAM_VAR;
}

size_t model_count_params(const struct graph *g, int row)
{
    size_t sum = 0;
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        if (!is_statistic(p) && (row < 0 || p->row == row))
            sum += p->count;
    }
    return sum;
}

int model_count_state(const struct graph *g)
{
    int n = g->n_params;
    for (int i = 0; i < g->n_params; i++)
        n += g->params[i].role == PARAM_MEAN; /* num_batches_tracked, one a BN */
    return n;
}

enum status model_count_flops(const struct graph *g, int h, int w, double *by_row, double *total)
{
    enum status rc = OK;
    struct extent image = {h, w};
    struct extent *extents = mem_calloc((size_t)g->n_values, sizeof *extents);
    if (!extents)
        return E_NOMEM;
    TRY_CLEAN(graph_infer(g, &image, extents));
    *total = 0;
    for (int r = 0; by_row && r < g->n_rows; r++)
        by_row[r] = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        double flops = graph_node_flops(g, n, extents[n->dst]);
        *total += flops;
        if (by_row)
            by_row[n->row] += flops;
    }
cleanup:
    mem_free(extents);
    return rc;
}
