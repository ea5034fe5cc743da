#include "data/augment.h"

#include "core/mem.h"
#include "detect/boxes.h"
#include "image/hsv.h"
#include "image/letterbox.h"

#include <assert.h>
#include <string.h>

void augment_work_free(struct augment_work *work)
{
    picture_buffer_free(&work->buffer);
    image_free(&work->canvas);
    image_free(&work->second);
    labels_free(&work->labels);
    labels_free(&work->more);
    copy_paste_free(&work->paste);
    *work = (struct augment_work){0};
}

void sample_free(struct sample *s)
{
    image_free(&s->image);
    mem_free(s->targets);
    *s = (struct sample){0};
}

/* Everything after the places of the tiles are known, but for the draws, which come in the official order. */
static enum status finish_mosaic(const struct augment *a, const struct mosaic *m, double copy_paste, struct draws *d,
                                 struct augment_work *work, struct labels *labels, struct image *out)
{
    TRY(copy_paste_choose(&work->paste, copy_paste, m->side, labels, d));
    assert(work->n_used < COUNT(work->used));
    struct perspective *p = &work->used[work->n_used++];
    *p = perspective_draw(&a->config.geometry, m->side, m->side, -a->size / 2, -a->size / 2, d);
    struct source_region region = {0, 0, m->side, m->side};
    if (!work->paste.count && !work->paint_all)
        region = perspective_region(p, m->side, m->side);
    TRY(mosaic_paint(m, a->pictures, &region, &work->buffer, &work->canvas));
    TRY(copy_paste_apply(&work->paste, labels, &work->canvas));
    TRY(perspective_warp(p, &work->canvas, out));
    perspective_labels(p, labels);
    return OK;
}

static enum status mosaic4(const struct augment *a, int index, struct draws *d, struct augment_work *work,
                           struct labels *labels, struct image *out)
{
    struct mosaic m;
    enum status rc = mosaic4_place(a->pictures, a->indices, a->n_indices, index, a->size, d, &m, labels);
    return rc == OK ? finish_mosaic(a, &m, a->config.copy_paste, d, work, labels, out) : rc;
}

enum status augment_mosaic4(const struct augment *a, int index, struct draws *d, struct augment_work *work,
                            struct image *out)
{
    work->n_used = 0;
    return mosaic4(a, index, d, work, &work->labels, out);
}

enum status augment_mosaic9(const struct augment *a, int index, struct draws *d, struct augment_work *work,
                            struct image *out)
{
    struct mosaic m;
    work->n_used = 0;
    enum status rc = mosaic9_place(a->pictures, a->indices, a->n_indices, index, a->size, d, &m, &work->labels);
    return rc == OK ? finish_mosaic(a, &m, 0, d, work, &work->labels, out) : rc;
}

/* MixUp (Zhang et al. 2018): img = img * r + other * (1 - r), cut to whole numbers. */
static void mix(struct image *img, const struct image *other, double r)
{
    double part[256], rest[256];
    assert(img->h == other->h && img->w == other->w);
    for (int i = 0; i < 256; i++) {
        part[i] = i * r;
        rest[i] = i * (1 - r);
    }
    size_t n = (size_t)img->h * (size_t)img->w * 3;
    for (size_t i = 0; i < n; i++)
        img->data[i] = (uint8_t)(part[img->data[i]] + rest[other->data[i]]);
}

static enum status add_mixup(const struct augment *a, struct draws *d, struct augment_work *work, struct image *img)
{
    int other = draws_randint(d, 0, a->pictures->count - 1); /* of all pictures: image weights do not count here */
    TRY(mosaic4(a, other, d, work, &work->more, &work->second));
    mix(img, &work->second, draws_mixup_ratio(d));
    TRY(labels_append(&work->labels, &work->more));
    return OK;
}

/* A picture in its letterbox, labels in pixels of it. Labels go by the border's exact half, pixels by the rounded one,
 * as in the official code. */
