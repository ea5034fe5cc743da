/* Graph -> C source: the file, its header, and what stands around the nodes (c_nodes.c). */
#include "export/c_source.h"

#include "core/file.h"
#include "core/path.h"
#include "export/c_export.h"
#include "export/c_text.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* --- names --- */

char *c_identifier(const char *text)
{
    char *name = mem_strdup(text);
    for (char *c = name; c && *c; c++)
        *c = isalnum((unsigned char)*c) && (unsigned char)*c < 128 ? *c : '_';
    return name;
}

char *c_source_prefix(const char *path)
{
    struct buf out = {0};
    char *stem = path_stem(path), *name = stem ? c_identifier(stem) : NULL;
    if (name && buf_printf(&out, "%s%s", isalpha((unsigned char)name[0]) ? "" : "net_", name) != OK)
        buf_free(&out);
    mem_free(stem);
    mem_free(name);
    return out.data;
}

static bool is_taken(const struct c_export *e, const char *name)
{
    for (int i = 0; i < e->plan->homes.n_regions; i++) {
        if (e->region[i] && !strcmp(e->region[i], name))
            return true;
    }
    for (int i = 0; i < e->plan->n_calls; i++) {
        if (e->call[i] && !strcmp(e->call[i], name))
            return true;
    }
    return false;
}

/* A C name that nothing else has. NULL: short of memory. */
static const char *new_name(struct c_export *e, const char *text)
{
    char *stem = c_identifier(text);
    char *name = stem ? arena_strdup(&e->memory, stem) : NULL;
    for (int k = 2; name && is_taken(e, name); k++)
        name = arena_printf(&e->memory, "%s_%d", stem, k);
    mem_free(stem);
    return name;
}

static enum status name_region(struct c_export *e, int v)
{
    if (e->region[v])
        return OK;
    const int value = v < e->g->n_values ? v : e->plan->homes.copy[v - e->g->n_values].from;
    e->region[v] = new_name(e, e->g->values[value].name);
    return e->region[v] ? OK : E_NOMEM;
}

/* Maps first, so that they have the shorter names. */
static enum status name_all(struct c_export *e)
{
    const struct branch *main = &e->g->branch[e->g->n_branches - 1];
    TRY(name_region(e, e->g->input));
    for (int i = 0; i < e->plan->n_calls; i++) {
        const struct node *n = e->plan->calls[i].node;
        for (int s = 0; s < n->n_src; s++)
            TRY(name_region(e, n->src[s]));
        TRY(name_region(e, n->dst));
    }
    for (int l = 0; l < main->n_levels; l++)
        TRY(name_region(e, main->level[l]));
    for (int i = 0; i < e->plan->n_calls; i++) {
        const char *name = e->plan->calls[i].node->name, *end = strrchr(name, '.');
        char *text = arena_printf(&e->memory, "%s%s", name, end && !strcmp(end, ".conv") ? "" : ".conv");
        e->call[i] = text ? new_name(e, text) : NULL;
        if (!e->call[i])
            return E_NOMEM;
    }
    return OK;
}

/* --- the maps --- */

size_t c_first(const struct c_export *e, const struct tensor *t)
{
    return (size_t)(t->data - e->base) * (size_t)element_per_word(t->element);
}

static void write_map(const struct c_export *e, const char *name, const struct tensor *t)
{
    fprintf(e->out, "static const struct map %s = {%d, %d, %d, %zu, %zuUL};%s\n", name, t->h, t->w, t->c,
            t->pixel_stride * (size_t)element_per_word(t->element), c_first(e, t),
            t->element == ELEMENT_BYTE ? " /* bytes */" : "");
}

