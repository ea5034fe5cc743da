/* Boxes and wires of a table's rows. */
#include "lab/diagram_parts.h"

#include "model/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const part_names[PART_COUNT] = {"input", "backbone", "neck", "head"};

struct maker {
    struct diagram *d;
    const struct figures *f;
    const struct extent *extents; /* of the training form's values */
};

static int level_band(const struct figures *f, int h)
{
    long level = lround(log2((double)f->h / h));
    return (int)MIN(MAX(level, 0), DIAGRAM_BANDS - 2) + 1;
}

static void tell_map(struct box *b)
{
    if (!*b->hands_on)
        snprintf(b->hands_on, sizeof b->hands_on, "%d x %d x %d", b->c, b->h, b->w);
}

static void set_map(const struct maker *m, struct box *b, int value)
{
    b->c = m->f->training.values[value].c;
    b->h = m->extents[value].h;
    b->w = m->extents[value].w;
}

/* A row's arguments without the input's channels, and without what says nothing: Concat's axis, Upsample's None. */
static void tell_args(const struct maker *m, int row, struct box *b)
{
    const char *args = m->f->rows[row].args ? m->f->rows[row].args : "", *module = m->f->rows[row].module;
    char *rest;
    long first = strtol(args, &rest, 10);
    int source = table_source_row(&m->f->table, row, 0);
    int value = source < 0 ? m->f->training.input : m->f->rows[source].maps.map[0];
    if (!strcmp(module, "Concat"))
        args = "";
    else if (!strncmp(args, "None, ", 6))
        args += 6;
    else if (rest != args && first == m->f->training.values[value].c && (!*rest || !strncmp(rest, ", ", 2)))
        args = *rest ? rest + 2 : rest;
    snprintf(b->args, sizeof b->args, "%s", args);
}

static void make_row(const struct maker *m, int row, struct box *b)
{
    const struct row_cost *r = &m->f->rows[row];
    *b = (struct box){.row = row, .branch = -1, .use = r->use};
    b->part = row < m->f->table.n_backbone ? PART_BACKBONE : PART_NECK;
    snprintf(b->title, sizeof b->title, "%d %s", row, r->module);
    tell_args(m, row, b);
    set_map(m, b, r->maps.map[0]);
    if (r->maps.n > 1) {
        for (int i = 1; i < r->maps.n; i++)
            b->c = MAX(b->c, m->f->training.values[r->maps.map[i]].c);
        snprintf(b->hands_on, sizeof b->hands_on, "%d maps x %d x %d", r->maps.n, b->h, b->w);
    }
    tell_map(b);
    b->band = level_band(m->f, b->h);
}

static void make_head(const struct maker *m, int branch, int level, struct box *b)
{
    const struct graph *g = &m->f->training;
    int row = rows_head(&m->f->table);
    bool main = branch == g->n_branches - 1;
    *b = (struct box){.row = row, .branch = branch, .head_level = level, .part = PART_HEAD};
    b->use = main ? ROW_MAIN : ROW_AUXILIARY;
    snprintf(b->title, sizeof b->title, "%d %s", row, m->f->rows[row].module);
    if (g->head.kind == HEAD_ANCHORS)
        snprintf(b->args, sizeof b->args, "%d x (5 + %d classes)", g->head.n_anchors, g->head.nc);
    else
        snprintf(b->args, sizeof b->args, "4 x %d + %d classes", g->head.reg_max, g->head.nc);
    set_map(m, b, g->branch[branch].level[level]);
    tell_map(b);
    b->band = level_band(m->f, b->h);
}

/* Channels of the map that row `row` takes from its i-th input. CBFuse chooses one map of a CBLinear. */
static int channels_read(const struct maker *m, int row, int i)
{
    const struct table_row *r = &m->f->table.rows[row];
    int source = table_source_row(&m->f->table, row, i), k = 0;
    if (source < 0)
        return m->f->training.values[m->f->training.input].c;
    const struct port *maps = &m->f->rows[source].maps;
    if (maps->n > 1 && r->n_args && r->args[0].kind == ARG_LIST && i < r->args[0].n)
        k = (int)r->args[0].items[i].number;
    return m->f->training.values[maps->map[MIN(MAX(k, 0), maps->n - 1)]].c;
}

/* The box that makes what row r hands on is number r + 1; the image is row -1. */
static void make_wires(const struct maker *m)
{
    struct diagram *d = m->d;
    const struct table *t = &m->f->table;
    const struct head_class *class = rows_head_class(t);
    for (int r = 0; r < rows_head(t); r++)
        for (int i = 0; i < t->rows[r].n_from; i++)
            d->wires[d->n_wires++] =
                (struct wire){.from = table_source_row(t, r, i) + 1, .to = r + 1, .c = channels_read(m, r, i)};
    for (int k = 0; k < d->n_boxes; k++) {
        const struct box *b = &d->boxes[k];
        if (b->branch < 0)
            continue;
        int n_levels = m->f->training.branch[b->branch].n_levels;
        int i = head_first_input(class, b->branch, n_levels) + b->head_level;
        d->wires[d->n_wires++] = (struct wire){
            .from = table_source_row(t, rows_head(t), i) + 1, .to = k, .c = channels_read(m, rows_head(t), i)};
    }
}

static void make_boxes(const struct maker *m)
{
    struct diagram *d = m->d;
    const struct graph *g = &m->f->training;
    struct box *image = &d->boxes[d->n_boxes++];
    *image = (struct box){.row = -1, .branch = -1, .part = PART_INPUT, .use = ROW_MAIN, .title = "image"};
    set_map(m, image, g->input);
    tell_map(image);
    for (int r = 0; r < rows_head(&m->f->table); r++)
        make_row(m, r, &d->boxes[d->n_boxes++]);
    for (int branch = 0; branch < g->n_branches; branch++)
        for (int level = 0; level < g->branch[branch].n_levels; level++)
            make_head(m, branch, level, &d->boxes[d->n_boxes++]);
}

enum status diagram_rows(struct diagram *d)
{
    enum status rc = OK;
    const struct figures *f = d->figures;
    const struct graph *g = &f->training;
    size_t n_boxes = (size_t)f->n_rows + MAX_BRANCHES * MAX_LEVELS, n_wires = MAX_BRANCHES * MAX_LEVELS;
    struct extent *extents = mem_alloc((size_t)g->n_values, sizeof *extents);
    for (int r = 0; r < f->n_rows; r++)
        n_wires += (size_t)f->table.rows[r].n_from;
    d->boxes = mem_calloc(n_boxes, sizeof *d->boxes);
    d->wires = mem_calloc(n_wires, sizeof *d->wires);
    const struct maker m = {.d = d, .f = f, .extents = extents};
    if (!extents || !d->boxes || !d->wires)
        TRY_CLEAN(E_NOMEM);
    TRY_CLEAN(graph_infer(g, &(struct extent){f->h, f->w}, extents));
    make_boxes(&m);
    make_wires(&m);
cleanup:
    mem_free(extents);
    return rc;
}
