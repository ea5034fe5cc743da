#include "lab/assign_numbers.h"

#include "lab/numbers.h"

#include <math.h>

static json_t *row_json(const struct assign_sheet *s, int object, const struct assign_view *v, int level)
{
    const struct assign_figure *f = s->figure;
    const struct assign_object *o = &f->objects[object];
    const struct assign_sum sum = assign_sum_of(v, object, level);
    return json_pack("{s:i, s:i, s:s, s:f, s:f, s:s, s:s, s:s, s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "object",
                     object + 1, "class", o->class, "name", s->names[o->class], "width", o->photo_w, "height",
                     o->photo_h, "size", o->size, "assigner", v->assigner, "head", v->head, "top_k", v->top_k, "stride",
                     f->shape.level[level].stride, "points", sum.points, "mean_score", number_json(sum.mean_score),
                     "max_score", number_json(sum.max_score), "mean_iou", number_json(sum.mean_iou), "max_iou",
                     number_json(sum.max_iou));
}

int assign_left_out(const struct assign_figure *f, int view, int *example)
{
    int n = 0;
    *example = -1;
    for (int i = 0; i < f->n_objects; i++)
        if (!assign_sum_of(&f->views[view], i, -1).points && !n++)
            *example = i;
    return n;
}

static enum status views_json(const struct assign_figure *f, json_t *views)
{
    for (int i = 0; i < f->n_views; i++) {
        const struct assign_view *v = &f->views[i];
        int example, shared;
        TRY(assign_shared(f, i, &shared));
        json_array_append_new(views, json_pack("{s:s, s:s, s:i, s:i, s:i, s:i}", "assigner", v->assigner, "head",
                                               v->head, "top_k", v->top_k, "points", v->n, "shared_with_main", shared,
                                               "objects_without_points", assign_left_out(f, i, &example)));
    }
    return OK;
}

/* What the four steps of the task-aligned assigner come to, a branch. */
static json_t *steps_json(const struct assign_figure *f)
{
    json_t *steps = json_array();
    for (int i = 0; i < f->n_steps; i++) {
        const struct loss_assignment *a = &f->steps[i].result;
        int metric = 0, contested = 0, targets = 0;
        for (int k = 0; k < f->shape.anchors; k++) {
            metric += a->trace->metric[k] > 0;
            contested += a->trace->contested[k];
            targets += a->label[k] >= 0;
        }
        json_array_append_new(steps,
                              json_pack("{s:s, s:i, s:i, s:i, s:i, s:f}", "head", f->views[f->steps[i].view].head,
                                        "points_with_metric", metric, "candidates", a->trace->n_claims, "conflicts",
                                        contested, "targets", targets, "sum_of_scores", a->sum));
    }
    return steps;
}

enum status assign_numbers_write(const struct assign_sheet *s, const char *folder, const json_t *about)
{
    enum status rc = OK;
    const struct assign_figure *f = s->figure;
    json_t *rows = json_array(), *all = json_copy((json_t *)about), *views = json_array();
    TRY_CLEAN(views_json(f, views));
    for (int v = 0; v < f->n_views; v++)
        for (int o = 0; o < f->n_objects; o++)
            for (int l = 0; l < f->shape.n_levels; l++)
                json_array_append_new(rows, row_json(s, o, &f->views[v], l));
    if (!rows || !all || json_object_set(all, "views", views) != 0 ||
        json_object_set_new(all, "steps", steps_json(f)) != 0)
        TRY_CLEAN(fail_memory(folder, 0));
    TRY_CLEAN(numbers_write(folder, "assign", all, rows));
cleanup:
    json_decref(rows);
    json_decref(all);
    json_decref(views);
    return rc;
}
