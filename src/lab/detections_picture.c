#include "lab/detections_picture.h"

#include "core/mem.h"
#include "image/chart.h"
#include "image/draw.h"
#include "image/encode.h"
#include "lab/panel.h"

#include <math.h>
#include <stdio.h>

enum {
    WIDTH = 1920, /* the most pixels */
    MOST_H = 430, /* of a panel */
    LEAST_W = 400,
    GAP = 16,
    TOP = 84,
    CAPTION = 26,
    CHARTS_W = 640,  /* at least */
    CHARTS_TOP = 66, /* the words above them, and below */
    BARS_SHOWN = 8,  /* classes of an anchor head's box */
};

struct layout {
    const struct detections_sheet *s;
    double scale;         /* pixels of a panel for one of the input */
    int cols, w, h, step; /* panels, which show the input without its border; from one column to the next */
    int charts_w, sheet_w, sheet_h;
};

static struct layout layout_of(const struct detections_sheet *s)
{
    const struct letterbox *box = &s->figure->input.box;
    struct layout l = {.s = s, .cols = MAX(s->figure->n_levels, 3)};
    const double most_w = (WIDTH - GAP) / (double)l.cols - GAP;
    l.scale = fmin(most_w / box->inner_w, (double)MOST_H / box->inner_h);
    l.w = MAX((int)(box->inner_w * l.scale), 1);
    l.h = MAX((int)(box->inner_h * l.scale), 1);
    l.step = MAX(l.w, LEAST_W) + GAP;
    l.charts_w = MAX((l.cols - 2) * l.step - GAP, CHARTS_W);
    l.sheet_w = MAX(GAP + l.cols * l.step, GAP + 2 * l.step + l.charts_w + GAP);
    l.sheet_h = TOP + 2 * (CAPTION + l.h + GAP);
    return l;
}

static int column_x(const struct layout *l, int col)
{
    return GAP + col * l->step;
}

static int row_y(const struct layout *l, int row)
{
    return TOP + row * (CAPTION + l->h + GAP) + CAPTION;
}

/* A place of the input, x or y, in a panel. */
static double panel_place(const struct layout *l, double place, bool y)
{
    const struct letterbox *box = &l->s->figure->input.box;
    return (place - (y ? box->top : box->left)) * l->scale;
}

static float largest_score(const struct detections_figure *f)
{
    float most = 0;
    for (int i = 0; i < f->n_levels; i++)
        most = MAX(most, f->levels[i].most);
    return most;
}

/* --- panels --- */

/* Boxes as draw_detections takes them: the kept ones, or all. */
struct drawn {
    float *boxes, *scores;
    int *classes, n;
};

static void drawn_free(struct drawn *d)
{
    mem_free(d->boxes);
    mem_free(d->scores);
    mem_free(d->classes);
}

static enum status drawn_make(const struct layout *l, bool kept, struct drawn *d)
{
    const struct detections_figure *f = l->s->figure;
    const size_t n = (size_t)f->n_boxes + 1;
    *d = (struct drawn){mem_alloc(n, 4 * sizeof(float)), mem_alloc(n, sizeof(float)), mem_alloc(n, sizeof(int)), 0};
    if (!d->boxes || !d->scores || !d->classes)
        return E_NOMEM;
    for (int i = 0; i < f->n_boxes; i++) {
        const struct traced_box *b = &f->boxes[i];
        if (kept && b->end.fate != NMS_KEPT)
            continue;
        for (int k = 0; k < 4; k++)
            d->boxes[4 * d->n + k] = (float)panel_place(l, (double)b->input[k], k % 2);
        d->scores[d->n] = b->score;
        d->classes[d->n++] = b->class;
    }
    return OK;
}

