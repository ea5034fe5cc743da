#include "image/chart_frame.h"

#include <math.h>
#include <string.h>

void frame_begin(struct frame *f, cairo_t *cr, double w, double h)
{
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_rectangle(cr, 0, 0, w, h);
    cairo_fill(cr);
    f->font = MIN(MAX(sqrt(w * h) * 0.0175, 11.0), 40.0);
    f->small = f->font * 0.92;
}

/* The width of the widest word, after those wider than `room` were shortened. */
static double fit_words(cairo_t *cr, struct tick *ticks, int n, double room)
{
    double most = 0;
    for (int i = 0; i < n; i++) {
        char whole[sizeof ticks->text];
        memcpy(whole, ticks[i].text, sizeof whole);
        text_shorten(cr, whole, room, false, ticks[i].text, sizeof ticks->text);
        most = MAX(most, text_width(cr, ticks[i].text));
    }
    return most;
}

/* Do horizontal words under the x axis touch each other? */
static bool crowded(cairo_t *cr, const struct tick *ticks, int n, double w, double font)
{
    for (int i = 1; i < n; i++) {
        double room = fabs(ticks[i].place - ticks[i - 1].place) * w;
        if ((text_width(cr, ticks[i].text) + text_width(cr, ticks[i - 1].text)) / 2 + font * 0.5 > room)
            return true;
    }
    return false;
}

static void text_upright(cairo_t *cr, double x, double y, double align, double valign, const char *text)
{
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_rotate(cr, -M_PI / 2);
    text_show(cr, 0, 0, align, valign, text);
    cairo_restore(cr);
}

/* Every word that has room, from the first on. */
static void x_words(const struct frame *f, cairo_t *cr, const struct tick *x, int n, bool upright)
{
    double line = text_height(cr), last = -1e9;
    for (int i = 0; i < n; i++) {
        double at = f->x + x[i].place * f->w, y = f->y + f->h + f->font * 0.45;
        if (upright && at - last < line * 0.9)
            continue;
        last = at;
        if (upright)
            text_upright(cr, at, y, 1, 0.5, x[i].text);
        else
            text_show(cr, at, y, 0.5, 0, x[i].text);
    }
}

static void y_words(const struct frame *f, cairo_t *cr, const struct tick *y, int n)
{
    double line = text_height(cr), last = -1e9;
    for (int i = 0; i < n; i++) {
        double at = f->y + y[i].place * f->h;
        if (fabs(at - last) < line * 0.9)
            continue;
        last = at;
        text_show(cr, f->x - f->font * 0.45, at, 1, 0.5, y[i].text);
    }
}

/* Over the middle of the plot, or as far to the side as it must to be read whole. */
static void title_show(cairo_t *cr, const struct frame *f, double w, const char *title)
{
    char shown[256];
    font_select(cr, f->font * 1.2, 1);
    text_shorten(cr, title, w - f->font, false, shown, sizeof shown);
    double half = text_width(cr, shown) / 2 + f->font / 2;
    text_show(cr, MAX(MIN(f->x + f->w / 2, w - half), half), f->font * 1.28, 0.5, 0.5, shown);
}

void frame_layout(struct frame *f, cairo_t *cr, double w, double h, const char *title, const char *x_label,
                  const char *y_label, struct tick *x, int n_x, struct tick *y, int n_y)
{
    double font = f->font, line = font * 1.35;
    font_select(cr, f->small, 0);
    f->y = title ? line * 1.75 : line * 0.8;
    f->x = font * 0.9 + fit_words(cr, y, n_y, w / 3) + (y_label ? line * 1.2 : font * 0.3);
    f->w = MAX(w - f->x - font * 1.2, 1.0);
    bool upright = crowded(cr, x, n_x, f->w, font);
    double words = upright ? fit_words(cr, x, n_x, h / 3) : line;
    f->h = MAX(h - f->y - words - font * 0.9 - (x_label ? line * 1.1 : 0), 1.0);
    set_colour(cr, colour_ink, 1);
    x_words(f, cr, x, n_x, upright);
    y_words(f, cr, y, n_y);
    font_select(cr, font, 0);
    if (x_label)
        text_show(cr, f->x + f->w / 2, h - font * 0.35, 0.5, 1, x_label);
    if (y_label)
        text_upright(cr, font * 0.4, f->y + f->h / 2, 0.5, 0, y_label);
    if (title)
        title_show(cr, f, w, title);
}

/* Lines half a pixel off the grid are sharp in a PNG. */
static double sharp(double v)
{
    return floor(v) + 0.5;
}

void frame_grid(const struct frame *f, cairo_t *cr, const struct tick *x, int n_x, const struct tick *y, int n_y)
{
    cairo_rectangle(cr, f->x, f->y, f->w, f->h);
    cairo_set_source_rgb(cr, 0.975, 0.98, 0.985);
    cairo_fill(cr);
    for (int i = 0; x && i < n_x; i++) {
        cairo_move_to(cr, sharp(f->x + x[i].place * f->w), f->y);
        cairo_line_to(cr, sharp(f->x + x[i].place * f->w), f->y + f->h);
    }
    for (int i = 0; y && i < n_y; i++) {
        cairo_move_to(cr, f->x, sharp(f->y + y[i].place * f->h));
        cairo_line_to(cr, f->x + f->w, sharp(f->y + y[i].place * f->h));
    }
    cairo_set_source_rgb(cr, 0.88, 0.89, 0.9);
    cairo_set_line_width(cr, 1);
    cairo_stroke(cr);
}

void frame_border(const struct frame *f, cairo_t *cr)
{
    cairo_move_to(cr, sharp(f->x), sharp(f->y));
    cairo_line_to(cr, sharp(f->x), sharp(f->y + f->h));
    cairo_line_to(cr, sharp(f->x + f->w), sharp(f->y + f->h));
    set_colour(cr, colour_ink, 0.8);
    cairo_set_line_width(cr, 1);
    cairo_stroke(cr);
}
