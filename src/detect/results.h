/* What becomes of a picture's detections: the log line, label text, JSON (CLI.md), crops. Boxes are in pixels of
 * the photo. */
#ifndef Y9_DETECT_RESULTS_H
#define Y9_DETECT_RESULTS_H

#include "core/buf.h"
#include "detect/nms.h"

#include <stdint.h>

/* A picture's result; everything borrowed. */
struct picture_result {
    int h, w; /* of the photo */
    const struct detection *detections;
    int count;
};

/* Append "4 person, 1 bus" (classes ascending, their names as they are; "2 of class 0" where those are numbers) or "(no
 * detections)", on one line. */
enum status results_summary(const struct picture_result *r, const char *const *names, int nc, struct buf *out);

/* labels/<stem>.txt: "class cx cy w h [score]", %g, normalised, boxes rounded to whole pixels, lowest score first
 * (SPEC 13). A picture without detections gets no file. */
enum status results_write_labels(const struct picture_result *r, const char *path, bool with_score);

/* What JSON says about a picture; texts are UTF-8. */
struct result_words {
    const char *image, *image_id; /* struct result_names */
    int64_t number;               /* image_id as a number; below 0: it is a text */
    const char *const *classes;   /* names */
};

/* Append one object a detection, a line each, with `separator` in front of each but the first of all (*count goes on
 * from picture to picture): image, image_id, category_id, category, bbox [x,y,w,h], score. */
enum status results_write_json(const struct picture_result *r, const struct result_words *words, long *count,
                               struct buf *out);

/* Append one line for the picture (CLI.md, --jsonl), with its milliseconds. */
struct result_times {
    double read, net, nms;
};
enum status results_write_json_line(const struct picture_result *r, const struct result_words *words,
                                    const struct result_times *ms, struct buf *out);

/* The rectangle that --save-crop cuts out: the box enlarged by 2 % and 10 pixels, clipped (SPEC 13). */
void results_crop_box(const struct picture_result *r, const struct detection *d, int xyxy[4]);

#endif
