#include "weights/anchors.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* n_levels x n_anchors pairs that follow each other in `t`, times `scale` of their level. */
static enum status read_pairs(const struct checkpoint *c, const struct checkpoint_tensor *t, const double *scale,
                              int n_levels, struct head *out)
{
    float values[MAX_LEVELS * MAX_ANCHORS * 2];
    const size_t most = (size_t)n_levels * MAX_ANCHORS * 2;
    if (!t->count || t->count > most || t->count % (2 * (size_t)n_levels))
        return fail(E_FORMAT, "%s: tensor %s holds %zu numbers; pairs for %d levels are needed, at most %d a level",
                    c->path, t->name, t->count, n_levels, MAX_ANCHORS);
    checkpoint_read_f32(t, values);
    out->n_anchors = (int)(t->count / (2 * (size_t)n_levels));
    for (int l = 0; l < n_levels; l++)
        for (int i = 0; i < 2 * out->n_anchors; i++)
            out->anchor[l][i / 2][i % 2] = (float)(scale[l] * (double)values[l * 2 * out->n_anchors + i]);
    return OK;
}

static const struct checkpoint_tensor *buffer(const struct checkpoint *c, const struct match *match, const char *leaf)
{
    char name[64];
    snprintf(name, sizeof name, "model.%d.%s", match->head_row, leaf);
    return checkpoint_find(c->model, name);
}

enum status anchors_apply(const struct checkpoint *c, const struct match *match, struct table *table)
{
    const struct checkpoint_tensor *pixels = buffer(c, match, "anchor_grid"), *cells = buffer(c, match, "anchors");
    double scale[MAX_LEVELS];
    struct head found = {.kind = HEAD_ANCHORS};
    const int n_levels = table->anchor_levels;
    if (match->kind != HEAD_ANCHORS || !n_levels || (!pixels && !cells))
        return OK;
    for (int l = 0; l < n_levels; l++)
        scale[l] = pixels ? 1 : c->model->n_strides == n_levels ? c->model->strides[l] : 8 << l;
    TRY(read_pairs(c, pixels ? pixels : cells, scale, n_levels, &found));
    if (found.n_anchors != table->anchors)
        return fail(E_FORMAT, "%s: it has %d anchors a level, its table has %d", c->path, found.n_anchors,
                    table->anchors);
    if (table_set_anchors(table, n_levels, &found) != OK)
        return fail_prefix(E_FORMAT, "%s", c->path);
    return OK;
}
