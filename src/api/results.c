/* What was found, kept in the form of yolo9.h until the next run. */
#include "api/api.h"
#include "core/mem.h"

enum status api_results_begin(struct yolo9_detector *d, int count)
{
    d->n_results = d->n_found = 0;
    d->results = mem_reserve(d->results, &d->cap_results, MAX(count, 1), sizeof *d->results);
    return d->results ? OK : E_NOMEM;
}

/* Room for `more` detections behind those that are there. */
static enum status reserve(struct yolo9_detector *d, int more)
{
    const int needed = d->n_found + more;
    if (needed <= d->cap_found)
        return OK;
    const int capacity = MAX(needed, 2 * d->cap_found);
    void *grown = mem_grow(d->found, (size_t)d->n_found * sizeof *d->found, (size_t)capacity * sizeof *d->found);
    if (!grown)
        return E_NOMEM;
    d->found = grown;
    d->cap_found = capacity;
    return OK;
}

enum status api_results_add(struct yolo9_detector *d, int image, const struct letterbox *box, struct yolo9_result *r)
{
    const struct detection *found;
    TRY(detector_boxes(d->detector, image, box, &found, &r->count));
    TRY(reserve(d, r->count));
    for (int i = 0; i < r->count; i++) {
        const float *b = found[i].xyxy;
        d->found[d->n_found++] = (struct yolo9_detection){
            .x1 = b[0], .y1 = b[1], .x2 = b[2], .y2 = b[3], .score = found[i].score, .class_index = found[i].class};
    }
    d->results[d->n_results++] = *r;
    return OK;
}

void api_results_end(struct yolo9_detector *d, bool good)
{
    const struct yolo9_detection *next = d->found;
    if (!good)
        d->n_results = 0;
    for (int i = 0; i < d->n_results; i++) { /* only now: they may have moved */
        d->results[i].detections = next;
        next += d->results[i].count;
    }
}

const struct yolo9_result *yolo9_detector_result(const struct yolo9_detector *d, int index)
{
    return d && index >= 0 && index < d->n_results ? &d->results[index] : NULL;
}
