/* One or several charts on a sheet, written as PNG or SVG. */
#include "core/file.h"
#include "core/path.h"
#include "image/chart.h"
#include "image/encode.h"

#include <cairo-svg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_SIDE = 32767 }; /* of a cairo image */

static void draw_panels(cairo_t *cr, int w, int h, const struct panel *panels, int rows, int cols)
{
    double pw = (double)w / cols, ph = (double)h / rows;
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    for (int i = 0; i < rows * cols; i++) {
        if (!panels[i].draw)
            continue;
        cairo_save(cr);
        cairo_translate(cr, i % cols * pw, i / cols * ph);
        cairo_rectangle(cr, 0, 0, pw, ph);
        cairo_clip(cr);
        panels[i].draw(cr, pw, ph, panels[i].what);
        cairo_restore(cr);
    }
}

struct svg_sink {
    struct buf bytes;
    enum status rc;
};

static cairo_status_t svg_put(void *sink, const unsigned char *bytes, unsigned n)
{
    struct svg_sink *s = sink;
    s->rc = buf_append(&s->bytes, bytes, n);
    return s->rc == OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_NO_MEMORY;
}

/* Cairo numbers its surfaces through the life of the process: "surface7" becomes "surface1" where it is the first of
 * this file, so that the same figure is the same bytes every time. Nothing else in the file holds that word: text is
 * outlines. */
static enum status renumber(const struct buf *in, struct buf *out)
{
    static const char word[] = "surface";
    enum { MOST = 64 };
    long seen[MOST];
    int n = 0;
    const char *from = in->data, *end = in->data + in->size, *at;
    while ((at = memmem(from, (size_t)(end - from), word, sizeof word - 1))) {
        char *rest;
        int k = 0;
        at += sizeof word - 1;
        long number = strtol(at, &rest, 10);
        while (k < n && seen[k] != number)
            k++;
        if (k == n && n < MOST)
            seen[n++] = number;
        TRY(buf_append(out, from, (size_t)(at - from)));
        TRY(buf_printf(out, "%ld", k < n ? k + 1 : MOST + number));
        from = rest;
    }
    TRY(buf_append(out, from, (size_t)(end - from)));
    return OK;
}

static enum status write_svg(const char *path, int w, int h, const struct panel *panels, int rows, int cols)
{
    struct svg_sink sink = {.rc = OK};
    cairo_surface_t *surface = cairo_svg_surface_create_for_stream(svg_put, &sink, w, h);
    cairo_t *cr = cairo_create(surface);
    draw_panels(cr, w, h, panels, rows, cols);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    cairo_surface_finish(surface);
    if (!status)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    enum status rc = sink.rc;
    if (rc == OK && status)
        rc = fail(E_NOMEM, "%s: %s", path, cairo_status_to_string(status));
    struct buf text = {0};
    if (rc == OK)
        rc = renumber(&sink.bytes, &text);
    if (rc == OK)
        rc = file_write(path, text.data, text.size);
    buf_free(&sink.bytes);
    buf_free(&text);
    return rc;
}

static enum status write_png(const char *path, int w, int h, const struct panel *panels, int rows, int cols)
{
    struct image img = {0};
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, w, h);
    cairo_t *cr = cairo_create(surface);
    draw_panels(cr, w, h, panels, rows, cols);
    cairo_status_t status = cairo_status(cr);
    cairo_destroy(cr);
    enum status rc =
        status ? fail(E_NOMEM, "%s: %s", path, cairo_status_to_string(status)) : image_from_surface(surface, &img);
    cairo_surface_destroy(surface);
    if (rc == OK)
        rc = image_write_png(path, &img);
    image_free(&img);
    return rc;
}

enum status figure_write(const char *path, int w, int h, const struct panel *panels, int rows, int cols)
{
    if (w < 1 || h < 1 || w > MAX_SIDE || h > MAX_SIDE)
        return fail(E_LIMIT, "%s: a figure of %d x %d pixels cannot be drawn", path, w, h);
    if (strcasecmp(path_extension(path), "svg") == 0)
        return write_svg(path, w, h, panels, rows, cols);
    if (strcasecmp(path_extension(path), "png") == 0)
        return write_png(path, w, h, panels, rows, cols);
    return fail(E_UNSUPPORTED, "%s: charts are written as .png or .svg", path);
}
