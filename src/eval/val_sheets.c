#include "eval/val_sheets.h"

#include "core/buf.h"

enum { SHEETS = 3 };

static enum status write_sheet(const struct val_sheets *s, struct batch_sheet *sheet, long number, const char *what)
{
    struct buf path = {0};
    enum status rc = buf_printf(&path, "%s/val_batch%ld_%s.jpg", s->folder, number, what);
    if (rc == OK)
        rc = batch_sheet_write(sheet, path.data);
    buf_free(&path);
    return rc;
}

enum status val_sheets_add(struct val_sheets *s, const struct validated *v)
{
    const struct batch *b = v->batch;
    if (b->number >= SHEETS)
        return OK;
    TRY(batch_sheet_add_labels(&s->labels, b, v->place));
    TRY(batch_sheet_add(&s->found, b, v->place, v->detections, v->count));
    if (v->place + 1 < b->n)
        return OK;
    TRY(write_sheet(s, &s->labels, b->number, "labels"));
    TRY(write_sheet(s, &s->found, b->number, "pred"));
    return OK;
}

void val_sheets_free(struct val_sheets *s)
{
    batch_sheet_free(&s->labels);
    batch_sheet_free(&s->found);
}
