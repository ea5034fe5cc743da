/* Curves and confusion matrices of an evaluation. */
#include "core/mem.h"
#include "core/path.h"
#include "eval/report.h"
#include "image/chart.h"
#include "image/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define PLOT_SMOOTH 0.05 /* SPEC 12.4 */

enum { ALL_NAMED = 20, EXTREMES = 5, SOLID_LINES = 10, NAME_BYTES = 96, LEGEND_NAME = 230 };

/* folder/name.png and folder/name.svg of one panel. */
static enum status write_both(const char *folder, const char *name, panel_fn *draw, const void *what, int w, int h)
{
    enum status rc = OK;
    struct buf path = {0};
    const struct panel panel = {draw, what};
    static const char *const kinds[] = {"png", "svg"};
    for (int i = 0; i < COUNT(kinds); i++) {
        buf_free(&path);
        TRY_CLEAN(buf_printf(&path, "%s/%s.%s", folder, name, kinds[i]));
        TRY_CLEAN(figure_write(path.data, w, h, &panel, 1, 1));
    }
cleanup:
    buf_free(&path);
    return rc;
}

/* --- curves --- */

/* A class (row of the AP result) and the value by which it is judged. */
struct ranked {
    int row;
    double value;
};

/* Memory of one curve chart: the mean, a line a class, and two headings. */
struct curves {
    double x[AP_CURVE_POINTS], mean[AP_CURVE_POINTS], smooth[AP_CURVE_POINTS];
    struct series *series;
    char (*names)[NAME_BYTES];
    struct ranked *order;
    int n; /* series */
};

static enum status curves_init(struct curves *c, int n_classes)
{
    size_t most = (size_t)n_classes + 4;
    for (int i = 0; i < AP_CURVE_POINTS; i++)
        c->x[i] = i / (double)(AP_CURVE_POINTS - 1);
    c->series = mem_calloc(most, sizeof(*c->series));
    c->names = mem_calloc(most, sizeof(*c->names));
    c->order = mem_calloc(most, sizeof(*c->order));
    return c->series && c->names && c->order ? OK : E_NOMEM;
}

static void mean_of_curves(const struct ap_result *a, const double *curve, double *mean)
{
    for (int i = 0; i < AP_CURVE_POINTS; i++) {
        mean[i] = 0;
        for (int row = 0; row < a->n_classes; row++)
            mean[i] += curve[(size_t)row * AP_CURVE_POINTS + (size_t)i] / a->n_classes;
    }
}

static int by_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    return x->row - y->row;
}

/* The next series, named `name` in the legend. */
static struct series *add_series(struct curves *c, const char *name)
{
    struct series *s = &c->series[c->n];
    snprintf(c->names[c->n], NAME_BYTES, "%s", name);
    *s = (struct series){.name = c->names[c->n], .style = SERIES_LINE, .x = c->x, .width = 1.6};
    c->n++;
    return s;
}

/* The class's name, cut so that a legend still has room for its value. */
static void legend_class(const char *const *names, int n_names, int class_index, char *out, size_t size)
{
    char whole[128];
    cairo_t *measure = measure_create();
    text_class(names, n_names, class_index, whole, sizeof(whole));
    font_select(measure, 16, 0); /* of the legend, about */
    text_shorten(measure, whole, LEGEND_NAME, false, out, size);
    cairo_destroy(measure);
}

/* A class's line in the colour `number`; lines of the second ten colours are dashed, to tell more of them apart. */
static void add_class(struct curves *c, const struct ap_result *a, const char *const *names, int n_names,
                      const double *curve, const struct ranked *r, int number)
{
    char class[64], name[NAME_BYTES];
    legend_class(names, n_names, a->class[r->row], class, sizeof(class));
    snprintf(name, sizeof(name), "%s %.3f", class, r->value);
    struct series *s = add_series(c, name);
    s->y = curve + (size_t)r->row * AP_CURVE_POINTS;
    s->n = AP_CURVE_POINTS;
    s->coloured = true;
    s->colour = palette_get(number);
    s->dashed = number % PALETTE_COLOURS >= SOLID_LINES;
}

static void add_faint(struct curves *c, const double *curve, int first, int last)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof(name), "the other %d classes", last - first);
    for (int i = first; i < last; i++) {
        struct series *s = add_series(c, name);
        s->name = i == first ? s->name : NULL;
        s->y = curve + (size_t)c->order[i].row * AP_CURVE_POINTS;
        s->n = AP_CURVE_POINTS;
        s->width = 1;
        s->coloured = true;
        s->colour = colour_faint;
    }
}

