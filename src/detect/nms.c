#include "detect/nms.h"

#include "core/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { RADIX_BITS = 11, RADIX = 1 << RADIX_BITS, RADIX_PASSES = 3 };

void nms_free(struct nms_workspace *w)
{
    mem_free(w->keys);
    mem_free(w->order);
    mem_free(w->kept);
    mem_free(w->next);
    mem_free(w->head);
    memset(w, 0, sizeof(*w));
}

static enum status workspace_reserve(struct nms_workspace *w, size_t n, int kept, int classes)
{
    if (n > w->capacity) {
        mem_free(w->keys);
        mem_free(w->order);
        w->capacity = 0;
        w->keys = mem_alloc(2 * n, sizeof(*w->keys));
        w->order = mem_alloc(2 * n, sizeof(*w->order));
        if (!w->keys || !w->order)
            return E_NOMEM;
        w->capacity = n;
    }
    if (kept > w->kept_capacity) {
        mem_free(w->kept);
        mem_free(w->next);
        w->kept_capacity = 0;
        w->kept = mem_alloc((size_t)kept * 5, sizeof(*w->kept));
        w->next = mem_alloc((size_t)kept, sizeof(*w->next));
        if (!w->kept || !w->next)
            return E_NOMEM;
        w->kept_capacity = kept;
    }
    w->head = mem_reserve(w->head, &w->head_capacity, classes, sizeof(*w->head));
    return w->head || !classes ? OK : E_NOMEM;
}

/* Indices of the candidates by falling score, stable: a radix sort of the score's bits (scores are not negative, so
 * their bits grow with them). Returns a pointer into the workspace. */
static const uint32_t *sort_by_score(struct nms_workspace *w, const struct candidates *c)
{
    size_t n = c->count;
    uint32_t histogram[RADIX_PASSES][RADIX] = {{0}};
    uint32_t *keys = w->keys, *order = w->order, *keys2 = w->keys + n, *order2 = w->order + n;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &c->items[i].score, sizeof(bits));
        keys[i] = ~bits;
        order[i] = (uint32_t)i;
        for (int p = 0; p < RADIX_PASSES; p++)
            histogram[p][(keys[i] >> (p * RADIX_BITS)) & (RADIX - 1)]++;
    }
    for (int p = 0; p < RADIX_PASSES; p++) {
        uint32_t sum = 0;
        for (int d = 0; d < RADIX; d++) {
            uint32_t here = histogram[p][d];
            histogram[p][d] = sum;
            sum += here;
        }
        for (size_t i = 0; i < n; i++) {
            uint32_t to = histogram[p][(keys[i] >> (p * RADIX_BITS)) & (RADIX - 1)]++;
            keys2[to] = keys[i];
            order2[to] = order[i];
        }
        uint32_t *swap = keys;
        keys = keys2;
        keys2 = swap;
        swap = order;
        order = order2;
        order2 = swap;
    }
    return order;
}

/* The kept boxes, shifted by their class, as columns. */
struct kept {
    float *x1, *y1, *x2, *y2, *area;
    int count;
};

static inline float overlap(const struct kept *k, int i, const float b[4], float area)
{
    float w = MIN(k->x2[i], b[2]) - MAX(k->x1[i], b[0]);
    float h = MIN(k->y2[i], b[3]) - MAX(k->y1[i], b[1]);
    float inter = MAX(w, 0.0f) * MAX(h, 0.0f);
    return inter / (k->area[i] + area - inter);
}

/* Does a kept box of this class's chain suppress b? */
static bool chain_hit(const struct kept *k, const int *next, int first, const float b[4], float area, float threshold)
{
    for (int i = first; i >= 0; i = next[i])
        if (overlap(k, i, b, area) > threshold)
            return true;
    return false;
}

/* The same over all kept boxes, in blocks that the compiler turns into vectors. */
static bool any_hit(const struct kept *k, const float b[4], float area, float threshold)
{
    int i = 0;
    for (; i + 16 <= k->count; i += 16) {
        int hit = 0;
        for (int j = 0; j < 16; j++)
            hit |= overlap(k, i + j, b, area) > threshold;
        if (hit)
            return true;
    }
    for (; i < k->count; i++)
        if (overlap(k, i, b, area) > threshold)
            return true;
    return false;
}

