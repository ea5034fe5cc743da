#include "data/copy_paste.h"

#include "core/mem.h"
#include "detect/boxes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void copy_paste_free(struct copy_paste *c)
{
    mem_free(c->chosen);
    mem_free(c->candidates);
    mem_free(c->mask);
    *c = (struct copy_paste){0};
}

static enum status reserve(struct copy_paste *c, int n)
{
    if (n <= c->capacity)
        return OK;
    mem_free(c->chosen);
    mem_free(c->candidates);
    c->chosen = mem_alloc((size_t)n, sizeof *c->chosen);
    c->candidates = mem_alloc((size_t)n, sizeof *c->candidates);
    c->capacity = c->chosen && c->candidates ? n : 0;
    return c->capacity ? OK : E_NOMEM;
}

static void mirror_box(const float box[4], float w, float out[4])
{
    out[0] = w - box[2];
    out[1] = box[1];
    out[2] = w - box[0];
    out[3] = box[3];
}

/* Would the mirrored box hide less than 30 % of every label? */
static bool has_room(const float box[4], const struct labels *labels)
{
    for (int i = 0; i < labels->count; i++) {
        const float *other = labels->items[i].xyxy;
        if (!(box_intersection(box, other) / (box_area(other) + BOX_EPSILON) < 0.30f))
            return false;
    }
    return true;
}

static enum status append_twin(struct labels *labels, int i, float w)
{
    struct label *twin;
    enum status rc = labels_add(labels, labels->items[i].n_points, &twin);
    if (rc != OK)
        return rc;
    const struct label *from = &labels->items[i];
    twin->class = from->class;
    mirror_box(from->xyxy, w, twin->xyxy);
    for (int k = 0; k < from->n_points; k++) {
        const float *p = labels->points[from->first_point + (size_t)k];
        float *q = labels->points[twin->first_point + (size_t)k];
        q[0] = w - p[0];
        q[1] = p[1];
    }
    return OK;
}

enum status copy_paste_choose(struct copy_paste *c, double p, int w, struct labels *labels, struct draws *d)
{
    int n = 0;
    c->count = 0;
    if (p == 0 || labels->n_points == 0)
        return OK;
    TRY(reserve(c, labels->count));
    for (int i = 0; i < labels->count; i++) {
        float box[4];
        mirror_box(labels->items[i].xyxy, (float)w, box);
        if (labels->items[i].n_points && has_room(box, labels))
            c->candidates[n++] = i;
    }
    c->count = (int)rint(p * n); /* half to even */
    draws_sample(d, c->candidates, n, c->count, c->chosen);
    for (int i = 0; i < c->count; i++)
        TRY(append_twin(labels, c->chosen[i], (float)w));
    return OK;
}

/* --- filling a polygon --- */

static void set_pixel(uint8_t *mask, int h, int w, int y, int x)
{
    if (y >= 0 && y < h && x >= 0 && x < w)
        mask[(size_t)y * (size_t)w + (size_t)x] = 1;
}

/* The line of pixels between two points, 8-connected (Bresenham 1965). */
static void draw_line(const int a[2], const int b[2], uint8_t *mask, int h, int w)
{
    int dx = abs(b[0] - a[0]), dy = abs(b[1] - a[1]), step_x = b[0] < a[0] ? -1 : 1, step_y = b[1] < a[1] ? -1 : 1;
    int x = a[0], y = a[1], longer = MAX(dx, dy), shorter = MIN(dx, dy), error = longer - 2 * shorter;
    for (int i = 0; i <= longer; i++) {
        set_pixel(mask, h, w, y, x);
        bool both = error < 0;
        error += both ? 2 * longer - 2 * shorter : -2 * shorter;
        x += dx >= dy || both ? step_x : 0;
        y += dx < dy || both ? step_y : 0;
    }
}

static void corner(const float (*points)[2], int i, int out[2])
{
    out[0] = (int)points[i][0];
    out[1] = (int)points[i][1];
}

static int compare_x(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Pixels of row y between the first and second, third and fourth ... crossing of an edge; an edge owns its upper end
 * and not its lower one. */
static void fill_row(const float (*points)[2], int n, int y, uint8_t *row, int w, double *crossings)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        int a[2], b[2];
        corner(points, i, a);
        corner(points, (i + 1) % n, b);
        if ((a[1] <= y) == (b[1] <= y))
            continue;
        crossings[count++] = a[0] + (double)(y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]);
    }
    qsort(crossings, (size_t)count, sizeof *crossings, compare_x);
    for (int i = 0; i + 1 < count; i += 2) {
        int x1 = MAX((int)ceil(crossings[i]), 0), x2 = MIN((int)floor(crossings[i + 1]), w - 1);
        if (x1 <= x2)
            memset(row + x1, 1, (size_t)(x2 - x1 + 1));
    }
}

/* Set mask (h, w) to 1 inside (even-odd) and on the outline of a closed polygon of n points, whose fractions are cut
 * off. crossings [n] is scratch. */
static void polygon_fill(const float (*points)[2], int n, uint8_t *mask, int h, int w, double *crossings)
{
    int low = h, high = -1;
    for (int i = 0; i < n; i++) {
        int a[2], b[2];
        corner(points, i, a);
        corner(points, (i + 1) % n, b);
        draw_line(a, b, mask, h, w);
        low = MIN(low, a[1]);
        high = MAX(high, a[1]);
    }
    for (int y = MAX(low, 0); y <= MIN(high, h - 1); y++)
        fill_row(points, n, y, mask + (size_t)y * (size_t)w, w, crossings);
}

/* --- pixels --- */

static enum status clear_mask(struct copy_paste *c, size_t bytes)
{
    if (bytes > c->mask_capacity) {
        mem_free(c->mask);
        c->mask = mem_alloc(bytes, 1);
        c->mask_capacity = c->mask ? bytes : 0;
        if (!c->mask)
            return E_NOMEM;
    }
    memset(c->mask, 0, bytes);
    return OK;
}

/* One row: where the mirrored mask is set, the mirrored row. `copy` holds the row as it was. */
static void paste_row(const uint8_t *mask, uint8_t *row, int w, uint8_t *copy)
{
    if (!memchr(mask, 1, (size_t)w))
        return;
    memcpy(copy, row, (size_t)w * 3);
    for (int x = 0; x < w; x++) {
        if (mask[w - 1 - x])
            memcpy(row + 3 * x, copy + 3 * (w - 1 - x), 3);
    }
}

enum status copy_paste_apply(struct copy_paste *c, const struct labels *labels, struct image *img)
{
    if (!c->count)
        return OK;
    size_t w = (size_t)img->w;
    int most = 0;
    for (int i = 0; i < c->count; i++)
        most = MAX(most, labels->items[c->chosen[i]].n_points);
    double *crossings = mem_alloc((size_t)most, sizeof *crossings);
    uint8_t *copy = mem_alloc(w, 3);
    enum status rc = crossings && copy ? clear_mask(c, (size_t)img->h * w) : E_NOMEM;
    for (int i = 0; rc == OK && i < c->count; i++) {
        const struct label *label = &labels->items[c->chosen[i]];
        polygon_fill((const float(*)[2])(labels->points + label->first_point), label->n_points, c->mask, img->h, img->w,
                     crossings);
    }
    for (size_t y = 0; rc == OK && y < (size_t)img->h; y++)
        paste_row(c->mask + y * w, img->data + y * w * 3, img->w, copy);
    mem_free(crossings);
    mem_free(copy);
    return rc;
}
