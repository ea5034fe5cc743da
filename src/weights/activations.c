#include "weights/activations.h"

#include "model/activation.h"
#include "model/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pickle_value *child(const struct pickle_value *module, const char *name)
{
    const struct pickle_value *found = pickle_find(pickle_attribute(module, "_modules"), name);
    return found && found->type == PICKLE_OBJECT && found->callee->type == PICKLE_GLOBAL ? found : NULL;
}

/* "nn.LeakyReLU(0.1)" of an object as tables write it. */
static const char *text_of(struct arena *arena, const struct pickle_value *act)
{
    double slope;
    const char *name = pickle_global_name(act->callee);
    if (torch_number(pickle_attribute(act, "negative_slope"), &slope))
        return arena_printf(arena, "nn.%s(%g)", name, slope);
    return arena_printf(arena, "nn.%s()", name);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && !strcmp(text + n - k, end);
}

/* The row of "model.9.cv1."; -1: another place. */
static int row_of_first(const char *path)
{
    static const char end[] = ".cv1.";
    if (!ends_with(path, end))
        return -1;
    const char *stop = path + strlen(path) - strlen(end), *at = stop;
    while (at > path && at[-1] >= '0' && at[-1] <= '9')
        at--;
    bool whole = at < stop && stop - at < 5 && (at == path || at[-1] == '.');
    return whole ? atoi(at) : -1;
}

static enum status note_odd(struct checkpoint_activations *a, struct arena *arena, const char *path, const char *text)
{
    if (!a->odd)
        a->odd = arena_printf(arena, "%.*s has %s", (int)strlen(path) - 1, path, text);
    return a->odd ? OK : E_NOMEM;
}

/* The parts of a RepConvN have none: it acts on their sum. */
static enum status note_none(struct checkpoint_activations *a, struct arena *arena, const char *path)
{
    int row = row_of_first(path);
    if (ends_with(path, ".conv1.") || ends_with(path, ".conv2."))
        return OK;
    if (row < 0 || a->n_plain == COUNT(a->plain))
        return note_odd(a, arena, path, "none");
    a->plain[a->n_plain++] = row;
    return OK;
}

/* The row of "model.9."; -1: another place. */
static int row_of(const char *path)
{
    int row = -1, used = 0;
    bool whole = sscanf(path, "model.%d.%n", &row, &used) == 1 && used && !path[used];
    return whole && row >= 0 && row < ACTIVATION_ROWS ? row : -1;
}

static enum status note_row(struct checkpoint_activations *a, struct arena *arena, int row, const char *text)
{
    if (!a->of_row && !(a->of_row = arena_alloc(arena, ACTIVATION_ROWS, sizeof *a->of_row)))
        return E_NOMEM;
    a->of_row[row] = text;
    return OK;
}

enum status activations_note(struct checkpoint_activations *a, struct arena *arena, const char *path,
                             const struct pickle_value *module)
{
    const struct pickle_value *act = child(module, "act");
    if (!act || !*path || (!child(module, "conv") && !child(module, "conv1") && !child(module, "rbr_dense")))
        return OK;
    if (!strcmp(pickle_global_name(act->callee), "Identity"))
        return note_none(a, arena, path);
    const char *text = text_of(arena, act);
    if (!text)
        return E_NOMEM;
    if (!a->common)
        a->common = text;
    if (!strcmp(a->common, text))
        return OK;
    int row = row_of(path);
    return row >= 0 ? note_row(a, arena, row, text) : note_odd(a, arena, path, text);
}

/* SPPF with all its arguments, the last of which says that cv1 has no activation. */
static enum status set_plain(const struct checkpoint *c, struct table *t, int row)
{
    static const struct arg usual[] = {{0},
                                       {.kind = ARG_NUMBER, .number = 5},
                                       {.kind = ARG_NUMBER, .number = 3},
                                       {.kind = ARG_BOOL},
                                       {.kind = ARG_NONE}};
    if (row >= t->n_rows || strcmp(t->rows[row].module, "SPPF") || !t->rows[row].n_args)
        return fail(E_UNSUPPORTED, "%s: the first convolution of row %d has no activation, which only an SPPF can lack",
                    c->path, row);
    struct table_row *r = &t->rows[row];
    struct arg *args = arena_alloc(&t->arena, COUNT(usual), sizeof *args);
    if (!args)
        return E_NOMEM;
    memcpy(args, usual, sizeof usual);
    memcpy(args, r->args, (size_t)MIN(r->n_args, COUNT(usual) - 1) * sizeof *args);
    r->args = args;
    r->n_args = COUNT(usual);
    return OK;
}

/* A row with an activation of its own must say so itself, as YOLOv7's tables do: Conv [64, 1, 1, None, 1, nn.ReLU()].
 */
static enum status check_row(const struct checkpoint *c, const struct table *t, int row, const char *text)
{
    enum act want, written;
    const struct table_row *r = row < t->n_rows ? &t->rows[row] : NULL;
    for (int i = 0; r && i < r->n_args; i++)
        if (r->args[i].kind == ARG_TEXT && activation_find(r->args[i].text, &written) && activation_find(text, &want) &&
            want == written)
            return OK;
    return fail(E_UNSUPPORTED, "%s: row %d has the activation %.60s, others %.60s, and its table does not say so",
                c->path, row, text, c->model->activations.common);
}

enum status activations_apply(const struct checkpoint *c, struct table *table)
{
    const struct checkpoint_activations *a = &c->model->activations;
    enum act act;
    if (a->odd)
        return fail(E_UNSUPPORTED,
                    "%s: its convolutions have different activations, which this program does not run: %s%s%s", c->path,
                    a->odd, a->common ? ", others " : "", a->common ? a->common : "");
    for (int i = 0; a->of_row && i < ACTIVATION_ROWS; i++)
        TRY(a->of_row[i] ? check_row(c, table, i, a->of_row[i]) : OK);
    for (int i = 0; i < a->n_plain; i++)
        TRY(set_plain(c, table, a->plain[i]));
    if (!a->common)
        return OK;
    if (!activation_find(a->common, &act))
        return fail(E_UNSUPPORTED, "%s: its activation is %.60s, which this program does not have", c->path, a->common);
    if (act != table->activation) {
        table->activation = act;
        table->has_activation = true;
    }
    return OK;
}
