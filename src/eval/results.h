/* Detections as a COCO results file: an array of {image_id, category_id, bbox [x, y, w, h], score} (SPEC 12.6). */
#ifndef Y9_EVAL_RESULTS_H
#define Y9_EVAL_RESULTS_H

#include "eval/evaluation.h"

#include <jansson.h>

/* Category ids of a dataset's classes: those of its COCO annotations, the 91-id table where a split's list is COCO's
 * ("...val2017.txt"), else NULL: the class index itself. */
const int *results_category_ids(const struct dataset_yaml *yaml, enum dataset_split split, const struct dataset *d);

/* Append a picture's detections (photo pixels): coordinates rounded to 3 decimals, scores to 5. */
enum status results_append(json_t *array, const struct dataset_image *image, const struct detection *detections,
                           int count, const int *category_ids);

/* Score a results file, of any tool, on a dataset: adds every picture of the dataset to `e`. Pictures are found by id,
 * or by file name without extension where image_id is text; results of other pictures are counted in *unknown.
 * Faults are sentences with the file and the entry's number. */
enum status results_evaluate(const char *path, const struct dataset *d, const int *category_ids, int max_det,
                             struct evaluation *e, long *unknown);

#endif
