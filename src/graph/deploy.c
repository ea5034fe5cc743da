/* Training form -> inference form. See graph.h; the arithmetic of the recipes is SPEC 6.3 and lives in ops/. */
#include "graph/op_rules.h"
#include "graph/rewrite.h"

#include <stdio.h>
#include <string.h>

struct deploy {
    struct rewrite base; /* needed: what the main branch reaches */
    deploy_rename_fn *rename;
    void *context;
};

static void need(const struct graph *g, bool *needed, int v)
{
    if (needed[v])
        return;
    needed[v] = true;
    const struct value *value = &g->values[v];
    if (value->parent >= 0)
        need(g, needed, value->parent);
    for (int i = 0; i < value->n_parts; i++)
        need(g, needed, value->parts[i]);
}

/* Backwards from the main branch: nodes stand in execution order, so one sweep from the end suffices. */
static void mark_needed(const struct graph *g, bool *needed)
{
    if (g->n_branches) {
        const struct branch *main = &g->branch[g->n_branches - 1];
        for (int l = 0; l < main->n_levels; l++)
            need(g, needed, main->level[l]);
    } else {
        need(g, needed, g->n_values - 1);
    }
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        const struct node *n = &g->nodes[i];
        for (int s = 0; needed[n->dst] && s < n->n_src; s++)
            need(g, needed, n->src[s]);
    }
}

enum status graph_alive_rows(const struct graph *g, bool *alive)
{
    bool *needed = mem_calloc((size_t)g->n_values, sizeof *needed);
    if (!needed)
        return E_NOMEM;
    mark_needed(g, needed);
    memset(alive, 0, (size_t)g->n_rows * sizeof *alive);
    for (int i = 0; i < g->n_values; i++) {
        if (needed[i] && g->values[i].row < g->n_rows)
            alive[g->values[i].row] = true;
    }
    mem_free(needed);
    return OK;
}

static const char *deployed_name(struct deploy *d, int param, char *buffer, size_t size)
{
    const char *name = d->base.from->params[param].name;
    return d->rename ? d->rename(d->context, name, buffer, size) : name;
}

static const struct bn NO_BN = {-1, -1, -1, -1};

static void add_recipe(struct deploy *d, struct recipe r)
{
    d->base.to->recipes[d->base.to->n_recipes++] = r;
}

/* A parameter that is taken over as it is. */
static int copy_param(struct deploy *d, int param)
{
    char buffer[512];
    if (param < 0)
        return -1;
    const struct param *p = &d->base.from->params[param];
    int copy = graph_param(d->base.to, deployed_name(d, param, buffer, sizeof buffer), p->role, p->rank, p->shape);
    add_recipe(d,
               (struct recipe){
                   .weight = copy, .bias = -1, .shift = -1, .scale = -1, .n_terms = 1, .term = {{param, -1, NO_BN}}});
    return copy;
}

/* The convolution that writes v, if nobody else reads that; NULL otherwise. */
static const struct node *sole_conv(const struct deploy *d, int v)
{
    int writer = d->base.from->values[v].writer;
    if (writer < 0 || d->base.readers[v] != 1)
        return NULL;
    const struct node *conv = &d->base.from->nodes[writer];
    bool plain = conv->op == OP_CONV2D && conv->u.conv.act == ACT_NONE && !conv->u.conv.residual;
    return plain ? conv : NULL;
}

/* What becomes one convolution of the deployed form: the convolutions of a bn_act, or one between implicit vectors. */
struct folding {
    int n_terms;
    const struct node *conv[MAX_BN]; /* the first one gives its window; NULL: the identity of its source */
    const struct node *shift;        /* adds an implicit vector to the source; NULL: none */
};

/* A second, smaller window must sit in the middle of the first: RepConvN's 3x3 pad 1 and 1x1 pad 0. */
static bool sits_inside(const struct node *a, const struct node *b)
{
    const struct conv_attr *x = &a->u.conv, *y = &b->u.conv;
    return a->src[0] == b->src[0] && x->stride == y->stride && x->groups == y->groups && x->dilation == 1 &&
           y->dilation == 1 && x->kh >= y->kh && x->kw >= y->kw && x->pad - y->pad == (x->kh - y->kh) / 2 &&
           x->pad - y->pad == (x->kw - y->kw) / 2;
}

