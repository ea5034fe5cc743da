#include "data/preview.h"
#include "core/terminal.h"

#include "core/mem.h"
#include "data/batch_sheet.h"
#include "image/chart.h"
#include "image/chart_frame.h"

#include <stdio.h>

enum { MAX_POINTS = 20000, MAX_OUTLINES = 1000, CLASS_BYTES = 64 };

enum status preview_batch(const struct batch *b, const struct dataset *d, const char *path)
{
    enum status rc = OK;
    struct batch_sheet sheet = {.dataset = d};
    for (int i = 0; i < MIN(b->n, SHEET_PICTURES); i++)
        TRY_CLEAN(batch_sheet_add_labels(&sheet, b, i));
    TRY_CLEAN(batch_sheet_write(&sheet, path));
cleanup:
    batch_sheet_free(&sheet);
    return rc;
}

/* --- all labels --- */

struct columns {
    double *x, *y, *w, *h; /* [n] per cent of the picture's width and height */
    struct colour *colours;
    int n;
    long every; /* one of so many labels is here */
};

static void columns_free(struct columns *c)
{
    mem_free(c->x);
    mem_free(c->y);
    mem_free(c->w);
    mem_free(c->h);
    mem_free(c->colours);
}

/* Labels of all pictures, or every k-th of them where there are too many to draw. */
static enum status columns_init(const struct dataset *d, struct columns *c)
{
    long total = 0, seen = 0;
    for (int i = 0; i < d->n_images; i++)
        total += d->images[i].n_objects;
    long every = total / MAX_POINTS + 1;
    size_t most = (size_t)(total / every) + 1;
    *c = (struct columns){.x = mem_alloc(most, sizeof(double)),
                          .y = mem_alloc(most, sizeof(double)),
                          .w = mem_alloc(most, sizeof(double)),
                          .h = mem_alloc(most, sizeof(double)),
                          .colours = mem_alloc(most, sizeof(*c->colours)),
                          .every = every};
    if (!c->x || !c->y || !c->w || !c->h || !c->colours)
        return E_NOMEM;
    for (int i = 0; i < d->n_images; i++) {
        for (int k = 0; k < d->images[i].n_objects; k++) {
            const struct dataset_object *o = &d->objects[d->images[i].first_object + (size_t)k];
            if (seen++ % every)
                continue;
            c->x[c->n] = 100 * (double)o->cxcywh[0];
            c->y[c->n] = 100 * (double)o->cxcywh[1];
            c->w[c->n] = 100 * (double)o->cxcywh[2];
            c->h[c->n] = 100 * (double)o->cxcywh[3];
            c->colours[c->n++] = palette_get(o->class);
        }
    }
    return OK;
}

/* Outlines of boxes around a common centre, in their classes' colours. */
static void draw_outlines(cairo_t *cr, double w, double h, const void *what)
{
    const struct columns *c = what;
    struct frame f;
    struct tick ticks[2] = {{.text = ""}, {.text = ""}};
    int every = c->n / MAX_OUTLINES + 1;
    frame_begin(&f, cr, w, h);
    frame_layout(&f, cr, w, h, "Box shapes, laid over each other", "The frame is the whole picture", NULL, ticks, 0,
                 ticks, 0);
    cairo_save(cr);
    cairo_translate(cr, f.x + f.w / 2, f.y + f.h / 2);
    cairo_set_line_width(cr, 1);
    for (int i = 0; i < c->n; i += every) {
        double box_w = c->w[i] / 100 * f.w, box_h = c->h[i] / 100 * f.h;
        set_colour(cr, c->colours[i], 0.5);
        cairo_rectangle(cr, -box_w / 2, -box_h / 2, box_w, box_h);
        cairo_stroke(cr);
    }
    cairo_restore(cr);
    set_colour(cr, colour_ink, 0.8);
    cairo_set_line_width(cr, 1);
    cairo_rectangle(cr, f.x, f.y, f.w, f.h);
    cairo_stroke(cr);
}

/* A bar for each class, and its name as pictures show it. */
struct class_bars {
    double *counts;
    struct colour *colours;
    char (*text)[CLASS_BYTES];
    const char **names;
};

