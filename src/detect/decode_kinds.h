/* Private to detect/: what decode.c and its parts share, one entry of the table a head kind. */
#ifndef Y9_DETECT_DECODE_KINDS_H
#define Y9_DETECT_DECODE_KINDS_H

#include "detect/decode.h"

/* One level of a branch. */
struct level_view {
    const struct head *head;
    int level, h, w;
    int first_row;       /* the decoded row of its first box */
    float stride;        /* pixels a cell */
    const float *logits; /* of its first cell in the image looked at */
    size_t cell_stride;  /* floats from a cell to the next */
};

/* How candidates are chosen from logits: `floor` is a logit that no score above the threshold lies under. */
struct candidate_scan {
    struct candidates *to;
    const struct candidate_rule *rule;
    float floor;
};

struct head_reader {
    int objectness;     /* values between the box and the class scores of a decoded row: 0 or 1 */
    float class_offset; /* what NMS shifts the boxes of the next class by */
    double val_iou;     /* threshold of NMS that validation uses by default */
    /* All rows of a level: row (box of the cell)*h*w + cell, head_row_width() floats each. */
    void (*decode)(const struct level_view *v, float *rows);
    /* Candidates of a level, in the order of the rows. E_NOMEM */
    enum status (*scan)(const struct candidate_scan *s, const struct level_view *v);
    /* Score of class k of a decoded row whose values stand `stride` apart. */
    float (*score)(const struct head *h, const float *row, size_t stride, int k);
};
extern const struct head_reader dfl_reader, anchors_reader;

/* Room for one more box with `nc` classes. */
enum status candidates_reserve(struct candidates *c, int nc);

/* The place of the next box, which is that of a decoded row; room was made for it. */
static inline float *candidates_add_box(struct candidates *c, int row)
{
    c->rows[c->n_boxes] = row;
    return c->boxes[c->n_boxes++];
}

/* Push what the rule lets through of one box, whose class scores are `gate` times what `scores` holds: probabilities,
 * or their logits. Inlined, so that each caller's loop is made for its case. */
static inline bool candidates_push(const struct candidate_scan *s, const float *scores, size_t stride, int nc,
                                   bool logits, float gate)
{
    struct candidates *c = s->to;
    const struct candidate_rule *rule = s->rule;
    const bool *allowed = rule->class_allowed;
    size_t before = c->count;
    float best = rule->threshold;
    int best_class = -1;
    for (int k = 0; k < nc; k++) {
        float x = scores[(size_t)k * stride];
        if (!(x > s->floor))
            continue;
        float score = (logits ? sigmoid(x) : x) * gate;
        if (rule->multi_label) {
            if (score > rule->threshold && (!allowed || allowed[k]))
                c->items[c->count++] = (struct candidate){score, k, (int)c->n_boxes};
        } else if (score > best) { /* strictly: the first of equals is the best class */
            best = score;
            best_class = k;
        }
    }
    if (best_class >= 0 && (!allowed || allowed[best_class]))
        c->items[c->count++] = (struct candidate){best, best_class, (int)c->n_boxes};
    return c->count > before;
}

#endif