/* Is v what a reads, so that a's window can hand it on by a 1 in its centre? */
static bool is_identity(const struct deploy *d, const struct node *a, int v)
{
    const struct conv_attr *x = &a->u.conv;
    return v == a->src[0] && d->base.from->values[v].c == x->oc && x->stride == 1 && x->dilation == 1 && x->kh % 2 &&
           x->kw % 2 && x->pad == x->kh / 2 && x->pad == x->kw / 2;
}

static bool fold_bn_act(const struct deploy *d, const struct node *n, struct folding *f)
{
    f->n_terms = n->u.bn_act.n_bn;
    for (int t = 0; t < f->n_terms; t++) {
        f->conv[t] = sole_conv(d, n->src[t]);
        bool fits = f->conv[t] ? !t || sits_inside(f->conv[0], f->conv[t]) : t && is_identity(d, f->conv[0], n->src[t]);
        if (!fits)
            return false;
    }
    return true;
}

/* m * (W (x + a) + b): the vector that is added can go into the bias where no border is padded with zeros. */
static bool fold_implicit(const struct deploy *d, const struct node *n, struct folding *f)
{
    const struct graph *g = d->base.from;
    f->n_terms = 1;
    f->conv[0] = n->u.implicit.multiplies ? sole_conv(d, n->src[0]) : NULL;
    if (!f->conv[0] || f->conv[0]->u.conv.bias < 0)
        return false;
    int x = f->conv[0]->src[0], writer = g->values[x].writer;
    bool shifted = writer >= 0 && op_rules[g->nodes[writer].op]->folds == FOLDS_IMPLICIT &&
                   !g->nodes[writer].u.implicit.multiplies && d->base.readers[x] == 1 && !f->conv[0]->u.conv.pad &&
                   f->conv[0]->u.conv.groups == 1;
    f->shift = shifted ? &g->nodes[writer] : NULL;
    return true;
}

static bool can_fold(const struct deploy *d, const struct node *n, struct folding *f)
{
    *f = (struct folding){0};
    switch (op_rules[n->op]->folds) {
    case FOLDS_NORMALISED:
        return fold_bn_act(d, n, f);
    case FOLDS_IMPLICIT:
        return fold_implicit(d, n, f);
    case FOLDS_NOTHING:
        break;
    }
    return false;
}

static void emit_folded(struct deploy *d, const struct node *n, const struct folding *f)
{
    const struct graph *g = d->base.from;
    const struct node *conv = f->conv[0];
    const bool bn = op_rules[n->op]->folds == FOLDS_NORMALISED;
    char buffer[512], bias_name[520];
    const struct param *w = &g->params[conv->u.conv.weight];
    const char *name = deployed_name(d, conv->u.conv.weight, buffer, sizeof buffer);
    size_t stem = strlen(name);
    if (stem > 7 && !strcmp(name + stem - 7, ".weight"))
        stem -= 7;
    snprintf(bias_name, sizeof bias_name, "%.*s.bias", (int)stem, name);

    struct recipe r = {.n_terms = f->n_terms, .shift = -1, .scale = bn ? -1 : n->u.implicit.vector};
    if (f->shift)
        r.shift = f->shift->u.implicit.vector;
    r.weight = graph_param(d->base.to, name, PARAM_WEIGHT, 4, w->shape);
    r.bias = graph_param(d->base.to, bias_name, PARAM_BIAS, 1, w->shape);
    for (int t = 0; t < r.n_terms; t++)
        r.term[t] = (struct recipe_term){.weight = f->conv[t] ? f->conv[t]->u.conv.weight : -1,
                                         .bias = f->conv[t] ? f->conv[t]->u.conv.bias : -1,
                                         .bn = bn ? n->u.bn_act.bn[t] : NO_BN};
    add_recipe(d, r);

    struct node fused = {.op = OP_CONV2D, .n_src = 1, .name = n->name, .u.conv = conv->u.conv};
    fused.src[0] = rewrite_value(&d->base, f->shift ? f->shift->src[0] : conv->src[0]);
    fused.u.conv.weight = r.weight;
    fused.u.conv.bias = r.bias;
    fused.u.conv.act = bn ? n->u.bn_act.act : ACT_NONE;
    fused.u.conv.residual = bn && n->u.bn_act.residual;
    if (fused.u.conv.residual)
        fused.src[fused.n_src++] = rewrite_value(&d->base, n->src[n->n_src - 1]);
    d->base.map[n->dst] = graph_node(d->base.to, &fused, g->values[n->dst].c);
}

