/* eval/: how good detections are: matching with labels, average precision, the COCO protocol, reports.
 *
 * Both metrics of a validation run. Images are added one by one; what is kept is 10 + 40 bytes a detection, so a run
 * over COCO val (5000 photos, 300 detections each) takes 90 MB.
 *   metric A  the official repository's P, R, mAP50, mAP50-95 (ap.h) and the confusion matrix
 *   metric B  the COCO protocol's twelve numbers (coco.h) */
#ifndef Y9_EVAL_EVALUATION_H
#define Y9_EVAL_EVALUATION_H

#include "data/dataset.h"
#include "eval/ap.h"
#include "eval/coco.h"
#include "eval/confusion.h"

struct evaluation_config {
    bool coco;             /* metric B as well */
    size_t max_detections; /* in all images together; 0: 64 million */
};

struct evaluation {
    int nc;
    size_t limit;
    struct ap_record *records;
    size_t count, capacity;
    uint64_t *labels; /* [nc] labels of a class, crowds left out */
    uint64_t images, instances;
    struct confusion confusion;
    struct coco *coco; /* NULL without metric B */
    /* memory of evaluation_add */
    struct eval_label *plain; /* labels without crowds */
    uint16_t *correct, *taken;
    struct coco_detection *coco_detections;
    struct coco_label *coco_labels;
    int detection_capacity, label_capacity;
};

enum status evaluation_init(struct evaluation *e, int nc, const struct evaluation_config *config);
void evaluation_free(struct evaluation *e);

/* Room for so many detections, where their number is known: memory then does not grow by doubling. */
enum status evaluation_reserve(struct evaluation *e, size_t detections);

/* Add one image: its detections by falling score, as NMS leaves them, and its labels, both in photo pixels. Crowd
 * labels count in metric B only. image_id orders images where scores tie in metric B. A class outside 0..nc-1 is
 * E_ARGUMENT. */
enum status evaluation_add(struct evaluation *e, int64_t image_id, const struct detection *detections, int n_detections,
                           const struct eval_label *labels, int n_labels);

/* A picture's labels in photo pixels, crowds last, as evaluation_add takes them; dst has room for its n_objects +
 * n_crowds. Returns that number. */
int evaluation_labels(const struct dataset *d, const struct dataset_image *image, struct eval_label *dst);

struct evaluation_result {
    struct ap_result official;
    bool has_coco;
    struct coco_result coco;
};
/* The numbers of what was added so far; adding may go on afterwards. */
enum status evaluation_finish(struct evaluation *e, struct evaluation_result *result);
void evaluation_result_free(struct evaluation_result *result);

#endif
