#include "support/state_digest.h"

#include "core/buf.h"
#include "core/rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "model.0.conv.weight 16,3,3,3" and a line end; heap. */
static char *line_of(const struct param *p)
{
    struct buf text = {0};
    buf_printf(&text, "%s ", p->name);
    for (int k = 0; k < p->rank; k++)
        buf_printf(&text, "%s%d", k ? "," : "", p->shape[k]);
    buf_printf(&text, "\n");
    return text.data;
}

void state_digest(const struct graph *g, char digest[24], int *entries)
{
    char **lines = calloc((size_t)g->n_params + 1, sizeof *lines);
    struct buf all = {0};
    int n = 0;
    for (int i = 0; i < g->n_params; i++) {
        if (g->params[i].role != PARAM_DFL)
            lines[n++] = line_of(&g->params[i]);
    }
    qsort(lines, (size_t)n, sizeof *lines, by_text);
    for (int i = 0; i < n; i++) {
        buf_printf(&all, "%s", lines[i]);
        mem_free(lines[i]);
    }
    snprintf(digest, 24, "0x%016" PRIx64, rng_hash(all.data));
    *entries = n;
    buf_free(&all);
    free(lines);
}
