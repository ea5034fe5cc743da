#include "eval/sheets.h"

#include "core/buf.h"
#include "core/mem.h"
#include "core/path.h"
#include "data/preview.h"
#include "image/draw.h"
#include "image/encode.h"
#include "image/grid.h"

static const float SHOWN_ABOVE = 0.25f; /* a sheet shows what a user of detect would see */

/* The picture as the network saw it, with the surest detections. */
static enum status draw_found(const struct sheets *s, const struct validated *v, struct image *out)
{
    enum status rc = OK;
    const struct box_map *map = &v->batch->pictures[v->place].map;
    struct image view = batch_image(v->batch, v->place);
    float(*boxes)[4] = mem_alloc((size_t)v->count, sizeof *boxes);
    float *scores = mem_alloc((size_t)v->count, sizeof *scores);
    int *classes = mem_alloc((size_t)v->count, sizeof *classes), n = 0;
    if (!boxes || !scores || !classes) {
        rc = E_NOMEM;
        goto cleanup;
    }
    for (int i = 0; i < v->count && v->detections[i].score > SHOWN_ABOVE; i++, n++) {
        const float *b = v->detections[i].xyxy;
        for (int k = 0; k < 4; k++)
            boxes[n][k] = (float)((double)b[k] * map->gain + (k % 2 ? map->pad_y : map->pad_x));
        scores[n] = v->detections[i].score;
        classes[n] = v->detections[i].class;
    }
    TRY(image_copy(&view, out));
    TRY(draw_detections(out, n ? boxes[0] : NULL, scores, classes, n, s->dataset->names, s->dataset->nc, NULL));
cleanup:
    mem_free(boxes);
    mem_free(scores);
    mem_free(classes);
    return rc;
}

static enum status write_sheets(struct sheets *s, const struct batch *b)
{
    enum status rc = OK;
    struct image sheet = {0};
    struct buf path = {0};
    const char *captions[SHEET_PICTURES];
    int n = MIN(b->n, SHEET_PICTURES);
    for (int i = 0; i < n; i++)
        captions[i] = path_name(s->dataset->images[b->pictures[i].index].path);
    TRY(image_grid(s->pictures, captions, n, NULL, &sheet));
    TRY(buf_printf(&path, "%s/val_batch%ld_pred.jpg", s->folder, b->number));
    TRY(image_write(path.data, &sheet));
    path.size = 0;
    TRY(buf_printf(&path, "%s/val_batch%ld_labels.jpg", s->folder, b->number));
    TRY(preview_batch(b, s->dataset, path.data));
cleanup:
    image_free(&sheet);
    buf_free(&path);
    return rc;
}

enum status sheets_add(struct sheets *s, const struct validated *v)
{
    enum status rc = OK;
    if (v->batch->number >= SHEETS)
        return OK;
    if (v->place < SHEET_PICTURES)
        TRY(draw_found(s, v, &s->pictures[v->place]));
    if (v->place == v->batch->n - 1)
        TRY(write_sheets(s, v->batch));
cleanup:
    return rc;
}

void sheets_free(struct sheets *s)
{
    for (int i = 0; i < SHEET_PICTURES; i++)
        image_free(&s->pictures[i]);
}
