#include "weights/weights.h"
#include "core/terminal.h"

#include "core/log.h"
#include "model/init.h"
#include "model/match.h"
#include "model/names.h"
#include "ops/recipe.h"
#include "weights/bind.h"
#include "weights/eight_bit.h"
#include "weights/naming.h"

#include <stdio.h>
#include <string.h>

/* --- which network is it? --- */

static struct tensor_shape *shapes_of(const struct checkpoint_model *m)
{
    struct tensor_shape *shapes = mem_calloc((size_t)m->count + 1, sizeof *shapes);
    for (int i = 0; shapes && i < m->count; i++) {
        const struct checkpoint_tensor *t = &m->tensors[i];
        shapes[i].name = t->name;
        shapes[i].rank = MIN(t->rank, 4);
        for (int k = 0; k < shapes[i].rank; k++)
            shapes[i].shape[k] = (int)MIN(t->shape[k], (size_t)1 << 30);
    }
    return shapes;
}

/* Where no table fits, say what the network seems to be. */
static enum status explain_no_table(const struct checkpoint *c, enum status rc)
{
    const char *guess = naming_guess(c->model);
    if (rc == E_NOMEM || !guess)
        return rc;
    return fail(E_UNSUPPORTED, "%s: %s%s%s; this program runs YOLOv9 and GELAN networks", c->path, guess,
                c->package ? ", written by " : "", c->package ? c->package : "");
}

/* The built-in network that has these tensors; NULL: none has. */
static const char *network_of_tensors(const struct checkpoint *c, const struct tensor_shape *shapes)
{
    struct match match = {0};
    return match_table(c->path, shapes, c->model->count, &match) == OK ? match.table : NULL;
}

static enum status find_table(const struct checkpoint *c, const char *cfg, struct table *table, struct match *match)
{
    enum status rc = OK;
    struct tensor_shape *shapes = shapes_of(c->model);
    const char *text = c->model->table_text;
    if (!shapes)
        return E_NOMEM;
    if (cfg || text) {
        TRY_CLEAN(match_head(c->path, shapes, c->model->count, match));
        TRY_CLEAN(cfg ? table_open(cfg, table) : table_read(text, strlen(text), c->path, table));
        /* Not the name of the file, which may be called anything: gelan-t in a file yolov9-c.pt stays gelan-t. */
        const char *name = cfg ? NULL : c->network ? c->network : network_of_tensors(c, shapes);
        rc = name ? table_set_name(table, name) : OK;
    } else {
        TRY_CLEAN(match_table(c->path, shapes, c->model->count, match));
        rc = table_open(match->table, table);
    }
cleanup:
    mem_free(shapes);
    return rc == OK || cfg ? rc : explain_no_table(c, rc);
}

const char *weights_network(const struct checkpoint *c)
{
    struct tensor_shape *shapes = c->network ? NULL : shapes_of(c->model);
    const char *name = shapes ? network_of_tensors(c, shapes) : c->network;
    mem_free(shapes);
    return name;
}

enum status weights_table(const struct checkpoint *c, struct table *out, bool *folded)
{
    struct match match = {0};
    enum status rc = find_table(c, NULL, out, &match);
    if (rc != OK)
        return rc;
    *folded = match.fused;
    out->nc = match.options.nc ? match.options.nc : out->nc;
    out->reg_max = match.options.reg_max ? match.options.reg_max : out->reg_max;
    memcpy(out->head, match.options.head, sizeof out->head);
    return OK;
}

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

