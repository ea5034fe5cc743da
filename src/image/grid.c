#include "image/grid.h"

#include "image/paint.h"
#include "image/resize.h"

#include <math.h>

struct sheet {
    const char *const *captions;
    int n, cols, cell_h, cell_w, gap;
    int strip; /* height of the captions' lines, 0 = none */
};

static void cell_corner(const struct sheet *s, int i, int *y, int *x)
{
    *y = s->gap + s->strip + i / s->cols * (s->cell_h + s->strip + s->gap);
    *x = s->gap + i % s->cols * (s->cell_w + s->gap);
}

static double caption_size(const struct sheet *s)
{
    return MIN(MAX(s->cell_w * 0.035, 9.0), 20.0);
}

/* Above its picture, of which it covers nothing. File names differ at their ends. */
static void paint_captions(cairo_t *cr, void *context)
{
    const struct sheet *s = context;
    font_select(cr, caption_size(s), 0);
    set_colour(cr, colour_ink, 1);
    for (int i = 0; i < s->n; i++) {
        int y, x;
        char text[256];
        if (!s->captions[i])
            continue;
        cell_corner(s, i, &y, &x);
        text_shorten(cr, s->captions[i], s->cell_w - 4, true, text, sizeof text);
        text_show(cr, x + 2, y - s->strip / 2.0, 0, 0.5, text);
    }
}

static enum status place_picture(const struct image *src, const struct sheet *s, int i, struct image *out)
{
    int y, x;
    double r = MIN(MIN((double)s->cell_h / src->h, (double)s->cell_w / src->w), 1.0);
    int h = MIN(MAX((int)rint(src->h * r), 1), s->cell_h), w = MIN(MAX((int)rint(src->w * r), 1), s->cell_w);
    cell_corner(s, i, &y, &x);
    return image_resize_into(src, h, w, r < 1 ? RESIZE_AREA : RESIZE_LINEAR, out, y + (s->cell_h - h) / 2,
                             x + (s->cell_w - w) / 2);
}

enum status image_grid(const struct image *pictures, const char *const *captions, int n,
                       const struct grid_options *options, struct image *out)
{
    static const struct grid_options plain = {0};
    if (n < 1)
        return fail(E_ARGUMENT, "a sheet of no pictures");
    if (!options)
        options = &plain;
    struct sheet s = {captions, n, options->cols > 0 ? options->cols : (int)ceil(sqrt(n)), 1, 1, options->gap, 0};
    s.cols = MIN(s.cols, n);
    int rows = (n + s.cols - 1) / s.cols, limit = options->max_side > 0 ? options->max_side : 1920;
    for (int i = 0; i < n; i++) {
        s.cell_h = MAX(s.cell_h, pictures[i].h);
        s.cell_w = MAX(s.cell_w, pictures[i].w);
    }
    double r = MIN(MIN((double)limit / (rows * (double)s.cell_h), (double)limit / (s.cols * (double)s.cell_w)), 1.0);
    s.cell_h = MAX((int)(s.cell_h * r), 1);
    s.cell_w = MAX((int)(s.cell_w * r), 1);
    s.strip = captions ? (int)ceil(caption_size(&s) * 1.4) : 0;
    long long h = s.gap + rows * ((long long)s.cell_h + s.strip + s.gap),
              w = s.gap + s.cols * ((long long)s.cell_w + s.gap);
    enum status rc = image_check_size("sheet of pictures", h, w, NULL);
    if (rc == OK)
        rc = image_init(out, (int)h, (int)w);
    if (rc != OK)
        return rc;
    image_fill(out, 238, 240, 243);
    for (int i = 0; i < n && rc == OK; i++)
        rc = place_picture(&pictures[i], &s, i, out);
    return rc == OK && captions ? image_paint(out, paint_captions, &s) : rc;
}