/* The converted input of a call, in its scratch memory. */
static void write_converted(const struct c_export *e, int call)
{
    const struct call *c = &e->plan->calls[call];
    char name[512];
    struct tensor t = c->src[0];
    const bool bytes = e->plan->scratch[call].floats < (size_t)t.h * (size_t)t.w * (size_t)t.c;
    t.element = bytes ? ELEMENT_BYTE : ELEMENT_FLOAT;
    t.pixel_stride = bytes ? ((size_t)t.c + 3) / 4 : (size_t)t.c;
    t.data = block_address(&e->plan->scratch[call], e->base);
    snprintf(name, sizeof name, "%s_input", e->call[call]);
    write_map(e, name, &t);
}

static void write_maps(const struct c_export *e)
{
    fputs("\n/* --- maps: rows, columns, channels, step, first --- */\n\n", e->out);
    for (int v = 0; v < e->plan->homes.n_regions; v++) {
        if (!e->region[v])
            continue;
        struct tensor t = plan_tensor(e->plan, e->g, MIN(v, e->g->n_values - 1));
        for (int i = e->g->n_nodes; v >= e->g->n_values && i < e->plan->n_calls; i++)
            t = e->plan->calls[i].node->dst == v ? e->plan->calls[i].dst : t;
        write_map(e, e->region[v], &t);
    }
    for (int i = 0; i < e->plan->n_calls; i++) {
        if (e->converted[i])
            write_converted(e, i);
    }
}

/* --- the run --- */

static void write_row(const struct c_export *e, int row)
{
    const char *what = row < e->o->n_rows && e->o->rows ? e->o->rows[row] : NULL;
    fprintf(e->out, "\n    /* row %d%s%s */\n", row, what ? ": " : "", what ? what : "");
}

static void write_call(struct c_export *e, int call)
{
    const struct call *c = &e->plan->calls[call];
    const struct tensor *from = &c->src[0], *to = &c->dst;
    fprintf(e->out, "    /* %d x %d x %d -> %d x %d x %d */\n", from->h, from->w, from->c, to->h, to->w, to->c);
    c_ops[c->node->op]->statements(e, call);
}

static void write_run(struct c_export *e)
{
    int row = -1;
    fputs("\n/* --- the network, row by row; comments: rows x columns x channels --- */\n\n", e->out);
    fprintf(e->out, "void %s_run(float *arena)\n{", e->prefix);
    for (int i = 0; i < e->plan->n_forward; i++) {
        const int call = e->plan->steps[i].call;
        const struct node *n = e->plan->calls[call].node;
        if (n->row != row)
            write_row(e, row = n->row);
        write_call(e, call);
    }
    fputs("}\n", e->out);
}

/* --- the door --- */

static enum status check(const struct c_export *e, const float *params)
{
    const struct graph *g = e->g;
    if (!g->n_branches || g->n_inputs != 1)
        return fail(E_UNSUPPORTED, "only a network with one image in and a detection head can be exported");
    for (int l = 0; l < g->branch[g->n_branches - 1].n_levels; l++) {
        if (e->o->h % g->stride[l] || e->o->w % g->stride[l])
            return fail(E_ARGUMENT, "%dx%d is no multiple of the stride %d", e->o->h, e->o->w, g->stride[l]);
    }
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        for (size_t k = 0; k < p->count; k++) {
            if (!isfinite(params[p->first + k]))
                return fail(E_NUMERIC, "%s holds %g, for which C99 has no constant", p->name,
                            (double)params[p->first + k]);
        }
    }
    return OK;
}

static enum status plan(struct c_export *e, float *params)
{
    const struct plan_request request = {
        .graph = e->g,
        .backend = &c_backend,
        .options = {.mode = RUN_INFER,
                    .exact = true,
                    .precision = e->o->eight_bit ? PRECISION_INT8 : PRECISION_FP32,
                    .threads = 1},
        .params = params,
    };
    TRY(plan_build(&request, 1, &(struct extent){e->o->h, e->o->w}, &e->plan));
    e->base = mem_alloc(e->plan->arena_floats, sizeof *e->base); /* addresses; no page of it is touched */
    e->region = mem_calloc((size_t)e->plan->homes.n_regions, sizeof *e->region);
    e->call = mem_calloc((size_t)e->plan->n_calls, sizeof *e->call);
    e->converted = mem_calloc((size_t)e->plan->n_calls, sizeof *e->converted);
    if (!e->base || !e->region || !e->call || !e->converted)
        return E_NOMEM;
    plan_bind(e->plan, e->base);
    TRY(name_all(e));
    e->part[PART_MAPS] = e->part[PART_FLOAT_PIXEL] = true;
    for (int i = 0; i < e->plan->n_calls; i++)
        TRY(c_ops[e->plan->calls[i].node->op]->need(e, i));
    return OK;
}