static enum status bind_training(const struct checkpoint *c, struct weights *w, struct weights_report *report)
{
    w->params = new_block(&w->training);
    if (!w->params)
        return E_NOMEM;
    return bind_tensors(c, &w->training, w->params, NULL, NULL, report);
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

/* What the file says of its training. */
static enum status remember(const struct checkpoint *c, struct weights *w)
{
    w->img_h = c->img_h;
    w->img_w = c->img_w;
    w->recipe = c->recipe ? mem_strdup(c->recipe) : NULL;
    return c->recipe && !w->recipe ? E_NOMEM : OK;
}

enum status weights_load(const char *path, const char *cfg, struct weights *out, struct weights_report *report)
{
    enum status rc = OK;
    struct checkpoint c = {0};
    struct match match = {0};
    struct weights_report own = {0};
    struct weights_report *r = report ? report : &own;
    *out = (struct weights){0};
    TRY_CLEAN(checkpoint_open(path, &c));
    TRY_CLEAN(find_table(&c, cfg, &out->table, &match));
    out->options = match.options;
    TRY_CLEAN(build(out));
    TRY_CLEAN(remember(&c, out));
    TRY_CLEAN(set_names(out, c.model->names, c.model->n_names));
    if (c.model->n_names && c.model->n_names != out->nc)
        log_warn("%s: %d class %s for %d %s", path, c.model->n_names, noun(c.model->n_names, "name", "names"), out->nc,
                 noun(out->nc, "class", "classes"));
    TRY_CLEAN(match.fused ? bind_folded(&c, out, r) : bind_training(&c, out, r));
    if (r->count[MISMATCH_MISSING] || r->count[MISMATCH_SHAPE])
        TRY_CLEAN(complain(&c, out, r));
    if (match.fused)
        TRY_CLEAN(eight_bit_read(&c, out));
cleanup:
    report_free(&own);
    checkpoint_close(&c);
    if (rc != OK)
        weights_free(out);
    return rc;
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
    *height = graph_round_side(&w->deployed, w->img_h ? w->img_h : WEIGHTS_IMG_DEFAULT);
    *width = graph_round_side(&w->deployed, w->img_w ? w->img_w : WEIGHTS_IMG_DEFAULT);
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

/* Is it the last convolution of a class tower: one row a class? */
static bool is_class_output(const struct graph *g, const struct param *p)
{
    char prefix[64];
    for (int b = 0; b < g->n_branches; b++) {
        int n = snprintf(prefix, sizeof prefix, "model.%d.%s.", g->n_rows - 1, head_part_name(b, HEAD_PART_CLS));
        const char *leaf = strncmp(p->name, prefix, (size_t)n) ? NULL : strchr(p->name + n, '.');
        if (leaf && (!strcmp(leaf, ".2.weight") || !strcmp(leaf, ".2.bias")))
            return p->shape[0] == g->head.nc;
    }
    return false;
}

/* Rows of one tensor, `taken` from the file in its order, `before` as they were, into the order of our classes. */
static void move_rows(const struct param *p, const int *rows, int nc, const float *taken, const float *before,
                      float *out)
{
    size_t size = p->count / (size_t)nc;
    for (int c = 0; c < nc; c++) {
        const float *from = rows[c] < 0 ? before + (size_t)c * size : taken + (size_t)rows[c] * size;
        memcpy(out + (size_t)c * size, from, size * sizeof *out);
    }
}

enum status weights_transfer(const struct checkpoint *c, const struct graph *g, float *params, const int *rows,
                             struct weights_report *report)
{
    enum status rc = OK;
    float *before = NULL, *taken = NULL;
    if (!rows)
        return bind_tensors(c, g, params, NULL, NULL, report);
    before = mem_alloc(g->param_floats, sizeof *before);
    taken = mem_alloc(g->param_floats, sizeof *taken);
    if (!before || !taken)
        TRY_CLEAN(E_NOMEM);
    memcpy(before, params, g->param_floats * sizeof *params);
    TRY_CLEAN(bind_tensors(c, g, params, NULL, NULL, report));
    memcpy(taken, params, g->param_floats * sizeof *params);
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        if (is_class_output(g, p))
            move_rows(p, rows, g->head.nc, taken + p->first, before + p->first, params + p->first);
    }
cleanup:
    mem_free(before);
    mem_free(taken);
    return rc;
}