/* The thick line of all classes, and below it those of the classes: all named while a legend can be read, else the best
 * and the worst, and the others faint. c->order has each class's value. */
static void fill_series(struct curves *c, const struct ap_result *a, const char *const *names, int n_names,
                        const double *curve, const double *mean, const char *mean_name)
{
    int n = a->n_classes;
    c->n = 0;
    *add_series(c, mean_name) = (struct series){.name = c->names[0],
                                                .style = SERIES_LINE,
                                                .x = c->x,
                                                .y = mean,
                                                .n = AP_CURVE_POINTS,
                                                .width = 3.5,
                                                .coloured = true,
                                                .colour = colour_ink};
    if (n == 1) { /* its line is that of all classes */
        char class[64], only[NAME_BYTES];
        legend_class(names, n_names, a->class[0], class, sizeof(class));
        snprintf(only, sizeof(only), "the only class: %s", class);
        add_series(c, only);
        return;
    }
    if (n <= ALL_NAMED) {
        for (int i = 0; i < n; i++)
            add_class(c, a, names, n_names, curve, &c->order[i], a->class[c->order[i].row]);
        return;
    }
    qsort(c->order, (size_t)n, sizeof(*c->order), by_value);
    add_series(c, "the best classes");
    for (int i = 0; i < EXTREMES; i++)
        add_class(c, a, names, n_names, curve, &c->order[i], i);
    add_series(c, "the worst classes");
    for (int i = n - EXTREMES; i < n; i++)
        add_class(c, a, names, n_names, curve, &c->order[i], EXTREMES + i - (n - EXTREMES));
    add_faint(c, curve, EXTREMES, n - EXTREMES);
}

static enum status write_curve(struct curves *c, const struct ap_result *a, const char *folder, const char *name,
                               const char *title, const char *x, const char *y)
{
    const struct chart chart = {.title = title,
                                .x = {.label = x, .low = 0, .high = 1},
                                .y = {.label = y, .low = 0, .high = 1.02},
                                .series = c->series,
                                .n_series = a->n_classes ? c->n : 0,
                                .legend_beside = true,
                                .note = a->n_classes ? NULL : "no labels, so there is nothing to measure",
                                .w = 1200,
                                .h = 720};
    return write_both(folder, name, chart_draw, &chart, chart.w, chart.h);
}

/* A value over the score, with the best smoothed mean and where it lies in the legend; the classes' values are those at
 * that score. */
static enum status write_score_curve(struct curves *c, const struct evaluation *e, const struct ap_result *a,
                                     const char *const *names, const double *curve, const char *folder,
                                     const char *name, const char *y)
{
    char title[96], all[NAME_BYTES];
    int best = 0;
    mean_of_curves(a, curve, c->mean);
    curve_smooth(c->mean, AP_CURVE_POINTS, PLOT_SMOOTH, c->smooth);
    for (int i = 1; i < AP_CURVE_POINTS; i++)
        if (c->smooth[i] > c->smooth[best])
            best = i;
    for (int row = 0; row < a->n_classes; row++)
        c->order[row] = (struct ranked){row, curve[(size_t)row * AP_CURVE_POINTS + (size_t)best]};
    snprintf(all, sizeof(all), "all classes %.2f at score %.3f", c->smooth[best], c->x[best]);
    snprintf(title, sizeof(title), "%s over the score threshold at IoU 0.5", y);
    fill_series(c, a, names, e->nc, curve, c->smooth, all);
    return write_curve(c, a, folder, name, title, "Score threshold", y);
}

static enum status write_pr_curve(struct curves *c, const struct evaluation *e, const struct ap_result *a,
                                  const char *const *names, const char *folder)
{
    char all[NAME_BYTES];
    mean_of_curves(a, a->pr_curve, c->mean);
    for (int row = 0; row < a->n_classes; row++)
        c->order[row] = (struct ranked){row, a->ap[row][0]};
    snprintf(all, sizeof(all), "all classes, mAP50 %.3f", a->map50);
    fill_series(c, a, names, e->nc, a->pr_curve, c->mean, all);
    return write_curve(c, a, folder, "PR_curve", "Precision over recall at IoU 0.5 (legend: AP)", "Recall",
                       "Precision");
}

