#include "lab/features_picture.h"

#include "core/mem.h"
#include "image/encode.h"
#include "image/paint.h"
#include "image/resize.h"
#include "lab/panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CELL = 240, /* width of a map and of the photo */
    LEAST_CELL = 96,
    MOST_CELL = 420, /* heights */
    GAP = 14,
    CAPTION = 20, /* a line below a map */
    HEADING = 28, /* above the columns */
    LEAST_WIDTH = 1000,
    LEAST_TOP = 150, /* of the photo's band: the lines beside it */
};

struct layout {
    const struct features_sheet *s;
    int cell_h, top, w, h, cols;
};

static int column_x(int col)
{
    return GAP + (col + 1) * (CELL + GAP);
}

static int row_y(const struct layout *l, int row)
{
    return l->top + HEADING + row * (l->cell_h + CAPTION + GAP);
}

static struct layout layout_of(const struct features_sheet *s)
{
    struct layout l = {.s = s, .cols = s->networks[0].n};
    const double h = (double)CELL * s->box->inner_h / s->box->inner_w;
    l.cell_h = (int)fmin(fmax(h, LEAST_CELL), MOST_CELL);
    l.top = GAP + MAX(l.cell_h, LEAST_TOP) + CAPTION + GAP;
    l.w = MAX(column_x(l.cols), LEAST_WIDTH);
    l.h = row_y(&l, s->n);
    return l;
}

/* --- pictures --- */

