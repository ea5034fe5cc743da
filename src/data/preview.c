#include "data/preview.h"

#include "core/mem.h"
#include "core/path.h"
#include "image/chart.h"
#include "image/draw.h"
#include "image/encode.h"
#include "image/grid.h"

#include <math.h>

enum { SHEET = 16, CROWD = 25, MAX_POINTS = 20000, MAX_OUTLINES = 1000 };

/* --- a batch ---------------------------------------------------------------------------------------------------------
 */

static enum status draw_labels(const struct batch *b, const struct dataset *d, int i, struct image *img)
{
    enum status rc = OK;
    int n = 0;
    float(*boxes)[4] = mem_alloc((size_t)b->n_targets, sizeof *boxes);
    int *classes = mem_alloc((size_t)b->n_targets, sizeof *classes);
    struct image view = batch_image(b, i);
    struct draw_options options = {0};
    if (!boxes || !classes) {
        rc = E_NOMEM;
        goto cleanup;
    }
    for (int t = 0; t < b->n_targets; t++) {
        const float *row = b->targets[t];
        if ((int)row[0] != i)
            continue;
        const float box[4] = {row[2] * (float)b->w, row[3] * (float)b->h, row[4] * (float)b->w, row[5] * (float)b->h};
        box_cxcywh_to_xyxy(box, boxes[n]);
        classes[n++] = (int)row[1];
    }
    options.hide_labels = n > CROWD; /* names would hide the picture */
    TRY(image_copy(&view, img));
    TRY(draw_detections(img, n ? boxes[0] : NULL, NULL, classes, n, d->names, d->names ? d->nc : 0, &options));
cleanup:
    mem_free(boxes);
    mem_free(classes);
    return rc;
}

enum status preview_batch(const struct batch *b, const struct dataset *d, const char *path)
{
    enum status rc = OK;
    struct image pictures[SHEET] = {{0}}, sheet = {0};
    const char *captions[SHEET] = {NULL};
    int n = MIN(b->n, SHEET);
    for (int i = 0; i < n; i++) {
        TRY(draw_labels(b, d, i, &pictures[i]));
        captions[i] = path_name(d->images[b->pictures[i].index].path);
    }
    TRY(image_grid(pictures, captions, n, NULL, &sheet));
    TRY(image_write(path, &sheet));
cleanup:
    for (int i = 0; i < n; i++)
        image_free(&pictures[i]);
    image_free(&sheet);
    return rc;
}

/* --- all labels ------------------------------------------------------------------------------------------------------
 */

struct columns {
    double *x, *y, *w, *h; /* [n] */
    const struct dataset_object **objects;
    int n;
};

static void columns_free(struct columns *c)
{
    mem_free(c->x);
    mem_free(c->y);
    mem_free(c->w);
    mem_free(c->h);
    mem_free(c->objects);
}

/* Labels of all pictures, or every k-th of them where there are too many to draw. */
static enum status columns_init(const struct dataset *d, struct columns *c)
{
    long total = 0, seen = 0;
    for (int i = 0; i < d->n_images; i++)
        total += d->images[i].n_objects;
    long every = total / MAX_POINTS + 1;
    size_t most = (size_t)(total / every) + 1;
    *c = (struct columns){mem_alloc(most, sizeof(double)),      mem_alloc(most, sizeof(double)),
                          mem_alloc(most, sizeof(double)),      mem_alloc(most, sizeof(double)),
                          mem_alloc(most, sizeof(*c->objects)), 0};
    if (!c->x || !c->y || !c->w || !c->h || !c->objects)
        return E_NOMEM;
    for (int i = 0; i < d->n_images; i++) {
        for (int k = 0; k < d->images[i].n_objects; k++) {
            const struct dataset_object *o = &d->objects[d->images[i].first_object + (size_t)k];
            if (seen++ % every)
                continue;
            c->x[c->n] = o->cxcywh[0];
            c->y[c->n] = o->cxcywh[1];
            c->w[c->n] = o->cxcywh[2];
            c->h[c->n] = o->cxcywh[3];
            c->objects[c->n++] = o;
        }
    }
    return OK;
}

/* Outlines of boxes around a common centre, in their classes' colours. */
static void draw_outlines(cairo_t *cr, double w, double h, const void *what)
{
    const struct columns *c = what;
    double side = 0.9 * fmin(w, h);
    int every = c->n / MAX_OUTLINES + 1;
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_set_source_rgb(cr, 0.15, 0.15, 0.15);
    font_select(cr, 14, 1);
    text_show(cr, w / 2, 4, 0.5, 0, "sizes of boxes, around one centre");
    cairo_translate(cr, w / 2, h / 2 + 8);
    cairo_set_line_width(cr, 1);
    for (int i = 0; i < c->n; i += every) {
        set_colour(cr, palette_get(c->objects[i]->class), 0.5);
        cairo_rectangle(cr, -c->w[i] / 2 * side, -c->h[i] / 2 * side, c->w[i] * side, c->h[i] * side);
        cairo_stroke(cr);
    }
    cairo_set_source_rgb(cr, 0.3, 0.3, 0.3);
    cairo_rectangle(cr, -side / 2, -side / 2, side, side);
    cairo_stroke(cr);
}

static enum status count_classes(const struct dataset *d, double **out)
{
    double *counts = mem_calloc((size_t)MAX(d->nc, 1), sizeof *counts);
    *out = counts;
    if (!counts)
        return E_NOMEM;
    for (int i = 0; i < d->n_images; i++) {
        for (int k = 0; k < d->images[i].n_objects; k++)
            counts[d->objects[d->images[i].first_object + (size_t)k].class] += 1;
    }
    return OK;
}

static struct chart scatter(const char *title, const char *x, const char *y, const struct series *points)
{
    struct chart c = {.title = title, .series = points, .n_series = 1};
    c.x = (struct axis){.label = x, .low = 0, .high = 1};
    c.y = (struct axis){.label = y, .low = 0, .high = 1};
    return c;
}

enum status preview_labels(const struct dataset *d, const char *path)
{
    enum status rc = OK;
    struct columns c = {0};
    double *counts = NULL;
    TRY(columns_init(d, &c));
    TRY(count_classes(d, &counts));
    for (int i = 0; i < c.n; i++) /* a picture's y runs down, a chart's up */
        c.y[i] = 1 - c.y[i];
    double size = c.n > 3000 ? 2 : 3.5, alpha = c.n > 3000 ? 0.3 : 0.6;
    struct series bars = {.style = SERIES_BARS, .y = counts, .n = d->nc, .width = 0.8};
    struct series centres = {.style = SERIES_POINTS, .x = c.x, .y = c.y, .n = c.n, .width = size, .alpha = alpha};
    struct series sizes = {.style = SERIES_POINTS, .x = c.w, .y = c.h, .n = c.n, .width = size, .alpha = alpha};
    struct chart classes = {.title = "labels a class", .series = &bars, .n_series = 1};
    classes.x = (struct axis){.low = -0.6, .high = d->nc - 0.4, .names = d->names, .n_names = d->names ? d->nc : 0};
    classes.y.label = "labels";
    struct chart centre = scatter("centres of boxes", "x, part of the width", "y, part of the height (up)", &centres);
    struct chart extent =
        scatter("width and height of boxes", "width, part of the picture", "height, part of the picture", &sizes);
    const struct panel panels[4] = {
        {chart_draw, &classes}, {draw_outlines, &c}, {chart_draw, &centre}, {chart_draw, &extent}};
    TRY(figure_write(path, 1400, 1200, panels, 2, 2));
cleanup:
    columns_free(&c);
    mem_free(counts);
    return rc;
}