/* --- confusion --- */

/* Row and column names of a matrix of side nc + 1. */
struct matrix_names {
    char (*text)[NAME_BYTES];
    const char **rows, **cols;
};

static enum status name_matrix(struct matrix_names *m, int nc, const char *const *names)
{
    size_t side = (size_t)nc + 1;
    m->text = mem_calloc(side, sizeof(*m->text));
    m->rows = mem_calloc(side, sizeof(*m->rows));
    m->cols = mem_calloc(side, sizeof(*m->cols));
    if (!m->text || !m->rows || !m->cols)
        return E_NOMEM;
    for (int i = 0; i < nc; i++) {
        text_class(names, nc, i, m->text[i], NAME_BYTES);
        m->rows[i] = m->cols[i] = m->text[i];
    }
    m->rows[nc] = "background (missed)";
    m->cols[nc] = "background (false)";
    return OK;
}

static void matrix_names_free(struct matrix_names *m)
{
    mem_free(m->text);
    mem_free(m->rows);
    mem_free(m->cols);
}

/* Counts, or columns normalised to 1 whose small cells are hidden (SPEC 12.5). */
static void matrix_values(const struct confusion *c, bool normalised, double *values)
{
    int side = c->nc + 1;
    for (int column = 0; column < side; column++) {
        double sum = 1e-9;
        for (int row = 0; row < side; row++)
            sum += (double)c->cells[row * side + column];
        for (int row = 0; row < side; row++) {
            double count = (double)c->cells[row * side + column], share = count / sum;
            values[row * side + column] = !normalised ? count : share < 0.005 ? NAN : share;
        }
    }
}

/* Cells of at least 18 pixels, so that each name can be read, as far as a picture may go. */
static int matrix_side(int nc)
{
    return MIN(MAX(1000, 320 + 18 * (nc + 1)), 4000);
}

static enum status write_confusion(const struct confusion *c, const char *const *names, const char *folder)
{
    enum status rc = OK;
    int side = c->nc + 1, h = matrix_side(c->nc);
    struct matrix_names words = {0};
    double *values = mem_alloc((size_t)side * (size_t)side, sizeof(*values));
    TRY_CLEAN(values ? name_matrix(&words, c->nc, names) : E_NOMEM);
    struct heatmap map = {.x_label = "Label",
                          .y_label = "Prediction",
                          .values = values,
                          .rows = side,
                          .cols = side,
                          .row_names = words.rows,
                          .col_names = words.cols,
                          .blank_zero = true,
                          .last_apart = true,
                          .diagonal = true,
                          .w = h + h / 8,
                          .h = h};
    matrix_values(c, true, values);
    map.title = "Confusion matrix: shares of the labels of each class";
    map.bar_label = "Share of the column";
    map.high = 1;
    map.decimals = c->nc < 30 ? 2 : -1;
    TRY_CLEAN(write_both(folder, "confusion_matrix", heatmap_draw, &map, map.w, map.h));
    matrix_values(c, false, values);
    map.title = "Confusion matrix: numbers of objects";
    map.bar_label = "Objects";
    map.high = 0;
    map.decimals = 0;
    map.logarithmic = true;
    TRY_CLEAN(write_both(folder, "confusion_matrix_counts", heatmap_draw, &map, map.w, map.h));
cleanup:
    mem_free(values);
    matrix_names_free(&words);
    return rc;
}

enum status report_pictures(const struct evaluation *e, const struct evaluation_result *r, const char *const *names,
                            const char *folder)
{
    const struct ap_result *a = &r->official;
    enum status rc = OK;
    struct curves *c = mem_calloc(1, sizeof(*c));
    TRY_CLEAN(c ? curves_init(c, a->n_classes) : E_NOMEM);
    TRY_CLEAN(write_pr_curve(c, e, a, names, folder));
    TRY_CLEAN(write_score_curve(c, e, a, names, a->p_curve, folder, "P_curve", "Precision"));
    TRY_CLEAN(write_score_curve(c, e, a, names, a->r_curve, folder, "R_curve", "Recall"));
    TRY_CLEAN(write_score_curve(c, e, a, names, a->f1_curve, folder, "F1_curve", "F1"));
    TRY_CLEAN(write_confusion(&e->confusion, names, folder));
cleanup:
    if (c) {
        mem_free(c->series);
        mem_free(c->names);
        mem_free(c->order);
    }
    mem_free(c);
    return rc;
}
