#include "data/synth.h"
#include "data/synth_parts.h"

#include <assert.h>
#include <math.h>

static const double PI = 3.14159265358979323846;

static void polygon(cairo_t *cr, const double (*points)[2], int n)
{
    for (int i = 0; i < n; i++)
        cairo_line_to(cr, points[i][0], points[i][1]);
    cairo_close_path(cr);
}

/* n corners on a circle, every second one at `inner`; the first is on top. */
static void spikes(cairo_t *cr, int n, double inner)
{
    for (int i = 0; i < 2 * n; i++) {
        double r = i % 2 ? inner : 1, turn = PI * i / n;
        cairo_line_to(cr, r * sin(turn), -r * cos(turn));
    }
    cairo_close_path(cr);
}

static void circle(cairo_t *cr, double r)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, 0, 0, r, 0, 2 * PI);
    cairo_close_path(cr);
}

static void disc(cairo_t *cr)
{
    circle(cr, 1);
}

static void star(cairo_t *cr)
{
    spikes(cr, 5, 0.42);
}

static void cross(cairo_t *cr)
{
    static const double a = 0.34, p[][2] = {{-a, -1}, {a, -1}, {a, -a}, {1, -a}, {1, a},   {a, a},
                                            {a, 1},   {-a, 1}, {-a, a}, {-1, a}, {-1, -a}, {-a, -a}};
    polygon(cr, p, COUNT(p));
}

static void triangle(cairo_t *cr)
{
    static const double p[][2] = {{0, -0.95}, {1, 0.85}, {-1, 0.85}};
    polygon(cr, p, COUNT(p));
}

static void ring(cairo_t *cr)
{
    circle(cr, 1);
    circle(cr, 0.55);
}

static void arrow(cairo_t *cr)
{
    static const double p[][2] = {{-1, -0.28}, {0.1, -0.28}, {0.1, -0.75}, {1, 0},
                                  {0.1, 0.75}, {0.1, 0.28},  {-1, 0.28}};
    polygon(cr, p, COUNT(p));
}

static void heart(cairo_t *cr)
{
    cairo_move_to(cr, 0, 0.95);
    cairo_curve_to(cr, -0.5, 0.5, -1, 0.15, -1, -0.35);
    cairo_curve_to(cr, -1, -1.05, -0.2, -1.1, 0, -0.45);
    cairo_curve_to(cr, 0.2, -1.1, 1, -1.05, 1, -0.35);
    cairo_curve_to(cr, 1, 0.15, 0.5, 0.5, 0, 0.95);
    cairo_close_path(cr);
}

static void moon(cairo_t *cr)
{
    cairo_new_sub_path(cr);
    cairo_arc(cr, 0.2, 0, 1, 0.3 * PI, 1.7 * PI);
    cairo_arc_negative(cr, 0.75, 0, 0.81, 1.5 * PI, 0.5 * PI);
    cairo_close_path(cr);
}

static void square(cairo_t *cr)
{
    cairo_rectangle(cr, -0.85, -0.85, 1.7, 1.7);
}

static void hexagon(cairo_t *cr)
{
    for (int i = 0; i < 6; i++)
        cairo_line_to(cr, cos(i * PI / 3), sin(i * PI / 3));
    cairo_close_path(cr);
}

static void bolt(cairo_t *cr)
{
    static const double p[][2] = {{0.25, -1}, {-0.65, 0.15}, {-0.05, 0.15}, {-0.3, 1}, {0.65, -0.25}, {0.05, -0.25}};
    polygon(cr, p, COUNT(p));
}

static void drop(cairo_t *cr)
{
    cairo_move_to(cr, 0, -1);
    cairo_curve_to(cr, 0.25, -0.45, 0.7, -0.1, 0.7, 0.35);
    cairo_curve_to(cr, 0.7, 0.8, 0.35, 1, 0, 1);
    cairo_curve_to(cr, -0.35, 1, -0.7, 0.8, -0.7, 0.35);
    cairo_curve_to(cr, -0.7, -0.1, -0.25, -0.45, 0, -1);
    cairo_close_path(cr);
}

static void gear(cairo_t *cr)
{
    enum { TEETH = 9 };
    for (int i = 0; i < 4 * TEETH; i++) {
        double r = i % 4 < 2 ? 1 : 0.74, turn = 2 * PI * (i + (i % 2 ? -0.15 : 0.15)) / (4 * TEETH);
        cairo_line_to(cr, r * cos(turn), r * sin(turn));
    }
    cairo_close_path(cr);
    circle(cr, 0.3);
}

static void flower(cairo_t *cr)
{
    for (int i = 0; i < 120; i++) {
        double turn = 2 * PI * i / 120, r = 0.68 + 0.32 * cos(6 * turn);
        cairo_line_to(cr, r * cos(turn), r * sin(turn));
    }
    cairo_close_path(cr);
    circle(cr, 0.22);
}

static void house(cairo_t *cr)
{
    static const double p[][2] = {{0, -1},       {1, -0.1},     {0.75, -0.1}, {0.75, 0.95},
                                  {-0.75, 0.95}, {-0.75, -0.1}, {-1, -0.1}};
    polygon(cr, p, COUNT(p));
    cairo_rectangle(cr, -0.22, 0.25, 0.44, 0.7);
}

static void fish(cairo_t *cr)
{
    cairo_move_to(cr, -0.45, 0);
    cairo_line_to(cr, -1, -0.5);
    cairo_line_to(cr, -0.85, 0);
    cairo_line_to(cr, -1, 0.5);
    cairo_close_path(cr);
    cairo_move_to(cr, -0.6, 0);
    cairo_curve_to(cr, -0.2, -0.75, 0.6, -0.7, 1, 0);
    cairo_curve_to(cr, 0.6, 0.7, -0.2, 0.75, -0.6, 0);
    cairo_close_path(cr);
}

/* A letter, stretched into the square. */
static void glyph(cairo_t *cr, const char *text)
{
    cairo_text_extents_t e;
    font_select(cr, 1, 1);
    cairo_text_extents(cr, text, &e);
    double largest = fmax(e.width, e.height);
    assert(largest > 0);
    cairo_save(cr);
    cairo_scale(cr, 2 / largest, 2 / largest);
    cairo_move_to(cr, -e.x_bearing - e.width / 2, -e.y_bearing - e.height / 2);
    cairo_text_path(cr, text);
    cairo_restore(cr);
}

static void letter_a(cairo_t *cr)
{
    glyph(cr, "A");
}

static void letter_k(cairo_t *cr)
{
    glyph(cr, "K");
}

static void letter_r(cairo_t *cr)
{
    glyph(cr, "R");
}

static void digit_8(cairo_t *cr)
{
    glyph(cr, "8");
}

/* The first ones are the easiest to tell apart. */
static const struct shape {
    const char *name;
    void (*path)(cairo_t *cr);
} shapes[SYNTH_MAX_CLASSES] = {
    {"disc", disc},   {"star", star},         {"cross", cross},       {"triangle", triangle}, {"ring", ring},
    {"arrow", arrow}, {"heart", heart},       {"moon", moon},         {"square", square},     {"hexagon", hexagon},
    {"bolt", bolt},   {"drop", drop},         {"gear", gear},         {"flower", flower},     {"house", house},
    {"fish", fish},   {"letter A", letter_a}, {"letter K", letter_k}, {"letter R", letter_r}, {"digit 8", digit_8},
};

void shape_path(cairo_t *cr, int class)
{
    shapes[class].path(cr);
}

const char *shape_name(int class)
{
    return shapes[class].name;
}
