#include "weights/weights.h"
#include "core/terminal.h"

#include "core/log.h"
#include "model/init.h"
#include "model/match.h"
#include "model/names.h"
#include "ops/recipe.h"
#include "weights/bind.h"
#include "weights/eight_bit.h"
#include "weights/main_branch.h"
#include "weights/naming.h"

#include <stdio.h>
#include <string.h>

static enum status set_names(struct weights *w, const char *const *names, int n)
{
    w->nc = w->training.head.nc;
    w->names = mem_calloc((size_t)w->nc, sizeof *w->names);
    if (!w->names)
        return E_NOMEM;
    for (int i = 0; i < w->nc; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        w->names[i] = mem_strdup(i < n && names[i][0] ? names[i] : number);
        if (!w->names[i])
            return E_NOMEM;
    }
    return OK;
}

static enum status build(struct weights *w)
{
    TRY(model_build(&w->table, &w->options, &w->training, &w->rows));
    TRY(model_deploy(&w->table, &w->training, &w->deployed));
    return OK;
}

static float *new_block(const struct graph *g)
{
    return mem_calloc(g->param_floats, sizeof(float));
}

/* --- folded files: the official names, or those of the training form with BN folded --- */

/* A deployed parameter's name in a file that was folded but not stripped of its auxiliary branch. */
static const char *folded_training_name(void *context, int param, char *buffer, size_t size)
{
    const struct weights *w = context;
    for (int i = 0; i < w->deployed.n_recipes; i++) {
        const struct recipe *r = &w->deployed.recipes[i];
        if (r->weight != param && r->bias != param)
            continue;
        const char *name = names_merge(NULL, w->training.params[r->term[0].weight].name, buffer, size);
        if (!name || r->weight == param)
            return name;
        char stem[512];
        size_t n = strlen(name), leaf = strlen("weight");
        snprintf(stem, sizeof stem, "%.*s", (int)(n - MIN(n, leaf)), name);
        snprintf(buffer, size, "%sbias", stem);
        return buffer;
    }
    return NULL;
}

static enum status bind_folded(const struct checkpoint *c, struct weights *w, struct weights_report *report)
{
    int own = bind_count(c, &w->deployed, NULL, NULL);
    int training = bind_count(c, &w->deployed, folded_training_name, w);
    w->deployed_params = new_block(&w->deployed);
    if (!w->deployed_params)
        return E_NOMEM;
    return bind_tensors(c, &w->deployed, w->deployed_params, own >= training ? NULL : folded_training_name, w, report);
}

static enum status bind_training_form(const struct checkpoint *c, const struct graph *g, float *params,
                                      struct weights_report *report)
{
    struct main_branch m;
    enum status rc = main_branch_find(c, g, &m);
    if (rc == OK)
        rc = bind_tensors(c, g, params, m.name, &m, report);
    main_branch_free(&m);
    return rc;
}

static enum status bind_training(const struct checkpoint *c, struct weights *w, struct weights_report *report)
{
    w->params = new_block(&w->training);
    return w->params ? bind_training_form(c, &w->training, w->params, report) : E_NOMEM;
}

/* The widths that the tensors chose, for a network that has the main branch alone where the file has more. */
static void choose_main_branch(const struct match *match, struct weights *w)
{
    const struct head_class *head = head_find(w->table.rows[w->table.n_rows - 1].module);
    w->options = match->options;
    if (head && head->n_branches == 1 && match->n_branches > 1)
        w->options.head[0] = match->options.head[match->n_branches - 1];
}

static enum status complain(const struct checkpoint *c, const struct weights *w, const struct weights_report *r)
{
    struct buf text = {0};
    enum status rc = report_summary(r, &text);
    if (rc == OK)
        rc = fail(E_SHAPE, "%s: does not fit %s: %s", c->path, w->table.source, text.data);
    buf_free(&text);
    return rc;
}

/* Is more in the file than in the network because only its main branch is wanted? */
static bool leaves_branches(const struct weights *w, const struct match *match)
{
    return match->n_branches > 1 && (match->fused || w->training.n_branches == 1);
}

