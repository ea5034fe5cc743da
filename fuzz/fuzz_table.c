/* A network table from outside: read, built, written again and read again, deployed. */
#include "target.h"

#include "model/model.h"
#include "model/rows.h"

#include <stdlib.h>

static void use(const struct table *t)
{
    struct graph g, deployed;
    struct table again, small;
    struct buf text = {0};
    const struct model_row *rows;
    if (model_build(t, NULL, &g, &rows) != OK)
        return;
    if (table_write(t, &text) != OK || table_read(text.data, text.size, "again", &again) != OK)
        abort();
    table_free(&again);
    buf_free(&text);
    if (model_deploy(t, &g, &deployed) != OK || rows_deployed_table(t, NULL, &small) != OK)
        abort();
    graph_free(&deployed);
    if (model_build(&small, NULL, &deployed, NULL) != OK)
        abort();
    graph_free(&deployed);
    table_free(&small);
    graph_free(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct table t;
    if (table_read((const char *)bytes, size, "fuzz", &t) != OK)
        return 0;
    use(&t);
    table_free(&t);
    return 0;
}
