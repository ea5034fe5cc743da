#include "lab/diagram_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NOTE_SIZE = 11, HEADING_SIZE = 13, NAME_SIZE = 20 };

static struct colour part_colour(enum part part, enum row_use use)
{
    static const int number[] = {[PART_BACKBONE] = 0, [PART_NECK] = 1, [PART_HEAD] = 2};
    if (use == ROW_AUXILIARY)
        return palette_get(3);
    return part == PART_INPUT || use == ROW_UNUSED ? colour_ink : palette_get(number[part]);
}

static struct colour box_colour(const struct box *b)
{
    return part_colour(b->part, b->use);
}

/* The same colour on paper: text on it stays readable. */
static void set_tint(cairo_t *cr, struct colour c, double strength)
{
    cairo_set_source_rgb(cr, 1 - strength * (1 - c.red / 255.0), 1 - strength * (1 - c.green / 255.0),
                         1 - strength * (1 - c.blue / 255.0));
}

static void set_dashes(cairo_t *cr, bool dashed)
{
    const double dash[] = {5, 3};
    cairo_set_dash(cr, dash, dashed ? 2 : 0, 0);
}

static void outline(cairo_t *cr, double x, double y, double w, double h, double r)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, x + w - r, y + r, r, -M_PI / 2, 0);
    cairo_arc(cr, x + w - r, y + h - r, r, 0, M_PI / 2);
    cairo_arc(cr, x + r, y + h - r, r, M_PI / 2, M_PI);
    cairo_arc(cr, x + r, y + r, r, M_PI, 3 * M_PI / 2);
    cairo_close_path(cr);
}

/* --- boxes --- */

static void draw_words(cairo_t *cr, const struct box *b)
{
    char text[128];
    double y = b->two_lines ? b->y + b->height / 2 - 7.5 : b->y + b->height / 2, room = b->width - 2 * WORD_PAD;
    set_colour(cr, colour_ink, 1);
    font_select(cr, TITLE_SIZE, 1);
    text_shorten(cr, b->title, room, false, text, sizeof text);
    text_show(cr, b->x + WORD_PAD, y, 0, 0.5, text);
    double used = text_width(cr, text) + WORD_PAD;
    font_select(cr, ARGS_SIZE, 0);
    text_shorten(cr, b->args, b->two_lines ? room : room - used, false, text, sizeof text);
    if (b->two_lines)
        text_show(cr, b->x + WORD_PAD, b->y + b->height / 2 + 8.5, 0, 0.5, text);
    else
        text_show(cr, b->x + b->width - WORD_PAD, y, 1, 0.5, text);
}

static void draw_box(cairo_t *cr, const struct diagram *d, int i)
{
    const struct box *b = &d->boxes[i];
    struct colour colour = box_colour(b);
    outline(cr, b->x, b->y, b->width, b->height, 4);
    set_tint(cr, colour, b->use == ROW_UNUSED ? 0.05 : 0.22);
    cairo_fill_preserve(cr);
    set_colour(cr, colour, 1);
    set_dashes(cr, b->use != ROW_MAIN);
    cairo_set_line_width(cr, 1.4);
    cairo_stroke(cr);
    set_dashes(cr, false);
    draw_words(cr, b);
}

/* What it hands on, beside its wire in the gap behind it. */
static void draw_map(cairo_t *cr, const struct diagram *d, int i)
{
    const struct box *b = &d->boxes[i];
    double y = box_upwards(d, i) ? b->y - 8.5 : b->y + b->height + 8.5;
    const double aside = 6, room = BOX_WIDTH / 2.0 - aside + GUTTER_PAD - 3;
    font_select(cr, MAP_SIZE, 0);
    double needed = text_width(cr, b->hands_on);
    if (needed > room)
        font_select(cr, MAP_SIZE * room / needed, 0);
    set_colour(cr, colour_ink, 0.85);
    text_show(cr, b->x + b->width / 2 + aside, y, 0, 0.5, b->hands_on);
}

/* --- wires --- */

