#include "lab/diagram_parts.h"

#include <math.h>

enum { MAX_SIDE = 32767 };

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
static void size_boxes(struct diagram *d, cairo_t *cr)
{
    for (int i = 0; i < d->n_boxes; i++) {
        struct box *b = &d->boxes[i];
        int entries = 0;
        for (int k = 0; k < d->n_wires; k++)
            entries += d->wires[k].to == i;
        font_select(cr, TITLE_SIZE, 1);
        double room = BOX_WIDTH - 3 * WORD_PAD - text_width(cr, b->title);
        font_select(cr, ARGS_SIZE, 0);
        b->two_lines = *b->args && text_width(cr, b->args) > room;
        b->height = b->two_lines ? BOX_LINES : BOX_LINE;
        b->height = MAX(b->height, PORT * (entries + 1));
    }
}

enum status diagram_build(const struct figures *f, struct diagram *d)
{
    enum status rc = OK;
    cairo_t *cr = measure_create();
    *d = (struct diagram){.figures = f};
    TRY_CLEAN(diagram_rows(d));
    TRY_CLEAN(diagram_stages(d));
    size_boxes(d, cr);
    TRY_CLEAN(diagram_route(d));
    d->width = ceil(MAX(d->width, diagram_draw_title(cr, d) + WORD_PAD)); /* the lines over the grid have room */
    if (d->width > MAX_SIDE || d->height > MAX_SIDE)
        TRY_CLEAN(fail(E_LIMIT, "%s: its picture would have %.0f x %.0f pixels", f->table.source, d->width, d->height));
cleanup:
    cairo_destroy(cr);
    if (rc != OK)
        diagram_free(d);
    return rc;
}