/* The convolutions of an anchor head mean something else without the implicit vectors that were trained with them. */
static enum status check_implicit(const struct checkpoint *c, const struct weights *w, const struct weights_report *r)
{
    const char *names = r->names[MISMATCH_UNEXPECTED].data;
    for (const char *name = names; name && *name; name += strcspn(name, "\n") + 1) {
        char word[128];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(name, "\n"), name);
        if (naming_is_implicit(word))
            return fail(E_UNSUPPORTED,
                        "%s: tensor %s is an implicit vector, for which %s has no place; give a table that ends in "
                        "IDetect or IAuxDetect",
                        c->path, word, w->table.source);
    }
    return OK;
}

/* A network that has tensors which nothing here reads is not the one that was built. With a table of the user's own
 * choice (`cfg`) the rest of a file is left aside, and said. */
static enum status check_rest(const struct checkpoint *c, const char *cfg, const struct match *match,
                              const struct weights *w, const struct weights_report *r)
{
    int unread = leaves_branches(w, match) ? 0 : r->count[MISMATCH_UNEXPECTED];
    if (unread && !cfg)
        return complain(c, w, r);
    if (unread)
        log_warn("%s: %d %s in it in no row of %s %s left aside, the first is %.*s", c->path, unread,
                 noun(unread, "tensor", "tensors"), w->table.source, noun(unread, "is", "are"),
                 (int)strcspn(r->names[MISMATCH_UNEXPECTED].data, "\n"), r->names[MISMATCH_UNEXPECTED].data);
    return OK;
}

/* What the file says of its training. */
static enum status remember(const struct checkpoint *c, struct weights *w)
{
    w->img_h = c->img_h;
    w->img_w = c->img_w;
    w->recipe = c->recipe ? mem_strdup(c->recipe) : NULL;
    return c->recipe && !w->recipe ? E_NOMEM : OK;
}

/* From a checkpoint that is open; closes it. */
static enum status load(struct checkpoint *c, const char *cfg, struct weights *out, struct weights_report *report)
{
    enum status rc = OK;
    struct match match = {0};
    struct weights_report own = {0};
    struct weights_report *r = report ? report : &own;
    TRY_CLEAN(network_find(c, cfg, &out->table, &match));
    choose_main_branch(&match, out);
    TRY_CLEAN(build(out));
    TRY_CLEAN(remember(c, out));
    TRY_CLEAN(set_names(out, c->model->names, c->model->n_names));
    if (c->model->n_names && c->model->n_names != out->nc)
        log_warn("%s: %d class %s for %d %s", c->path, c->model->n_names, noun(c->model->n_names, "name", "names"),
                 out->nc, noun(out->nc, "class", "classes"));
    else if (c->model->nc > 0 && c->model->nc != out->nc)
        log_warn("%s: it says that it has %d %s, its head has %d: the head's are taken", c->path, c->model->nc,
                 noun(c->model->nc, "class", "classes"), out->nc);
    TRY_CLEAN(match.fused ? bind_folded(c, out, r) : bind_training(c, out, r));
    if (r->count[MISMATCH_MISSING] || r->count[MISMATCH_SHAPE])
        TRY_CLEAN(complain(c, out, r));
    if (match.fused)
        TRY_CLEAN(eight_bit_read(c, out));
    TRY_CLEAN(check_implicit(c, out, r));
    TRY_CLEAN(check_rest(c, cfg, &match, out, r));
cleanup:
    report_free(&own);
    checkpoint_close(c);
    if (rc != OK)
        weights_free(out);
    return rc;
}

enum status weights_load(const char *path, const char *cfg, struct weights *out, struct weights_report *report)
{
    struct checkpoint c;
    *out = (struct weights){0};
    TRY(checkpoint_open(path, &c));
    return load(&c, cfg, out, report);
}

enum status weights_load_memory(const char *name, const void *bytes, size_t size, const char *cfg, struct weights *out)
{
    struct checkpoint c;
    *out = (struct weights){0};
    TRY(checkpoint_open_memory(name, bytes, size, &c));
    return load(&c, cfg, out, NULL);
}

enum status weights_random(const char *cfg, int nc, uint64_t seed, struct weights *out)
{
    enum status rc = OK;
    *out = (struct weights){0};
    model_options_init(&out->options);
    out->options.nc = nc;
    TRY_CLEAN(table_open(cfg, &out->table));
    TRY_CLEAN(build(out));
    TRY_CLEAN(set_names(out, NULL, 0));
    out->params = new_block(&out->training);
    if (!out->params) {
        rc = E_NOMEM;
        goto cleanup;
    }
    model_init(&out->training, seed, out->params);
cleanup:
    if (rc != OK)
        weights_free(out);
    return rc;
}

