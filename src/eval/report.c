#include "eval/report.h"

#include "core/listing.h"
#include "core/mem.h"
#include "core/path.h"
#include "image/chart.h"

#include <math.h>
#include <stdio.h>

#define PLOT_SMOOTH 0.05 /* SPEC 12.4 */

enum { LEGEND_CLASSES = 20, NAMED_CLASSES = 98, NAME_BYTES = 80 };

static double class_map(const struct ap_result *a, int row)
{
    return a->maps[a->class[row]];
}

/* --- text ----------------------------------------------------------------------------------------------------------
 */

static enum status table_row(struct listing *l, const char *name, uint64_t images, uint64_t instances, double p,
                             double r, double map50, double map)
{
    const double metric[] = {p, r, map50, map};
    enum status rc = OK;
    TRY(listing_add(l, "%s", name));
    TRY(listing_add(l, "%llu", (unsigned long long)images));
    TRY(listing_add(l, "%llu", (unsigned long long)instances));
    for (int i = 0; i < COUNT(metric); i++)
        TRY(listing_add(l, "%.3g", metric[i]));
cleanup:
    return rc;
}

enum status report_table(const struct evaluation *e, const struct evaluation_result *r, const char *const *names,
                         bool per_class, int limit, struct buf *out)
{
    static const struct listing_column columns[] = {
        {"Class", LISTING_RIGHT, 22, .least = 10},
        {"Images", LISTING_RIGHT, 11, .drop = 2},
        {"Instances", LISTING_RIGHT, 11, .drop = 1},
        {"P", LISTING_RIGHT, 11},
        {"R", LISTING_RIGHT, 11},
        {"mAP50", LISTING_RIGHT, 11},
        {"mAP50-95", LISTING_RIGHT, 11},
    };
    const struct ap_result *a = &r->official;
    enum status rc = OK;
    struct listing l;
    listing_init(&l, columns, COUNT(columns));
    TRY(table_row(&l, "all", e->images, e->instances, a->precision, a->recall, a->map50, a->map));
    for (int row = 0; row < a->n_classes && per_class; row++)
        TRY(table_row(&l, names[a->class[row]], e->images, a->labels[row], a->p[row], a->r[row], a->ap[row][0],
                      class_map(a, row)));
    TRY(listing_write(&l, limit, out));
cleanup:
    listing_free(&l);
    return rc;
}

enum status report_coco_table(const struct evaluation_result *r, int limit, struct buf *out)
{
    static const struct {
        const char *iou, *area;
        int most;
    } lines[COCO_NUMBERS] = {
        {"0.50:0.95", "all", 100},   {"0.50", "all", 100},         {"0.75", "all", 100},
        {"0.50:0.95", "small", 100}, {"0.50:0.95", "medium", 100}, {"0.50:0.95", "large", 100},
        {"0.50:0.95", "all", 1},     {"0.50:0.95", "all", 10},     {"0.50:0.95", "all", 100},
        {"0.50:0.95", "small", 100}, {"0.50:0.95", "medium", 100}, {"0.50:0.95", "large", 100},
    };
    enum { WHOLE = 81 }; /* columns of the protocol's own lines */
    const char *const format = limit && limit < WHOLE
                                   ? "%.0s%s  IoU %-9s  area %-6s  at most %3d a picture  %6.4f\n"
                                   : "Average %-9s  (%s) @[ IoU=%-9s | area=%6s | maxDets=%3d ] = %6.4f\n";
    enum status rc = OK;
    for (int i = 0; i < COCO_NUMBERS && r->has_coco; i++)
        TRY(buf_printf(out, format, i < COCO_AR1 ? "precision" : "recall", i < COCO_AR1 ? "AP" : "AR", lines[i].iou,
                       lines[i].area, lines[i].most, r->coco.value[i]));
cleanup:
    return rc;
}

static json_t *json_of_classes(const struct evaluation_result *r, const char *const *names)
{
    const struct ap_result *a = &r->official;
    json_t *list = json_array();
    for (int row = 0; row < a->n_classes; row++) {
        char name[256];
        text_clean(names[a->class[row]], name, sizeof(name)); /* JSON is UTF-8, class names are outside bytes */
        json_t *item =
            json_pack("{s:i, s:o, s:I, s:f, s:f, s:f, s:f, s:f}", "class", a->class[row], "name", json_string(name),
                      "instances", (json_int_t)a->labels[row], "precision", a->p[row], "recall", a->r[row], "f1",
                      a->f1[row], "map50", a->ap[row][0], "map", class_map(a, row));
        if (r->has_coco && item)
            json_object_set_new(item, "coco_ap", json_real(r->coco.class_ap[a->class[row]]));
        json_array_append_new(list, item);
    }
    return list;
}

