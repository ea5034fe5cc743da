#include "eval/coco.h"

#include "core/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double area_range[COCO_AREAS][2] = {{0, 1e10}, {0, 1024}, {1024, 9216}, {9216, 1e10}};

/* A detection that took part, with one bit an IoU threshold for each range of areas. */
struct coco_record {
    double score;
    int64_t image;
    int class;
    int rank; /* place among the detections of its image and class, by score */
    uint16_t matched[COCO_AREAS], ignored[COCO_AREAS];
};

/* Memory of coco_add, kept from image to image. */
struct coco_scratch {
    int *detection_order; /* and as much again for sorting */
    int *label_order, *walk;
    double *iou; /* [detections of a class, <= 100][labels of that class] */
    bool *taken;
    size_t detections, labels;
};

struct coco {
    int nc;
    size_t limit;
    struct coco_record *records;
    size_t count, capacity;
    uint64_t (*positives)[COCO_AREAS]; /* [nc] labels that are not ignored */
    struct coco_scratch scratch;
};

const char *coco_number_name(enum coco_number number)
{
    static const char *const names[COCO_NUMBERS] = {"AP",  "AP50", "AP75",  "APs", "APm", "APl",
                                                    "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"};
    return names[number];
}

enum status coco_create(int nc, size_t limit, struct coco **out)
{
    assert(nc > 0);
    struct coco *c = mem_calloc(1, sizeof(*c));
    *out = NULL;
    if (!c)
        return E_NOMEM;
    c->nc = nc;
    c->limit = limit;
    c->positives = mem_calloc((size_t)nc, sizeof(*c->positives));
    if (!c->positives) {
        coco_destroy(c);
        return E_NOMEM;
    }
    *out = c;
    return OK;
}

static void scratch_free(struct coco_scratch *s)
{
    mem_free(s->detection_order);
    mem_free(s->label_order);
    mem_free(s->walk);
    mem_free(s->iou);
    mem_free(s->taken);
    memset(s, 0, sizeof(*s));
}

void coco_destroy(struct coco *c)
{
    if (!c)
        return;
    scratch_free(&c->scratch);
    mem_free(c->records);
    mem_free(c->positives);
    mem_free(c);
}

static enum status scratch_reserve(struct coco_scratch *s, size_t detections, size_t labels)
{
    if (detections <= s->detections && labels <= s->labels)
        return OK;
    detections = MAX(detections, s->detections);
    labels = MAX(labels, s->labels);
    scratch_free(s);
    s->detection_order = mem_alloc(2 * detections, sizeof(int));
    s->label_order = mem_alloc(labels, sizeof(int));
    s->walk = mem_alloc(labels, sizeof(int));
    s->iou = mem_alloc(labels * COCO_MAX_DETECTIONS, sizeof(double));
    s->taken = mem_alloc(labels, sizeof(bool));
    if (!s->detection_order || !s->label_order || !s->walk || !s->iou || !s->taken)
        return E_NOMEM;
    s->detections = detections;
    s->labels = labels;
    return OK;
}

static enum status records_reserve(struct coco *c, size_t more)
{
    if (c->count + more > c->limit)
        return fail(E_LIMIT, "COCO evaluation: more than %zu detections", c->limit);
    if (c->records && c->count + more <= c->capacity)
        return OK;
    size_t capacity = c->capacity ? MAX(c->capacity * 2, c->count + more) : MAX(more, 1024);
    void *records = mem_grow(c->records, c->count * sizeof(*c->records), capacity * sizeof(*c->records));
    if (!records)
        return E_NOMEM;
    c->records = records;
    c->capacity = capacity;
    return OK;
}

enum status coco_reserve(struct coco *c, size_t detections)
{
    return records_reserve(c, detections);
}

static double box_overlap(const double d[4], const struct coco_label *label)
{
    const double *g = label->xywh;
    double w = MIN(d[0] + d[2], g[0] + g[2]) - MAX(d[0], g[0]);
    double h = MIN(d[1] + d[3], g[1] + g[3]) - MAX(d[1], g[1]);
    if (!(w > 0) || !(h > 0))
        return 0;
    double inter = w * h, area = d[2] * d[3];
    return inter / (label->crowd ? area : area + g[2] * g[3] - inter);
}

static bool out_of_range(double area, int range)
{
    return area < area_range[range][0] || area > area_range[range][1]; /* both ends belong to the range */
}

/* One image, one class. */
struct coco_cell {
    const struct coco_detection *detections;
    const struct coco_label *labels;
    const int *detection_order, *label_order; /* this class's, detections by falling score */
    int n_detections, n_labels;
};

/* The label that detection d takes at `threshold`, as a place in the walk, or -1. walk: labels (indices of the cell),
 * the first n_kept of them not ignored. */
static int choose_label(const struct coco_scratch *s, const struct coco_cell *cell, int d, double threshold, int n_kept)
{
    double best = MIN(threshold, 1 - 1e-10);
    int chosen = -1;
    for (int i = 0; i < cell->n_labels; i++) {
        int label = s->walk[i];
        if (s->taken[label] && !cell->labels[cell->label_order[label]].crowd)
            continue;
        if (chosen >= 0 && chosen < n_kept && i >= n_kept)
            break; /* a proper label is never given up for an ignored one */
        double iou = s->iou[d * cell->n_labels + label];
        if (iou < best)
            continue;
        best = iou;
        chosen = i;
    }
    return chosen;
}

