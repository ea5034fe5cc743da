/* Boxes that something is wrong with. */
#include "core/mem.h"
#include "core/terminal.h"
#include "data/doctor.h"
#include "detect/boxes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LABELS = 300 /* val's --max-det */, MOST_PAIRS = 20000000 /* of one picture that are compared */ };

/* Training drops boxes of two pixels and less after augmentation (SPEC 11.6). Labels are rounded to six digits or so:
 * a box that was drawn two pixels wide may be a little narrower in its file. */
static const double TINY = 2 - 0.01;
static const double WHOLE = 0.98, EDGE = 0.01, SAME_OBJECT = 0.9, SAME_BOX = 0.95;

/* --- one picture's boxes --- */

enum { KINDS = 4 };
static const enum finding_kind box_kinds[KINDS] = {FINDING_NO_AREA, FINDING_TINY_BOXES, FINDING_WHOLE_BOXES,
                                                   FINDING_OUTSIDE};

/* How far a box reaches over an edge of its picture, in parts of the side; 0 where that is less than a pixel. */
static double overshoot(double centre, double extent, int side)
{
    double over = fmax(extent / 2 - centre, centre + extent / 2 - 1);
    return over * side > 1 ? over : 0;
}

static bool has_fault(enum finding_kind kind, const float box[4], const struct dataset_image *image, int img)
{
    double w = box[2], h = box[3], scale = (double)img / MAX(image->w, image->h);
    bool area = w > 0 && h > 0;
    switch (kind) {
    case FINDING_NO_AREA:
        return !area;
    case FINDING_TINY_BOXES:
        return area && fmin(w * image->w, h * image->h) * scale < TINY;
    case FINDING_WHOLE_BOXES:
        return w >= WHOLE && h >= WHOLE;
    case FINDING_OUTSIDE:
        return overshoot(box[0], w, image->w) > EDGE || overshoot(box[1], h, image->h) > EDGE;
    default:
        return false;
    }
}

static struct finding_item item_of(const struct dataset *d, int split, int image)
{
    return (struct finding_item){.path = d->images[image].path, .image = {split, image}, .other = {-1, -1}};
}

/* Another name of a picture that is looked at already. */
static bool is_repeat(const struct doctor_data *data, int split, int image)
{
    return doctor_facts(data, (struct picture_ref){split, image})->same_as >= 0;
}

static void note_box(struct finding_item *item, int box)
{
    if (item->n_boxes < ITEM_BOXES)
        item->boxes[item->n_boxes++] = box;
}

/* `count` things of one picture; how many is told where it is more than one. */
static enum status add_picture(struct doctor_report *report, enum finding_kind kind, long count, const char *unit,
                               struct finding_item *item)
{
    if (count > 1 && !(item->detail = arena_printf(&report->arena, "%ld %s", count, unit)))
        return E_NOMEM;
    return finding_add(report, kind, count, item);
}

static enum status check_picture(const struct dataset *d, int split, int i, struct doctor_report *report)
{
    const struct dataset_image *image = &d->images[i];
    const struct dataset_object *objects = d->objects + image->first_object;
    for (int k = 0; k < KINDS; k++) {
        struct finding_item item = item_of(d, split, i);
        long count = 0;
        for (int b = 0; b < image->n_objects; b++) {
            if (!has_fault(box_kinds[k], objects[b].cxcywh, image, report->img))
                continue;
            count++;
            note_box(&item, b);
        }
        if (count)
            TRY(add_picture(report, box_kinds[k], count, "boxes", &item));
    }
    if (image->n_crowds) {
        struct finding_item item = item_of(d, split, i);
        for (int b = 0; b < image->n_crowds; b++)
            note_box(&item, image->n_objects + b);
        TRY(add_picture(report, FINDING_CROWDS, image->n_crowds, "regions", &item));
    }
    if (image->n_objects > MOST_LABELS) {
        struct finding_item item = item_of(d, split, i);
        item.detail =
            arena_printf(&report->arena, "%d %s", image->n_objects, noun(image->n_objects, "label", "labels"));
        TRY(item.detail ? finding_add(report, FINDING_MANY_BOXES, 1, &item) : E_NOMEM);
    }
    return OK;
}

enum status doctor_check_boxes(const struct doctor_data *data, struct doctor_report *report)
{
    for (int s = 0; s < SPLIT_COUNT; s++)
        for (int i = 0; data->splits[s] && i < data->splits[s]->n_images; i++)
            if (!is_repeat(data, s, i))
                TRY(check_picture(data->splits[s], s, i, report));
    return OK;
}

