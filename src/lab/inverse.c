#include "lab/inverse.h"

#include "model/activation.h"
#include "ops/cpu.h"

#include <math.h>
#include <string.h>

static bool is_module(const struct table *t, int row, const char *module)
{
    return !strcmp(t->rows[row].module, module);
}

bool inverse_exists(const struct table *t, int row)
{
    if (t->depth_multiple != 1 || !is_module(t, 0, "ReOrg"))
        return false; /* copies of a row would be other ones than it says; three channels have no halves */
    for (int r = 0; r <= row; r++) {
        if (t->rows[r].n_from != 1 || table_source_row(t, r, 0) != r - 1)
            return false;
        if (!is_module(t, r, "Coupling") && !is_module(t, r, "ReOrg"))
            return false;
    }
    return true;
}

/* Row r's couplings, the last one first. Their names are those that the forward pass gave them. */
static int undo_row(struct builder *b, const struct table *t, int r, int y)
{
    const struct table_row *row = &t->rows[r];
    const int k = row->n_args && row->args[0].kind == ARG_NUMBER ? (int)row->args[0].number : 3;
    size_t mark = builder_enter(b, "model");
    builder_enter_number(b, r);
    for (int j = row->repeats - 1; j >= 0; j--) {
        size_t copy = row->repeats > 1 ? builder_enter_number(b, j) : builder_enter(b, "");
        y = coupling_inverse(b, "", y, k);
        builder_leave(b, copy);
    }
    builder_leave(b, mark);
    return y;
}

static enum status build(const struct table *t, int row, int c, struct graph *out, int *result)
{
    struct builder b;
    graph_init(out);
    builder_init(&b, out, t->activation);
    *result = graph_input(out, c, "y");
    for (int r = row; r >= 0 && is_module(t, r, "Coupling"); r--)
        *result = undo_row(&b, t, r, *result);
    return b.failed ? fail(E_SHAPE, "%s: %s", t->source, b.fault) : graph_finish(out);
}

/* The forward pass's parameters by their names; what it has not are the vectors of -1. */
static void take_params(const struct graph *from, const float *params, const struct graph *to, float *out)
{
    for (int i = 0; i < to->n_params; i++) {
        const struct param *p = &to->params[i];
        const int at = p->role == PARAM_IMPLICIT ? -1 : graph_find_param(from, p->name);
        for (size_t k = 0; k < p->count; k++)
            out[p->first + k] = at >= 0 ? params[from->params[at].first + k] : -1;
    }
}

static double largest_difference(const struct tensor *a, const struct tensor *b)
{
    double most = 0;
    for (int y = 0; y < a->h; y++)
        for (int x = 0; x < a->w; x++)
            for (int c = 0; c < a->c; c++)
                most = fmax(most, fabs((double)tensor_pixel(a, 0, y, x)[c] - tensor_pixel(b, 0, y, x)[c]));
    return most;
}

static enum status run(const struct graph *g, float *params, int result, const struct tensor *y, const struct tensor *x,
                       struct team *team, double *largest)
{
    enum status rc = OK;
    struct net *net = NULL;
    const struct net_config config = {.backend = &cpu_backend, .team = team, .mode = RUN_INFER};
    TRY_CLEAN(net_create(g, params, NULL, &config, &net));
    TRY_CLEAN(net_set_outputs(net, &result, 1, false));
    TRY_CLEAN(net_plan(net, 1, y->h, y->w));
    const struct tensor input = net_input(net);
    for (int r = 0; r < y->h; r++)
        for (int c = 0; c < y->w; c++)
            memcpy(tensor_pixel(&input, 0, r, c), tensor_pixel(y, 0, r, c), (size_t)y->c * sizeof(float));
    net_forward(net);
    const struct tensor back = net_value(net, result);
    *largest = largest_difference(&back, x);
cleanup:
    net_destroy(net);
    return rc;
}

enum status inverse_check(const struct table *t, const struct graph *g, const float *params, int row,
                          const struct tensor *y, const struct tensor *x, struct team *team, double *largest)
{
    enum status rc = OK;
    struct graph back;
    int result;
    float *back_params = NULL;
    *largest = 0;
    if (is_module(t, row, "ReOrg")) /* it only moves pixels */
        return OK;
    TRY_CLEAN(build(t, row, y->c, &back, &result));
    back_params = mem_calloc(back.param_floats, sizeof *back_params);
    TRY_CLEAN(back_params ? OK : E_NOMEM);
    take_params(g, params, &back, back_params);
    TRY_CLEAN(run(&back, back_params, result, y, x, team, largest));
cleanup:
    mem_free(back_params);
    graph_free(&back);
    return rc;
}
