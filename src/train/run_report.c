#include "train/run_report.h"

#include "core/path.h"
#include "image/chart.h"
#include "image/draw.h"
#include "image/encode.h"
#include "image/grid.h"

#include <stdio.h>
#include <string.h>

/* --- results ----------------------------------------------------------------------------------------------------- */

enum status run_plot_results(const struct run_folder *f, const struct run_progress *p)
{
    enum { ROWS = 2, COLS = 5 };
    enum result_column shown[ROWS * COLS] = {
        RESULT_TRAIN_BOX, RESULT_TRAIN_CLS, RESULT_TRAIN_DFL, RESULT_PRECISION, RESULT_RECALL,
        RESULT_LR0,       RESULT_LR1,       RESULT_LR2,       RESULT_MAP50,     RESULT_MAP,
    };
    struct chart charts[ROWS * COLS];
    struct series series[ROWS * COLS];
    struct panel panels[ROWS * COLS];
    enum status rc = OK;
    if (!p->n_rows)
        return OK;
    for (int k = 0; k < LOSS_ITEMS && p->rows[p->n_rows - 1][RESULT_VAL_CLS] != 0; k++)
        shown[COLS + k] = RESULT_VAL_BOX + k; /* where they are measured */
    char *path = path_join(f->path, "results.png");
    double *values = mem_alloc((size_t)p->n_rows * COUNT(shown), sizeof *values);
    TRY(path && values ? OK : E_NOMEM);
    for (int k = 0; k < COUNT(shown); k++) {
        double *y = values + (size_t)k * (size_t)p->n_rows;
        for (int i = 0; i < p->n_rows; i++)
            y[i] = p->rows[i][shown[k]];
        series[k] = (struct series){.style = SERIES_LINE_POINTS, .y = y, .n = p->n_rows};
        charts[k] = (struct chart){
            .title = result_column_name(shown[k]), .x = {.label = "epoch"}, .series = &series[k], .n_series = 1};
        panels[k] = (struct panel){chart_draw, &charts[k]};
    }
    TRY(figure_write(path, 2000, 800, panels, ROWS, COLS));
cleanup:
    mem_free(values);
    mem_free(path);
    return rc;
}

/* --- batches ----------------------------------------------------------------------------------------------------- */

enum { CROWD = 25 };

/* Boxes of one picture, in its pixels. */
struct boxes {
    float *xyxy, *scores;
    int *classes;
    int count, capacity;
};

static enum status reserve_boxes(struct boxes *b, int n)
{
    if (n <= b->capacity)
        return OK;
    mem_free(b->xyxy);
    mem_free(b->scores);
    mem_free(b->classes);
    b->xyxy = mem_alloc((size_t)n, 4 * sizeof *b->xyxy);
    b->scores = mem_alloc((size_t)n, sizeof *b->scores);
    b->classes = mem_alloc((size_t)n, sizeof *b->classes);
    b->capacity = b->xyxy && b->scores && b->classes ? n : 0;
    return b->capacity ? OK : E_NOMEM;
}

static enum status take_detections(const struct batch_picture *p, const struct detection *d, int n, struct boxes *out)
{
    enum status rc = reserve_boxes(out, n + 1);
    out->count = 0;
    for (int i = 0; rc == OK && i < n && d[i].score > 0.25f; i++) {
        float *box = out->xyxy + 4 * i;
        for (int k = 0; k < 4; k++)
            box[k] = (float)(d[i].xyxy[k] * p->map.gain + (k % 2 ? p->map.pad_y : p->map.pad_x));
        out->scores[i] = d[i].score;
        out->classes[i] = d[i].class;
        out->count++;
    }
    return rc;
}

static void free_boxes(struct boxes *b)
{
    mem_free(b->xyxy);
    mem_free(b->scores);
    mem_free(b->classes);
}

/* The picture at `place` with these boxes. */
static enum status add_picture(struct batch_sheet *s, const struct batch *b, int place, const struct boxes *boxes)
{
    enum status rc = OK;
    const struct dataset *d = s->dataset;
    struct image view = batch_image(b, place);
    const struct draw_options options = {.hide_labels = boxes->count > CROWD}; /* names would hide the picture */
    TRY(image_copy(&view, &s->pictures[s->count]));
    TRY(draw_detections(&s->pictures[s->count], boxes->xyxy, boxes->scores, boxes->classes, boxes->count, d->names,
                        d->nc, &options));
    s->captions[s->count++] = path_name(d->images[b->pictures[place].index].path);
cleanup:
    return rc;
}

enum status batch_sheet_add(struct batch_sheet *s, const struct batch *b, int place, const struct detection *detections,
                            int count)
{
    struct boxes boxes = {0};
    if (s->count == SHEET_PICTURES)
        return OK;
    enum status rc = take_detections(&b->pictures[place], detections, count, &boxes);
    if (rc == OK)
        rc = add_picture(s, b, place, &boxes);
    free_boxes(&boxes);
    return rc;
}

enum status batch_sheet_write(struct batch_sheet *s, const struct run_folder *f, const char *name)
{
    enum status rc = OK;
    struct image sheet = {0};
    char *path = path_join(f->path, name);
    TRY(path ? OK : E_NOMEM);
    TRY(image_grid(s->pictures, s->captions, s->count, NULL, &sheet));
    TRY(image_write(path, &sheet));
    s->count = 0;
cleanup:
    image_free(&sheet);
    mem_free(path);
    return rc;
}

void batch_sheet_free(struct batch_sheet *s)
{
    for (int i = 0; i < SHEET_PICTURES; i++)
        image_free(&s->pictures[i]);
    s->count = 0;
}
