#include "weights/main_branch.h"

#include "core/log.h"
#include "model/rows.h"
#include "weights/network.h"
#include "weights/rename.h"

static const char *file_name(void *context, int param, char *buffer, size_t size)
{
    const struct main_branch *m = context;
    return names_restore(&m->names, m->graph->params[param].name, buffer, size);
}

/* In a file of rows that the naming has put into their official order. */
static const char *renamed(void *context, int param, char *buffer, size_t size)
{
    const struct main_branch *m = context;
    return rename_main_branch(m->graph->params[param].name, m->head, buffer, size) ? buffer : NULL;
}

enum status main_branch_find(const struct checkpoint *c, const struct graph *g, struct main_branch *out)
{
    bool folded = false;
    struct match match;
    *out = (struct main_branch){.graph = g};
    if (g->n_branches != 1 || !weights_match_head(c, &match) || match.n_branches < 2)
        return OK;
    bool known = weights_table(c, &out->table, &folded) == OK;
    if (known)
        TRY(names_init(&out->table, &out->names));
    out->head = match.head_row;
    if (folded || (!known && !c->reordered)) /* a network of nobody that is known: names are all there is */
        return OK;
    log_info("%s: the auxiliary branch in it is left aside, the network here has the main one alone", c->path);
    out->name = known ? file_name : renamed;
    return OK;
}

void main_branch_free(struct main_branch *m)
{
    names_free(&m->names);
    table_free(&m->table);
    *m = (struct main_branch){0};
}
