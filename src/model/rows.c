#include "model/rows.h"

#include <string.h>

void rows_reached(const struct table *t, int first, int last, bool *reached)
{
    const struct head_class *class = rows_head_class(t);
    int head = rows_head(t), n_levels = t->rows[head].n_from / class->n_branches;
    memset(reached, 0, (size_t)t->n_rows * sizeof *reached);
    reached[head] = true;
    for (int branch = first; branch <= last; branch++)
        for (int l = 0; l < n_levels; l++) {
            int row = table_source_row(t, head, head_first_input(class, branch, n_levels) + l);
            if (row >= 0)
                reached[row] = true;
        }
    for (int r = head - 1; r >= 0; r--) { /* rows read earlier rows only: one sweep from the end suffices */
        for (int i = 0; reached[r] && i < t->rows[r].n_from; i++) {
            int row = table_source_row(t, r, i);
            if (row >= 0)
                reached[row] = true;
        }
    }
}

/* Row 0 is a Silence that only row 1 reads, as its previous row: without it row 1 reads the image just the same. Newer
 * tables of ultralytics call it nn.Identity. */
static bool silence_is_idle(const struct table *t, const bool *kept)
{
    if (t->n_rows < 2 || (strcmp(t->rows[0].module, "Silence") && strcmp(t->rows[0].module, "nn.Identity")))
        return false;
    for (int r = 1; r < t->n_rows; r++) {
        for (int i = 0; kept[r] && i < t->rows[r].n_from; i++) {
            if (t->rows[r].from[i] == 0 || (r == 1 && t->rows[r].n_from > 1))
                return false;
        }
    }
    return true;
}

void rows_kept(const struct table *t, bool *kept)
{
    int main = rows_head_class(t)->n_branches - 1;
    rows_reached(t, main, main, kept);
    if (silence_is_idle(t, kept))
        kept[0] = false;
}

static struct arg *copy_args(struct arena *arena, const struct arg *args, int n)
{
    struct arg *copy = arena_alloc(arena, (size_t)n + 1, sizeof *copy);
    for (int i = 0; copy && i < n; i++) {
        copy[i] = args[i];
        if (args[i].kind == ARG_TEXT && !(copy[i].text = arena_strdup(arena, args[i].text)))
            return NULL;
        if (args[i].kind == ARG_LIST && !(copy[i].items = copy_args(arena, args[i].items, args[i].n)))
            return NULL;
    }
    return copy;
}

static enum status copy_row(const struct table *t, int r, const int *number, struct table *out)
{
    const struct table_row *from = &t->rows[r];
    struct table_row *to = &out->rows[number[r]];
    *to = *from;
    for (int i = 0; i < from->n_from; i++) {
        if (from->from[i] != FROM_PREVIOUS)
            to->from[i] = number[from->from[i]];
    }
    to->module = arena_strdup(&out->arena, from->module);
    to->tag = from->tag ? arena_strdup(&out->arena, from->tag) : NULL;
    to->args = copy_args(&out->arena, from->args, from->n_args);
    return to->module && to->args && (to->tag || !from->tag) ? OK : E_NOMEM;
}

/* Single branch over the main inputs, which are written as absolute rows. */
static void turn_head(const struct table *t, const int *number, struct table *out)
{
    const struct table_row *from = &t->rows[rows_head(t)];
    struct table_row *to = &out->rows[out->n_rows - 1];
    const struct head_class *head = rows_head_class(t);
    int n_levels = from->n_from / head->n_branches;
    to->module = head_deployed(head)->name;
    to->n_from = n_levels;
    for (int l = 0; l < n_levels; l++) {
        int row = table_source_row(t, rows_head(t), head_first_input(head, head->n_branches - 1, n_levels) + l);
        to->from[l] = row < 0 ? FROM_PREVIOUS : number[row];
    }
}

static void choose_head(const struct table *t, const struct model_options *options, struct table *out)
{
    int main = rows_head_class(t)->n_branches - 1;
    struct head_shape shape = t->head[main];
    if (options) {
        const struct head_shape *chosen = &options->head[main];
        out->nc = options->nc ? options->nc : t->nc;
        out->reg_max = options->reg_max ? options->reg_max : t->reg_max;
        shape = head_shape_merge(*chosen, shape);
    }
    for (int i = 0; i < MAX_BRANCHES; i++) /* one number for all: the table has one branch */
        out->head[i] = shape;
}

enum status rows_deployed_table(const struct table *t, const struct model_options *options, struct table *out)
{
    enum status rc = OK;
    bool *kept = mem_calloc((size_t)t->n_rows, sizeof *kept);
    int *number = mem_calloc((size_t)t->n_rows, sizeof *number);
    *out = *t;
    arena_init(&out->arena);
    out->rows = arena_alloc(&out->arena, (size_t)t->n_rows, sizeof *out->rows);
    out->scale = NULL; /* its numbers are applied */
    out->source = arena_strdup(&out->arena, t->source);
    out->name = arena_strdup(&out->arena, t->name);
    if (!kept || !number || !out->rows || !out->source || !out->name) {
        rc = E_NOMEM;
        goto cleanup;
    }
    rows_kept(t, kept);
    out->n_rows = out->n_backbone = 0;
    for (int r = 0; r < t->n_rows; r++) {
        number[r] = kept[r] ? out->n_rows++ : -1;
        out->n_backbone += kept[r] && r < t->n_backbone;
    }
    for (int r = 0; r < t->n_rows; r++) {
        if (kept[r])
            TRY_CLEAN(copy_row(t, r, number, out));
    }
    turn_head(t, number, out);
    choose_head(t, options, out);
cleanup:
    mem_free(kept);
    mem_free(number);
    if (rc != OK)
        table_free(out);
    return rc;
}
