#include "weights/main_branch.h"

#include "core/log.h"
#include "model/rows.h"
#include "weights/network.h"

static const char *file_name(void *context, int param, char *buffer, size_t size)
{
    const struct main_branch *m = context;
    return names_restore(&m->names, m->graph->params[param].name, buffer, size);
}

enum status main_branch_find(const struct checkpoint *c, const struct graph *g, struct main_branch *out)
{
    bool folded = false;
    *out = (struct main_branch){.graph = g};
    if (g->n_branches != 1 || weights_branches(c) < 2)
        return OK;
    if (weights_table(c, &out->table, &folded) != OK) /* a network of nobody that is known: names are all there is */
        return OK;
    TRY(names_init(&out->table, &out->names));
    if (folded)
        return OK;
    log_info("%s: the auxiliary branch in it is left aside, the network here has the main one alone", c->path);
    out->name = file_name;
    return OK;
}

void main_branch_free(struct main_branch *m)
{
    names_free(&m->names);
    table_free(&m->table);
    *m = (struct main_branch){0};
}
