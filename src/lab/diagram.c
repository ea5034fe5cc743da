#include "lab/diagram_parts.h"

#include <math.h>

enum { MAX_SIDE = 16000 };

void diagram_free(struct diagram *d)
{
    mem_free(d->boxes);
    mem_free(d->wires);
    mem_free(d->stages);
    mem_free(d->dots);
    mem_free(d->column_x);
    *d = (struct diagram){0};
}

/* Boxes whose words do not fit in one line get two; those that many wires enter are high enough for them. */
static enum status size_boxes(struct diagram *d)
{
    int *entries = mem_calloc((size_t)d->n_boxes, sizeof *entries);
    cairo_t *cr = measure_create();
    if (!entries || !cr)
        return mem_free(entries), E_NOMEM;
    for (int i = 0; i < d->n_wires; i++)
        entries[d->wires[i].to]++;
    for (int i = 0; i < d->n_boxes; i++) {
        struct box *b = &d->boxes[i];
        font_select(cr, TITLE_SIZE, 1);
        double room = BOX_WIDTH - 3 * WORD_PAD - text_width(cr, b->title);
        font_select(cr, ARGS_SIZE, 0);
        b->two_lines = *b->args && text_width(cr, b->args) > room;
        b->height = b->two_lines ? BOX_LINES : BOX_LINE;
        b->height = MAX(b->height, PORT * (entries[i] + 1));
    }
    cairo_destroy(cr);
    mem_free(entries);
    return OK;
}

/* The lines over the grid have room. */
static enum status widen(struct diagram *d)
{
    cairo_t *cr = measure_create();
    if (!cr)
        return E_NOMEM;
    d->width = ceil(MAX(d->width, diagram_draw_title(cr, d) + WORD_PAD));
    cairo_destroy(cr);
    return OK;
}

enum status diagram_build(const struct figures *f, struct diagram *d)
{
    enum status rc = OK;
    *d = (struct diagram){.figures = f};
    TRY_CLEAN(diagram_rows(d));
    TRY_CLEAN(diagram_stages(d));
    TRY_CLEAN(size_boxes(d));
    TRY_CLEAN(diagram_route(d));
    TRY_CLEAN(widen(d));
    if (d->width > MAX_SIDE || d->height > MAX_SIDE)
        TRY_CLEAN(fail(E_LIMIT, "%s: its picture would have %.0f x %.0f pixels", f->table.source, d->width, d->height));
cleanup:
    if (rc != OK)
        diagram_free(d);
    return rc;
}
