/* Results of an evaluation as text, JSON and pictures (SPEC 12.6). Class names are borrowed: names[nc]. */
#ifndef Y9_EVAL_REPORT_H
#define Y9_EVAL_REPORT_H

#include "core/buf.h"
#include "eval/evaluation.h"

#include <jansson.h>

/* Append the table: header, the line of all classes, and one line a class with labels if asked. No line is wider than
 * `limit` columns; 0: as wide as it is. */
enum status report_table(const struct evaluation *e, const struct evaluation_result *r, const char *const *names,
                         bool per_class, int limit, struct buf *out);

/* Append the COCO protocol's twelve lines, shorter ones where theirs are wider than `limit`; nothing without metric B.
 */
enum status report_coco_table(const struct evaluation_result *r, int limit, struct buf *out);

/* What `val --json` writes, but for network and speed: images, instances, precision, recall, map50, map, classes, coco.
 */
enum status report_json(const struct evaluation *e, const struct evaluation_result *r, const char *const *names,
                        json_t **out);

/* PR_curve, P_curve, R_curve, F1_curve, confusion_matrix (each column adds up to 1, as in the official code) and
 * confusion_matrix_counts, each as .png and .svg, into a folder that exists. */
enum status report_pictures(const struct evaluation *e, const struct evaluation_result *r, const char *const *names,
                            const char *folder);

#endif
