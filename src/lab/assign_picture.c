#include "lab/assign_picture.h"

#include "core/mem.h"
#include "image/encode.h"
#include "lab/assign_marks.h"
#include "lab/panel.h"

#include <stdio.h>
#include <string.h>

enum {
    PANEL = 720,   /* the most pixels of a panel's sides, */
    SINGLE = 1100, /* and of one alone */
    GAP = 16,
    TOP = 96,
    CAPTION = 26,
    NAMES = 238,     /* width of the list's names, */
    COUNTS = 44,     /* and of a column of counts */
    ROW = 19,        /* height of a line of the list */
    LEAST_ROWS = 40, /* of the list that there is always room for */
};

struct layout {
    const struct assign_sheet *s;
    int views[ASSIGN_MOST_VIEWS], n; /* those drawn */
    int cols, rows, w, h;            /* panels */
    int list_x, sheet_w, sheet_h;
};

bool assign_view_drawn(const struct assign_figure *f, int view)
{
    return !f->views[view].main || f->views[view].same_as == view;
}

static struct layout layout_of(const struct assign_sheet *s)
{
    struct layout l = {.s = s};
    const struct image *input = &s->photo->input;
    for (int i = 0; i < s->figure->n_views; i++)
        if (assign_view_drawn(s->figure, i))
            l.views[l.n++] = i;
    const double scale = (double)(l.n == 1 ? SINGLE : PANEL) / MAX(input->w, input->h);
    l.w = MAX((int)(input->w * scale), 1);
    l.h = MAX((int)(input->h * scale), 1);
    l.cols = l.n > 4 ? 3 : MIN(l.n, 2);
    l.rows = (l.n + l.cols - 1) / l.cols;
    l.list_x = GAP + l.cols * (l.w + GAP);
    l.sheet_w = l.list_x + NAMES + l.n * COUNTS + GAP;
    const int list_h = TOP + CAPTION + MIN(s->figure->n_objects + 1, LEAST_ROWS) * ROW + GAP;
    l.sheet_h = MAX(TOP + l.rows * (l.h + CAPTION + GAP), list_h);
    return l;
}

static void corner_of(const struct layout *l, int panel, int *x, int *y)
{
    *x = GAP + panel % l->cols * (l->w + GAP);
    *y = TOP + panel / l->cols * (l->h + CAPTION + GAP) + CAPTION;
}

/* --- words --- */

/* "the same with all three assigners" */
static int same_ways(const struct assign_figure *f, int view)
{
    int n = 0;
    for (int i = 0; i < f->n_views; i++)
        n += f->views[i].main && f->views[i].same_as == view;
    return n;
}

static void caption_of(const struct layout *l, int panel, char *text, size_t size)
{
    const struct assign_figure *f = l->s->figure;
    const struct assign_view *v = &f->views[l->views[panel]];
    const bool follows = !strcmp(v->assigner, "lead-guided") && !v->main;
    const bool shared = v->main && same_ways(f, l->views[panel]) > 1;
    int used = snprintf(text, size, "%c  %s head, ", 'A' + panel, v->head);
    if (l->n == 1)
        used += snprintf(text + used, size - (size_t)used, "task-aligned assigner, top %d", v->top_k);
    else if (shared)
        used += snprintf(text + used, size - (size_t)used, "the same with all assigners, top %d", v->top_k);
    else if (follows)
        used += snprintf(text + used, size - (size_t)used, "%s: the main head's points", v->assigner);
    else
        used += snprintf(text + used, size - (size_t)used, "%s, top %d%s", v->assigner, v->top_k,
                         !strcmp(v->assigner, "coarse-to-fine") ? " by the main head's predictions" : "");
    snprintf(text + used, size - (size_t)used, " (%d points)", v->n);
}

static void paint_title(cairo_t *cr, const struct layout *l)
{
    const struct assign_sheet *s = l->s;
    char text[512];
    set_colour(cr, colour_ink, 1);
    font_select(cr, 22, 1);
    panel_write(cr, GAP, 12, l->sheet_w - 2 * GAP, "Anchor points and the objects they answer for");
    font_select(cr, 14, 0);
    snprintf(text, sizeof text, "%s, read as %d x %d; %s; %d objects", s->photo_name, s->photo->input.w,
             s->photo->input.h, s->network, s->figure->n_objects);
    panel_write(cr, GAP, 42, l->sheet_w - 2 * GAP, text);
    const double end = mark_legend(cr, GAP, 74, &s->figure->shape);
    panel_write(cr, end, 66, l->sheet_w - end - GAP,
                "colour: the object. The fuller a mark, the larger its target score.");
}

