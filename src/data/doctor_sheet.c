/* The suspicious pictures on one sheet: each small, with the boxes in question and what was found. */
#include "core/mem.h"
#include "core/path.h"
#include "data/doctor.h"
#include "detect/boxes.h"
#include "image/decode.h"
#include "image/draw.h"
#include "image/encode.h"
#include "image/grid.h"
#include "image/resize.h"

#include <math.h>

enum { CELLS = 36, MOST_OF_A_KIND = 6, CELL_W = 400, CELL_H = 300, GAP = 6, SHEET_SIDE = 2500, CAPTION_BYTES = 256 };

/* One picture on the sheet. */
struct cell {
    struct picture_ref ref;
    int boxes[ITEM_BOXES], n_boxes;
    char caption[CAPTION_BYTES];
};

struct choice {
    const struct doctor *d;
    int quota[FINDING_KINDS]; /* items of each kind */
    int cells;
};

static bool is_pair(const struct finding *f)
{
    return f->n_items && f->items[0].other.split >= 0;
}

/* Kinds take their places in turn, the gravest first, until the sheet is full. */
static void choose(struct choice *c)
{
    for (int round = 0; round < MOST_OF_A_KIND; round++) {
        for (int severity = DOCTOR_ERROR; severity >= DOCTOR_NOTE; severity--) {
            for (int k = 0; k < FINDING_KINDS; k++) {
                const struct finding *f = &c->d->report.findings[k];
                int size = 1 + is_pair(f);
                if ((int)f->severity != severity || !finding_rule((enum finding_kind)k)->tag || round >= f->n_items ||
                    f->items[round].image.split < 0 || c->cells + size > CELLS)
                    continue;
                c->quota[k]++;
                c->cells += size;
            }
        }
    }
}

static void add_cell(const struct doctor *d, struct cell *cell, enum finding_kind kind, const struct finding_item *item,
                     bool other)
{
    const char *tag = finding_rule(kind)->tag;
    *cell = (struct cell){.ref = other ? item->other : item->image};
    for (int i = 0; !other && i < item->n_boxes; i++)
        cell->boxes[cell->n_boxes++] = item->boxes[i];
    if (other && kind == FINDING_CONFLICTS) /* the labels of both are in question */
        for (int i = 0; i < MIN(d->splits[cell->ref.split]->images[cell->ref.image].n_objects, ITEM_BOXES); i++)
            cell->boxes[cell->n_boxes++] = i;
    const char *name = path_name(other ? item->other_path : item->path);
    if (other)
        snprintf(cell->caption, sizeof cell->caption, "%s %s: %s", finding_between(kind),
                 dataset_split_name((enum dataset_split)item->other.split), name);
    else
        snprintf(cell->caption, sizeof cell->caption, "%s: %s", tag, name);
}

/* Pairs first: they take two cells side by side, and rows have an even number. */
static int place(const struct choice *c, struct cell cells[CELLS])
{
    int n = 0;
    for (int pairs = 1; pairs >= 0; pairs--) {
        for (int severity = DOCTOR_ERROR; severity >= DOCTOR_NOTE; severity--) {
            for (int k = 0; k < FINDING_KINDS; k++) {
                const struct finding *f = &c->d->report.findings[k];
                if ((int)f->severity != severity || is_pair(f) != pairs)
                    continue;
                for (int i = 0; i < c->quota[k]; i++)
                    for (int other = 0; other <= pairs; other++)
                        add_cell(c->d, &cells[n++], (enum finding_kind)k, &f->items[i], other);
            }
        }
    }
    return n;
}

bool doctor_has_sheet(const struct doctor *d)
{
    struct choice c = {.d = d};
    choose(&c);
    return c.cells > 0;
}

/* The boxes in question; what is hardly there is drawn a little larger. */
static enum status draw_boxes(const struct dataset *d, const struct dataset_image *image, const struct cell *cell,
                              struct image *img)
{
    enum { LEAST = 8 };
    float boxes[ITEM_BOXES][4];
    int classes[ITEM_BOXES];
    for (int i = 0; i < cell->n_boxes; i++) {
        const struct dataset_object *o = &d->objects[image->first_object + (size_t)cell->boxes[i]];
        const float box[4] = {o->cxcywh[0] * (float)img->w, o->cxcywh[1] * (float)img->h,
                              fmaxf(o->cxcywh[2] * (float)img->w, LEAST), fmaxf(o->cxcywh[3] * (float)img->h, LEAST)};
        box_cxcywh_to_xyxy(box, boxes[i]);
        box_clip(boxes[i], (float)img->w, (float)img->h);
        classes[i] = o->class;
    }
    return draw_detections(img, boxes[0], NULL, classes, cell->n_boxes, d->names, d->nc, NULL);
}

/* The cell's picture made to fit, small ones enlarged, and the boxes in question. What cannot be decoded stays an empty
 * cell: its caption names it. */
static enum status draw_cell(const struct doctor *d, const struct cell *cell, struct image *out)
{
    enum status rc = OK;
    struct image photo = {0}, fitted = {0};
    const struct dataset *split = d->splits[cell->ref.split];
    const struct dataset_image *image = &split->images[cell->ref.image];
    TRY_CLEAN(image_init(out, CELL_H, CELL_W));
    image_fill(out, 255, 255, 255);
    if (image_read(image->path, &photo) != OK)
        goto cleanup;
    double r = fmin((double)CELL_H / photo.h, (double)CELL_W / photo.w);
    int h = MAX((int)(photo.h * r), 1), w = MAX((int)(photo.w * r), 1);
    TRY_CLEAN(image_resize(&photo, h, w, r < 1 ? RESIZE_AREA : RESIZE_LINEAR, &fitted));
    if (cell->n_boxes)
        TRY_CLEAN(draw_boxes(split, image, cell, &fitted));
    image_paste(&fitted, 0, 0, h, w, out, (CELL_H - h) / 2, (CELL_W - w) / 2);
cleanup:
    image_free(&photo);
    image_free(&fitted);
    return rc;
}

enum status doctor_write_sheet(const struct doctor *d, const char *path)
{
    enum status rc = OK;
    struct choice c = {.d = d};
    struct image *pictures = mem_calloc(CELLS, sizeof(*pictures)), sheet = {0};
    struct cell *cells = mem_calloc(CELLS, sizeof(*cells));
    const char *captions[CELLS];
    TRY_CLEAN(pictures && cells ? OK : E_NOMEM);
    choose(&c);
    int n = place(&c, cells);
    for (int i = 0; i < n; i++) {
        TRY_CLEAN(draw_cell(d, &cells[i], &pictures[i]));
        captions[i] = cells[i].caption;
    }
    struct grid_options options = {.cols = n <= 4 ? 2 : n <= 16 ? 4 : 6, .max_side = SHEET_SIDE, .gap = GAP};
    TRY_CLEAN(image_grid(pictures, captions, n, &options, &sheet));
    TRY_CLEAN(image_write(path, &sheet));
cleanup:
    for (int i = 0; pictures && i < CELLS; i++)
        image_free(&pictures[i]);
    mem_free(pictures);
    mem_free(cells);
    image_free(&sheet);
    return rc;
}
