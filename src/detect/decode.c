#include "detect/decode.h"

#include "core/mem.h"
#include "detect/boxes.h"
#include "detect/decode_kinds.h"

#include <math.h>
#include <string.h>

static const struct head_reader *const readers[HEAD_KINDS] = {
    [HEAD_DFL] = &dfl_reader,
    [HEAD_ANCHORS] = &anchors_reader,
};

float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

float head_class_offset(const struct head *h)
{
    return readers[h->kind]->class_offset;
}

double head_val_iou(const struct head *h)
{
    return readers[h->kind]->val_iou;
}

int head_row_width(const struct head *h)
{
    return 4 + readers[h->kind]->objectness + h->nc;
}

float head_row_score(const struct head *h, const float *row, int k)
{
    return readers[h->kind]->score(h, row, 1, k);
}

int head_rows(const struct head_output *out)
{
    return out->anchors * head_cell_boxes(out->head);
}

static struct level_view view_level(const struct head_output *out, int image, int level)
{
    const float *base = out->logits + (size_t)image * out->image_stride;
    return (struct level_view){.head = out->head,
                               .level = level,
                               .first_row = out->level[level].first * head_cell_boxes(out->head),
                               .h = out->level[level].h,
                               .w = out->level[level].w,
                               .stride = (float)out->level[level].stride,
                               .logits = base + (size_t)out->level[level].first * out->stride,
                               .cell_stride = out->stride};
}

void decode_image(const struct head_output *out, int image, float *dst)
{
    const size_t width = (size_t)head_row_width(out->head), boxes = (size_t)head_cell_boxes(out->head);
    for (int l = 0; l < out->n_levels; l++) {
        const struct level_view v = view_level(out, image, l);
        readers[out->head->kind]->decode(&v, dst + (size_t)out->level[l].first * boxes * width);
    }
}

void candidates_free(struct candidates *c)
{
    mem_free(c->items);
    mem_free(c->boxes);
    mem_free(c->rows);
    memset(c, 0, sizeof(*c));
}

enum status candidates_reserve(struct candidates *c, int nc)
{
    if (c->count + (size_t)nc > c->capacity) {
        size_t capacity = MAX(c->capacity * 2, c->count + (size_t)nc + 4096);
        void *items = mem_grow(c->items, c->count * sizeof(*c->items), capacity * sizeof(*c->items));
        if (!items)
            return E_NOMEM;
        c->items = items;
        c->capacity = capacity;
    }
    if (c->n_boxes == c->box_capacity) {
        size_t capacity = c->box_capacity * 2 + 1024;
        void *boxes = mem_grow(c->boxes, c->n_boxes * sizeof(*c->boxes), capacity * sizeof(*c->boxes));
        if (!boxes)
            return E_NOMEM;
        c->boxes = boxes;
        int *rows = mem_grow(c->rows, c->n_boxes * sizeof(*c->rows), capacity * sizeof(*c->rows));
        if (!rows)
            return E_NOMEM;
        c->rows = rows;
        c->box_capacity = capacity;
    }
    return OK;
}

/* A logit that no score above `threshold` lies under, even after the rounding of sigmoid() in single precision. */
static float logit_floor(float threshold)
{
    double p = (double)threshold * (1 - 1e-6);
    if (p <= 0)
        return -INFINITY;
    if (p >= 1)
        return INFINITY;
    return (float)(log(p / (1 - p)) - 1e-5);
}

enum status candidates_from_head(struct candidates *c, const struct head_output *out, int image,
                                 const struct candidate_rule *rule)
{
    const struct candidate_scan scan = {c, rule, logit_floor(rule->threshold)};
    c->count = c->n_boxes = 0;
    for (int l = 0; l < out->n_levels; l++) {
        const struct level_view v = view_level(out, image, l);
        TRY(readers[out->head->kind]->scan(&scan, &v));
    }
    return OK;
}

enum status candidates_from_decoded(struct candidates *c, const struct head *head, const float *decoded, int rows,
                                    size_t row_stride, size_t value_stride, const struct candidate_rule *rule)
{
    const struct head_reader *reader = readers[head->kind];
    const struct candidate_scan scan = {c, rule, rule->threshold};
    c->count = c->n_boxes = 0;
    for (int a = 0; a < rows; a++) {
        const float *p = decoded + (size_t)a * row_stride;
        const float *scores = p + (size_t)(4 + reader->objectness) * value_stride;
        float gate = 1;
        if (candidates_reserve(c, head->nc) != OK)
            return E_NOMEM;
        if (reader->objectness) {
            gate = p[4 * value_stride];
            if (!(gate > rule->threshold))
                continue;
            if (head->nc == 1) {
                scores = &p[4 * value_stride];
                gate = 1;
            }
        }
        if (!candidates_push(&scan, scores, value_stride, head->nc, false, gate))
            continue;
        float cxcywh[4] = {p[0], p[value_stride], p[2 * value_stride], p[3 * value_stride]};
        box_cxcywh_to_xyxy(cxcywh, candidates_add_box(c, a));
    }
    return OK;
}
