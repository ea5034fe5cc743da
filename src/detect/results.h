/* What becomes of a picture's detections: the log line, label text, JSON (CLI.md), crops. Boxes are in pixels of
 * the photo. */
#ifndef Y9_DETECT_RESULTS_H
#define Y9_DETECT_RESULTS_H

#include "core/buf.h"
#include "detect/nms.h"

#include <jansson.h>

/* A picture's result; everything borrowed. */
struct picture_result {
    const char *path;
    int h, w; /* of the photo */
    const struct detection *detections;
    int count;
};

/* Append "4 person, 1 bus" (classes ascending, their names as they are) or "(no detections)", on one line. */
enum status results_summary(const struct picture_result *r, const char *const *names, int nc, struct buf *out);

/* labels/<stem>.txt: "class cx cy w h [score]", %g, normalised, boxes rounded to whole pixels, lowest score first
 * (SPEC 13). A picture without detections gets no file. */
enum status results_write_labels(const struct picture_result *r, const char *path, bool with_score);

/* Append one object a detection to the array: image, image_id, category_id, category, bbox [x,y,w,h], score. */
enum status results_add_json(const struct picture_result *r, const char *const *names, json_t *array);

/* The rectangle that --save-crop cuts out: the box enlarged by 2 % and 10 pixels, clipped (SPEC 13). */
void results_crop_box(const struct picture_result *r, const struct detection *d, int xyxy[4]);

#endif