static void class_bars_free(struct class_bars *b)
{
    mem_free(b->counts);
    mem_free(b->colours);
    mem_free(b->text);
    mem_free(b->names);
}

static enum status class_bars_init(const struct dataset *d, struct class_bars *b)
{
    size_t n = (size_t)MAX(d->nc, 1);
    *b = (struct class_bars){mem_calloc(n, sizeof *b->counts), mem_calloc(n, sizeof *b->colours),
                             mem_calloc(n, sizeof *b->text), mem_calloc(n, sizeof *b->names)};
    if (!b->counts || !b->colours || !b->text || !b->names)
        return E_NOMEM;
    for (int i = 0; i < d->nc; i++) {
        text_class(d->names, d->names ? d->nc : 0, i, b->text[i], CLASS_BYTES);
        b->names[i] = b->text[i];
        b->colours[i] = palette_get(i);
    }
    for (int i = 0; i < d->n_images; i++) {
        for (int k = 0; k < d->images[i].n_objects; k++)
            b->counts[d->objects[d->images[i].first_object + (size_t)k].class] += 1;
    }
    return OK;
}

static struct chart scatter(const char *title, const char *x, const char *y, const struct series *points)
{
    struct chart c = {.title = title, .series = points, .n_series = 1};
    c.x = (struct axis){.label = x, .low = 0, .high = 100};
    c.y = (struct axis){.label = y, .low = 0, .high = 100};
    c.note = points->n ? NULL : "no labels";
    return c;
}

static enum status write_labels(const struct dataset *d, const struct columns *c, const struct class_bars *b,
                                const char *path)
{
    char centres_title[96] = "Box positions: the centres", sizes_title[96] = "Box sizes", counts_title[96];
    double size = c->n > 3000 ? 2 : 4, alpha = c->n > 3000 ? 0.35 : 0.6;
    struct series bars = {.style = SERIES_BARS, .y = b->counts, .n = d->nc, .width = 0.8, .colours = b->colours};
    struct series centres = {.style = SERIES_POINTS, .x = c->x, .y = c->y, .n = c->n, .width = size, .alpha = alpha};
    struct series sizes = {.style = SERIES_POINTS, .x = c->w, .y = c->h, .n = c->n, .width = size, .alpha = alpha};
    centres.colours = sizes.colours = c->colours;
    if (c->every > 1) {
        snprintf(centres_title, sizeof centres_title, "Box positions: the centres, 1 label of %ld", c->every);
        snprintf(sizes_title, sizeof sizes_title, "Box sizes, 1 label of %ld", c->every);
    }
    snprintf(counts_title, sizeof counts_title, "Instances of %d %s", d->nc, noun(d->nc, "class", "classes"));
    struct chart classes = {.title = counts_title, .series = &bars, .n_series = 1};
    double room = 0.6 + MAX(4 - d->nc, 0) / 2.0; /* the bar of one class is no wider than one of four */
    classes.x = (struct axis){.low = -room, .high = d->nc - 1 + room, .names = b->names, .n_names = d->nc};
    classes.y = (struct axis){.label = "Instances", .whole = true};
    classes.note = c->n ? NULL : "no labels";
    struct chart centre =
        scatter(centres_title, "x, % of the picture's width", "y, % of the picture's height", &centres);
    struct chart extent =
        scatter(sizes_title, "Width, % of the picture's width", "Height, % of the picture's height", &sizes);
    centre.y.down = true; /* as in a picture */
    const struct panel panels[4] = {
        {chart_draw, &classes}, {draw_outlines, c}, {chart_draw, &centre}, {chart_draw, &extent}};
    return figure_write(path, MIN(MAX(1600, 2 * (80 + 13 * d->nc)), 3600), 1280, panels, 2, 2); /* room for names */
}

enum status preview_labels(const struct dataset *d, const char *path)
{
    enum status rc = OK;
    struct columns c = {0};
    struct class_bars bars = {0};
    TRY_CLEAN(columns_init(d, &c));
    TRY_CLEAN(class_bars_init(d, &bars));
    TRY_CLEAN(write_labels(d, &c, &bars, path));
cleanup:
    columns_free(&c);
    class_bars_free(&bars);
    return rc;
}
