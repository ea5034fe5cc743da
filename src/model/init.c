#include "model/init.h"

#include "core/rng.h"
#include "graph/op_rules.h"

#include <math.h>

static void fill(const struct param *p, float value, float *params)
{
    for (size_t i = 0; i < p->count; i++)
        params[p->first + i] = value;
}

static void draw(const struct param *p, uint64_t seed, double bound, float *params)
{
    struct rng rng = rng_seed(seed, rng_hash(p->name), 0);
    for (size_t i = 0; i < p->count; i++)
        params[p->first + i] = (float)rng_range(&rng, -bound, bound);
}

static void init_constant(const struct param *p, float *params)
{
    switch (p->role) {
    case PARAM_GAMMA:
        fill(p, 1, params);
        break;
    case PARAM_VAR:
        fill(p, 0.9f, params);
        break;
    case PARAM_BETA:
    case PARAM_MEAN:
        fill(p, 0, params);
        break;
    case PARAM_DFL:
        for (size_t i = 0; i < p->count; i++)
            params[p->first + i] = (float)i;
        break;
    case PARAM_WEIGHT:
    case PARAM_BIAS: /* drawn with their convolution */
    case PARAM_IMPLICIT:
        break;
    }
}

/* The bias of the convolution that writes v, with or without an implicit vector behind it. */
static const struct param *bias_of(const struct graph *g, int v)
{
    const struct node *n = &g->nodes[g->values[v].writer];
    if (op_rules[n->op]->folds == FOLDS_IMPLICIT)
        n = &g->nodes[g->values[n->src[0]].writer];
    return &g->params[n->u.conv.bias];
}

/* Box 1, class ln(5 / nc / (640/stride)^2). */
static void init_dfl(const struct graph *g, int raw, double cells, float *params)
{
    const int *parts = g->values[raw].parts;
    fill(bias_of(g, parts[0]), 1, params);
    fill(bias_of(g, parts[1]), (float)log(5.0 / g->head.nc / (cells * cells)), params);
}

/* Added to what was drawn: objectness ln(8 / (640/stride)^2), class ln(0.6 / (nc - 0.99)). */
static void init_anchors(const struct graph *g, int raw, double cells, float *params)
{
    float *bias = params + bias_of(g, raw)->first;
    for (int b = 0; b < g->head.n_anchors; b++, bias += 5 + g->head.nc) {
        bias[4] += (float)log(8 / (cells * cells));
        for (int k = 0; k < g->head.nc; k++)
            bias[5 + k] += (float)log(0.6 / (g->head.nc - 0.99));
    }
}

void model_init_head(const struct graph *g, float *params)
{
    static void (*const init[HEAD_KINDS])(const struct graph *, int, double, float *) = {
        [HEAD_DFL] = init_dfl,
        [HEAD_ANCHORS] = init_anchors,
    };
    for (int b = 0; b < g->n_branches; b++)
        for (int l = 0; l < g->branch[b].n_levels; l++)
            init[g->head.kind](g, g->branch[b].level[l], 640.0 / g->stride[l], params);
}

/* N(mean, 0.02^2) */
static void draw_implicit(const struct param *p, double mean, uint64_t seed, float *params)
{
    struct rng rng = rng_seed(seed, rng_hash(p->name), 0);
    for (size_t i = 0; i < p->count; i++)
        params[p->first + i] = (float)(mean + 0.02 * rng_normal(&rng));
}

void model_init(const struct graph *g, uint64_t seed, float *params)
{
    for (size_t i = 0; i < g->param_floats; i++)
        params[i] = 0; /* the gaps between parameters as well */
    for (int i = 0; i < g->n_params; i++)
        init_constant(&g->params[i], params);
    for (int i = 0; i < g->n_nodes; i++) {
        int param[MAX_NODE_PARAMS], count = node_params(&g->nodes[i], param);
        double bound = 0; /* of the weight that comes before its bias */
        for (int k = 0; k < count; k++) {
            const struct param *p = param[k] >= 0 ? &g->params[param[k]] : NULL;
            if (p && p->role == PARAM_WEIGHT)
                bound = 1 / sqrt((double)p->shape[1] * p->shape[2] * p->shape[3]);
            if (p && (p->role == PARAM_WEIGHT || p->role == PARAM_BIAS))
                draw(p, seed, bound, params);
            if (p && p->role == PARAM_IMPLICIT)
                draw_implicit(p, g->nodes[i].u.implicit.multiplies, seed, params);
        }
    }
    model_init_head(g, params);
}