/* Boxes are gathered before or behind the head's maps, whichever is free. */
static void place_candidates(struct c_export *e)
{
    const struct graph *g = e->g;
    const struct plan_block *head = &e->plan->homes.home[e->plan->homes.branch_home[g->n_branches - 1]];
    const struct branch *main = &g->branch[g->n_branches - 1];
    size_t rows = 0;
    for (int l = 0; l < main->n_levels; l++) {
        const struct extent x = e->plan->extents[main->level[l]];
        rows += (size_t)x.h * (size_t)x.w * (size_t)head_cell_boxes(&g->head);
    }
    const size_t floats = e->o->raw ? 0 : 6 * rows;
    e->candidates = floats <= head->offset ? 0 : head->offset + head->floats;
    e->arena_floats = MAX(e->plan->arena_floats, e->candidates + floats);
}

static void write_source(struct c_export *e, const char *header)
{
    const struct graph *g = e->g;
    c_text_top(e, header);
    write_maps(e);
    fputs("\n/* --- weights --- */\n\n", e->out);
    for (int i = 0; i < g->n_nodes; i++) {
        if (c_ops[g->nodes[i].op]->constants)
            c_ops[g->nodes[i].op]->constants(e, i);
    }
    write_run(e);
    c_text_ends(e);
}

/* Source and header are there together, or neither. */
static enum status write_both(struct c_export *e, const char *path)
{
    enum status rc = OK;
    struct file_writer source = {0}, header = {0};
    char *beside = mem_strdup(path), *slash;
    if (!beside)
        return E_NOMEM;
    beside[strlen(beside) - 1] = 'h';
    slash = strrchr(beside, '/');
    TRY_CLEAN(file_writer_open(&source, path));
    TRY_CLEAN(file_writer_open(&header, beside));
    e->out = source.stream;
    write_source(e, slash ? slash + 1 : beside);
    TRY_CLEAN(e->rc);
    e->out = header.stream;
    c_text_header(e);
    TRY_CLEAN(file_writer_commit(&header));
    TRY_CLEAN(file_writer_commit(&source));
cleanup:
    file_writer_abort(&source);
    file_writer_abort(&header);
    mem_free(beside);
    return rc;
}

enum status c_source_write(const char *path, const struct graph *graph, float *params, const struct c_options *options,
                           struct c_sizes *sizes)
{
    enum status rc = OK;
    const size_t length = strlen(path);
    struct c_export e = {.g = graph, .o = options};
    char *prefix = c_source_prefix(path);
    arena_init(&e.memory);
    e.prefix = prefix;
    e.upper = prefix ? mem_strdup(prefix) : NULL;
    TRY_CLEAN(e.upper ? OK : E_NOMEM);
    for (char *c = e.upper; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    if (length < 3 || strcmp(path + length - 2, ".c"))
        TRY_CLEAN(fail(E_ARGUMENT, "%s: a C file ends in .c", path));
    TRY_CLEAN(check(&e, params));
    TRY_CLEAN(plan(&e, params));
    place_candidates(&e);
    TRY_CLEAN(write_both(&e, path));
    *sizes = (struct c_sizes){e.weights, e.arena_floats * sizeof(float)};
cleanup:
    plan_destroy(e.plan);
    arena_free(&e.memory);
    mem_free(e.base);
    mem_free(e.region);
    mem_free(e.call);
    mem_free(e.converted);
    mem_free(e.upper);
    mem_free(prefix);
    return rc;
}
