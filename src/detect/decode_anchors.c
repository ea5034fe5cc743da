/* The anchor-based head: every cell has a box for each anchor, a size that the box is a multiple of, with an objectness
 * beside its classes. With s the sigmoid of a logit:
 *
 *   cx = (2 s_x - 0.5 + column) stride,   w = (2 s_w)^2 anchor width,   score of a class = s_class s_objectness
 *
 * (y and h likewise). With one class there is nothing to tell apart and the score is the objectness alone. */
#include "detect/boxes.h"
#include "detect/decode_kinds.h"

static const float *box_logits(const struct level_view *v, int anchor, int cell)
{
    return v->logits + (size_t)cell * v->cell_stride + (size_t)anchor * (size_t)(5 + v->head->nc);
}

void anchor_box_decode(const float *logits, int column, int row, float stride, const float size[2], float cxcywh[4])
{
    const int place[2] = {column, row};
    for (int k = 0; k < 2; k++) {
        float twice = 2 * sigmoid(logits[2 + k]);
        cxcywh[k] = (2 * sigmoid(logits[k]) - 0.5f + (float)place[k]) * stride;
        cxcywh[2 + k] = twice * twice * size[k];
    }
}

static void decode_box(const struct level_view *v, int anchor, int cell, float *cxcywh)
{
    anchor_box_decode(box_logits(v, anchor, cell), cell % v->w, cell / v->w, v->stride,
                      v->head->anchor[v->level][anchor], cxcywh);
}

static void anchors_decode(const struct level_view *v, float *rows)
{
    const int width = 5 + v->head->nc;
    for (int b = 0; b < v->head->n_anchors; b++)
        for (int i = 0; i < v->h * v->w; i++, rows += width) {
            const float *logits = box_logits(v, b, i);
            decode_box(v, b, i, rows);
            for (int k = 4; k < width; k++)
                rows[k] = sigmoid(logits[k]);
        }
}

static enum status anchors_scan(const struct candidate_scan *s, const struct level_view *v)
{
    const int nc = v->head->nc;
    for (int b = 0; b < v->head->n_anchors; b++)
        for (int i = 0; i < v->h * v->w; i++) {
            const float *logits = box_logits(v, b, i);
            if (!(logits[4] > s->floor))
                continue;
            const float objectness = sigmoid(logits[4]);
            if (!(objectness > s->rule->threshold))
                continue;
            if (candidates_reserve(s->to, nc) != OK)
                return E_NOMEM;
            if (!candidates_push(s, nc == 1 ? logits + 4 : logits + 5, 1, nc, true, nc == 1 ? 1 : objectness))
                continue;
            float *box = candidates_add_box(s->to, v->first_row + b * v->h * v->w + i);
            decode_box(v, b, i, box);
            box_cxcywh_to_xyxy(box, box);
        }
    return OK;
}

static float anchors_score(const struct head *h, const float *row, size_t stride, int k)
{
    const float objectness = row[4 * stride];
    return h->nc == 1 ? objectness : row[(size_t)(5 + k) * stride] * objectness;
}

const struct head_reader anchors_reader = {
    .objectness = 1,
    .class_offset = 4096,
    .val_iou = 0.65,
    .decode = anchors_decode,
    .scan = anchors_scan,
    .score = anchors_score,
};
