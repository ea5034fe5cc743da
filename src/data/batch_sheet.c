#include "data/batch_sheet.h"

#include "core/mem.h"
#include "core/path.h"
#include "image/draw.h"
#include "image/encode.h"
#include "image/grid.h"
#include "image/resize.h"

#include <math.h>

/* Sides in pixels; pictures with more boxes than CROWD show no names, which would hide them. */
enum { SHEET_SIDE = 1920, PICTURE_SIDE = 800, MOST_TIMES = 6, CROWD = 40 };

static const float SHOWN_SCORE = 0.25f;

/* Boxes of one picture, in its pixels. */
struct boxes {
    float *xyxy, *scores; /* scores NULL: labels */
    int *classes;
    int count;
};

static void boxes_free(struct boxes *b)
{
    mem_free(b->xyxy);
    mem_free(b->scores);
    mem_free(b->classes);
}

static enum status boxes_init(struct boxes *b, int n, bool scores)
{
    size_t most = (size_t)MAX(n, 1);
    *b = (struct boxes){.xyxy = mem_alloc(most, 4 * sizeof *b->xyxy), .classes = mem_alloc(most, sizeof *b->classes)};
    if (scores)
        b->scores = mem_alloc(most, sizeof *b->scores);
    return b->xyxy && b->classes && (b->scores || !scores) ? OK : E_NOMEM;
}

/* Pixels of the sheet for one of the batch: sheets of up to 16 pictures are about SHEET_SIDE pixels large. */
static double sheet_scale(const struct batch *b)
{
    int n = MIN(b->n, SHEET_PICTURES), cols = (int)ceil(sqrt(n)), rows = (n + cols - 1) / cols;
    double scale = MIN((double)SHEET_SIDE / (cols * b->w), (double)SHEET_SIDE / (rows * b->h));
    return MIN(MIN(scale, (double)PICTURE_SIDE / MAX(b->h, b->w)), (double)MOST_TIMES);
}

static enum status add_picture(struct batch_sheet *s, const struct batch *b, int place, struct boxes *boxes)
{
    const struct dataset *d = s->dataset;
    struct image view = batch_image(b, place), *picture = &s->pictures[s->count];
    double scale = sheet_scale(b);
    int h = MAX((int)rint(b->h * scale), 1), w = MAX((int)rint(b->w * scale), 1);
    const struct draw_options options = {.hide_labels = boxes->count > CROWD};
    for (int i = 0; i < 4 * boxes->count; i++)
        boxes->xyxy[i] *= i % 2 ? (float)h / (float)b->h : (float)w / (float)b->w;
    TRY(image_resize(&view, h, w, scale < 1 ? RESIZE_AREA : RESIZE_LINEAR, picture));
    TRY(draw_detections(picture, boxes->xyxy, boxes->scores, boxes->classes, boxes->count, d->names,
                        d->names ? d->nc : 0, &options));
    s->captions[s->count++] = path_name(d->images[b->pictures[place].index].path);
    return OK;
}

enum status batch_sheet_add_labels(struct batch_sheet *s, const struct batch *b, int place)
{
    enum status rc = OK;
    struct boxes boxes = {0};
    if (s->count == SHEET_PICTURES)
        return OK;
    TRY_CLEAN(boxes_init(&boxes, b->n_targets, false));
    for (int t = 0; t < b->n_targets; t++) {
        const float *row = b->targets[t];
        if ((int)row[0] != place)
            continue;
        const float box[4] = {row[2] * (float)b->w, row[3] * (float)b->h, row[4] * (float)b->w, row[5] * (float)b->h};
        box_cxcywh_to_xyxy(box, boxes.xyxy + 4 * boxes.count);
        boxes.classes[boxes.count++] = (int)row[1];
    }
    TRY_CLEAN(add_picture(s, b, place, &boxes));
cleanup:
    boxes_free(&boxes);
    return rc;
}

enum status batch_sheet_add(struct batch_sheet *s, const struct batch *b, int place, const struct detection *detections,
                            int count)
{
    enum status rc = OK;
    struct boxes boxes = {0};
    const struct batch_picture *p = &b->pictures[place];
    if (s->count == SHEET_PICTURES)
        return OK;
    TRY_CLEAN(boxes_init(&boxes, count, true));
    for (int i = 0; i < count && detections[i].score > SHOWN_SCORE; i++) {
        for (int k = 0; k < 4; k++)
            boxes.xyxy[4 * i + k] =
                (float)(detections[i].xyxy[k] * p->map.gain + (k % 2 ? p->map.pad_y : p->map.pad_x));
        boxes.scores[i] = detections[i].score;
        boxes.classes[i] = detections[i].class;
        boxes.count++;
    }
    TRY_CLEAN(add_picture(s, b, place, &boxes));
cleanup:
    boxes_free(&boxes);
    return rc;
}

enum status batch_sheet_write(struct batch_sheet *s, const char *path)
{
    enum status rc = OK;
    struct image sheet = {0};
    if (!s->count)
        return OK;
    TRY_CLEAN(image_grid(s->pictures, s->captions, s->count,
                         &(struct grid_options){.max_side = 2 * SHEET_SIDE, .gap = 4}, &sheet));
    TRY_CLEAN(image_write(path, &sheet));
    s->count = 0;
cleanup:
    image_free(&sheet);
    return rc;
}

void batch_sheet_free(struct batch_sheet *s)
{
    for (int i = 0; i < SHEET_PICTURES; i++)
        image_free(&s->pictures[i]);
    s->count = 0;
}
