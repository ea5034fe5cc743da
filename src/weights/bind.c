#include "weights/bind.h"

#include "core/mem.h"
#include "weights/eight_bit.h"
#include "weights/naming.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 512 };

static const char *file_name(const struct graph *g, int param, bind_name_fn *name, void *context, char *buffer)
{
    return name ? name(context, param, buffer, NAME_SIZE) : g->params[param].name;
}

static bool same_shape(const struct param *p, const struct checkpoint_tensor *t)
{
    if (p->rank != t->rank)
        return false;
    for (int i = 0; i < p->rank; i++) {
        if ((size_t)p->shape[i] != t->shape[i])
            return false;
    }
    return true;
}

static enum status report_shape(struct weights_report *r, const struct param *p, const struct checkpoint_tensor *t)
{
    char file[128] = "", here[128] = "";
    for (int i = 0; i < t->rank; i++)
        snprintf(file + strlen(file), sizeof file - strlen(file), "%s%zu", i ? ", " : "", t->shape[i]);
    for (int i = 0; i < p->rank; i++)
        snprintf(here + strlen(here), sizeof here - strlen(here), "%s%d", i ? ", " : "", p->shape[i]);
    return report_add(r, MISMATCH_SHAPE, "%s (%s in the file, %s here)", p->name, file, here);
}

static enum status check_finite(const struct checkpoint *c, const char *name, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            return fail(E_NUMERIC, "%s: tensor %s holds %s", c->path, name, isnan(values[i]) ? "NaN" : "infinity");
    }
    return OK;
}

static enum status bind_one(const struct checkpoint *c, const struct param *p, const struct checkpoint_tensor *t,
                            const char *name, bool deployed, float *values, struct weights_report *r)
{
    if (!t && p->role == PARAM_DFL) {
        for (size_t i = 0; i < p->count; i++)
            values[i] = (float)i;
        r->taken++;
        return OK;
    }
    if (!t)
        return report_add(r, MISMATCH_MISSING, "%s", name ? name : p->name);
    if (!same_shape(p, t))
        return report_shape(r, p, t);
    if (t->dtype == DTYPE_I8 && !(p->role == PARAM_WEIGHT && deployed))
        return fail(E_UNSUPPORTED, "%s: tensor %s is in 8 bits: only weights of a deployed network are", c->path,
                    t->name);
    checkpoint_read_f32(t, values);
    r->taken++;
    return check_finite(c, t->name, values, t->count);
}

enum status bind_tensors(const struct checkpoint *c, const struct graph *g, float *params, bind_name_fn *name,
                         void *context, struct weights_report *report)
{
    enum status rc = OK;
    const struct checkpoint_model *m = c->model;
    bool *used = mem_calloc((size_t)m->count, sizeof *used);
    char buffer[NAME_SIZE];
    if (!used)
        return E_NOMEM;
    report->wanted = g->n_params;
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        const char *wanted = file_name(g, i, name, context, buffer);
        const struct checkpoint_tensor *t = wanted ? checkpoint_find(m, wanted) : NULL;
        if (t)
            used[t - m->tensors] = true;
        TRY_CLEAN(bind_one(c, p, t, wanted, g->deployed, params + p->first, report));
    }
    for (int i = 0; i < m->count; i++) {
        const char *name = m->tensors[i].name;
        if (used[i] || naming_is_bookkeeping(name) || eight_bit_companion(name)) /* eight_bit.c reads those */
            continue;
        if (!g->deployed || !naming_is_folded_away(name))
            TRY_CLEAN(report_add(report, MISMATCH_UNEXPECTED, "%s", name));
    }
cleanup:
    mem_free(used);
    return rc;
}

int bind_count(const struct checkpoint *c, const struct graph *g, bind_name_fn *name, void *context)
{
    char buffer[NAME_SIZE];
    int n = 0;
    for (int i = 0; i < g->n_params; i++) {
        const char *wanted = file_name(g, i, name, context, buffer);
        n += wanted && checkpoint_find(c->model, wanted);
    }
    return n;
}