/* Match at all thresholds for one range of areas; sets bits in the records of the cell's detections. */
static void match_area(struct coco_scratch *s, const struct coco_cell *cell, int range, struct coco_record *records)
{
    int n_kept = 0, at;
    for (int pass = 0; pass < 2; pass++) {
        at = pass ? n_kept : 0;
        for (int l = 0; l < cell->n_labels; l++) {
            const struct coco_label *label = &cell->labels[cell->label_order[l]];
            if ((label->crowd || out_of_range(label->area, range)) == (pass == 1))
                s->walk[at++] = l;
        }
        if (pass == 0)
            n_kept = at;
    }
    for (int t = 0; t < COCO_IOUS; t++) {
        double threshold = 0.5 + t * ((0.95 - 0.5) / 9);
        uint16_t bit = (uint16_t)(1u << t);
        memset(s->taken, 0, (size_t)cell->n_labels * sizeof(*s->taken));
        for (int d = 0; d < cell->n_detections; d++) {
            const double *box = cell->detections[cell->detection_order[d]].xywh;
            int chosen = choose_label(s, cell, d, threshold, n_kept);
            if (chosen >= 0) {
                s->taken[s->walk[chosen]] = true;
                records[d].matched[range] |= bit;
                if (chosen >= n_kept)
                    records[d].ignored[range] |= bit;
            } else if (out_of_range(box[2] * box[3], range)) {
                records[d].ignored[range] |= bit;
            }
        }
    }
}

static enum status add_cell(struct coco *c, int64_t image_id, int class, const struct coco_cell *cell)
{
    struct coco_scratch *s = &c->scratch;
    enum status rc = records_reserve(c, (size_t)MAX(cell->n_detections, 1)); /* then c->records is never NULL */
    if (rc != OK)
        return rc;
    struct coco_record *records = c->records + c->count;
    for (int d = 0; d < cell->n_detections; d++) {
        const struct coco_detection *detection = &cell->detections[cell->detection_order[d]];
        records[d] = (struct coco_record){.score = detection->score, .image = image_id, .class = class, .rank = d};
        for (int l = 0; l < cell->n_labels; l++)
            s->iou[d * cell->n_labels + l] = box_overlap(detection->xywh, &cell->labels[cell->label_order[l]]);
    }
    for (int range = 0; range < COCO_AREAS; range++) {
        match_area(s, cell, range, records);
        for (int l = 0; l < cell->n_labels; l++) {
            const struct coco_label *label = &cell->labels[cell->label_order[l]];
            c->positives[class][range] += !label->crowd && !out_of_range(label->area, range);
        }
    }
    c->count += (size_t)cell->n_detections;
    return OK;
}

/* Does a go before b? By class, then by falling score. */
static bool goes_before(const struct coco_detection *a, const struct coco_detection *b)
{
    return a->class != b->class ? a->class < b->class : a->score > b->score;
}

/* Stable merge sort of indices (depth log2 n). */
static void sort_detections(int *order, int *spare, int n, const struct coco_detection *d)
{
    if (n < 2)
        return;
    int half = n / 2, i = 0, j = half, k = 0;
    sort_detections(order, spare, half, d);
    sort_detections(order + half, spare, n - half, d);
    while (i < half && j < n)
        spare[k++] = goes_before(&d[order[j]], &d[order[i]]) ? order[j++] : order[i++];
    while (i < half)
        spare[k++] = order[i++];
    while (j < n)
        spare[k++] = order[j++];
    memcpy(order, spare, (size_t)n * sizeof(*order));
}

/* Labels by class, in their own order inside one: insertion, images hold a few dozen. */
static void sort_labels(int *order, int n, const struct coco_label *labels)
{
    for (int i = 0; i < n; i++) {
        int j = i;
        for (; j > 0 && labels[order[j - 1]].class > labels[i].class; j--)
            order[j] = order[j - 1];
        order[j] = i;
    }
}

enum status coco_add(struct coco *c, int64_t image_id, const struct coco_detection *detections, int n_detections,
                     const struct coco_label *labels, int n_labels)
{
    struct coco_scratch *s = &c->scratch;
    TRY(scratch_reserve(s, (size_t)n_detections, (size_t)n_labels));
    for (int i = 0; i < n_detections; i++) {
        assert(detections[i].class >= 0 && detections[i].class < c->nc);
        s->detection_order[i] = i;
    }
    sort_detections(s->detection_order, s->detection_order + n_detections, n_detections, detections);
    sort_labels(s->label_order, n_labels, labels);
    for (int d = 0, l = 0; d < n_detections || l < n_labels;) {
        int class = c->nc;
        if (d < n_detections)
            class = detections[s->detection_order[d]].class;
        if (l < n_labels)
            class = MIN(class, labels[s->label_order[l]].class);
        struct coco_cell cell = {detections, labels, s->detection_order + d, s->label_order + l, 0, 0};
        for (; d < n_detections && detections[s->detection_order[d]].class == class; d++)
            cell.n_detections += cell.n_detections < COCO_MAX_DETECTIONS;
        for (; l < n_labels && labels[s->label_order[l]].class == class; l++)
            cell.n_labels++;
        assert(class >= 0 && class < c->nc);
        TRY(add_cell(c, image_id, class, &cell));
    }
    return OK;
}