/* The photo without its grey border; with a map of the whole input over it, where one is given. */
static enum status make_panel(const struct layout *l, double fade, const struct level_heat *map, struct image *panel)
{
    enum status rc = OK;
    const struct detections_figure *f = l->s->figure;
    const struct letterbox *box = &f->input.box;
    struct image pale = {0}, inner = {0};
    TRY_CLEAN(panel_photo(&f->input.pixels, fade, f->input.pixels.w, f->input.pixels.h, &pale));
    if (map)
        panel_heat(&pale, map->score, map->h, map->w, largest_score(f));
    TRY_CLEAN(image_crop(&pale, box->left, box->top, box->left + box->inner_w, box->top + box->inner_h, &inner));
    TRY_CLEAN(panel_photo(&inner, 0, l->w, l->h, panel));
cleanup:
    image_free(&pale);
    image_free(&inner);
    return rc;
}

static enum status place_boxes(const struct layout *l, bool kept, struct image *sheet)
{
    enum status rc = OK;
    const struct detections_sheet *s = l->s;
    struct image panel = {0};
    struct drawn d = {0};
    const struct draw_options how = {.line_thickness = kept ? 2 : 1, .text_size = 12, .hide_labels = !kept};
    TRY_CLEAN(make_panel(l, 0.25, NULL, &panel));
    TRY_CLEAN(drawn_make(l, kept, &d));
    TRY_CLEAN(draw_detections(&panel, d.boxes, d.scores, d.classes, d.n, s->names, s->nc, &how));
    image_paste(&panel, 0, 0, l->h, l->w, sheet, row_y(l, 1), column_x(l, kept));
cleanup:
    drawn_free(&d);
    image_free(&panel);
    return rc;
}

static enum status place_levels(const struct layout *l, struct image *sheet)
{
    enum status rc = OK;
    struct image panel = {0};
    for (int i = 0; i < l->s->figure->n_levels; i++) {
        TRY_CLEAN(make_panel(l, 0.65, &l->s->figure->levels[i], &panel));
        image_paste(&panel, 0, 0, l->h, l->w, sheet, row_y(l, 0), column_x(l, i));
    }
cleanup:
    image_free(&panel);
    return rc;
}

/* --- charts --- */

static void draw_chart(cairo_t *cr, double x, double y, double w, double h, const struct chart *chart)
{
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_rectangle(cr, 0, 0, w, h);
    cairo_clip(cr);
    chart_draw(cr, w, h, chart);
    cairo_restore(cr);
}

/* The distribution of each side over its bins, and its expectation. */
static void draw_sides(cairo_t *cr, const struct layout *l, double x, double y, double w, double h)
{
    static const char *const sides[4] = {"left", "top", "right", "bottom"};
    const struct detections_figure *f = l->s->figure;
    const int stride = f->levels[f->place.level].stride;
    for (int k = 0; k < 4; k++) {
        char title[96];
        double values[DECODE_MAX_BINS];
        for (int b = 0; b < f->bins; b++)
            values[b] = (double)f->dfl[k][b];
        snprintf(title, sizeof title, "%s: %.2f x %d = %.1f px", sides[k], (double)f->distance[k], stride,
                 (double)f->distance[k] * stride);
        const struct series bars = {.style = SERIES_BARS, .y = values, .n = f->bins, .width = 0.8};
        const struct chart chart = {.title = title,
                                    .series = &bars,
                                    .n_series = 1,
                                    .x = {.low = -0.7, .high = f->bins - 0.3, .whole = true},
                                    .y = {.low = 0, .high = 1},
                                    .mark_name = "expectation",
                                    .mark = (double)f->distance[k]};
        draw_chart(cr, x + k % 2 * w / 2, y + k / 2 * h / 2, w / 2, h / 2, &chart);
    }
}

/* The classes of largest score, falling. Returns how many. */
static int best_classes(const struct detections_figure *f, int nc, int best[BARS_SHOWN])
{
    int n = 0;
    for (int k = 0; k < nc; k++) {
        if (n == BARS_SHOWN && !(f->classes[k] > f->classes[best[n - 1]]))
            continue;
        int at = n < BARS_SHOWN ? n++ : n - 1;
        for (; at > 0 && f->classes[best[at - 1]] < f->classes[k]; at--)
            best[at] = best[at - 1];
        best[at] = k;
    }
    return n;
}

