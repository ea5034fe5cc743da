/* Detections as a COCO results file: an array of {image_id, category_id, bbox [x, y, w, h], score} (SPEC 12.6). */
#ifndef Y9_EVAL_RESULTS_H
#define Y9_EVAL_RESULTS_H

#include "core/file.h"
#include "eval/evaluation.h"

/* Category ids of a dataset's classes: those of its COCO annotations, the 91-id table where a split's list is COCO's
 * ("...val2017.txt"), else NULL: the class index itself. */
const int *results_category_ids(const struct dataset_yaml *yaml, enum dataset_split split, const struct dataset *d);

/* A results file that is written picture by picture. Coordinates (photo pixels) are rounded to 3 decimals, scores to 5.
 * image_id is the picture's number, or its identity without the extension where it has none of its own. */
struct results_writer {
    struct file_writer file;
    const int *category_ids; /* borrowed; NULL: the class index itself */
    long count;              /* detections so far */
};
enum status results_writer_open(struct results_writer *w, const char *path, const int *category_ids);
enum status results_writer_add(struct results_writer *w, const struct dataset_image *image,
                               const struct detection *detections, int count);
enum status results_writer_commit(struct results_writer *w); /* the file appears under its name */
void results_writer_abort(struct results_writer *w);         /* nothing is left; also of {0} and after commit */

struct results_options {
    const int *category_ids; /* as results_category_ids gives them */
    int max_det;             /* detections a picture that count, best first */
    bool single_class;       /* every detection is class 0 */
};

/* What a results file held that did not count. */
struct results_left {
    size_t detections; /* in all */
    size_t unknown;    /* of pictures that the dataset does not have */
    size_t surplus;    /* beyond max_det of a picture */
    size_t beyond;     /* reach beyond their picture by more than rounding; they are used */
    char *example;     /* the first unknown picture; owned by the caller, NULL: none */
};

/* Score a results file, of any tool, on a dataset: adds every picture of the dataset to `e`. The file is read as a
 * stream and takes 32 bytes a detection. A picture is found by "image" (a trailing part of its path), else by
 * "image_id": a number, or a text as "image". A class is found by "category", its name, else by "category_id". Faults
 * are sentences with the file and the entry's number. E_ARGUMENT: an entry that names two pictures of the dataset, or a
 * file of which no entry belongs to the dataset: neither gets a score. E_FORMAT also where every box lies
 * within one pixel. */
enum status results_evaluate(const char *path, const struct dataset *d, const struct results_options *options,
                             struct evaluation *e, struct results_left *left);

#endif
