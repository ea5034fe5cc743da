/* The four steps of the task-aligned assigner in one head branch. */
#include "core/mem.h"
#include "image/encode.h"
#include "lab/assign_marks.h"
#include "lab/assign_picture.h"
#include "lab/panel.h"

#include <math.h>
#include <stdio.h>

enum { PANEL = 800, GAP = 16, TOP = 100, CAPTION = 46, DECADES = 4, COLS = 2 };
enum step { STEP_METRIC, STEP_CANDIDATES, STEP_CONFLICTS, STEP_TARGETS, STEPS };

struct layout {
    const struct assign_sheet *s;
    const struct assign_steps *steps;
    int w, h, sheet_w, sheet_h;
};

static struct layout layout_of(const struct assign_sheet *s, int steps)
{
    struct layout l = {.s = s, .steps = &s->figure->steps[steps]};
    const struct image *input = &s->photo->input;
    const double scale = (double)PANEL / MAX(input->w, input->h);
    l.w = MAX((int)(input->w * scale), 1);
    l.h = MAX((int)(input->h * scale), 1);
    l.sheet_w = GAP + COLS * (l.w + GAP);
    l.sheet_h = TOP + STEPS / COLS * (l.h + CAPTION + GAP);
    return l;
}

static struct photo_place place_of(const struct layout *l, int step)
{
    return (struct photo_place){GAP + step % COLS * (l->w + GAP), TOP + step / COLS * (l->h + CAPTION + GAP) + CAPTION,
                                (double)l->w / l->s->photo->input.w};
}

/* --- the steps --- */

static float largest_metric(const struct assign_figure *f, const struct assign_trace *t, int *points)
{
    float most = 0;
    *points = 0;
    for (int i = 0; i < f->shape.anchors; i++) {
        most = MAX(most, t->metric[i]);
        *points += t->metric[i] > 0;
    }
    return most;
}

static void mark_cell(cairo_t *cr, const struct assign_figure *f, const struct photo_place *at, int cell,
                      struct colour colour, double fill)
{
    mark_point(cr, at->x + (double)f->places[cell][0] * at->scale, at->y + (double)f->places[cell][1] * at->scale,
               f->levels[cell], colour, fill);
}

/* Cells in the colour of their metric, by its logarithm; of two levels the finer one lies on top. */
static void draw_metric(cairo_t *cr, const struct assign_figure *f, const struct photo_place *at,
                        const struct assign_trace *t)
{
    int points;
    const float most = largest_metric(f, t, &points);
    for (int level = f->shape.n_levels - 1; level >= 0; level--) {
        const double side = fmax(2 * mark_radius(level) - 1.5, 3);
        for (int i = 0; i < f->shape.anchors; i++) {
            if (f->levels[i] != level || !(t->metric[i] > 0))
                continue;
            const double x = at->x + (double)f->places[i][0] * at->scale,
                         y = at->y + (double)f->places[i][1] * at->scale;
            cairo_rectangle(cr, x - side / 2, y - side / 2, side, side);
            set_colour(cr, palette_heat(1 + log10((double)(t->metric[i] / most)) / DECADES), 1);
            cairo_fill_preserve(cr);
            cairo_set_line_width(cr, 0.7);
            set_colour(cr, colour_ink, 0.45);
            cairo_stroke(cr);
        }
    }
}

static void draw_claims(cairo_t *cr, const struct assign_figure *f, const struct photo_place *at,
                        const struct assign_trace *t)
{
    for (int i = t->n_claims - 1; i >= 0; i--)
        mark_cell(cr, f, at, t->claims[i].anchor, palette_get(t->claims[i].label), t->claims[i].metric > 0);
}

/* Of each point that two objects or more want a dot in the winner's colour, in rings of those that wanted it. */
static void draw_conflicts(cairo_t *cr, const struct assign_figure *f, const struct photo_place *at,
                           const struct loss_assignment *a)
{
    const struct assign_trace *t = a->trace;
    for (int i = 0; i < f->shape.anchors; i++)
        if (a->label[i] >= 0 && !t->contested[i])
            mark_cell(cr, f, at, i, colour_faint, 0.2);
    for (int i = 0; i < f->shape.anchors; i++) {
        double radius = mark_radius(f->levels[i]) + 2.5;
        if (!t->contested[i])
            continue;
        for (int c = 0; c < t->n_claims; c++) {
            if (t->claims[c].anchor != i)
                continue;
            cairo_new_path(cr);
            cairo_arc(cr, at->x + (double)f->places[i][0] * at->scale, at->y + (double)f->places[i][1] * at->scale,
                      radius, 0, 2 * M_PI);
            cairo_set_line_width(cr, 2);
            set_colour(cr, palette_get(t->claims[c].label), 1);
            cairo_stroke(cr);
            radius += 2.6;
        }
        mark_cell(cr, f, at, i, palette_get(a->label[i]), 1);
    }
}

