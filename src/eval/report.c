#include "eval/report.h"

#include "core/listing.h"
#include "image/text.h"

#include <stdio.h>

static double class_map(const struct ap_result *a, int row)
{
    return a->maps[a->class[row]];
}

/* --- text --- */

static enum status table_row(struct listing *l, const char *name, uint64_t images, uint64_t instances, double p,
                             double r, double map50, double map)
{
    const double metric[] = {p, r, map50, map};
    TRY(listing_add(l, "%s", name));
    TRY(listing_add(l, "%llu", (unsigned long long)images));
    TRY(listing_add(l, "%llu", (unsigned long long)instances));
    for (int i = 0; i < COUNT(metric); i++)
        TRY(listing_add(l, "%.3g", metric[i]));
    return OK;
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
    TRY_CLEAN(table_row(&l, "all", e->images, e->instances, a->precision, a->recall, a->map50, a->map));
    for (int row = 0; row < a->n_classes && per_class; row++)
        TRY_CLEAN(table_row(&l, names[a->class[row]], e->images, a->labels[row], a->p[row], a->r[row], a->ap[row][0],
                            class_map(a, row)));
    TRY_CLEAN(listing_write(&l, limit, out));
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
                                   ? "%.0s%s  IoU %-9s  %-6s  at most %3d  %7.4f\n"
                                   : "Average %-9s  (%s) @[ IoU=%-9s | area=%6s | maxDets=%3d ] = %6.4f\n";
    for (int i = 0; i < COCO_NUMBERS && r->has_coco; i++)
        TRY(buf_printf(out, format, i < COCO_AR1 ? "precision" : "recall", i < COCO_AR1 ? "AP" : "AR", lines[i].iou,
                       lines[i].area, lines[i].most, r->coco.value[i]));
    return OK;
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
        return fail_memory(NULL, 0);
    if (r->has_coco) {
        json_t *coco = json_object();
        for (int i = 0; i < COCO_NUMBERS; i++)
            json_object_set_new(coco, coco_number_name((enum coco_number)i), json_real(r->coco.value[i]));
        json_object_set_new(*out, "coco", coco);
    }
    return OK;
}
