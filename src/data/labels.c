#include "data/labels.h"

#include "core/mem.h"
#include "detect/boxes.h"

#include <assert.h>
#include <string.h>

void labels_free(struct labels *l)
{
    mem_free(l->items);
    mem_free(l->points);
    *l = (struct labels){0};
}

void labels_clear(struct labels *l)
{
    l->count = 0;
    l->n_points = 0;
}

static enum status reserve(struct labels *l, int labels, size_t points)
{
    if (l->count + labels > l->capacity) {
        int capacity = MAX(2 * l->capacity, l->count + labels + 16);
        void *grown = mem_grow(l->items, (size_t)l->capacity * sizeof *l->items, (size_t)capacity * sizeof *l->items);
        if (!grown)
            return E_NOMEM;
        l->items = grown;
        l->capacity = capacity;
    }
    if (l->n_points + points > l->point_capacity) {
        size_t capacity = MAX(2 * l->point_capacity, l->n_points + points + 64);
        void *grown = mem_grow(l->points, l->point_capacity * sizeof *l->points, capacity * sizeof *l->points);
        if (!grown)
            return E_NOMEM;
        l->points = grown;
        l->point_capacity = capacity;
    }
    return OK;
}

enum status labels_add(struct labels *l, int n_points, struct label **out)
{
    enum status rc = reserve(l, 1, (size_t)n_points);
    if (rc != OK)
        return rc;
    *out = &l->items[l->count++];
    **out = (struct label){.n_points = n_points, .first_point = l->n_points};
    l->n_points += (size_t)n_points;
    return OK;
}

enum status labels_append(struct labels *l, const struct labels *more)
{
    assert(l != more);
    enum status rc = reserve(l, more->count, more->n_points);
    if (rc != OK)
        return rc;
    for (int i = 0; i < more->count; i++) {
        struct label *label = &l->items[l->count++];
        *label = more->items[i];
        label->first_point += l->n_points;
    }
    if (more->n_points)
        memcpy(l->points + l->n_points, more->points, more->n_points * sizeof *l->points);
    l->n_points += more->n_points;
    return OK;
}

enum status labels_append_objects(struct labels *l, const struct dataset_object *objects, int n,
                                  const float (*points)[2], float w, float h, float left, float top)
{
    for (int i = 0; i < n; i++) {
        const struct dataset_object *o = &objects[i];
        struct label *label;
        enum status rc = labels_add(l, o->n_points, &label);
        if (rc != OK)
            return rc;
        float half_w = o->cxcywh[2] / 2, half_h = o->cxcywh[3] / 2;
        label->class = o->class;
        label->xyxy[0] = w * (o->cxcywh[0] - half_w) + left;
        label->xyxy[1] = h * (o->cxcywh[1] - half_h) + top;
        label->xyxy[2] = w * (o->cxcywh[0] + half_w) + left;
        label->xyxy[3] = h * (o->cxcywh[1] + half_h) + top;
        for (int k = 0; k < o->n_points; k++) {
            float *p = l->points[label->first_point + (size_t)k];
            p[0] = w * points[o->first_point + (size_t)k][0] + left;
            p[1] = h * points[o->first_point + (size_t)k][1] + top;
        }
    }
    return OK;
}

void labels_clip(struct labels *l, float w, float h)
{
    for (int i = 0; i < l->count; i++)
        box_clip(l->items[i].xyxy, w, h);
    for (size_t k = 0; k < l->n_points; k++) {
        l->points[k][0] = MIN(MAX(l->points[k][0], 0), w);
        l->points[k][1] = MIN(MAX(l->points[k][1], 0), h);
    }
}

bool labels_have_polygons(const struct labels *l)
{
    for (size_t k = 0; k < l->n_points; k++) {
        if (l->points[k][0] != 0 || l->points[k][1] != 0)
            return true;
    }
    return false;
}