/* The best kept box that suppresses b. */
static struct nms_end suppressor(const struct kept *k, const float b[4], float area, float threshold)
{
    for (int i = 0; i < k->count; i++) {
        float iou = overlap(k, i, b, area);
        if (iou > threshold)
            return (struct nms_end){NMS_SUPPRESSED, i, iou};
    }
    assert(false);
    return (struct nms_end){NMS_LEFT_OUT, -1, 0};
}

static enum status trace_begin(struct nms_trace *t, int n)
{
    t->ends = mem_reserve(t->ends, &t->capacity, n, sizeof *t->ends);
    for (int i = 0; t->ends && i < n; i++)
        t->ends[i] = (struct nms_end){NMS_LEFT_OUT, -1, 0};
    return t->ends || !n ? OK : E_NOMEM;
}

void nms_trace_free(struct nms_trace *t)
{
    mem_free(t->ends);
    *t = (struct nms_trace){0};
}

/* True if boxes of different classes cannot meet once they are shifted: then a class's chain is all there is to look
 * at. Shifting moves x by whole multiples of the offset and rounding keeps order, so a spread under it is enough. */
static bool classes_apart(const struct candidates *c, float offset)
{
    float low = 0, high = 0;
    for (size_t i = 0; i < c->n_boxes; i++) {
        float x1 = c->boxes[i][0], x2 = c->boxes[i][2];
        if (!(x1 > -1e6f && x2 < 1e6f))
            return false;
        low = MIN(low, x1);
        high = MAX(high, x2);
    }
    return high - low < offset;
}

/* The largest float not above x: IoU (single) > x (double) is then a comparison of floats. */
static float float_below(double x)
{
    float f = (float)x;
    return (double)f > x ? nextafterf(f, -INFINITY) : f;
}

enum status nms_apply(struct nms_workspace *w, const struct candidates *c, const struct nms_config *config,
                      struct detection *dst, int *count)
{
    int classes = 1, capacity = config->max_detections;
    assert(capacity >= 0 && c->count < INT32_MAX);
    *count = 0;
    if (config->trace)
        TRY(trace_begin(config->trace, (int)c->count));
    if (c->count == 0 || capacity == 0)
        return OK;
    for (size_t i = 0; i < c->count; i++)
        classes = MAX(classes, c->items[i].class + 1);
    if (workspace_reserve(w, c->count, capacity, classes) != OK)
        return E_NOMEM;

    const uint32_t *order = sort_by_score(w, c);
    size_t n = MIN(c->count, (size_t)NMS_MAX_CANDIDATES);
    const float offset = config->class_offset > 0 ? config->class_offset : NMS_CLASS_OFFSET;
    float threshold = float_below(config->iou_threshold);
    bool chains = !config->agnostic && threshold >= 0 && classes_apart(c, offset);
    float *columns = w->kept;
    struct kept kept = {
        columns, columns + capacity, columns + 2 * capacity, columns + 3 * capacity, columns + 4 * capacity, 0};
    for (int k = 0; k < classes; k++)
        w->head[k] = -1;
    for (size_t i = 0; i < n && kept.count < capacity; i++) {
        const struct candidate *item = &c->items[order[i]];
        const float *box = c->boxes[item->box];
        float shift = config->agnostic ? 0 : (float)item->class * offset;
        float b[4] = {box[0] + shift, box[1] + shift, box[2] + shift, box[3] + shift};
        float area = (b[2] - b[0]) * (b[3] - b[1]);
        if (chains ? chain_hit(&kept, w->next, w->head[item->class], b, area, threshold)
                   : any_hit(&kept, b, area, threshold)) {
            if (config->trace)
                config->trace->ends[order[i]] = suppressor(&kept, b, area, threshold);
            continue;
        }
        int k = kept.count++;
        if (config->trace)
            config->trace->ends[order[i]] = (struct nms_end){NMS_KEPT, k, 1};
        kept.x1[k] = b[0];
        kept.y1[k] = b[1];
        kept.x2[k] = b[2];
        kept.y2[k] = b[3];
        kept.area[k] = area;
        w->next[k] = w->head[item->class];
        w->head[item->class] = k;
        memcpy(dst[k].xyxy, box, sizeof(dst[k].xyxy));
        dst[k].score = item->score;
        dst[k].class = item->class;
    }
    *count = kept.count;
    return OK;
}
