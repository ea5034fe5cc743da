#include "image/chart.h"

#include "image/chart_frame.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static bool shown(const struct heatmap *m, double v)
{
    return isfinite(v) && !(m->blank_zero && v == 0);
}

static void heat_range(const struct heatmap *m, struct scale *s)
{
    *s = (struct scale){.low = m->low, .high = m->high, .logarithmic = m->logarithmic};
    if (m->low < m->high)
        return;
    s->low = DBL_MAX;
    s->high = -DBL_MAX;
    for (int i = 0; i < m->rows * m->cols; i++) {
        if (isfinite(m->values[i])) {
            s->low = MIN(s->low, m->values[i]);
            s->high = MAX(s->high, m->values[i]);
        }
    }
    if (m->logarithmic) { /* of counts: one has a colour of its own */
        s->low = 0.5;
        s->high = MAX(s->high, 1);
        return;
    }
    if (s->low > s->high)
        s->low = 0;
    if (s->low > 0)
        s->low = 0; /* counts and shares start at nothing */
    if (s->low >= s->high)
        s->high = s->low + 1;
}

static int heat_ticks(const char *const *names, int n, struct tick ticks[MAX_TICKS])
{
    int count = 0, stride = 1 + (n - 1) / MAX_TICKS;
    for (int i = 0; names && i < n; i += stride) {
        ticks[count].place = (i + 0.5) / n;
        text_clean(names[i], ticks[count++].text, sizeof ticks->text); /* frame_layout shortens it */
    }
    return count;
}

static void heat_cells(cairo_t *cr, const struct heatmap *m, const struct frame *f, const struct scale *s)
{
    double cw = f->w / m->cols, ch = f->h / m->rows, size = MIN(f->font * 0.92, MIN(ch * 0.5, cw * 0.36));
    bool numbers = m->decimals >= 0 && size >= 6;
    font_select(cr, size, 0);
    for (int i = 0; i < m->rows * m->cols; i++) {
        double v = m->values[i], x = f->x + i % m->cols * cw, y = f->y + i / m->cols * ch;
        if (!shown(m, v))
            continue;
        struct colour c = palette_heat(scale_place(s, v));
        cairo_rectangle(cr, x, y, cw, ch);
        set_colour(cr, c, 1);
        cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE); /* no seams between cells */
        cairo_fill(cr);
        cairo_set_antialias(cr, CAIRO_ANTIALIAS_DEFAULT);
        if (!numbers)
            continue;
        char text[32];
        snprintf(text, sizeof text, "%.*f", m->decimals, v);
        double width = text_width(cr, text);
        if (width > cw * 0.95)
            continue;
        set_colour(cr, text_colour_on(c), 1);
        text_show(cr, x + cw / 2, y + ch / 2, 0.5, 0.5, text);
    }
}

static void heat_bar(cairo_t *cr, const struct frame *f, const struct scale *s, double x, double w, const char *label)
{
    enum { STEPS = 64 };
    struct tick ticks[MAX_TICKS];
    double step = f->h / STEPS;
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_NONE);
    for (int i = 0; i < STEPS; i++) {
        cairo_rectangle(cr, x, f->y + f->h - (i + 1) * step, w, step + 0.5);
        set_colour(cr, palette_heat((i + 0.5) / STEPS), 1);
        cairo_fill(cr);
    }
    cairo_set_antialias(cr, CAIRO_ANTIALIAS_DEFAULT);
    int n = axis_ticks(s, 5, ticks);
    font_select(cr, f->font * 0.92, 0);
    set_colour(cr, colour_ink, 1);
    for (int i = 0; i < n; i++)
        if (!s->logarithmic || ticks[i].value >= 1) /* half an object is none */
            text_show(cr, x + w + f->font * 0.35, f->y + f->h * (1 - scale_place(s, ticks[i].value)), 0, 0.5,
                      ticks[i].text);
    if (!label)
        return;
    cairo_save(cr);
    cairo_translate(cr, x + w + f->font * 3.9, f->y + f->h / 2);
    cairo_rotate(cr, -M_PI / 2);
    font_select(cr, f->font, 0);
    text_show(cr, 0, 0, 0.5, 0.5, label);
    cairo_restore(cr);
}

/* Outlines of the cells where row and column are the same, and a line before the last of each. */
static void heat_marks(cairo_t *cr, const struct heatmap *m, const struct frame *f)
{
    double cw = f->w / m->cols, ch = f->h / m->rows;
    set_colour(cr, colour_ink, 0.35);
    cairo_set_line_width(cr, 1);
    for (int i = 0; m->diagonal && i < MIN(m->rows, m->cols); i++) {
        cairo_rectangle(cr, f->x + i * cw, f->y + i * ch, cw, ch);
        cairo_stroke(cr);
    }
    if (!m->last_apart)
        return;
    set_colour(cr, colour_ink, 0.8);
    cairo_move_to(cr, f->x, f->y + f->h - ch);
    cairo_line_to(cr, f->x + f->w, f->y + f->h - ch);
    cairo_move_to(cr, f->x + f->w - cw, f->y);
    cairo_line_to(cr, f->x + f->w - cw, f->y + f->h);
    cairo_stroke(cr);
}

void heatmap_draw(cairo_t *cr, double w, double h, const void *what)
{
    const struct heatmap *m = what;
    struct frame f;
    struct scale s;
    struct tick xt[MAX_TICKS], yt[MAX_TICKS];
    frame_begin(&f, cr, w, h);
    heat_range(m, &s);
    int n_x = heat_ticks(m->col_names, m->cols, xt), n_y = heat_ticks(m->row_names, m->rows, yt);
    double bar = f.font * 1.2, inner = w - bar - f.font * (m->bar_label ? 5.4 : 3.6);
    double cell = MIN(h * 0.75 / m->rows, inner * 0.75 / m->cols);
    f.small = MIN(f.small, MAX(cell * 0.85, 8.0)); /* every name, where that is readable */
    frame_layout(&f, cr, inner, h, m->title, m->x_label, m->y_label, xt, n_x, yt, n_y);
    heat_cells(cr, m, &f, &s);
    heat_marks(cr, m, &f);
    heat_bar(cr, &f, &s, inner, bar, m->bar_label);
    cairo_rectangle(cr, f.x, f.y, f.w, f.h);
    set_colour(cr, colour_ink, 0.6);
    cairo_set_line_width(cr, 1);
    cairo_stroke(cr);
}

enum status heatmap_write(const struct heatmap *heatmap, const char *path)
{
    return figure_write(path, heatmap->w ? heatmap->w : 960, heatmap->h ? heatmap->h : 800,
                        &(struct panel){heatmap_draw, heatmap}, 1, 1);
}