enum status report_json(const struct evaluation *e, const struct evaluation_result *r, const char *const *names,
                        json_t **out)
{
    const struct ap_result *a = &r->official;
    *out = json_pack("{s:I, s:I, s:f, s:f, s:f, s:f, s:o}", "images", (json_int_t)e->images, "instances",
                     (json_int_t)e->instances, "precision", a->precision, "recall", a->recall, "map50", a->map50, "map",
                     a->map, "classes", json_of_classes(r, names));
    if (!*out)
        return fail(E_NOMEM, "no memory for the JSON of the results");
    if (r->has_coco) {
        json_t *coco = json_object();
        for (int i = 0; i < COCO_NUMBERS; i++)
            json_object_set_new(coco, coco_number_name((enum coco_number)i), json_real(r->coco.value[i]));
        json_object_set_new(*out, "coco", coco);
    }
    return OK;
}

/* --- pictures ------------------------------------------------------------------------------------------------------
 */

/* folder/name.png and folder/name.svg of one panel. */
static enum status write_both(const char *folder, const char *name, panel_fn *draw, const void *what, int w, int h)
{
    enum status rc = OK;
    struct buf path = {0};
    const struct panel panel = {draw, what};
    static const char *const kinds[] = {"png", "svg"};
    for (int i = 0; i < COUNT(kinds); i++) {
        buf_free(&path);
        TRY(buf_printf(&path, "%s/%s.%s", folder, name, kinds[i]));
        TRY(figure_write(path.data, w, h, &panel, 1, 1));
    }
cleanup:
    buf_free(&path);
    return rc;
}

/* Memory of one curve chart: a line a class and the mean. */
struct curves {
    double x[AP_CURVE_POINTS], mean[AP_CURVE_POINTS], smooth[AP_CURVE_POINTS];
    struct series *series;
    char (*names)[NAME_BYTES];
};

static enum status curves_init(struct curves *c, int n_classes)
{
    for (int i = 0; i < AP_CURVE_POINTS; i++)
        c->x[i] = i / (double)(AP_CURVE_POINTS - 1);
    c->series = mem_calloc((size_t)n_classes + 1, sizeof(*c->series));
    c->names = mem_calloc((size_t)n_classes + 1, sizeof(*c->names));
    return c->series && c->names ? OK : E_NOMEM;
}

static void mean_of_curves(const struct ap_result *a, const double *curve, double *mean)
{
    for (int i = 0; i < AP_CURVE_POINTS; i++) {
        mean[i] = 0;
        for (int row = 0; row < a->n_classes; row++)
            mean[i] += curve[(size_t)row * AP_CURVE_POINTS + (size_t)i] / a->n_classes;
    }
}

/* Lines of the classes, named in the legend while it can hold them and grey beyond that, and the thick mean. */
static void fill_series(struct curves *c, const struct ap_result *a, const double *curve, const double *mean)
{
    bool named = a->n_classes <= LEGEND_CLASSES;
    for (int row = 0; row <= a->n_classes; row++) {
        bool last = row == a->n_classes;
        c->series[row] = (struct series){.name = named || last ? c->names[row] : NULL,
                                         .style = SERIES_LINE,
                                         .x = c->x,
                                         .y = last ? mean : curve + (size_t)row * AP_CURVE_POINTS,
                                         .n = AP_CURVE_POINTS,
                                         .width = last ? 3 : 1,
                                         .coloured = last || !named,
                                         .colour = last ? (struct colour){0, 0, 200} : (struct colour){170, 170, 170}};
    }
}

static enum status write_curve(struct curves *c, const struct ap_result *a, const char *folder, const char *name,
                               const char *title, const char *x, const char *y)
{
    const struct chart chart = {.title = title,
                                .x = {.label = x, .low = 0, .high = 1},
                                .y = {.label = y, .low = 0, .high = 1.02},
                                .series = c->series,
                                .n_series = a->n_classes + 1,
                                .w = 960,
                                .h = 640};
    return write_both(folder, name, chart_draw, &chart, chart.w, chart.h);
}

