#include "data/mosaic.h"

#include <assert.h>

static enum status add_labels(const struct pictures *pictures, const struct mosaic_tile *t, struct labels *labels)
{
    const struct picture *p = &pictures->items[t->picture];
    return labels_append_objects(labels, p->objects, p->n_objects, pictures->points, (float)p->w, (float)p->h,
                                 (float)t->x, (float)t->y);
}

/* [index] and n-1 others, in random order. */
static void draw_tiles(const struct pictures *pictures, const int *indices, int n_indices, int index, struct draws *d,
                       struct mosaic *m)
{
    int chosen[MOSAIC_MAX_TILES];
    chosen[0] = index;
    draws_choices(d, indices, indices ? n_indices : pictures->count, m->n - 1, chosen + 1);
    draws_shuffle(d, chosen, m->n);
    for (int i = 0; i < m->n; i++)
        m->tiles[i].picture = chosen[i];
}

enum status mosaic4_place(const struct pictures *pictures, const int *indices, int n_indices, int index, int size,
                          struct draws *d, struct mosaic *m, struct labels *labels)
{
    *m = (struct mosaic){.side = 2 * size, .n = 4};
    int yc = (int)draws_uniform(d, size / 2.0, 1.5 * size), xc = (int)draws_uniform(d, size / 2.0, 1.5 * size);
    draw_tiles(pictures, indices, n_indices, index, d, m);
    labels_clear(labels);
    for (int i = 0; i < 4; i++) {
        struct mosaic_tile *t = &m->tiles[i];
        const struct picture *p = &pictures->items[t->picture];
        bool right = i & 1, below = i & 2;
        t->x = right ? xc : xc - p->w;
        t->y = below ? yc : yc - p->h;
        TRY(add_labels(pictures, t, labels));
    }
    labels_clip(labels, (float)m->side, (float)m->side);
    return OK;
}

/* Tile 0 in the middle third of a canvas of three sizes, the others clockwise from above it, each against the one
 * before. */
static void place_nine(const struct pictures *pictures, int s, struct mosaic *m)
{
    const struct picture *first = &pictures->items[m->tiles[0].picture], *before = first;
    int h0 = first->h, w0 = first->w;
    for (int i = 0; i < 9; i++) {
        const struct picture *p = &pictures->items[m->tiles[i].picture];
        int h = p->h, w = p->w, hp = before->h, wp = before->w;
        const int at[9][2] = {
            {s, s},
            {s, s - h},
            {s + wp, s - h},
            {s + w0, s},
            {s + w0, s + hp},
            {s + w0 - w, s + h0},
            {s + w0 - wp - w, s + h0},
            {s - w, s + h0 - h},
            {s - w, s + h0 - hp - h},
        };
        m->tiles[i].x = at[i][0];
        m->tiles[i].y = at[i][1];
        before = p;
    }
}

enum status mosaic9_place(const struct pictures *pictures, const int *indices, int n_indices, int index, int size,
                          struct draws *d, struct mosaic *m, struct labels *labels)
{
    *m = (struct mosaic){.side = 2 * size, .n = 9};
    draw_tiles(pictures, indices, n_indices, index, d, m);
    place_nine(pictures, size, m);
    labels_clear(labels);
    for (int i = 0; i < 9; i++)
        TRY(add_labels(pictures, &m->tiles[i], labels));
    int yc = (int)draws_uniform(d, 0, size), xc = (int)draws_uniform(d, 0, size);
    for (int i = 0; i < 9; i++) {
        m->tiles[i].x -= xc;
        m->tiles[i].y -= yc;
    }
    for (int i = 0; i < labels->count; i++) {
        float *box = labels->items[i].xyxy;
        box[0] -= (float)xc;
        box[1] -= (float)yc;
        box[2] -= (float)xc;
        box[3] -= (float)yc;
    }
    for (size_t k = 0; k < labels->n_points; k++) {
        labels->points[k][0] -= (float)xc;
        labels->points[k][1] -= (float)yc;
    }
    labels_clip(labels, (float)m->side, (float)m->side);
    return OK;
}

enum status mosaic_paint(const struct mosaic *m, const struct pictures *pictures, const struct source_region *region,
                         struct picture_buffer *buffer, struct image *canvas)
{
    TRY(image_init(canvas, m->side, m->side));
    image_fill(canvas, IMAGE_BORDER, IMAGE_BORDER, IMAGE_BORDER);
    for (int i = 0; i < m->n; i++) {
        const struct mosaic_tile *t = &m->tiles[i];
        const struct picture *p = &pictures->items[t->picture];
        const struct image *pixels;
        if (t->x >= region->x2 || t->y >= region->y2 || t->x + p->w <= region->x1 || t->y + p->h <= region->y1)
            continue;
        TRY(pictures->pixels(pictures->context, t->picture, buffer, &pixels));
        assert(pixels->h == p->h && pixels->w == p->w);
        image_paste(pixels, 0, 0, p->h, p->w, canvas, t->y, t->x);
    }
    return OK;
}