bool weights_image_size(const struct weights *w, int *height, int *width)
{
    const int usual =
        graph_largest_stride(&w->deployed) > GRAPH_LEAST_STRIDE ? WEIGHTS_IMG_COARSE : WEIGHTS_IMG_DEFAULT;
    *height = graph_round_side(&w->deployed, w->img_h ? w->img_h : usual);
    *width = graph_round_side(&w->deployed, w->img_w ? w->img_w : usual);
    return w->img_h > 0;
}

enum status weights_deploy(struct weights *w)
{
    if (!w->deployed_params)
        w->deployed_params = new_block(&w->deployed);
    if (!w->deployed_params)
        return E_NOMEM;
    recipe_evaluate(&w->training, w->params, &w->deployed, w->deployed_params);
    return OK;
}

void weights_drop_training(struct weights *w)
{
    mem_free(w->params);
    w->params = NULL;
}

void weights_drop_deployed(struct weights *w)
{
    mem_free(w->deployed_params);
    w->deployed_params = NULL;
}

void weights_free(struct weights *w)
{
    for (int i = 0; w->names && i < w->nc; i++)
        mem_free(w->names[i]);
    mem_free(w->names);
    mem_free(w->recipe);
    mem_free(w->params);
    mem_free(w->deployed_params);
    graph_free(&w->training);
    graph_free(&w->deployed);
    table_free(&w->table);
    *w = (struct weights){0};
}

/* --- the start of fine-tuning --- */

/* Where a tensor of the head has one row a class: rows first + k * of `step` each; false: nowhere. An anchor head has
 * the classes of each of its boxes, behind five other values. */
struct class_rows {
    int blocks, step, first;
};

static bool find_class_rows(const struct graph *g, const struct param *p, struct class_rows *out)
{
    const char *rest;
    const bool anchors = g->head.kind == HEAD_ANCHORS;
    int branch = names_row(p->name, &rest) == g->n_rows - 1 ? head_branch_of(g->head.kind, g->n_branches, rest) : -1;
    if (branch < 0)
        return false;
    if (anchors) {
        *out = (struct class_rows){g->head.n_anchors, 5 + g->head.nc, 5};
        return strncmp(rest, "ia.", 3) != 0;
    }
    const char *cls = head_part_name(branch, HEAD_PART_CLS), *leaf = strchr(rest, '.');
    leaf = leaf && !strncmp(rest, cls, strlen(cls)) ? strchr(leaf + 1, '.') : NULL;
    *out = (struct class_rows){1, g->head.nc, 0};
    return leaf && (!strcmp(leaf, ".2.weight") || !strcmp(leaf, ".2.bias")) && p->shape[0] == g->head.nc;
}

/* Rows of one tensor, `taken` from the file in its order, `before` as they were, into the order of our classes. */
static void move_rows(const struct param *p, const struct class_rows *where, const int *rows, int nc,
                      const float *taken, const float *before, float *out)
{
    const size_t size = p->count / ((size_t)where->blocks * (size_t)where->step);
    for (int b = 0; b < where->blocks; b++)
        for (int c = 0; c < nc; c++) {
            const size_t first = (size_t)(b * where->step + where->first), at = (first + (size_t)c) * size;
            const float *from = rows[c] < 0 ? before + at : taken + (first + (size_t)rows[c]) * size;
            memcpy(out + at, from, size * sizeof *out);
        }
}

enum status weights_transfer(const struct checkpoint *c, const struct graph *g, float *params, const int *rows,
                             struct weights_report *report)
{
    enum status rc = OK;
    float *before = NULL, *taken = NULL;
    if (!rows)
        return bind_training_form(c, g, params, report);
    before = mem_alloc(g->param_floats, sizeof *before);
    taken = mem_alloc(g->param_floats, sizeof *taken);
    if (!before || !taken)
        TRY_CLEAN(E_NOMEM);
    memcpy(before, params, g->param_floats * sizeof *params);
    TRY_CLEAN(bind_training_form(c, g, params, report));
    memcpy(taken, params, g->param_floats * sizeof *params);
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        struct class_rows where;
        if (find_class_rows(g, p, &where))
            move_rows(p, &where, rows, g->head.nc, taken + p->first, before + p->first, params + p->first);
    }
cleanup:
    mem_free(before);
    mem_free(taken);
    return rc;
}
