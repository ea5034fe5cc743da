#include "image/paint.h"

#include "core/text.h"

#include <string.h>

enum { TILE = 2048 };

/* Asked by LeakSanitizer's runtime, by this name, in builds with it: fontconfig loses a pattern of its own at exit. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

/* Cairo keeps a pixel as a native 32-bit number 0x00RRGGBB. */
static void tile_load(const struct image *img, int y0, int x0, cairo_surface_t *tile, int h, int w)
{
    unsigned char *pixels = cairo_image_surface_get_data(tile);
    size_t stride = (size_t)cairo_image_surface_get_stride(tile);
    for (int y = 0; y < h; y++) {
        const uint8_t *p = img->data + ((size_t)(y0 + y) * (size_t)img->w + (size_t)x0) * 3;
        unsigned char *q = pixels + (size_t)y * stride;
        for (int x = 0; x < w; x++, p += 3, q += 4) {
            uint32_t value = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
            memcpy(q, &value, 4);
        }
    }
    cairo_surface_mark_dirty(tile);
}

static void tile_store(cairo_surface_t *tile, int h, int w, struct image *img, int y0, int x0)
{
    cairo_surface_flush(tile);
    const unsigned char *pixels = cairo_image_surface_get_data(tile);
    size_t stride = (size_t)cairo_image_surface_get_stride(tile);
    for (int y = 0; y < h; y++) {
        uint8_t *p = img->data + ((size_t)(y0 + y) * (size_t)img->w + (size_t)x0) * 3;
        const unsigned char *q = pixels + (size_t)y * stride;
        for (int x = 0; x < w; x++, p += 3, q += 4) {
            uint32_t value;
            memcpy(&value, q, 4);
            p[0] = (uint8_t)(value >> 16);
            p[1] = (uint8_t)(value >> 8);
            p[2] = (uint8_t)value;
        }
    }
}

static enum status cairo_failed(cairo_status_t status)
{
    return fail(status == CAIRO_STATUS_NO_MEMORY ? E_NOMEM : E_ARGUMENT, "drawing failed: %s",
                cairo_status_to_string(status));
}

enum status image_paint(struct image *img, paint_fn *fn, void *context)
{
    int tile_h = MIN(img->h, TILE), tile_w = MIN(img->w, TILE);
    cairo_surface_t *tile = cairo_image_surface_create(CAIRO_FORMAT_RGB24, tile_w, tile_h);
    cairo_status_t status = cairo_surface_status(tile);
    for (int y = 0; y < img->h && !status; y += TILE) {
        for (int x = 0; x < img->w && !status; x += TILE) {
            int h = MIN(TILE, img->h - y), w = MIN(TILE, img->w - x);
            tile_load(img, y, x, tile, h, w);
            cairo_t *cr = cairo_create(tile);
            cairo_translate(cr, -x, -y);
            fn(cr, context);
            status = cairo_status(cr);
            cairo_destroy(cr);
            tile_store(tile, h, w, img, y, x);
        }
    }
    cairo_surface_destroy(tile);
    return status ? cairo_failed(status) : OK;
}

enum status image_from_surface(cairo_surface_t *surface, struct image *img)
{
    cairo_status_t status = cairo_surface_status(surface);
    if (status)
        return cairo_failed(status);
    int h = cairo_image_surface_get_height(surface), w = cairo_image_surface_get_width(surface);
    enum status rc = image_init(img, h, w);
    if (rc == OK)
        tile_store(surface, h, w, img, 0, 0);
    return rc;
}

struct colour palette_get(int class_index)
{
    static const uint32_t palette[20] = {
        0xFF3838, 0xFF9D97, 0xFF701F, 0xFFB21D, 0xCFD231, 0x48F90A, 0x92CC17, 0x3DDB86, 0x1A9334, 0x00D4BB,
        0x2C99A8, 0x00C2FF, 0x344593, 0x6473FF, 0x0018EC, 0x8438FF, 0x520085, 0xCB38FF, 0xFF95C8, 0xFF37C7,
    };
    uint32_t rgb = palette[(class_index % 20 + 20) % 20];
    return (struct colour){(uint8_t)(rgb >> 16), (uint8_t)(rgb >> 8), (uint8_t)rgb};
}

struct colour text_colour_on(struct colour b)
{
    uint8_t level = 0.299 * b.red + 0.587 * b.green + 0.114 * b.blue > 140 ? 0 : 255;
    return (struct colour){level, level, level};
}

void set_colour(cairo_t *cr, struct colour c, double alpha)
{
    cairo_set_source_rgba(cr, c.red / 255.0, c.green / 255.0, c.blue / 255.0, alpha);
}

void font_select(cairo_t *cr, double size, int bold)
{
    cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

void text_clean(const char *text, char *out, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t used = 0;
    while (*p && used + 1 < size) {
        size_t n = (size_t)text_decode((const char *)p, NULL);
        if (used + MAX(n, 1) >= size)
            break;
        if (n == 0 || *p < 0x20)
            out[used++] = '?';
        else
            memcpy(out + used, p, n);
        used += n && *p >= 0x20 ? n : 0;
        p += MAX(n, 1);
    }
    out[used] = 0;
}

void text_show(cairo_t *cr, double x, double y, double align, double valign, const char *text)
{
    char clean[512];
    cairo_text_extents_t t;
    cairo_font_extents_t f;
    text_clean(text, clean, sizeof clean);
    cairo_text_extents(cr, clean, &t);
    cairo_font_extents(cr, &f);
    cairo_move_to(cr, x - align * t.x_advance, y - valign * (f.ascent + f.descent) + f.ascent);
    cairo_show_text(cr, clean);
}

double text_width(cairo_t *cr, const char *text)
{
    char clean[512];
    cairo_text_extents_t t;
    text_clean(text, clean, sizeof clean);
    cairo_text_extents(cr, clean, &t);
    return t.x_advance;
}

double text_height(cairo_t *cr)
{
    cairo_font_extents_t f;
    cairo_font_extents(cr, &f);
    return f.ascent + f.descent;
}

cairo_t *measure_create(void)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    cairo_t *cr = cairo_create(surface);
    cairo_surface_destroy(surface); /* the context keeps it */
    return cr;
}
