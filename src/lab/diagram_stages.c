/* Rows to stages, stages to columns. */
#include "lab/diagram_parts.h"

#include "model/rows.h"

#include <stdlib.h>

enum { NEAR_ROWS = 4 }; /* a side path that begins so few rows before belongs to the stage (YOLOv7's MP blocks) */

struct staging {
    struct diagram *d;
    const struct table *table;
    struct stage *stage; /* the current one */
    int band;            /* of its last box */
};

static int stage_number(const struct staging *s)
{
    return (int)(s->stage - s->d->stages);
}

static void begin_stage(struct staging *s, int direction, bool auxiliary)
{
    s->stage = &s->d->stages[s->d->n_stages++];
    *s->stage = (struct stage){.direction = direction, .auxiliary = auxiliary};
}

static bool is_occupied(const struct staging *s, int band, int before)
{
    for (int i = 0; i < before; i++) {
        if (s->d->boxes[i].stage == stage_number(s) && s->d->boxes[i].band == band)
            return true;
    }
    return false;
}

static bool reads_previous(const struct staging *s, int row)
{
    for (int i = 0; i < s->table->rows[row].n_from; i++) {
        if (table_source_row(s->table, row, i) == row - 1)
            return true;
    }
    return false;
}

/* Does the row begin a side path of the current stage? */
static bool reads_nearby(const struct staging *s, int row)
{
    for (int i = 0; i < s->table->rows[row].n_from; i++) {
        int source = table_source_row(s->table, row, i);
        if (source >= 0 && (s->d->boxes[source + 1].stage == stage_number(s) || source >= row - NEAR_ROWS))
            return true;
    }
    return false;
}

static void place_row(struct staging *s, int row)
{
    struct box *b = &s->d->boxes[row + 1];
    bool auxiliary = b->use == ROW_AUXILIARY, previous = reads_previous(s, row);
    int step = b->band - s->band, direction = step > 0 ? 1 : -1;
    if (row == 0 || auxiliary != s->stage->auxiliary)
        begin_stage(s, 0, auxiliary);
    else if (step && previous) {
        if (s->stage->direction == -direction || (!s->stage->direction && is_occupied(s, b->band, row + 1)))
            begin_stage(s, direction, auxiliary);
        s->stage->direction = direction;
    } else if (step && !(abs(step) == 1 && s->stage->direction && reads_nearby(s, row))) {
        if (s->stage->direction || is_occupied(s, b->band, row + 1) || stage_number(s) == 0)
            begin_stage(s, 0, auxiliary);
    } else if (!step && !previous && !s->stage->direction && !reads_nearby(s, row))
        begin_stage(s, 0, auxiliary);
    b->stage = stage_number(s);
    s->band = b->band;
}

/* Auxiliary stages from right to left, then the others from left to right. */
static void number_columns(struct diagram *d)
{
    int n_auxiliary = 0, left, right;
    for (int i = 0; i < d->n_stages; i++)
        n_auxiliary += d->stages[i].auxiliary;
    left = n_auxiliary - 1;
    right = n_auxiliary;
    for (int i = 0; i < d->n_stages; i++)
        d->stages[i].column = d->stages[i].auxiliary ? left-- : right++;
}

enum status diagram_stages(struct diagram *d)
{
    const struct table *t = &d->figures->table;
    int head = rows_head(t);
    struct staging s = {.d = d, .table = t};
    d->stages = mem_calloc((size_t)head + MAX_BRANCHES, sizeof *d->stages);
    if (!d->stages)
        return E_NOMEM;
    for (int i = 0; i < d->n_boxes; i++)
        d->boxes[i].stage = -1;
    for (int r = 0; r < head; r++)
        place_row(&s, r);
    d->boxes[0].stage = 0; /* the image stands over the first row */
    for (int i = head + 1; i < d->n_boxes; i++) {
        struct box *b = &d->boxes[i];
        if (b->head_level == 0)
            begin_stage(&s, 0, b->use == ROW_AUXILIARY);
        b->stage = stage_number(&s);
    }
    number_columns(d);
    return OK;
}
