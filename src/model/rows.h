/* Questions about a table's rows that need no graph: who reads whom, and what deployment leaves (SPEC 6.4). */
#ifndef Y9_MODEL_ROWS_H
#define Y9_MODEL_ROWS_H

#include "model/model.h"

/* The head of a checked table: its last row. */
static inline int rows_head(const struct table *t)
{
    return t->n_rows - 1;
}

static inline const struct head_class *rows_head_class(const struct table *t)
{
    const struct table_row *head = &t->rows[rows_head(t)];
    return head_find_row(head->module, head->n_args);
}

/* reached[r] (n_rows): row r is an input, near or far, of head branches first..last; the head itself counts. */
void rows_reached(const struct table *t, int first, int last, bool *reached);

/* Rows that the deployed form keeps: what the main branch reaches, without a Silence at row 0 that only the next
 * row reads as its previous one. Row numbers of deployed checkpoints count these. */
void rows_kept(const struct table *t, bool *kept);

/* The table of the deployed form: kept rows renumbered, the head in its single-branch form over the main inputs,
 * and the head's shape as `options` had it (nc, reg_max, widths; options may be NULL). */
enum status rows_deployed_table(const struct table *t, const struct model_options *options, struct table *out);

#endif