/* --- boxes that cover each other --- */

struct placed {
    float xyxy[4];
    int class, number;
    bool doubled, ambiguous;       /* covers a box before it: of its class, of another */
    bool is_doubled, is_ambiguous; /* is covered by a box behind it */
};

static int compare_left(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return x->xyxy[0] != y->xyxy[0] ? (x->xyxy[0] < y->xyxy[0] ? -1 : 1) : x->number - y->number;
}

/* Two boxes whose overlap is above SAME_OBJECT begin at nearly the same x: their left edges are a tenth of the joint
 * width apart at most, and that is at most width / SAME_OBJECT. So a walk from left to right meets few pairs. Returns
 * false when it gave up. */
static bool mark_overlaps(struct placed *boxes, int n)
{
    long left = MOST_PAIRS;
    qsort(boxes, (size_t)n, sizeof(*boxes), compare_left);
    for (int i = 0; i < n; i++) {
        const float *a = boxes[i].xyxy;
        double last = a[0] + (a[2] - a[0]) * (1 / SAME_OBJECT - 1) + 1e-6;
        for (int j = i + 1; j < n && boxes[j].xyxy[0] <= last; j++) {
            if (left-- == 0)
                return false;
            double iou = (double)box_iou(a, boxes[j].xyxy, BOX_EPSILON * BOX_EPSILON);
            bool same = boxes[i].class == boxes[j].class;
            bool doubled = same && iou > SAME_OBJECT, ambiguous = !same && iou > SAME_BOX;
            boxes[j].doubled |= doubled;
            boxes[i].is_doubled |= doubled;
            boxes[j].ambiguous |= ambiguous;
            boxes[i].is_ambiguous |= ambiguous;
        }
    }
    return true;
}

static enum status check_overlaps(const struct dataset *d, int split, int i, struct placed *boxes, bool *complete,
                                  struct doctor_report *report)
{
    const struct dataset_image *image = &d->images[i];
    struct finding_item twice = item_of(d, split, i), classes = twice;
    long doubled = 0, ambiguous = 0;
    int n = 0;
    for (int b = 0; b < image->n_objects; b++) {
        const struct dataset_object *o = &d->objects[image->first_object + (size_t)b];
        if (!(o->cxcywh[2] > 0 && o->cxcywh[3] > 0))
            continue;
        boxes[n] = (struct placed){.class = o->class, .number = b};
        box_cxcywh_to_xyxy(o->cxcywh, boxes[n++].xyxy);
    }
    *complete &= mark_overlaps(boxes, n);
    for (int b = 0; b < n; b++) {
        doubled += boxes[b].doubled;
        ambiguous += boxes[b].ambiguous;
        if (boxes[b].doubled || boxes[b].is_doubled)
            note_box(&twice, boxes[b].number);
        if (boxes[b].ambiguous || boxes[b].is_ambiguous)
            note_box(&classes, boxes[b].number);
    }
    if (doubled)
        TRY(add_picture(report, FINDING_DOUBLE_BOXES, doubled, "boxes", &twice));
    if (ambiguous)
        TRY(add_picture(report, FINDING_TWO_CLASSES, ambiguous, "boxes", &classes));
    return OK;
}

enum status doctor_check_overlaps(const struct doctor_data *data, struct doctor_report *report)
{
    enum status rc = OK;
    int most = 0;
    bool complete = true;
    for (int s = 0; s < SPLIT_COUNT; s++)
        for (int i = 0; data->splits[s] && i < data->splits[s]->n_images; i++)
            most = MAX(most, data->splits[s]->images[i].n_objects);
    struct placed *boxes = mem_alloc((size_t)most, sizeof(*boxes));
    TRY_CLEAN(boxes ? OK : E_NOMEM);
    for (int s = 0; s < SPLIT_COUNT; s++)
        for (int i = 0; data->splits[s] && i < data->splits[s]->n_images; i++)
            if (data->splits[s]->images[i].n_objects > 1 && !is_repeat(data, s, i))
                TRY_CLEAN(check_overlaps(data->splits[s], s, i, boxes, &complete, report));
    if (!complete)
        report->left_out[report->n_left_out++] = "some pictures have so many boxes in one column that not all pairs of "
                                                 "them were compared";
cleanup:
    mem_free(boxes);
    return rc;
}