static void draw_arrow(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    double length = hypot(x1 - x0, y1 - y0);
    double u = length > 0 ? (x1 - x0) / length : 0, v = length > 0 ? (y1 - y0) / length : 1;
    cairo_move_to(cr, x1, y1);
    cairo_line_to(cr, x1 - 7 * u - 3 * v, y1 - 7 * v + 3 * u);
    cairo_line_to(cr, x1 - 7 * u + 3 * v, y1 - 7 * v - 3 * u);
    cairo_close_path(cr);
    cairo_fill(cr);
}

/* A wire into the auxiliary branch is removed with it. */
static struct colour wire_colour(const struct diagram *d, const struct wire *w)
{
    const struct box *to = &d->boxes[w->to];
    return to->use == ROW_AUXILIARY ? box_colour(to) : box_colour(&d->boxes[w->from]);
}

static void draw_wire(cairo_t *cr, const struct diagram *d, int i)
{
    const struct wire *w = &d->wires[i];
    set_colour(cr, wire_colour(d, w), 1);
    cairo_set_line_width(cr, 1.3);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    set_dashes(cr, d->boxes[w->to].use != ROW_MAIN);
    cairo_move_to(cr, w->x[0], w->y[0]);
    for (int k = 1; k < w->n; k++)
        cairo_line_to(cr, w->x[k], w->y[k]);
    cairo_stroke(cr);
    set_dashes(cr, false);
    draw_arrow(cr, w->x[w->n - 2], w->y[w->n - 2], w->x[w->n - 1], w->y[w->n - 1]);
}

static void draw_dots(cairo_t *cr, const struct diagram *d)
{
    for (int i = 0; i < d->n_dots; i++) {
        set_colour(cr, box_colour(&d->boxes[d->dots[i].box]), 1);
        cairo_arc(cr, d->dots[i].x, d->dots[i].y, 2.2, 0, 2 * M_PI);
        cairo_fill(cr);
    }
}

/* --- words around --- */

static void draw_band(cairo_t *cr, const struct diagram *d, int k, bool shaded)
{
    const struct band *b = &d->bands[k];
    char text[64];
    double y = b->y + b->height / 2;
    cairo_set_source_rgb(cr, shaded ? 0.955 : 0.985, shaded ? 0.96 : 0.985, shaded ? 0.97 : 0.985);
    cairo_rectangle(cr, 0, b->y, d->width, b->height);
    cairo_fill(cr);
    set_colour(cr, colour_ink, 1);
    font_select(cr, HEADING_SIZE, 1);
    snprintf(text, sizeof text, "P%d", k - 1);
    text_show(cr, 12, k ? y - 16 : y, 0, 0.5, k == 0 ? "input" : k == 1 ? "full size" : text);
    if (k == 0)
        return;
    font_select(cr, NOTE_SIZE, 0);
    snprintf(text, sizeof text, "stride %d", 1 << (k - 1));
    text_show(cr, 12, y + 1, 0, 0.5, text);
    for (int i = 0; i < d->n_boxes; i++) {
        if (d->boxes[i].band == k) {
            snprintf(text, sizeof text, "%d x %d", d->boxes[i].h, d->boxes[i].w);
            text_show(cr, 12, y + 16, 0, 0.5, text);
            break;
        }
    }
}

/* "auxiliary neck, top-down"; of a stage whose rows stand each for itself the module that they have in common. */
static void stage_name(const struct diagram *d, int stage, char *out, size_t size)
{
    const struct stage *s = &d->stages[stage];
    const char *module = NULL;
    enum part part = PART_NECK;
    bool mixed = false, seen = false;
    for (int i = 1; i < d->n_boxes; i++) {
        const struct box *b = &d->boxes[i];
        if (b->stage != stage)
            continue;
        const char *its = d->figures->rows[b->row].module;
        mixed |= module && module != its && strcmp(module, its) != 0;
        module = its;
        part = seen ? part : b->part;
        seen = true;
    }
    const char *way = part != PART_NECK || !s->direction ? "" : s->direction < 0 ? ", top-down" : ", bottom-up";
    bool single = !s->direction && part != PART_HEAD && !mixed && module;
    snprintf(out, size, "%s%s%s", s->auxiliary ? "auxiliary " : "", single ? module : part_names[part], way);
}

