#include "lab/network_figure.h"

#include "core/path.h"
#include "lab/diagram.h"
#include "lab/numbers.h"

#include <stdio.h>

static const char *const use_names[] = {[ROW_MAIN] = "main", [ROW_AUXILIARY] = "auxiliary", [ROW_UNUSED] = "unused"};

static json_t *cost_json(const struct cost *c)
{
    return json_pack("{s:I, s:f}", "params", (json_int_t)c->params, "gflops", c->gflops);
}

static json_t *wires_json(const struct diagram *d)
{
    json_t *wires = json_array();
    for (int i = 0; i < d->n_wires; i++) {
        const struct wire *w = &d->wires[i];
        const struct box *from = &d->boxes[w->from];
        json_array_append_new(wires, json_pack("{s:i, s:i, s:i, s:i, s:i}", "from", w->from, "to", w->to, "channels",
                                               w->c, "height", from->h, "width", from->w));
    }
    return wires;
}

/* One object a box. What a row costs stands at it; a head's is one number for all its boxes, at the first. */
static json_t *boxes_json(const struct diagram *d)
{
    json_t *boxes = json_array();
    int told = -1;
    for (int i = 0; i < d->n_boxes; i++) {
        const struct box *b = &d->boxes[i];
        const struct row_cost *row = b->row >= 0 ? &d->figures->rows[b->row] : NULL;
        json_t *one =
            json_pack("{s:i, s:i, s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:i, s:i, s:i}", "box", i, "row", b->row, "part",
                      part_names[b->part], "use", use_names[b->use], "module", row ? row->module : "image", "level",
                      b->band - 1, "from", row ? row->from : "", "args", row && row->args ? row->args : "", "column",
                      d->stages[b->stage].column, "channels", b->c, "height", b->h, "width", b->w);
        bool tells = row && b->row != told;
        json_object_set_new(one, "params", tells ? json_integer((json_int_t)row->cost.params) : json_null());
        json_object_set_new(one, "gflops", tells ? json_real(row->cost.gflops) : json_null());
        told = b->row;
        json_array_append_new(boxes, one);
    }
    return boxes;
}

static enum status write_picture(const struct diagram *d, const char *folder, const char *name, const char *ending)
{
    enum status rc = OK;
    char file[300];
    snprintf(file, sizeof file, "%s.%s", name, ending);
    char *path = path_join(folder, file);
    if (!path)
        return E_NOMEM;
    rc = figure_write(path, (int)d->width, (int)d->height, &(struct panel){diagram_draw, d}, 1, 1);
    mem_free(path);
    return rc;
}

enum status network_figure_write(const struct figures *f, const char *folder, const char *name)
{
    enum status rc = OK;
    struct diagram d;
    json_t *about = NULL, *boxes = NULL;
    const struct cost auxiliary = figures_auxiliary(f);
    TRY(diagram_build(f, &d));
    about = json_pack("{s:s, s:[i,i], s:o, s:o, s:o, s:o}", "model", f->table.name, "img", f->h, f->w, "training",
                      cost_json(&f->whole), "deployed", cost_json(&f->left), "removed", cost_json(&auxiliary), "wires",
                      wires_json(&d));
    boxes = boxes_json(&d);
    if (!about || !boxes)
        TRY_CLEAN(fail(E_NOMEM, "the numbers of %s do not fit in memory", f->table.name));
    TRY_CLEAN(write_picture(&d, folder, name, "svg"));
    TRY_CLEAN(write_picture(&d, folder, name, "png"));
    TRY_CLEAN(numbers_write(folder, name, about, boxes));
cleanup:
    json_decref(about);
    json_decref(boxes);
    diagram_free(&d);
    return rc;
}