static void paint_count(cairo_t *cr, double right, double y, int points)
{
    char text[16];
    font_select(cr, 13, points == 0);
    snprintf(text, sizeof text, "%d", points);
    text_show(cr, right, y, 1, 0, text);
}

static void paint_object(cairo_t *cr, const struct layout *l, int object, double y)
{
    const struct assign_object *o = &l->s->figure->objects[object];
    char name[96], text[160];
    set_colour(cr, palette_get(object), 1);
    cairo_rectangle(cr, l->list_x, y + 2, 12, 12);
    cairo_fill(cr);
    set_colour(cr, colour_ink, 1);
    text_class(l->s->names, l->s->nc, o->class, name, sizeof name);
    snprintf(text, sizeof text, "%d %s %.0fx%.0f", object + 1, name, o->photo_w, o->photo_h);
    font_select(cr, 13, 0);
    panel_write(cr, l->list_x + 18, y, NAMES - 24, text);
    for (int i = 0; i < l->n; i++)
        paint_count(cr, l->list_x + NAMES + (i + 1) * COUNTS - 8, y,
                    assign_sum_of(&l->s->figure->views[l->views[i]], object, -1).points);
}

/* The objects with their sizes in the photo and their points in each panel. */
static void paint_list(cairo_t *cr, const struct layout *l)
{
    const struct assign_figure *f = l->s->figure;
    const int room = (l->sheet_h - TOP - CAPTION - GAP) / ROW - 1;
    const int shown = f->n_objects <= room ? f->n_objects : room - 1;
    double y = TOP + CAPTION - ROW;
    set_colour(cr, colour_ink, 1);
    font_select(cr, 13, 1);
    panel_write(cr, l->list_x, y, NAMES, "object, its pixels in the photo");
    for (int i = 0; i < l->n; i++) {
        const char letter[2] = {(char)('A' + i), 0};
        text_show(cr, l->list_x + NAMES + (i + 1) * COUNTS - 8, y, 1, 0, letter);
    }
    for (int i = 0; i < shown; i++)
        paint_object(cr, l, i, y += ROW);
    if (shown == f->n_objects)
        return;
    char text[64];
    snprintf(text, sizeof text, "and %d more: assign.csv", f->n_objects - shown);
    panel_write(cr, l->list_x, y + ROW, NAMES, text);
}

static void paint_all(cairo_t *cr, void *context)
{
    const struct layout *l = context;
    const double scale = (double)l->w / l->s->photo->input.w;
    paint_title(cr, l);
    paint_list(cr, l);
    for (int i = 0; i < l->n; i++) {
        char text[160];
        int x, y;
        corner_of(l, i, &x, &y);
        set_colour(cr, colour_ink, 1);
        font_select(cr, 15, 1);
        caption_of(l, i, text, sizeof text);
        panel_write(cr, x, y - CAPTION + 3, l->w, text);
        cairo_save(cr);
        cairo_rectangle(cr, x, y, l->w, l->h);
        cairo_clip(cr);
        mark_view(cr, &(struct photo_place){x, y, scale}, &l->s->figure->views[l->views[i]]);
        cairo_restore(cr);
    }
}

enum status assign_draw(const struct assign_sheet *s, const char *path)
{
    enum status rc = OK;
    struct image sheet = {0}, panel = {0};
    struct layout l = layout_of(s);
    TRY_CLEAN(image_check_size("picture of anchor points", l.sheet_h, l.sheet_w, NULL));
    TRY_CLEAN(image_init(&sheet, l.sheet_h, l.sheet_w));
    image_fill(&sheet, 255, 255, 255);
    for (int i = 0; i < l.n; i++) {
        int x, y;
        corner_of(&l, i, &x, &y);
        TRY_CLEAN(mark_objects(s->figure, &s->figure->views[l.views[i]], &s->photo->input, l.w, l.h, &panel));
        image_paste(&panel, 0, 0, l.h, l.w, &sheet, y, x);
    }
    TRY_CLEAN(image_paint(&sheet, paint_all, &l));
    TRY_CLEAN(image_write_png(path, &sheet));
cleanup:
    image_free(&sheet);
    image_free(&panel);
    return rc;
}
