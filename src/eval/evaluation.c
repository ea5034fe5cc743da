#include "eval/evaluation.h"

#include "core/mem.h"
#include "detect/boxes.h"

#include <string.h>

#define DEFAULT_LIMIT ((size_t)64 << 20)

enum status evaluation_init(struct evaluation *e, int nc, const struct evaluation_config *config)
{
    enum status rc = OK;
    memset(e, 0, sizeof(*e));
    e->nc = nc;
    e->limit = config->max_detections ? config->max_detections : DEFAULT_LIMIT;
    e->labels = mem_calloc((size_t)nc, sizeof(*e->labels));
    TRY_CLEAN(e->labels ? OK : E_NOMEM);
    TRY_CLEAN(confusion_init(&e->confusion, nc));
    if (config->coco)
        TRY_CLEAN(coco_create(nc, e->limit, &e->coco));
cleanup:
    if (rc != OK)
        evaluation_free(e);
    return rc;
}

static void scratch_free(struct evaluation *e)
{
    mem_free(e->plain);
    mem_free(e->correct);
    mem_free(e->taken);
    mem_free(e->coco_detections);
    mem_free(e->coco_labels);
    e->plain = NULL;
    e->correct = e->taken = NULL;
    e->coco_detections = NULL;
    e->coco_labels = NULL;
    e->detection_capacity = e->label_capacity = 0;
}

void evaluation_free(struct evaluation *e)
{
    scratch_free(e);
    mem_free(e->records);
    mem_free(e->labels);
    confusion_free(&e->confusion);
    coco_destroy(e->coco);
    memset(e, 0, sizeof(*e));
}

static enum status scratch_reserve(struct evaluation *e, int detections, int labels)
{
    if (detections <= e->detection_capacity && labels <= e->label_capacity)
        return OK;
    detections = MAX(detections, e->detection_capacity);
    labels = MAX(labels, e->label_capacity);
    scratch_free(e);
    e->plain = mem_alloc((size_t)labels, sizeof(*e->plain));
    e->correct = mem_alloc((size_t)detections, sizeof(*e->correct));
    e->taken = mem_alloc((size_t)labels, sizeof(*e->taken));
    e->coco_detections = mem_alloc((size_t)detections, sizeof(*e->coco_detections));
    e->coco_labels = mem_alloc((size_t)labels, sizeof(*e->coco_labels));
    if (!e->plain || !e->correct || !e->taken || !e->coco_detections || !e->coco_labels)
        return E_NOMEM;
    e->detection_capacity = detections;
    e->label_capacity = labels;
    return OK;
}

static enum status records_reserve(struct evaluation *e, size_t more)
{
    if (e->count + more > e->limit)
        return fail(E_LIMIT, "evaluation: more than %zu detections", e->limit);
    if (e->count + more <= e->capacity)
        return OK;
    size_t capacity = e->capacity ? MAX(e->capacity * 2, e->count + more) : MAX(more, 1024);
    void *records = mem_grow(e->records, e->count * sizeof(*e->records), capacity * sizeof(*e->records));
    if (!records)
        return E_NOMEM;
    e->records = records;
    e->capacity = capacity;
    return OK;
}

enum status evaluation_reserve(struct evaluation *e, size_t detections)
{
    enum status rc = records_reserve(e, detections);
    return rc == OK && e->coco ? coco_reserve(e->coco, detections) : rc;
}

static void xyxy_to_xywh(const float xyxy[4], double xywh[4])
{
    xywh[0] = xyxy[0];
    xywh[1] = xyxy[1];
    xywh[2] = (double)xyxy[2] - xyxy[0];
    xywh[3] = (double)xyxy[3] - xyxy[1];
}