static int compare_floats(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The 1st and 99th percentile: a few pixels at the border do not take the colours from the others. */
static enum status find_range(const struct feature_map *m, double *low, double *high)
{
    const size_t n = (size_t)m->inner_h * (size_t)m->inner_w;
    float *sorted = mem_alloc(n, sizeof *sorted);
    if (!sorted)
        return E_NOMEM;
    memcpy(sorted, m->values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_floats);
    *low = sorted[n / 100];
    *high = sorted[n - 1 - n / 100];
    mem_free(sorted);
    return OK;
}

/* As large as fits into the cell, in its middle. */
static enum status place(const struct image *picture, int cell_h, struct image *sheet, int x, int y)
{
    const double scale = fmin((double)CELL / picture->w, (double)cell_h / picture->h);
    const int w = MAX((int)(picture->w * scale + 0.5), 1), h = MAX((int)(picture->h * scale + 0.5), 1);
    const bool smaller = w < picture->w && h < picture->h;
    return image_resize_into(picture, h, w, smaller ? RESIZE_AREA : RESIZE_LINEAR, sheet, y + (cell_h - h) / 2,
                             x + (CELL - w) / 2);
}

static enum status place_map(const struct layout *l, const struct feature_map *m, struct image *sheet, int x, int y)
{
    enum status rc = OK;
    double low, high;
    struct image colours = {0};
    TRY_CLEAN(find_range(m, &low, &high));
    TRY_CLEAN(image_init(&colours, m->inner_h, m->inner_w));
    for (int i = 0; i < m->inner_h * m->inner_w; i++) {
        const struct colour c = palette_heat(high > low ? (m->values[i] - low) / (high - low) : 0.5);
        memcpy(colours.data + (size_t)i * 3, (uint8_t[]){c.red, c.green, c.blue}, 3);
    }
    TRY_CLEAN(place(&colours, l->cell_h, sheet, x, y));
cleanup:
    image_free(&colours);
    return rc;
}

static enum status place_photo(const struct layout *l, struct image *sheet)
{
    const struct letterbox *box = l->s->box;
    struct image inner = {0};
    enum status rc =
        image_crop(l->s->input, box->left, box->top, box->left + box->inner_w, box->top + box->inner_h, &inner);
    if (rc == OK)
        rc = place(&inner, l->cell_h, sheet, GAP, GAP);
    image_free(&inner);
    return rc;
}

/* --- words --- */

static void paint_top(cairo_t *cr, const struct layout *l)
{
    const struct features_sheet *s = l->s;
    const double x = column_x(0), room = l->w - x - GAP;
    char text[512];
    font_select(cr, 21, 1);
    panel_write(cr, x, GAP, room, "Feature maps of networks with random weights");
    font_select(cr, 13, 0);
    snprintf(text, sizeof text,
             "Seed %llu. Depth: convolutions on the longest way from the picture. Nothing is trained:",
             (unsigned long long)s->seed);
    panel_write(cr, x, GAP + 36, room, text);
    panel_write(cr, x, GAP + 54, room,
                "what is still seen, the architecture alone lets through. Batch normalisation has this");
    panel_write(cr, x, GAP + 72, room,
                "picture's statistics. The words below a map: depth, width x height, how channels became one.");
    panel_heat_bar(cr, x, GAP + 104, "low to high, each map on its own scale");
    font_select(cr, 12, 0);
    snprintf(text, sizeof text, "%s, read as %d x %d", s->photo, s->box->w, s->box->h);
    panel_write(cr, GAP, GAP + l->cell_h + 4, CELL, text);
}

/* "1.05 M" */
static void amount(double value, char *text, size_t size)
{
    snprintf(text, size, value >= 1e6 ? "%.2f M" : "%.3g k", value >= 1e6 ? value * 1e-6 : value * 1e-3);
}

static void paint_label(cairo_t *cr, const struct layout *l, int row)
{
    const struct features *f = &l->s->networks[row];
    const struct feature_map *last = &f->maps[f->n - 1];
    double y = row_y(l, row);
    char text[128], params[32];
    font_select(cr, 18, 1);
    panel_write(cr, GAP, y, CELL, f->name);
    font_select(cr, 13, 0);
    amount(last->params, params, sizeof params);
    snprintf(text, sizeof text, "to depth %d:", last->depth);
    panel_write(cr, GAP, y += 26, CELL, text);
    snprintf(text, sizeof text, "%s parameters", params);
    panel_write(cr, GAP, y += 17, CELL, text);
    snprintf(text, sizeof text, "%.4g GFLOPs", last->gflops);
    panel_write(cr, GAP, y += 17, CELL, text);
    if (last->milliseconds > 0) {
        snprintf(text, sizeof text, "%.1f ms", last->milliseconds);
        panel_write(cr, GAP, y += 17, CELL, text);
    }
    if (last->recovered_error < 0)
        return;
    snprintf(text, sizeof text, "picture computed back: error %.1g", last->recovered_error);
    panel_write(cr, GAP, y += 17, CELL, text);
}

static void paint_words(cairo_t *cr, void *context)
{
    const struct layout *l = context;
    char text[128], reduced[80];
    set_colour(cr, colour_ink, 1);
    paint_top(cr, l);
    font_select(cr, 16, 1);
    for (int col = 0; col < l->cols; col++) {
        snprintf(text, sizeof text, "depth %d", l->s->networks[0].maps[col].asked);
        text_show(cr, column_x(col) + CELL / 2.0, l->top + HEADING - 6, 0.5, 1, text);
    }
    for (int row = 0; row < l->s->n; row++) {
        paint_label(cr, l, row);
        font_select(cr, 12, 0);
        for (int col = 0; col < l->cols; col++) {
            const struct feature_map *m = &l->s->networks[row].maps[col];
            reduction_words(l->s->reduction, m->c, reduced, sizeof reduced);
            snprintf(text, sizeof text, "%d: %dx%d, %s", m->depth, m->w, m->h, reduced);
            panel_write(cr, column_x(col), row_y(l, row) + l->cell_h + 3, CELL, text);
        }
    }
}

enum status features_draw(const struct features_sheet *s, const char *path)
{
    enum status rc = OK;
    struct image sheet = {0};
    struct layout l = layout_of(s);
    TRY_CLEAN(image_check_size("picture of feature maps", l.h, l.w, NULL));
    TRY_CLEAN(image_init(&sheet, l.h, l.w));
    image_fill(&sheet, 255, 255, 255);
    TRY_CLEAN(place_photo(&l, &sheet));
    for (int row = 0; row < s->n; row++)
        for (int col = 0; col < l.cols; col++)
            TRY_CLEAN(place_map(&l, &s->networks[row].maps[col], &sheet, column_x(col), row_y(&l, row)));
    TRY_CLEAN(image_paint(&sheet, paint_words, &l));
    TRY_CLEAN(image_write_png(path, &sheet));
cleanup:
    image_free(&sheet);
    return rc;
}
