#include "lab/panel.h"

#include "image/resize.h"

enum status panel_photo(const struct image *input, double fade, int w, int h, struct image *out)
{
    const bool smaller = w < input->w && h < input->h;
    TRY(image_resize(input, h, w, smaller ? RESIZE_AREA : RESIZE_LINEAR, out));
    for (size_t i = 0; i < (size_t)w * (size_t)h * 3; i++)
        out->data[i] = (uint8_t)(out->data[i] * (1 - fade) + 255 * fade + 0.5);
    return OK;
}

void panel_write(cairo_t *cr, double x, double y, double room, const char *text)
{
    char shown[512];
    text_shorten(cr, text, room, false, shown, sizeof shown);
    text_show(cr, x, y, 0, 0, shown);
}

void panel_heat_bar(cairo_t *cr, double x, double y, const char *words)
{
    enum { STEPS = 100, STEP = 2, HEIGHT = 12 };
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
    for (int i = 0; i < STEPS; i++) {
        set_colour(cr, palette_heat((i + 0.5) / STEPS), 1);
        cairo_rectangle(cr, x + i * STEP, y, STEP, HEIGHT);
        cairo_fill(cr);
    }
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_DEFAULT);
    set_colour(cr, colour_ink, 0.5);
    cairo_set_line_width(cr, 1);
    cairo_rectangle(cr, x + 0.5, y + 0.5, STEPS * STEP - 1, HEIGHT - 1);
    cairo_stroke(cr);
    set_colour(cr, colour_ink, 1);
    text_show(cr, x + STEPS * STEP + 8, y + HEIGHT / 2.0, 0, 0.5, words);
}
