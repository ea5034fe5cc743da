#include "image/draw.h"

#include "core/mem.h"

#include <math.h>
#include <stdio.h>

enum { LABEL_BYTES = 64 };

static const double MIN_TEXT = 10, SMALLEST_TEXT = 6, TEXT_SHARE = 0.022, LINE_SHARE = 0.003;

struct label {
    char text[LABEL_BYTES];
    double x, y, w, h, size; /* filled ground; font size */
};

struct drawing {
    const struct image *img;
    const float *boxes;
    const int *classes;
    int n;
    double line;
    struct label *labels; /* NULL: hidden */
};

static void label_text(struct label *l, const char *const *names, int n_names, int class_index, const float *score)
{
    char name[LABEL_BYTES - 8];
    if (class_index >= 0 && class_index < n_names)
        text_clean(names[class_index], name, sizeof name);
    else
        snprintf(name, sizeof name, "class %d", class_index);
    if (score)
        snprintf(l->text, sizeof l->text, "%s %.2f", name, (double)*score);
    else
        snprintf(l->text, sizeof l->text, "%s", name);
}

/* Text size and ground of a label; smaller than `size` where the picture is too narrow for it. */
static void label_measure(struct label *l, cairo_t *measure, double room, double size)
{
    font_select(measure, size, 0);
    double width = text_width(measure, l->text) + 0.5 * size;
    if (width > room) {
        size = MAX(size * room / width, SMALLEST_TEXT);
        font_select(measure, size, 0);
    }
    l->size = size;
    l->w = ceil(text_width(measure, l->text) + 0.5 * size);
    l->h = ceil(text_height(measure) + 0.1 * size);
}

static bool is_free(const struct label *l, const struct label *placed, int n)
{
    for (int i = 0; i < n; i++) {
        if (l->x < placed[i].x + placed[i].w && placed[i].x < l->x + l->w && l->y < placed[i].y + placed[i].h &&
            placed[i].y < l->y + l->h)
            return false;
    }
    return true;
}

/* Above the box's upper left corner, or else inside it, below it, above its upper right or inside at the bottom: the
 * first place that is inside the picture and covers none of the n better labels. Where there is none: above or inside,
 * pushed into the picture. */
static void label_place(struct label *l, const struct drawing *d, const float *box, const struct label *better, int n)
{
    double edge = ceil(d->line / 2), left = rint(box[0]) - edge, right = rint(box[2]) + edge - l->w;
    double top = rint(box[1]), bottom = rint(box[3]);
    const double place[5][2] = {
        {left, top - l->h}, {left, top}, {left, bottom}, {right, top - l->h}, {left, bottom - l->h}};
    for (int i = 0; i < COUNT(place); i++) {
        l->x = MAX(MIN(place[i][0], d->img->w - l->w), 0.0);
        l->y = place[i][1];
        if (l->y >= 0 && l->y + l->h <= d->img->h && is_free(l, better, n))
            return;
    }
    l->x = MAX(MIN(left, d->img->w - l->w), 0.0);
    l->y = MAX(MIN(top >= l->h ? top - l->h : top, d->img->h - l->h), 0.0);
}

/* The stroke is kept whole inside the picture, so that a box at the border keeps its line. */
static void paint_box(cairo_t *cr, const struct drawing *d, int i)
{
    const float *box = d->boxes + 4 * (size_t)i;
    double half = d->line / 2, shift = fmod(d->line, 2) / 2, edge[4];
    for (int k = 0; k < 4; k++) {
        double limit = k % 2 ? d->img->h : d->img->w;
        edge[k] = MAX(MIN(rint(box[k]) + shift, limit - half), half);
    }
    cairo_rectangle(cr, edge[0], edge[1], edge[2] - edge[0], edge[3] - edge[1]);
    set_colour(cr, palette_get(d->classes[i]), 1);
    cairo_stroke(cr);
}

static void paint_label(cairo_t *cr, const struct label *l, struct colour ground)
{
    cairo_rectangle(cr, l->x, l->y, l->w, l->h);
    set_colour(cr, ground, 1);
    cairo_fill(cr);
    font_select(cr, l->size, 0);
    set_colour(cr, text_colour_on(ground), 1);
    text_show(cr, l->x + l->w / 2, l->y + l->h / 2, 0.5, 0.5, l->text);
}

static void paint_all(cairo_t *cr, void *context)
{
    const struct drawing *d = context;
    cairo_set_line_width(cr, d->line);
    for (int i = d->n - 1; i >= 0; i--)
        paint_box(cr, d, i);
    for (int i = d->n - 1; i >= 0 && d->labels; i--)
        paint_label(cr, &d->labels[i], palette_get(d->classes[i]));
}

enum status draw_detections(struct image *img, const float *boxes, const float *scores, const int *classes, int n,
                            const char *const *names, int n_names, const struct draw_options *options)
{
    static const struct draw_options plain = {0};
    if (!options)
        options = &plain;
    if (n == 0)
        return OK;
    double mean = (img->h + img->w) / 2.0;
    double size = options->text_size > 0 ? options->text_size : MAX(rint(mean * TEXT_SHARE), MIN_TEXT);
    struct drawing d = {.img = img, .boxes = boxes, .classes = classes, .n = n};
    d.line = options->line_thickness > 0 ? options->line_thickness : MAX(rint(mean * LINE_SHARE), 1.0);
    if (!options->hide_labels) {
        cairo_t *measure = measure_create();
        d.labels = mem_alloc((size_t)n, sizeof *d.labels);
        for (int i = 0; i < n && d.labels; i++) {
            label_text(&d.labels[i], names, n_names, classes[i], scores && !options->hide_conf ? &scores[i] : NULL);
            label_measure(&d.labels[i], measure, img->w, size);
            label_place(&d.labels[i], &d, boxes + 4 * (size_t)i, d.labels, i);
        }
        cairo_destroy(measure);
        if (!d.labels)
            return E_NOMEM;
    }
    enum status rc = image_paint(img, paint_all, &d);
    mem_free(d.labels);
    return rc;
}
