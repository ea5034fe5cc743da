/* SPEC 6.3: W = sum_t scale_t * weight_t, b = sum_t beta_t - mean_t * scale_t (+ bias_t * scale_t), in float32 as the
 * official code computes it; then W' = m W, b' = m (b + W a) with the implicit vectors a and m. */
#include "ops/recipe.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct parameter_block {
    const struct graph *graph;
    const float *value;
};

/* Parameter `index` of a block; NULL when it is absent. */
static const float *get(const struct parameter_block *b, int index)
{
    return index < 0 ? NULL : b->value + b->graph->params[index].first;
}

/* Add scale * weights of one output channel; a smaller window goes to the centre of the larger one. */
static void add_weights(float *to, const int *to_shape, const float *from, const int *from_shape, float scale)
{
    int top = (to_shape[2] - from_shape[2]) / 2, left = (to_shape[3] - from_shape[3]) / 2;
    assert(to_shape[1] == from_shape[1] && top >= 0 && left >= 0);
    for (int ic = 0; ic < from_shape[1]; ic++)
        for (int ky = 0; ky < from_shape[2]; ky++)
            for (int kx = 0; kx < from_shape[3]; kx++)
                to[(ic * to_shape[2] + ky + top) * to_shape[3] + kx + left] +=
                    scale * from[(ic * from_shape[2] + ky) * from_shape[3] + kx];
}

/* The same of a convolution that hands each channel on: a 1 in its centre. */
static void add_identity(float *to, const int *to_shape, int oc, float scale)
{
    const int ic = oc % to_shape[1], centre = to_shape[2] / 2 * to_shape[3] + to_shape[3] / 2;
    to[ic * to_shape[2] * to_shape[3] + centre] += scale;
}

static size_t row_count(const int *shape)
{
    return (size_t)shape[1] * (size_t)shape[2] * (size_t)shape[3];
}

static void add_term(const struct parameter_block *from, const struct recipe_term *term, const int *shape,
                     float *weight, float *bias)
{
    const struct param *source = term->weight < 0 ? NULL : &from->graph->params[term->weight];
    const float *gamma = get(from, term->bn.gamma), *beta = get(from, term->bn.beta);
    const float *mean = get(from, term->bn.mean), *var = get(from, term->bn.var);
    const float *own_bias = get(from, term->bias);
    assert(!source || source->shape[0] == shape[0]);
    for (int oc = 0; oc < shape[0]; oc++) {
        float scale = gamma ? gamma[oc] / sqrtf(var[oc] + BN_EPSILON) : 1.0f;
        float *to = weight + (size_t)oc * row_count(shape);
        if (source)
            add_weights(to, shape, get(from, term->weight) + (size_t)oc * row_count(source->shape), source->shape,
                        scale);
        else
            add_identity(to, shape, oc, scale);
        if (!bias)
            continue;
        if (gamma)
            bias[oc] += beta[oc] - mean[oc] * scale;
        if (own_bias)
            bias[oc] += own_bias[oc] * scale;
    }
}

/* b += W a, then W and b are multiplied by m. */
static void add_implicit(const float *a, const float *m, const int *shape, float *weight, float *bias)
{
    const int taps = shape[2] * shape[3];
    for (int oc = 0; oc < shape[0]; oc++) {
        float *w = weight + (size_t)oc * row_count(shape), sum = 0;
        for (int ic = 0; a && ic < shape[1]; ic++)
            for (int k = 0; k < taps; k++)
                sum += w[ic * taps + k] * a[ic];
        for (size_t i = 0; m && i < row_count(shape); i++)
            w[i] *= m[oc];
        bias[oc] = (bias[oc] + sum) * (m ? m[oc] : 1.0f);
    }
}

void recipe_evaluate(const struct graph *training, const float *from, const struct graph *deployed, float *to)
{
    const struct parameter_block source = {training, from};
    for (int i = 0; i < deployed->n_recipes; i++) {
        const struct recipe *r = &deployed->recipes[i];
        const struct param *weight = &deployed->params[r->weight];
        float *w = to + weight->first;
        float *b = r->bias < 0 ? NULL : to + deployed->params[r->bias].first;
        memset(w, 0, weight->count * sizeof *w);
        if (b)
            memset(b, 0, deployed->params[r->bias].count * sizeof *b);
        for (int t = 0; t < r->n_terms; t++)
            add_term(&source, &r->term[t], weight->shape, w, b);
        if (b && (r->shift >= 0 || r->scale >= 0))
            add_implicit(get(&source, r->shift), get(&source, r->scale), weight->shape, w, b);
    }
}