static void draw_targets(cairo_t *cr, const struct assign_figure *f, const struct photo_place *at,
                         const struct loss_assignment *a)
{
    for (int i = f->shape.anchors - 1; i >= 0; i--) /* levels lie one after the other, the finest first */
        if (a->label[i] >= 0)
            mark_cell(cr, f, at, i, palette_get(a->label[i]), (double)a->score[i]);
}

static void draw_step(cairo_t *cr, const struct assign_figure *f, const struct photo_place *at, enum step step,
                      const struct loss_assignment *a)
{
    switch (step) {
    case STEP_METRIC:
        draw_metric(cr, f, at, a->trace);
        return;
    case STEP_CANDIDATES:
        draw_claims(cr, f, at, a->trace);
        return;
    case STEP_CONFLICTS:
        draw_conflicts(cr, f, at, a);
        return;
    default:
        draw_targets(cr, f, at, a);
    }
}

/* --- words --- */

static void caption_of(const struct assign_figure *f, const struct assign_steps *s, enum step step, char *title,
                       char *text, size_t size)
{
    const struct loss_assignment *a = &s->result;
    int points = 0, contested = 0, targets = 0;
    const float most = largest_metric(f, a->trace, &points);
    for (int i = 0; i < f->shape.anchors; i++) {
        contested += a->trace->contested[i];
        targets += a->label[i] >= 0;
    }
    switch (step) {
    case STEP_METRIC:
        snprintf(title, size, "1 metric");
        snprintf(text, size, "%d points in objects; darkest: %.3g", points, (double)most);
        return;
    case STEP_CANDIDATES:
        snprintf(title, size, "2 candidates");
        snprintf(text, size, "%d, the best of each object; hollow: metric 0", a->trace->n_claims);
        return;
    case STEP_CONFLICTS:
        snprintf(title, size, "3 conflicts");
        snprintf(text, size, "%d points wanted twice; rings: who, filled: who gets it", contested);
        return;
    default:
        snprintf(title, size, "4 targets");
        snprintf(text, size, "%d points, their scores add up to %.4g", targets, a->sum);
    }
}

static void paint_title(cairo_t *cr, const struct layout *l)
{
    const struct assign_sheet *s = l->s;
    char text[512], title[96];
    const double room = l->sheet_w - 2 * GAP;
    snprintf(title, sizeof title, "The task-aligned assigner, step by step: %s head",
             s->figure->views[l->steps->view].head);
    set_colour(cr, colour_ink, 1);
    font_select(cr, 22, 1);
    panel_write(cr, GAP, 12, room, title);
    font_select(cr, 14, 0);
    snprintf(text, sizeof text, "%s, read as %d x %d; %s; metric = score^alpha x overlap^beta", s->photo_name,
             s->photo->input.w, s->photo->input.h, s->network);
    panel_write(cr, GAP, 42, room, text);
    const double end = mark_legend(cr, GAP, 76, &s->figure->shape);
    font_select(cr, 13, 0);
    snprintf(text, sizeof text, "metric, by its logarithm, %d powers of ten", DECADES);
    panel_heat_bar(cr, end, 70, text);
}

static void paint_all(cairo_t *cr, void *context)
{
    enum { WORDS = 160 };
    const struct layout *l = context;
    const struct assign_figure *f = l->s->figure;
    paint_title(cr, l);
    for (int step = 0; step < STEPS; step++) {
        char title[WORDS], text[WORDS];
        const struct photo_place at = place_of(l, step);
        caption_of(f, l->steps, step, title, text, WORDS);
        set_colour(cr, colour_ink, 1);
        font_select(cr, 17, 1);
        panel_write(cr, at.x, at.y - CAPTION + 2, l->w, title);
        font_select(cr, 14, 0);
        panel_write(cr, at.x, at.y - 20, l->w, text);
        cairo_save(cr);
        cairo_rectangle(cr, at.x, at.y, l->w, l->h);
        cairo_clip(cr);
        draw_step(cr, f, &at, step, &l->steps->result);
        cairo_restore(cr);
    }
}

enum status assign_draw_steps(const struct assign_sheet *s, int steps, const char *path)
{
    enum status rc = OK;
    struct image sheet = {0}, panel = {0};
    struct layout l = layout_of(s, steps);
    TRY_CLEAN(image_check_size("picture of the assigner's steps", l.sheet_h, l.sheet_w, NULL));
    TRY_CLEAN(image_init(&sheet, l.sheet_h, l.sheet_w));
    image_fill(&sheet, 255, 255, 255);
    TRY_CLEAN(mark_objects(s->figure, &s->figure->views[l.steps->view], &s->photo->input, l.w, l.h, &panel));
    for (int step = 0; step < STEPS; step++) {
        const struct photo_place at = place_of(&l, step);
        image_paste(&panel, 0, 0, l.h, l.w, &sheet, (int)at.y, (int)at.x);
    }
    TRY_CLEAN(image_paint(&sheet, paint_all, &l));
    TRY_CLEAN(image_write_png(path, &sheet));
cleanup:
    image_free(&sheet);
    image_free(&panel);
    return rc;
}
