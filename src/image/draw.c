#include "image/draw.h"

#include "core/mem.h"
#include "image/label_place.h"

#include <math.h>
#include <stdio.h>

enum { LABEL_BYTES = 96 };

static const double TEXT_SHARE = 0.022, LINE_SHARE = 0.0035; /* of the mean of height and width */
static const double MIN_TEXT = 10, SMALLEST_TEXT = 6,
                    TINY_TEXT_SHARE = 0.055;       /* pictures under 180 pixels: down to 6 */
static const double LABEL_SHARE = 0.4;             /* of the width, for a long name */
static const double EDGE = 0.35, EDGE_ALPHA = 0.6; /* of a line's width, on both sides of it */

struct caption {
    char text[LABEL_BYTES]; /* empty: none fits */
    double w, h;            /* of the filled ground */
    struct rect at;
};

struct drawing {
    const struct image *img;
    const float *boxes;
    const int *classes;
    int n;
    double line, edge, size; /* widths of a box's line and its edges, font size */
    struct caption *labels;  /* NULL: hidden */
};

/* What a label says in the room of `room` pixels: name and score, a shortened name and the score, a shortened name. */
static void label_text(struct caption *l, cairo_t *measure, const char *name, const float *score, double room,
                       double size)
{
    char number[16] = "", fitted[LABEL_BYTES - sizeof number];
    if (score)
        snprintf(number, sizeof number, " %.2f", (double)*score);
    double left = room - text_width(measure, number);
    if (left < 3 * size && left < text_width(measure, name)) {
        number[0] = 0;
        left = room;
    }
    text_shorten(measure, name, left, false, fitted, sizeof fitted);
    snprintf(l->text, sizeof l->text, "%s%s", fitted, fitted[0] ? number : "");
}

static void label_make(struct caption *l, cairo_t *measure, const struct drawing *d, int i, const char *name,
                       const float *score)
{
    const float *box = d->boxes + 4 * (size_t)i;
    double pad = 0.5 * d->size, widest = d->img->w - pad;
    double room = MAX(MAX(LABEL_SHARE * d->img->w, box[2] - box[0]), 12 * d->size) - pad;
    label_text(l, measure, name, score, MIN(room, widest), d->size);
    l->w = MIN(ceil(text_width(measure, l->text) + pad), (double)d->img->w);
    l->h = MIN(ceil(text_height(measure) + 0.1 * d->size), (double)d->img->h);
}

/* All labels and where they go, the best first. */
static enum status make_labels(struct drawing *d, const float *scores, const char *const *names, int n_names,
                               const struct draw_options *options)
{
    enum status rc = OK;
    struct label_map map = {0};
    cairo_t *measure = measure_create();
    font_select(measure, d->size, 0);
    d->labels = mem_calloc((size_t)d->n, sizeof *d->labels);
    TRY_CLEAN(d->labels ? OK : E_NOMEM);
    TRY_CLEAN(label_map_init(&map, d->img->h, d->img->w, d->size));
    for (int i = 0; i < d->n; i++) {
        char name[LABEL_BYTES];
        text_class(names, n_names, d->classes[i], name, sizeof name);
        label_make(&d->labels[i], measure, d, i, name, scores ? &scores[i] : NULL);
        label_map_protect(&map, d->boxes + 4 * (size_t)i, d->labels[i].w, d->labels[i].h);
    }
    for (int i = 0; i < options->n_avoid; i++)
        label_map_protect(&map, options->avoid + 4 * (size_t)i, d->img->w, d->img->h);
    for (int i = 0; i < d->n; i++) {
        struct caption *l = &d->labels[i];
        if (l->text[0])
            l->at = label_map_place(&map, d->boxes + 4 * (size_t)i, l->w, l->h, d->line);
    }
cleanup:
    label_map_free(&map);
    cairo_destroy(measure);
    return rc;
}

/* The stroke is kept whole inside the picture, so that a box at the border keeps its line. The edges beside it are of
 * the opposite brightness, so that it shows on a ground of its own colour. */