static void emit_as_is(struct deploy *d, const struct node *n)
{
    struct node copy = *n;
    for (int i = 0; i < n->n_src; i++)
        copy.src[i] = rewrite_value(&d->base, n->src[i]);
    int *place[MAX_NODE_PARAMS], count = op_rules[n->op]->params ? op_rules[n->op]->params(&copy, place) : 0;
    for (int i = 0; i < count; i++)
        *place[i] = copy_param(d, *place[i]);
    d->base.map[n->dst] = graph_node(d->base.to, &copy, d->base.from->values[n->dst].c);
}

/* absorbed: nodes that a folded one takes in; they are emitted there. */
static void mark_absorbed(const struct deploy *d, const struct folding *f, bool *absorbed)
{
    const struct node *nodes = d->base.from->nodes;
    for (int t = 0; t < f->n_terms; t++)
        if (f->conv[t])
            absorbed[f->conv[t] - nodes] = true;
    if (f->shift)
        absorbed[f->shift - nodes] = true;
}

static void emit_nodes(struct deploy *d, bool *absorbed)
{
    const struct graph *g = d->base.from;
    struct folding f;
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        if (d->base.needed[n->dst] && can_fold(d, n, &f))
            mark_absorbed(d, &f, absorbed);
    }
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        if (!d->base.needed[n->dst] || absorbed[i])
            continue;
        d->base.to->n_rows = n->row; /* the builder stamps new nodes, values and parameters with it */
        if (can_fold(d, n, &f))
            emit_folded(d, n, &f);
        else
            emit_as_is(d, n);
    }
}

static void copy_head(struct deploy *d)
{
    const struct graph *g = d->base.from;
    struct graph *to = d->base.to;
    to->n_rows = g->n_rows ? g->n_rows - 1 : 0;
    if (g->n_branches) {
        const struct branch *main = &g->branch[g->n_branches - 1];
        to->n_branches = 1;
        to->branch[0].n_levels = main->n_levels;
        for (int l = 0; l < main->n_levels; l++)
            to->branch[0].level[l] = rewrite_value(&d->base, main->level[l]);
    } else {
        rewrite_value(&d->base, g->n_values - 1);
    }
    /* the main branch's DFL vector belongs to the head without being read by a node */
    for (int p = g->n_params - 1; g->n_branches && p >= 0; p--) {
        if (g->params[p].role == PARAM_DFL) {
            copy_param(d, p);
            break;
        }
    }
    to->n_rows = g->n_rows;
    to->head = g->head;
    to->deployed = true;
}

enum status graph_deploy(const struct graph *g, struct graph *out, deploy_rename_fn *rename, void *context)
{
    enum status rc = OK;
    struct deploy d = {.rename = rename, .context = context};
    bool *absorbed = mem_calloc((size_t)g->n_nodes + 1, sizeof *absorbed);
    graph_init(out);
    out->recipes = arena_alloc(&out->arena, (size_t)g->n_params + 1, sizeof *out->recipes);
    if (!absorbed || !out->recipes) {
        rc = E_NOMEM;
        goto cleanup;
    }
    TRY_CLEAN(rewrite_init(&d.base, g, out));
    mark_needed(g, d.base.needed);
    rewrite_count_readers(&d.base);
    rewrite_value(&d.base, g->input); /* the image stays value 0 */
    emit_nodes(&d, absorbed);
    copy_head(&d);
    rc = graph_finish(out);
cleanup:
    mem_free(absorbed);
    rewrite_free(&d.base);
    if (rc != OK)
        graph_free(out);
    return rc;
}
