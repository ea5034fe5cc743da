#include "lab/assign_marks.h"

#include "core/mem.h"
#include "image/draw.h"
#include "lab/panel.h"

#include <math.h>
#include <stdio.h>

double mark_radius(int level)
{
    return 3.6 + 1.9 * level;
}

static void trace_polygon(cairo_t *cr, double x, double y, double r, int corners, double turn)
{
    for (int i = 0; i < corners; i++) {
        const double angle = turn + 2 * M_PI * i / corners;
        cairo_line_to(cr, x + r * cos(angle), y + r * sin(angle));
    }
    cairo_close_path(cr);
}

/* Circle, square, triangle, diamond. */
static void trace_shape(cairo_t *cr, double x, double y, int level)
{
    const double r = mark_radius(level);
    cairo_new_path(cr);
    switch (level % 4) {
    case 0:
        cairo_arc(cr, x, y, r, 0, 2 * M_PI);
        break;
    case 1:
        cairo_rectangle(cr, x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r);
        break;
    case 2:
        trace_polygon(cr, x, y + 0.15 * r, 1.2 * r, 3, -M_PI / 2);
        break;
    default:
        trace_polygon(cr, x, y, 1.2 * r, 4, 0);
    }
}

void mark_point(cairo_t *cr, double x, double y, int level, struct colour colour, double fill)
{
    const struct colour white = {255, 255, 255};
    trace_shape(cr, x, y, level);
    set_colour(cr, white, 0.85);
    cairo_fill_preserve(cr);
    set_colour(cr, colour, fmin(fmax(fill, 0), 1));
    cairo_fill_preserve(cr);
    cairo_set_line_width(cr, 2.6);
    set_colour(cr, white, 0.9);
    cairo_stroke_preserve(cr);
    cairo_set_line_width(cr, 1.4);
    set_colour(cr, colour, 1);
    cairo_stroke(cr);
}

void mark_view(cairo_t *cr, const struct photo_place *at, const struct assign_view *v)
{
    int coarsest = 0;
    for (int i = 0; i < v->n; i++)
        coarsest = MAX(coarsest, v->points[i].level);
    for (int level = coarsest; level >= 0; level--) /* small ones over large ones */
        for (int i = 0; i < v->n; i++) {
            const struct assign_point *p = &v->points[i];
            if (p->level == level)
                mark_point(cr, at->x + (double)p->x * at->scale, at->y + (double)p->y * at->scale, level,
                           palette_get(p->object), (double)p->score);
        }
}

/* Boxes for draw_detections, in pixels of the panel: the objects', and around the points. */
struct panel_boxes {
    float *objects, *points;
    int *colours;
    char (*text)[12];
    const char **names;
};

static void panel_boxes_free(struct panel_boxes *b)
{
    mem_free(b->objects);
    mem_free(b->points);
    mem_free(b->colours);
    mem_free(b->text);
    mem_free(b->names);
}

static enum status panel_boxes_make(const struct assign_figure *f, const struct assign_view *v, float scale,
                                    struct panel_boxes *b)
{
    const size_t n = (size_t)f->n_objects;
    *b = (struct panel_boxes){mem_alloc(n, 4 * sizeof(float)), mem_alloc((size_t)v->n + 1, 4 * sizeof(float)),
                              mem_alloc(n, sizeof *b->colours), mem_alloc(n, sizeof *b->text),
                              mem_alloc(n, sizeof *b->names)};
    if (!b->objects || !b->points || !b->colours || !b->text || !b->names)
        return E_NOMEM;
    for (int i = 0; i < f->n_objects; i++) {
        for (int k = 0; k < 4; k++)
            b->objects[4 * i + k] = f->objects[i].xyxy[k] * scale;
        b->colours[i] = i;
        snprintf(b->text[i], sizeof b->text[i], "%d", i + 1);
        b->names[i] = b->text[i];
    }
    for (int i = 0; i < v->n; i++) {
        const float x = v->points[i].x * scale, y = v->points[i].y * scale, r = (float)mark_radius(v->points[i].level);
        const float box[4] = {x - r, y - r, x + r, y + r};
        for (int k = 0; k < 4; k++)
            b->points[4 * i + k] = box[k];
    }
    return OK;
}

enum status mark_objects(const struct assign_figure *f, const struct assign_view *v, const struct image *input, int w,
                         int h, struct image *out)
{
    enum status rc = OK;
    struct panel_boxes b = {0};
    TRY_CLEAN(panel_boxes_make(f, v, (float)w / (float)input->w, &b));
    const struct draw_options how = {.line_thickness = 2, .text_size = 12, .avoid = b.points, .n_avoid = v->n};
    TRY_CLEAN(panel_photo(input, 0.55, w, h, out));
    TRY_CLEAN(draw_detections(out, b.objects, NULL, b.colours, f->n_objects, b.names, f->n_objects, &how));
cleanup:
    panel_boxes_free(&b);
    return rc;
}

double mark_legend(cairo_t *cr, double x, double y, const struct head_output *shape)
{
    for (int l = 0; l < shape->n_levels; l++) {
        char text[48];
        snprintf(text, sizeof text, "stride %d", shape->level[l].stride);
        mark_point(cr, x + 10, y, l, colour_ink, 0.4);
        set_colour(cr, colour_ink, 1);
        text_show(cr, x + 26, y, 0, 0.5, text);
        x += 26 + text_width(cr, text) + 20;
    }
    return x;
}