static void paint_box(cairo_t *cr, const struct drawing *d, int i)
{
    const float *box = d->boxes + 4 * (size_t)i;
    struct colour colour = palette_get(d->classes[i]);
    double half = d->line / 2, shift = fmod(d->line, 2) / 2, edge[4];
    for (int k = 0; k < 4; k++) {
        double limit = k % 2 ? d->img->h : d->img->w;
        edge[k] = MAX(MIN(rint(box[k]) + shift, limit - half), half);
    }
    /* cairo draws nothing of a rectangle without any extent */
    cairo_rectangle(cr, edge[0], edge[1], MAX(edge[2] - edge[0], 0.01), MAX(edge[3] - edge[1], 0.01));
    cairo_set_line_width(cr, d->line + 2 * d->edge);
    set_colour(cr, text_colour_on(colour), EDGE_ALPHA);
    cairo_stroke_preserve(cr);
    cairo_set_line_width(cr, d->line);
    set_colour(cr, colour, 1);
    cairo_stroke(cr);
}

static void paint_label(cairo_t *cr, const struct caption *l, struct colour ground)
{
    cairo_rectangle(cr, l->at.x, l->at.y, l->at.w, l->at.h);
    set_colour(cr, ground, 1);
    cairo_fill(cr);
    set_colour(cr, text_colour_on(ground), 1);
    text_show(cr, l->at.x + l->at.w / 2, l->at.y + l->at.h / 2, 0.5, 0.5, l->text);
}

/* Does the rectangle reach into the tile that is painted? */
static bool is_seen(const double tile[4], double x0, double y0, double x1, double y1, double margin)
{
    return x0 - margin < tile[2] && x1 + margin > tile[0] && y0 - margin < tile[3] && y1 + margin > tile[1];
}

static void paint_all(cairo_t *cr, void *context)
{
    const struct drawing *d = context;
    double tile[4], margin = d->line + 2 * d->edge + 2;
    cairo_clip_extents(cr, &tile[0], &tile[1], &tile[2], &tile[3]);
    font_select(cr, d->size, 0);
    for (int i = d->n - 1; i >= 0; i--) {
        const float *b = d->boxes + 4 * (size_t)i; /* what lies outside of the picture is drawn at its border */
        if (is_seen(tile, MIN(b[0], (float)d->img->w), MIN(b[1], (float)d->img->h), MAX(b[2], 0.0f), MAX(b[3], 0.0f),
                    margin))
            paint_box(cr, d, i);
    }
    for (int i = d->n - 1; i >= 0 && d->labels; i--) {
        const struct caption *l = &d->labels[i];
        if (l->text[0] && is_seen(tile, l->at.x, l->at.y, l->at.x + l->at.w, l->at.y + l->at.h, l->at.h))
            paint_label(cr, l, palette_get(d->classes[i]));
    }
}

enum status draw_detections(struct image *img, const float *boxes, const float *scores, const int *classes, int n,
                            const char *const *names, int n_names, const struct draw_options *options)
{
    static const struct draw_options plain = {0};
    enum status rc = OK;
    if (!options)
        options = &plain;
    if (n == 0)
        return OK;
    double mean = (img->h + img->w) / 2.0, smallest = MIN(MAX(mean * TINY_TEXT_SHARE, SMALLEST_TEXT), MIN_TEXT);
    struct drawing d = {.img = img, .boxes = boxes, .classes = classes, .n = n};
    d.size = options->text_size > 0 ? options->text_size : MAX(rint(mean * TEXT_SHARE), rint(smallest));
    d.line = options->line_thickness > 0 ? options->line_thickness : MAX(rint(mean * LINE_SHARE), 1.0);
    d.edge = MAX(d.line * EDGE, 0.5);
    if (!options->hide_labels)
        TRY_CLEAN(make_labels(&d, options->hide_conf ? NULL : scores, names, n_names, options));
    TRY_CLEAN(image_paint(img, paint_all, &d));
cleanup:
    mem_free(d.labels);
    return rc;
}
