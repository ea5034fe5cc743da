#include "eval/confusion.h"

#include "core/mem.h"
#include "detect/boxes.h"

#include <assert.h>
#include <string.h>

#define MIN_SCORE 0.25f
#define MIN_IOU   0.45f

enum status confusion_init(struct confusion *c, int nc)
{
    assert(nc > 0);
    memset(c, 0, sizeof(*c));
    c->nc = nc;
    c->cells = mem_calloc((size_t)(nc + 1) * (size_t)(nc + 1), sizeof(*c->cells));
    return c->cells ? OK : E_NOMEM;
}

void confusion_free(struct confusion *c)
{
    mem_free(c->cells);
    mem_free(c->best);
    mem_free(c->best_iou);
    mem_free(c->winner);
    memset(c, 0, sizeof(*c));
}

static enum status scratch_reserve(struct confusion *c, int detections, int labels)
{
    if (detections > c->detection_capacity) {
        mem_free(c->best);
        mem_free(c->best_iou);
        c->detection_capacity = 0;
        c->best = mem_alloc((size_t)detections, sizeof(*c->best));
        c->best_iou = mem_alloc((size_t)detections, sizeof(*c->best_iou));
        if (!c->best || !c->best_iou)
            return E_NOMEM;
        c->detection_capacity = detections;
    }
    c->winner = mem_reserve(c->winner, &c->label_capacity, labels, sizeof(*c->winner));
    return c->winner || !labels ? OK : E_NOMEM;
}

/* Each detection asks for its best label, each label takes the best of those that ask. Returns the matches. */
static int match_by_overlap(struct confusion *c, const struct detection *detections, int n_detections,
                            const struct eval_label *labels, int n_labels)
{
    int matches = 0;
    for (int l = 0; l < n_labels; l++)
        c->winner[l] = -1;
    for (int d = 0; d < n_detections; d++) {
        c->best[d] = -1;
        c->best_iou[d] = MIN_IOU;
        if (!(detections[d].score > MIN_SCORE))
            continue;
        for (int l = 0; l < n_labels; l++) {
            float iou = box_iou(labels[l].xyxy, detections[d].xyxy, BOX_EPSILON);
            if (iou > c->best_iou[d]) {
                c->best_iou[d] = iou;
                c->best[d] = l;
            }
        }
        if (c->best[d] < 0)
            continue;
        int *winner = &c->winner[c->best[d]];
        matches += *winner < 0;
        if (*winner < 0 || c->best_iou[d] > c->best_iou[*winner])
            *winner = d;
    }
    return matches;
}

enum status confusion_add(struct confusion *c, const struct detection *detections, int n_detections,
                          const struct eval_label *labels, int n_labels)
{
    size_t side = (size_t)c->nc + 1;
    if (n_labels == 0)
        return OK;
    if (scratch_reserve(c, n_detections, n_labels) != OK)
        return E_NOMEM;
    int matches = match_by_overlap(c, detections, n_detections, labels, n_labels);
    for (int l = 0; l < n_labels; l++) {
        size_t row = c->winner[l] < 0 ? (size_t)c->nc : (size_t)detections[c->winner[l]].class;
        c->cells[row * side + (size_t)labels[l].class]++;
    }
    for (int d = 0; d < n_detections && matches > 0; d++) {
        bool matched = c->best[d] >= 0 && c->winner[c->best[d]] == d;
        if (detections[d].score > MIN_SCORE && !matched)
            c->cells[(size_t)detections[d].class * side + (size_t)c->nc]++;
    }
    return OK;
}
