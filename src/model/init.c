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
        break;
    }
}

/* The bias of the convolution that writes a part of a level's raw map. */
static const struct param *last_bias(const struct graph *g, const struct value *raw, int part)
{
    const struct node *conv = &g->nodes[g->values[raw->parts[part]].writer];
    return &g->params[conv->u.conv.bias];
}

void model_init_head(const struct graph *g, float *params)
{
    for (int b = 0; b < g->n_branches; b++) {
        for (int l = 0; l < g->branch[b].n_levels; l++) {
            const struct value *raw = &g->values[g->branch[b].level[l]];
            double cells = 640.0 / g->stride[l];
            fill(last_bias(g, raw, 0), 1, params);
            fill(last_bias(g, raw, 1), (float)log(5.0 / g->head.nc / (cells * cells)), params);
        }
    }
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
        }
    }
    model_init_head(g, params);
}
