/* The COCO protocol for boxes (SPEC 12.7), all in double: images are added one by one, the twelve numbers come at the
 * end. Only what accumulation needs is kept: 40 bytes a detection, at most 100 detections an image and class. */
#ifndef Y9_EVAL_COCO_H
#define Y9_EVAL_COCO_H

#include "core/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { COCO_IOUS = 10, COCO_RECALLS = 101, COCO_AREAS = 4, COCO_MAX_DETECTIONS = 100 };

struct coco_detection {
    double xywh[4]; /* top-left corner and size in photo pixels */
    double score;
    int class;
};

struct coco_label {
    double xywh[4];
    double area; /* the annotation's area field (of the mask, in COCO) */
    int class;
    bool crowd;
};

enum coco_number {
    COCO_AP,
    COCO_AP50,
    COCO_AP75,
    COCO_APS,
    COCO_APM,
    COCO_APL,
    COCO_AR1,
    COCO_AR10,
    COCO_AR100,
    COCO_ARS,
    COCO_ARM,
    COCO_ARL,
    COCO_NUMBERS,
};
/* "AP", "AP50", ... as val --json names them. */
const char *coco_number_name(enum coco_number number);

struct coco_result {
    double value[COCO_NUMBERS]; /* -1 where nothing could be measured */
    double *class_ap;           /* [nc] AP@[.50:.95] of a class, -1 without labels */
};

struct coco;

/* limit: most detections to keep in all (E_LIMIT beyond). */
enum status coco_create(int nc, size_t limit, struct coco **out);
void coco_destroy(struct coco *c);

enum status coco_reserve(struct coco *c, size_t detections); /* room for so many */

/* Add one image. Ids order the images where scores tie; each id is given once. Classes are 0..nc-1 (asserted). */
enum status coco_add(struct coco *c, int64_t image_id, const struct coco_detection *detections, int n_detections,
                     const struct coco_label *labels, int n_labels);

enum status coco_finish(struct coco *c, struct coco_result *result);
void coco_result_free(struct coco_result *result);

#endif