static enum status add_coco(struct evaluation *e, int64_t image_id, const struct detection *detections,
                            int n_detections, const struct eval_label *labels, int n_labels)
{
    for (int d = 0; d < n_detections; d++) {
        e->coco_detections[d].score = detections[d].score;
        e->coco_detections[d].class = detections[d].class;
        xyxy_to_xywh(detections[d].xyxy, e->coco_detections[d].xywh);
    }
    for (int l = 0; l < n_labels; l++) {
        e->coco_labels[l].area = labels[l].area;
        e->coco_labels[l].class = labels[l].class;
        e->coco_labels[l].crowd = labels[l].crowd;
        xyxy_to_xywh(labels[l].xyxy, e->coco_labels[l].xywh);
    }
    return coco_add(e->coco, image_id, e->coco_detections, n_detections, e->coco_labels, n_labels);
}

static enum status check_classes(const struct evaluation *e, const struct detection *detections, int n_detections,
                                 const struct eval_label *labels, int n_labels)
{
    for (int d = 0; d < n_detections; d++)
        if (detections[d].class < 0 || detections[d].class >= e->nc)
            return fail(E_ARGUMENT, "evaluation: a detection has class %d of %d", detections[d].class, e->nc);
    for (int l = 0; l < n_labels; l++)
        if (labels[l].class < 0 || labels[l].class >= e->nc)
            return fail(E_ARGUMENT, "evaluation: a label has class %d of %d", labels[l].class, e->nc);
    return OK;
}

/* Count the labels that metric A knows and put them into e->plain; returns how many. */
static int count_labels(struct evaluation *e, const struct eval_label *labels, int n_labels)
{
    int n = 0;
    for (int l = 0; l < n_labels; l++) {
        if (labels[l].crowd)
            continue;
        e->labels[labels[l].class]++;
        e->plain[n++] = labels[l];
    }
    e->instances += (uint64_t)n;
    return n;
}

enum status evaluation_add(struct evaluation *e, int64_t image_id, const struct detection *detections, int n_detections,
                           const struct eval_label *labels, int n_labels)
{
    TRY(check_classes(e, detections, n_detections, labels, n_labels));
    TRY(scratch_reserve(e, n_detections, n_labels));
    TRY(records_reserve(e, (size_t)n_detections));
    if (e->coco)
        TRY(add_coco(e, image_id, detections, n_detections, labels, n_labels));
    int n_plain = count_labels(e, labels, n_labels);
    TRY(confusion_add(&e->confusion, detections, n_detections, e->plain, n_plain));
    match_detections(detections, n_detections, e->plain, n_plain, e->correct, e->taken);
    for (int d = 0; d < n_detections; d++)
        e->records[e->count++] = (struct ap_record){detections[d].score, detections[d].class, e->correct[d]};
    e->images++;
    return OK;
}

int evaluation_labels(const struct dataset *d, const struct dataset_image *image, struct eval_label *dst)
{
    int n = image->n_objects + image->n_crowds;
    for (int i = 0; i < n; i++) {
        const struct dataset_object *o = &d->objects[image->first_object + (size_t)i];
        struct eval_label *label = &dst[i];
        float w = (float)image->w, h = (float)image->h;
        float box[4] = {o->cxcywh[0] * w, o->cxcywh[1] * h, o->cxcywh[2] * w, o->cxcywh[3] * h};
        box_cxcywh_to_xyxy(box, label->xyxy);
        label->class = o->class;
        label->area = o->area;
        label->crowd = i >= image->n_objects;
    }
    return n;
}

enum status evaluation_finish(struct evaluation *e, struct evaluation_result *result)
{
    enum status rc = OK;
    memset(result, 0, sizeof(*result));
    TRY_CLEAN(ap_compute(e->records, e->count, e->labels, e->nc, &result->official));
    if (e->coco) {
        TRY_CLEAN(coco_finish(e->coco, &result->coco));
        result->has_coco = true;
    }
cleanup:
    if (rc != OK)
        evaluation_result_free(result);
    return rc;
}

void evaluation_result_free(struct evaluation_result *result)
{
    ap_free(&result->official);
    coco_result_free(&result->coco);
    memset(result, 0, sizeof(*result));
}