/* What an anchor box has instead: numbers from 0 to 1 that move and stretch it, and its scores. */
static void draw_anchor(cairo_t *cr, const struct layout *l, double x, double y, double w, double h)
{
    static const char *const names[] = {"x", "y", "w", "h", "object"};
    const struct detections_figure *f = l->s->figure;
    double values[COUNT(names)], scores[BARS_SHOWN];
    char words[BARS_SHOWN][64];
    const char *classes[BARS_SHOWN];
    int best[BARS_SHOWN];
    const int n = best_classes(f, l->s->nc, best);
    for (int k = 0; k < COUNT(names); k++)
        values[k] = (double)f->logits[k];
    for (int i = 0; i < n; i++) {
        text_class(l->s->names, l->s->nc, best[i], words[i], sizeof words[i]);
        scores[i] = (double)f->classes[best[i]];
        classes[i] = words[i];
    }
    const struct series box = {.style = SERIES_BARS, .y = values, .n = COUNT(names), .width = 0.7};
    const struct series scored = {.style = SERIES_BARS, .y = scores, .n = n, .width = 0.7};
    const struct chart left = {.title = "Sigmoids of the box and its objectness",
                               .series = &box,
                               .n_series = 1,
                               .x = {.low = -0.7, .high = COUNT(names) - 0.3, .names = names, .n_names = COUNT(names)},
                               .y = {.low = 0, .high = 1}};
    const struct chart right = {.title = "Scores: class times objectness",
                                .series = &scored,
                                .n_series = 1,
                                .x = {.low = -0.7, .high = MAX(n, 3) - 0.3, .names = classes, .n_names = n},
                                .y = {.low = 0, .high = 1}};
    draw_chart(cr, x, y, w / 2, h, &left);
    draw_chart(cr, x + w / 2, y, w / 2, h, &right);
}

/* --- words --- */

static void paint_box_words(cairo_t *cr, const struct layout *l, double x, double y)
{
    const struct detections_figure *f = l->s->figure;
    char name[96], text[256], number[32];
    text_class(l->s->names, l->s->nc, f->class, name, sizeof name);
    snprintf(number, sizeof number, "Box %d", f->chosen + 1);
    snprintf(text, sizeof text, "%s: %s %.2f, of the cell (%d, %d) at stride %d",
             f->chosen >= 0 ? number : "No box is kept; the best of all", name, (double)f->score, f->place.x,
             f->place.y, f->levels[f->place.level].stride);
    font_select(cr, 15, 1);
    panel_write(cr, x, y, l->charts_w, text);
    font_select(cr, 13, 0);
    if (f->bins) {
        panel_write(cr, x, y + 24, l->charts_w,
                    "How far its sides are from the anchor point, in strides: a distribution over bins (DFL)");
        return;
    }
    const float *anchor = f->graph->head.anchor[f->place.level][f->place.anchor];
    snprintf(text, sizeof text,
             "No distribution: anchor box %.0f x %.0f px, (2w)^2 and (2h)^2 times as large: %.1f x %.1f px",
             (double)anchor[0], (double)anchor[1], (double)(f->xyxy[2] - f->xyxy[0]),
             (double)(f->xyxy[3] - f->xyxy[1]));
    panel_write(cr, x, y + 24, l->charts_w, text);
}

static void paint_title(cairo_t *cr, const struct layout *l)
{
    const struct detections_sheet *s = l->s;
    const struct detections_figure *f = s->figure;
    char text[512];
    font_select(cr, 22, 1);
    panel_write(cr, GAP, 10, l->sheet_w - 2 * GAP, "Activation and decision");
    font_select(cr, 14, 0);
    snprintf(text, sizeof text, "%s, read as %d x %d; %s", s->photo, f->input.pixels.w, f->input.pixels.h, s->network);
    panel_write(cr, GAP, 38, l->sheet_w - 2 * GAP, text);
    snprintf(text, sizeof text, "largest score of %s in a cell, 0 to %.2f", s->shown, (double)largest_score(f));
    panel_heat_bar(cr, GAP, 62, text);
}

