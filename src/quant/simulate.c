#include "quant/simulate.h"

#include "ops/cpu.h"

#include <math.h>
#include <string.h>

struct simulation {
    const struct graph *graph;
    const float *params;
    float *active;
    struct net *net;
    struct tensor rounded; /* of the node that runs; data NULL: none */
    float *saved;
    size_t saved_floats;
};

static void round_weights(const float *w, int oc, size_t per_channel, float *to)
{
    for (int i = 0; i < oc; i++, w += per_channel, to += per_channel) {
        float most = 0;
        for (size_t k = 0; k < per_channel; k++)
            most = fmaxf(most, fabsf(w[k]));
        float scale = most > 0 ? most / 127 : 1;
        for (size_t k = 0; k < per_channel; k++)
            to[k] = rintf(w[k] / scale) * scale;
    }
}

static void move(struct simulation *s, bool restore)
{
    struct tensor *t = &s->rounded;
    float *p = s->saved;
    for (int i = 0; i < t->n; i++) {
        for (int k = 0; k < t->h * t->w; k++, p += t->c) {
            float *x = tensor_image(t, i) + (size_t)k * t->pixel_stride;
            restore ? memcpy(x, p, (size_t)t->c * sizeof *p) : memcpy(p, x, (size_t)t->c * sizeof *p);
        }
    }
}

static void observe(void *context, const struct call *c)
{
    struct simulation *s = context;
    if (s->rounded.data)
        move(s, true);
    s->rounded.data = NULL;
    if (c->node->op != OP_CONV2D || !c->node->u.conv.quant.on)
        return;
    s->rounded = c->src[0];
    struct tensor *t = &s->rounded;
    size_t floats = (size_t)t->n * (size_t)t->h * (size_t)t->w * (size_t)t->c;
    if (floats > s->saved_floats) {
        mem_free(s->saved);
        s->saved = mem_alloc(floats, sizeof(float));
        s->saved_floats = floats;
    }
    move(s, false);
    struct conv_quant q = c->node->u.conv.quant;
    float per = 1 / q.scale, low = (float)-q.zero, high = (float)(255 - q.zero);
    for (int i = 0; i < t->n; i++) {
        for (int k = 0; k < t->h * t->w; k++) {
            float *x = tensor_image(t, i) + (size_t)k * t->pixel_stride;
            for (int j = 0; j < t->c; j++)
                x[j] = fminf(high, fmaxf(low, rintf(x[j] * per))) * q.scale;
        }
    }
}

enum status simulation_create(const struct graph *g, const float *params, struct team *team, struct simulation **out)
{
    struct net_config config = {.backend = &cpu_backend, .team = team, .mode = RUN_INFER, .exact = true};
    struct simulation *s = mem_calloc(1, sizeof *s);
    *out = s;
    if (!s)
        return E_NOMEM;
    s->graph = g;
    s->params = params;
    s->active = mem_calloc(g->param_floats, sizeof(float));
    if (!s->active)
        return E_NOMEM;
    enum status rc = net_create(g, s->active, NULL, &config, &s->net);
    if (rc == OK)
        net_set_observer(s->net, observe, s);
    return rc;
}

void simulation_destroy(struct simulation *s)
{
    if (!s)
        return;
    net_destroy(s->net);
    mem_free(s->active);
    mem_free(s->saved);
    mem_free(s);
}

void simulation_set(struct simulation *s)
{
    const struct graph *g = s->graph;
    memcpy(s->active, s->params, g->param_floats * sizeof(float));
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        if (n->op != OP_CONV2D || !n->u.conv.quant.on)
            continue;
        const struct param *p = &g->params[n->u.conv.weight];
        round_weights(s->params + p->first, n->u.conv.oc, p->count / (size_t)n->u.conv.oc, s->active + p->first);
    }
    net_params_changed(s->net);
}

struct net *simulation_net(struct simulation *s)
{
    return s->net;
}

void simulation_forward(struct simulation *s)
{
    s->rounded.data = NULL;
    net_forward(s->net);
}
