#include "image/paint.h"

#include <string.h>

enum { TILE = 2048 };

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

void set_colour(cairo_t *cr, struct colour c, double alpha)
{
    cairo_set_source_rgba(cr, c.red / 255.0, c.green / 255.0, c.blue / 255.0, alpha);
}