static int compare_records(const void *a, const void *b)
{
    const struct coco_record *x = a, *y = b;
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->image != y->image)
        return x->image < y->image ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Sum and number of cells that hold a value; their mean is a summary number. */
struct cells {
    double sum;
    size_t count;
};

static void cells_add(struct cells *c, double value)
{
    c->sum += value;
    c->count++;
}

static double cells_mean(const struct cells *c)
{
    return c->count ? c->sum / (double)c->count : -1;
}

struct accumulation {
    struct cells number[COCO_NUMBERS], class_ap;
    double *recall, *precision; /* scratch, one value a detection of the class */
};

/* Which summary numbers a (range, most detections) curve belongs to; -1: none. */
static int recall_number(int range, int most)
{
    static const int of_range[COCO_AREAS] = {COCO_AR100, COCO_ARS, COCO_ARM, COCO_ARL};
    if (most == COCO_MAX_DETECTIONS)
        return of_range[range];
    return range > 0 ? -1 : most == 1 ? COCO_AR1 : COCO_AR10;
}

/* Sampled precision: at each recall threshold that of the first point that reaches it, 0 beyond the end. */
static void add_precisions(struct accumulation *a, size_t n, int range, int t)
{
    static const int of_range[COCO_AREAS] = {COCO_AP, COCO_APS, COCO_APM, COCO_APL};
    for (size_t i = n; i > 1; i--)
        a->precision[i - 2] = MAX(a->precision[i - 2], a->precision[i - 1]);
    size_t at = 0;
    for (int r = 0; r < COCO_RECALLS; r++) {
        double wanted = r == COCO_RECALLS - 1 ? 1.0 : r * 0.01;
        while (at < n && a->recall[at] < wanted)
            at++;
        double precision = at < n ? a->precision[at] : 0;
        cells_add(&a->number[of_range[range]], precision);
        if (range > 0)
            continue;
        cells_add(&a->class_ap, precision);
        if (t == 0)
            cells_add(&a->number[COCO_AP50], precision);
        if (t == 5)
            cells_add(&a->number[COCO_AP75], precision);
    }
}

/* One (class, range of areas, most detections an image): records by falling score. */
static void accumulate(struct accumulation *a, const struct coco_record *records, size_t n, double positives, int range,
                       int most)
{
    int number = recall_number(range, most);
    for (int t = 0; t < COCO_IOUS && number >= 0; t++) {
        double tp = 0, fp = 0;
        size_t points = 0;
        for (size_t i = 0; i < n; i++) {
            if (records[i].rank >= most)
                continue;
            int ignored = (records[i].ignored[range] >> t) & 1, matched = (records[i].matched[range] >> t) & 1;
            tp += matched && !ignored;
            fp += !matched && !ignored;
            a->recall[points] = tp / positives;
            a->precision[points++] = tp / (fp + tp + 0x1p-52);
        }
        cells_add(&a->number[number], points ? a->recall[points - 1] : 0);
        if (most == COCO_MAX_DETECTIONS)
            add_precisions(a, points, range, t);
    }
}

enum status coco_finish(struct coco *c, struct coco_result *result)
{
    static const int most[] = {1, 10, COCO_MAX_DETECTIONS};
    enum status rc = OK;
    struct accumulation a = {0};
    memset(result, 0, sizeof(*result));
    a.recall = mem_alloc(c->count, sizeof(double));
    a.precision = mem_alloc(c->count, sizeof(double));
    result->class_ap = mem_alloc((size_t)c->nc, sizeof(double));
    TRY_CLEAN(a.recall && a.precision && result->class_ap ? OK : E_NOMEM);
    if (c->count)
        qsort(c->records, c->count, sizeof(*c->records), compare_records);
    size_t first = 0, end = 0;
    for (int class = 0; class < c->nc; class ++, first = end) {
        while (end < c->count && c->records[end].class == class)
            end++;
        a.class_ap = (struct cells){0, 0};
        for (int range = 0; range < COCO_AREAS; range++)
            for (int m = 0; m < COUNT(most) && c->positives[class][range] > 0; m++)
                accumulate(&a, c->records + first, end - first, (double)c->positives[class][range], range, most[m]);
        result->class_ap[class] = cells_mean(&a.class_ap);
    }
    for (int i = 0; i < COCO_NUMBERS; i++)
        result->value[i] = cells_mean(&a.number[i]);
cleanup:
    mem_free(a.recall);
    mem_free(a.precision);
    if (rc != OK)
        coco_result_free(result);
    return rc;
}

void coco_result_free(struct coco_result *result)
{
    mem_free(result->class_ap);
    memset(result, 0, sizeof(*result));
}
