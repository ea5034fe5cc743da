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

void panel_heat(struct image *panel, const float *map, int rows, int cols, float most)
{
    for (int y = 0; y < panel->h; y++)
        for (int x = 0; x < panel->w; x++) {
            const float value = map[(long)y * rows / panel->h * cols + (long)x * cols / panel->w];
            const struct colour c = palette_heat(most > 0 ? (double)(value / most) : 0);
            uint8_t *pixel = panel->data + ((size_t)y * (size_t)panel->w + (size_t)x) * 3;
            pixel[0] = (uint8_t)(pixel[0] * c.red / 255);
            pixel[1] = (uint8_t)(pixel[1] * c.green / 255);
            pixel[2] = (uint8_t)(pixel[2] * c.blue / 255);
        }
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
