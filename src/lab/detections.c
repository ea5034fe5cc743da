#include "lab/detections.h"

#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool wanted(const struct detector_config *c, int class)
{
    for (int i = 0; i < c->n_classes; i++)
        if (c->classes[i] == class)
            return true;
    return !c->n_classes;
}

static struct row_place place_of(const struct head_output *out, int row)
{
    const int boxes = head_cell_boxes(out->head);
    int l = out->n_levels - 1;
    while (row < out->level[l].first * boxes)
        l--;
    const int inner = row - out->level[l].first * boxes, cells = out->level[l].h * out->level[l].w;
    return (struct row_place){.level = l,
                              .x = inner % cells % out->level[l].w,
                              .y = inner % cells / out->level[l].w,
                              .anchor = inner / cells};
}

/* --- levels --- */

/* The best score of every cell; *best is the row of the largest of all. */
static enum status read_levels(struct detections_figure *f, const struct head_output *out,
                               const struct detector_config *c, int *best)
{
    const struct head *head = out->head;
    const size_t width = (size_t)head_row_width(head);
    float most = -1;
    f->decoded = mem_alloc((size_t)head_rows(out) * width, sizeof *f->decoded);
    if (!f->decoded)
        return E_NOMEM;
    decode_image(out, 0, f->decoded);
    for (; f->n_levels < out->n_levels; f->n_levels++) {
        struct level_heat *l = &f->levels[f->n_levels];
        l->h = out->level[f->n_levels].h;
        l->w = out->level[f->n_levels].w;
        l->stride = out->level[f->n_levels].stride;
        l->score = mem_calloc((size_t)(l->h * l->w), sizeof *l->score);
        if (!l->score)
            return E_NOMEM;
    }
    *best = 0;
    for (int row = 0; row < head_rows(out); row++) {
        const struct row_place at = place_of(out, row);
        struct level_heat *l = &f->levels[at.level];
        float *cell = &l->score[at.y * l->w + at.x];
        for (int k = 0; k < head->nc; k++) {
            const float score = head_row_score(head, f->decoded + (size_t)row * width, k);
            if (!wanted(c, k))
                continue;
            *cell = MAX(*cell, score);
            if (score > l->most) {
                l->most = score;
                l->class = k;
            }
            if (score > most) {
                most = score;
                *best = row;
                f->class = k;
            }
        }
    }
    return OK;
}

/* --- candidates --- */

static int compare_boxes(const void *a, const void *b)
{
    const struct traced_box *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->row > y->row) - (x->row < y->row);
}

static enum status read_boxes(struct detections_figure *f)
{
    const struct candidates *c = detector_candidates(f->detector);
    const struct letterbox *box = &f->input.box;
    const struct box_map map = detector_map(f->detector, box);
    f->boxes = mem_alloc(c->count + 1, sizeof *f->boxes);
    if (!f->boxes)
        return E_NOMEM;
    for (size_t i = 0; i < c->count; i++) {
        const struct candidate *item = &c->items[i];
        struct traced_box *b = &f->boxes[f->n_boxes++];
        *b = (struct traced_box){
            .class = item->class, .score = item->score, .row = c->rows[item->box], .end = f->trace.ends[i]};
        memcpy(b->input, c->boxes[item->box], sizeof b->input);
        memcpy(b->photo, b->input, sizeof b->photo);
        boxes_to_photo(&map, box->src_h, box->src_w, b->photo, 1, 4);
        f->kept += b->end.fate == NMS_KEPT;
        f->suppressed += b->end.fate == NMS_SUPPRESSED;
        f->left_out += b->end.fate == NMS_LEFT_OUT;
    }
    qsort(f->boxes, (size_t)f->n_boxes, sizeof *f->boxes, compare_boxes);
    return OK;
}

/* --- the box that is looked into --- */

static enum status choose(struct detections_figure *f, int chosen, int best)
{
    f->chosen = -1;
    f->row = best;
    if (!f->kept && chosen == 0)
        return OK;
    if (chosen >= f->kept)
        return fail(E_ARGUMENT, "box %d: the photo has %d", chosen + 1, f->kept);
    for (int i = 0; i < f->n_boxes; i++) {
        const struct traced_box *b = &f->boxes[i];
        if (b->end.fate != NMS_KEPT || b->end.by != chosen)
            continue;
        f->chosen = chosen;
        f->row = b->row;
        f->class = b->class;
    }
    return OK;
}

static enum status look_into(struct detections_figure *f, const struct head_output *out)
{
    const struct head *head = out->head;
    const float *row = f->decoded + (size_t)f->row * (size_t)head_row_width(head);
    f->place = place_of(out, f->row);
    f->score = head_row_score(head, row, f->class);
    box_cxcywh_to_xyxy(row, f->xyxy);
    f->classes = mem_alloc((size_t)head->nc, sizeof *f->classes);
    if (!f->classes)
        return E_NOMEM;
    for (int k = 0; k < head->nc; k++)
        f->classes[k] = head_row_score(head, row, k);
    const int cell = out->level[f->place.level].first + f->place.y * out->level[f->place.level].w + f->place.x;
    const float *logits = out->logits + (size_t)cell * out->stride;
    if (head->kind == HEAD_DFL) {
        f->bins = head->reg_max;
        for (int side = 0; side < 4; side++)
            f->distance[side] = dfl_expectation(logits + side * f->bins, f->bins, f->dfl[side]);
        return OK;
    }
    for (int k = 0; k < COUNT(f->logits); k++)
        f->logits[k] = sigmoid(logits[f->place.anchor * (5 + head->nc) + k]);
    return OK;
}

/* --- all --- */

enum status detections_figure_make(const struct graph *graph, float *params, const struct detector_config *config,
                                   const struct image *photo, int chosen, struct detections_figure *f)
{
    struct detector_config c = *config;
    struct detector_times times;
    const struct detection *detections;
    int count, best;
    *f = (struct detections_figure){.graph = graph};
    c.trace = &f->trace;
    TRY(detector_create(graph, params, &c, &f->detector));
    const struct pixels pixels = pixels_of_image(photo);
    TRY(detector_prepare(f->detector, &pixels, &f->input));
    TRY(detector_run(f->detector, &f->input, &detections, &count, &times));
    const struct head_output out = net_output(detector_net(f->detector), 0);
    TRY(read_levels(f, &out, config, &best));
    TRY(read_boxes(f));
    TRY(choose(f, chosen, best));
    return look_into(f, &out);
}

void detections_figure_free(struct detections_figure *f)
{
    for (int l = 0; l < MAX_LEVELS; l++)
        mem_free(f->levels[l].score);
    mem_free(f->boxes);
    mem_free(f->classes);
    mem_free(f->decoded);
    nms_trace_free(&f->trace);
    detector_input_free(&f->input);
    detector_destroy(f->detector);
    *f = (struct detections_figure){0};
}
