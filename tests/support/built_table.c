#include "support/built_table.h"

#include "support/unit.h"

void built_table_open(struct built_table *m, const char *name, const struct model_options *options)
{
    assert_ok(table_open(name, &m->table));
    assert_ok(model_build(&m->table, options, &m->graph, &m->rows));
    assert_ok(model_deploy(&m->table, &m->graph, &m->deployed));
}

void built_table_free(struct built_table *m)
{
    graph_free(&m->deployed);
    graph_free(&m->graph);
    table_free(&m->table);
}