static void paint_captions(cairo_t *cr, const struct layout *l)
{
    const struct detections_sheet *s = l->s;
    const struct detections_figure *f = s->figure;
    char text[256], name[96];
    font_select(cr, 15, 1);
    for (int i = 0; i < f->n_levels; i++) {
        const struct level_heat *level = &f->levels[i];
        text_class(s->names, s->nc, level->class, name, sizeof name);
        snprintf(text, sizeof text, "stride %d: at most %.2g (%s)", level->stride, (double)level->most, name);
        panel_write(cr, column_x(l, i), row_y(l, 0) - CAPTION + 4, l->step - GAP, text);
    }
    snprintf(text, sizeof text, "before NMS: %d above %.4g", f->n_boxes, s->conf);
    panel_write(cr, column_x(l, 0), row_y(l, 1) - CAPTION + 4, l->step - GAP, text);
    snprintf(text, sizeof text, "after NMS (IoU > %.3g): %d kept, %d suppressed", s->iou, f->kept, f->suppressed);
    if (f->left_out)
        snprintf(text, sizeof text, "after NMS: %d kept, %d suppressed, %d beyond the limit", f->kept, f->suppressed,
                 f->left_out);
    panel_write(cr, column_x(l, 1), row_y(l, 1) - CAPTION + 4, l->step - GAP, text);
}

/* A ring around the cell whose box is looked into, on its level and on the boxes. */
static void paint_cell(cairo_t *cr, const struct layout *l)
{
    const struct detections_figure *f = l->s->figure;
    const double stride = f->levels[f->place.level].stride;
    const double x = panel_place(l, (f->place.x + 0.5) * stride, false);
    const double y = panel_place(l, (f->place.y + 0.5) * stride, true);
    const double centre[2][2] = {{column_x(l, f->place.level) + x, row_y(l, 0) + y},
                                 {column_x(l, 1) + x, row_y(l, 1) + y}};
    for (int i = 0; i < 2; i++)
        for (int edge = 1; edge >= 0; edge--) {
            const struct colour white = {255, 255, 255};
            cairo_new_path(cr);
            cairo_arc(cr, centre[i][0], centre[i][1], 7, 0, 2 * M_PI);
            cairo_set_line_width(cr, edge ? 5 : 2.2);
            set_colour(cr, edge ? white : colour_ink, 1);
            cairo_stroke(cr);
        }
}

static void paint_all(cairo_t *cr, void *context)
{
    const struct layout *l = context;
    const double x = column_x(l, 2), y = row_y(l, 1) - CAPTION + 4;
    set_colour(cr, colour_ink, 1);
    paint_title(cr, l);
    paint_captions(cr, l);
    paint_box_words(cr, l, x, y);
    paint_cell(cr, l);
    const double top = y + CHARTS_TOP - 18, h = row_y(l, 1) + l->h - top;
    if (l->s->figure->bins)
        draw_sides(cr, l, x, top, l->charts_w, h);
    else
        draw_anchor(cr, l, x, top, l->charts_w, h);
}

enum status detections_draw(const struct detections_sheet *s, const char *path)
{
    enum status rc = OK;
    struct image sheet = {0};
    struct layout l = layout_of(s);
    TRY_CLEAN(image_check_size("picture of detections", l.sheet_h, l.sheet_w, NULL));
    TRY_CLEAN(image_init(&sheet, l.sheet_h, l.sheet_w));
    image_fill(&sheet, 255, 255, 255);
    TRY_CLEAN(place_levels(&l, &sheet));
    TRY_CLEAN(place_boxes(&l, false, &sheet));
    TRY_CLEAN(place_boxes(&l, true, &sheet));
    TRY_CLEAN(image_paint(&sheet, paint_all, &l));
    TRY_CLEAN(image_write_png(path, &sheet));
cleanup:
    image_free(&sheet);
    return rc;
}