static enum status load_letterboxed(const struct pictures *pictures, int index, int h, int w, bool grow,
                                    struct augment_work *work, struct letterbox *box, struct image *dst)
{
    const struct picture *p = &pictures->items[index];
    const struct image *pixels;
    struct letterbox_options options = {.h = h, .w = w, .stride = 32, .no_grow = !grow};
    TRY(pictures->pixels(pictures->context, index, &work->buffer, &pixels));
    *box = letterbox_plan(p->h, p->w, &options);
    TRY(image_letterbox(pixels, box, dst));
    labels_clear(&work->labels);
    TRY(labels_append_objects(&work->labels, p->objects, p->n_objects, pictures->points, (float)(box->ratio_w * p->w),
                              (float)(box->ratio_h * p->h), (float)box->pad_w, (float)box->pad_h));
    return OK;
}

static enum status augment_single(const struct augment *a, int index, int h, int w, struct draws *d,
                                  struct augment_work *work, struct image *out)
{
    struct letterbox box;
    TRY(load_letterboxed(a->pictures, index, h, w, true, work, &box, &work->canvas));
    struct perspective *p = &work->used[work->n_used++];
    *p = perspective_draw(&a->config.geometry, h, w, 0, 0, d);
    TRY(perspective_warp(p, &work->canvas, out));
    perspective_labels(p, &work->labels);
    return OK;
}

/* Pixels to parts of the sample, clipped to just below its size (SPEC 11.6). */
static enum status normalise(const struct labels *labels, struct sample *s)
{
    const float right = (float)(s->image.w - 1e-3), bottom = (float)(s->image.h - 1e-3);
    const float w = (float)s->image.w, h = (float)s->image.h;
    if (labels->count > s->capacity) {
        mem_free(s->targets);
        s->capacity = labels->count + 32;
        s->targets = mem_alloc((size_t)s->capacity, sizeof *s->targets);
        if (!s->targets) {
            s->capacity = 0;
            return E_NOMEM;
        }
    }
    s->count = labels->count;
    for (int i = 0; i < labels->count; i++) {
        float b[4];
        memcpy(b, labels->items[i].xyxy, sizeof b);
        box_clip(b, right, bottom);
        s->targets[i] = (struct target){
            labels->items[i].class,
            {(b[0] + b[2]) / 2 / w, (b[1] + b[3]) / 2 / h, (b[2] - b[0]) / w, (b[3] - b[1]) / h},
        };
    }
    return OK;
}

static void jitter_and_flip(const struct augment_config *c, struct draws *d, struct sample *s)
{
    if (c->hsv_h != 0 || c->hsv_s != 0 || c->hsv_v != 0) {
        double r[3];
        draws_signed(d, r, 3);
        hsv_adjust(&s->image, r[0] * c->hsv_h + 1, r[1] * c->hsv_s + 1, r[2] * c->hsv_v + 1);
    }
    if (draws_random(d) < c->flipud) {
        image_flip_up_down(&s->image);
        for (int i = 0; i < s->count; i++)
            s->targets[i].cxcywh[1] = 1 - s->targets[i].cxcywh[1];
    }
    if (draws_random(d) < c->fliplr) {
        image_flip_left_right(&s->image);
        for (int i = 0; i < s->count; i++)
            s->targets[i].cxcywh[0] = 1 - s->targets[i].cxcywh[0];
    }
}

enum status augment_sample(const struct augment *a, int index, int h, int w, struct draws *d, struct augment_work *work,
                           struct sample *out)
{
    work->n_used = 0;
    if (a->mosaic && draws_random(d) < a->config.mosaic) {
        assert(h == a->size && w == a->size);
        TRY(mosaic4(a, index, d, work, &work->labels, &out->image));
        if (draws_random(d) < a->config.mixup)
            TRY(add_mixup(a, d, work, &out->image));
    } else {
        TRY(augment_single(a, index, h, w, d, work, &out->image));
    }
    TRY(normalise(&work->labels, out));
    jitter_and_flip(&a->config, d, out);
    return OK;
}

enum status plain_sample(const struct pictures *pictures, int index, int h, int w, struct augment_work *work,
                         struct letterbox *box, struct sample *out)
{
    enum status rc = load_letterboxed(pictures, index, h, w, false, work, box, &out->image);
    return rc == OK ? normalise(&work->labels, out) : rc;
}