/* A value over the score, with the best smoothed mean and where it lies in the legend. */
static enum status write_score_curve(struct curves *c, const struct ap_result *a, const char *const *names,
                                     const double *curve, const char *folder, const char *name, const char *y)
{
    char title[64];
    int best = 0;
    mean_of_curves(a, curve, c->mean);
    curve_smooth(c->mean, AP_CURVE_POINTS, PLOT_SMOOTH, c->smooth);
    for (int i = 1; i < AP_CURVE_POINTS; i++)
        if (c->smooth[i] > c->smooth[best])
            best = i;
    for (int row = 0; row < a->n_classes; row++)
        snprintf(c->names[row], NAME_BYTES, "%.60s", names[a->class[row]]);
    snprintf(c->names[a->n_classes], NAME_BYTES, "all classes %.2f at %.3f", c->smooth[best], c->x[best]);
    snprintf(title, sizeof(title), "%s over the score threshold", y);
    fill_series(c, a, curve, c->smooth);
    return write_curve(c, a, folder, name, title, "score", y);
}

static enum status write_pr_curve(struct curves *c, const struct ap_result *a, const char *const *names,
                                  const char *folder)
{
    mean_of_curves(a, a->pr_curve, c->mean);
    for (int row = 0; row < a->n_classes; row++)
        snprintf(c->names[row], NAME_BYTES, "%.60s %.3f", names[a->class[row]], a->ap[row][0]);
    snprintf(c->names[a->n_classes], NAME_BYTES, "all classes %.3f mAP50", a->map50);
    fill_series(c, a, a->pr_curve, c->mean);
    return write_curve(c, a, folder, "PR_curve", "Precision over recall at IoU 0.5", "recall", "precision");
}

/* Columns normalised to 1, small cells hidden (SPEC 12.5). */
static enum status write_confusion(const struct confusion *confusion, const char *const *names, const char *folder)
{
    enum status rc = OK;
    int side = confusion->nc + 1;
    double *values = mem_alloc((size_t)side * (size_t)side, sizeof(*values));
    const char **words = mem_alloc((size_t)side, sizeof(*words));
    TRY(values && words ? OK : E_NOMEM);
    for (int column = 0; column < side; column++) {
        double sum = 1e-9;
        words[column] = column < confusion->nc ? names[column] : "background";
        for (int row = 0; row < side; row++)
            sum += (double)confusion->cells[row * side + column];
        for (int row = 0; row < side; row++) {
            double value = (double)confusion->cells[row * side + column] / sum;
            values[row * side + column] = value < 0.005 ? NAN : value;
        }
    }
    const char *const *shown = confusion->nc <= NAMED_CLASSES ? words : NULL;
    const struct heatmap map = {.title = "Confusion matrix, columns add up to 1",
                                .x_label = "label",
                                .y_label = "predicted",
                                .values = values,
                                .rows = side,
                                .cols = side,
                                .row_names = shown,
                                .col_names = shown,
                                .low = 0,
                                .high = 1,
                                .decimals = confusion->nc < 30 ? 2 : -1,
                                .blank_zero = true,
                                .w = 1200,
                                .h = 1000};
    TRY(write_both(folder, "confusion_matrix", heatmap_draw, &map, map.w, map.h));
cleanup:
    mem_free(values);
    mem_free(words);
    return rc;
}

enum status report_pictures(const struct evaluation *e, const struct evaluation_result *r, const char *const *names,
                            const char *folder)
{
    const struct ap_result *a = &r->official;
    enum status rc = OK;
    struct curves *c = mem_calloc(1, sizeof(*c));
    TRY(c ? curves_init(c, a->n_classes) : E_NOMEM);
    TRY(write_pr_curve(c, a, names, folder));
    TRY(write_score_curve(c, a, names, a->p_curve, folder, "P_curve", "precision"));
    TRY(write_score_curve(c, a, names, a->r_curve, folder, "R_curve", "recall"));
    TRY(write_score_curve(c, a, names, a->f1_curve, folder, "F1_curve", "F1"));
    TRY(write_confusion(&e->confusion, names, folder));
cleanup:
    if (c) {
        mem_free(c->series);
        mem_free(c->names);
    }
    mem_free(c);
    return rc;
}