static void draw_headings(cairo_t *cr, const struct diagram *d)
{
    char text[96];
    for (int i = 0; i < d->n_stages; i++) {
        stage_name(d, i, text, sizeof text);
        font_select(cr, HEADING_SIZE, 1);
        set_colour(cr, colour_ink, 1);
        text_show(cr, d->column_x[d->stages[i].column] + BOX_WIDTH / 2.0, d->top - 14, 0.5, 0.5, text);
    }
}

static double draw_key(cairo_t *cr, double x, double y, enum part part, enum row_use use, const char *text)
{
    outline(cr, x, y - 6, 18, 12, 3);
    set_tint(cr, part_colour(part, use), 0.22);
    cairo_fill_preserve(cr);
    set_colour(cr, part_colour(part, use), 1);
    set_dashes(cr, use != ROW_MAIN);
    cairo_set_line_width(cr, 1.4);
    cairo_stroke(cr);
    set_dashes(cr, false);
    font_select(cr, NOTE_SIZE, 0);
    set_colour(cr, colour_ink, 1);
    text_show(cr, x + 24, y, 0, 0.5, text);
    return x + 24 + text_width(cr, text) + 22;
}

double diagram_draw_title(cairo_t *cr, const struct diagram *d)
{
    const struct figures *f = d->figures;
    const struct cost aux = figures_auxiliary(f);
    bool unused = false;
    char text[256];
    double x = 12;
    for (int i = 0; i < d->n_boxes; i++)
        unused |= d->boxes[i].use == ROW_UNUSED;
    set_colour(cr, colour_ink, 1);
    font_select(cr, NAME_SIZE, 1);
    text_show(cr, x, 22, 0, 0.5, f->table.name);
    font_select(cr, NOTE_SIZE, 0);
    snprintf(text, sizeof text,
             "Training %.2f M parameters, %.2f GFLOPs; deployed %.2f M, %.2f GFLOPs at %d x %d. On wires: channels x "
             "rows x columns.",
             1e-6 * f->whole.params, f->whole.gflops, 1e-6 * f->left.params, f->left.gflops, f->h, f->w);
    text_show(cr, x, 46, 0, 0.5, text);
    double right = x + text_width(cr, text);
    for (enum part part = PART_BACKBONE; part < PART_COUNT; part++)
        x = draw_key(cr, x, 66, part, ROW_MAIN, part_names[part]);
    if (aux.params > 0) {
        snprintf(text, sizeof text, "training only: deploying removes it (%.2f M parameters, %.2f GFLOPs)",
                 1e-6 * aux.params, aux.gflops);
        x = draw_key(cr, x, 66, PART_NECK, ROW_AUXILIARY, text);
    }
    if (unused)
        x = draw_key(cr, x, 66, PART_NECK, ROW_UNUSED, "no branch reads it");
    font_select(cr, NAME_SIZE, 1);
    return MAX(MAX(right, x), 12 + text_width(cr, f->table.name));
}

void diagram_draw(cairo_t *cr, double w, double h, const void *what)
{
    const struct diagram *d = what;
    bool shaded = false;
    (void)w;
    (void)h;
    for (int k = 0; k < DIAGRAM_BANDS; k++) {
        if (d->bands[k].height > 0)
            draw_band(cr, d, k, shaded = !shaded);
    }
    for (int i = 0; i < d->n_wires; i++)
        draw_wire(cr, d, i);
    draw_dots(cr, d);
    for (int i = 0; i < d->n_boxes; i++)
        draw_box(cr, d, i);
    for (int i = 0; i < d->n_boxes; i++)
        draw_map(cr, d, i);
    draw_headings(cr, d);
    diagram_draw_title(cr, d);
}
