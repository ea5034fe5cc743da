#include "lab/detections_picture.h"
#include "lab/numbers.h"

static const char *const fates[] = {[NMS_KEPT] = "kept", [NMS_SUPPRESSED] = "suppressed", [NMS_LEFT_OUT] = "left out"};

static json_t *floats_json(const float *values, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_real((double)values[i]));
    return list;
}

static json_t *box_json(const struct detections_sheet *s, const struct traced_box *b, int number)
{
    const bool suppressed = b->end.fate == NMS_SUPPRESSED;
    return json_pack("{s:i, s:i, s:s, s:f, s:f, s:f, s:f, s:f, s:i, s:s, s:o, s:o}", "candidate", number, "class",
                     b->class, "name", s->names[b->class], "score", (double)b->score, "x1", (double)b->photo[0], "y1",
                     (double)b->photo[1], "x2", (double)b->photo[2], "y2", (double)b->photo[3], "row", b->row, "fate",
                     fates[b->end.fate], "detection", b->end.by >= 0 ? json_integer(b->end.by + 1) : json_null(), "iou",
                     suppressed ? json_real((double)b->end.iou) : json_null());
}

static json_t *levels_json(const struct detections_sheet *s)
{
    json_t *levels = json_array();
    for (int i = 0; i < s->figure->n_levels; i++) {
        const struct level_heat *l = &s->figure->levels[i];
        json_array_append_new(levels,
                              json_pack("{s:i, s:i, s:i, s:f, s:s}", "stride", l->stride, "height", l->h, "width", l->w,
                                        "largest_score", (double)l->most, "class", s->names[l->class]));
    }
    return levels;
}

static json_t *chosen_json(const struct detections_sheet *s)
{
    static const char *const sides[4] = {"left", "top", "right", "bottom"};
    const struct detections_figure *f = s->figure;
    json_t *box = json_pack("{s:o, s:s, s:f, s:i, s:i, s:i, s:i, s:o}", "detection",
                            f->chosen >= 0 ? json_integer(f->chosen + 1) : json_null(), "name", s->names[f->class],
                            "score", (double)f->score, "row", f->row, "stride", f->levels[f->place.level].stride,
                            "cell_x", f->place.x, "cell_y", f->place.y, "input_xyxy", floats_json(f->xyxy, 4));
    for (int k = 0; k < 4 && f->bins; k++)
        json_object_set_new(box, sides[k],
                            json_pack("{s:f, s:o}", "expectation", (double)f->distance[k], "distribution",
                                      floats_json(f->dfl[k], f->bins)));
    if (!f->bins) {
        json_object_set_new(box, "anchor", floats_json(f->graph->head.anchor[f->place.level][f->place.anchor], 2));
        json_object_set_new(box, "sigmoids", floats_json(f->logits, COUNT(f->logits)));
    }
    return box;
}

enum status detections_numbers_write(const struct detections_sheet *s, const char *folder, const json_t *about)
{
    enum status rc = OK;
    const struct detections_figure *f = s->figure;
    const struct traced_box none = {0}; /* whose keys are the columns, also where no box is above the threshold */
    json_t *columns = box_json(s, &none, 0), *rows = json_array(), *all = json_copy((json_t *)about);
    for (int i = 0; i < f->n_boxes; i++)
        json_array_append_new(rows, box_json(s, &f->boxes[i], i + 1));
    if (!columns || !rows || !all || json_object_set_new(all, "levels", levels_json(s)) != 0 ||
        json_object_set_new(all, "box", chosen_json(s)) != 0 ||
        json_object_update_new(all, json_pack("{s:i, s:i, s:i, s:i}", "candidates", f->n_boxes, "kept", f->kept,
                                              "suppressed", f->suppressed, "left_out", f->left_out)) != 0)
        TRY_CLEAN(fail_memory(folder, 0));
    TRY_CLEAN(numbers_write_columns(folder, "detections", all, columns, rows));
cleanup:
    json_decref(columns);
    json_decref(rows);
    json_decref(all);
    return rc;
}
