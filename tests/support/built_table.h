/* A network table and its graphs in both forms, without parameters: for tests that count and compare. */
#ifndef Y9_TESTS_BUILT_TABLE_H
#define Y9_TESTS_BUILT_TABLE_H

#include "model/names.h"

struct built_table {
    struct table table;
    struct graph graph, deployed;
    const struct model_row *rows;
};

/* `name` as --cfg takes it; a failure fails the test. */
void built_table_open(struct built_table *m, const char *name, const struct model_options *options);
void built_table_free(struct built_table *m);

#endif
