/* From a branch's raw logits to candidates for NMS (SPEC 3, forward in eval mode), for every kind of head.
 *
 * Two forms. decode_image() is the whole picture, every box and its class scores, as golden files and
 * other people's runtimes give it. candidates_from_head() is what detection uses: it reads the logits against
 * logit(threshold) first and decodes boxes of the survivors only; the result is the same. */
#ifndef Y9_DETECT_DECODE_H
#define Y9_DETECT_DECODE_H

#include "core/status.h"
#include "graph/net.h"

#include <stdbool.h>

enum { DECODE_MAX_BINS = 64 }; /* reg_max of a head is at most this */

/* --- distribution focal loss head: a side's distance is the expectation of its softmax over bins 0..bins-1 --- */
/* softmax: `bins` floats out, or NULL. */
float dfl_expectation(const float *logits, int bins, float *softmax);
/* d_logits[k] += softmax[k] * (k - expectation) * d_expectation */
void dfl_backward(const float *softmax, int bins, float expectation, float d_expectation, float *d_logits);

float sigmoid(float x);

/* --- anchor head: the box (cx, cy, w, h in pixels) that a cell's logits x, y, w, h make of an anchor box of `size` ---
 */
void anchor_box_decode(const float *logits, int column, int row, float stride, const float size[2], float cxcywh[4]);

/* --- what differs from head to head ---
 * A decoded row is cx, cy, w, h in input pixels, for an anchor head the objectness, then nc class probabilities. Rows
 * go level by level; of an anchor head, inside a level, all cells with the first anchor, then with the second ... */
int head_row_width(const struct head *h);                                /* 4 + nc, or 5 + nc */
int head_rows(const struct head_output *out);                            /* of an image: cells times boxes a cell */
float head_row_score(const struct head *h, const float *row, int class); /* class probability times objectness */
float head_class_offset(const struct head *h);                           /* nms_config.class_offset */
double head_val_iou(const struct head *h); /* NMS threshold of validation where none is asked for */

/* All rows of one image: dst is [head_rows][head_row_width]. */
void decode_image(const struct head_output *out, int image, float *dst);

/* --- candidates --- */
struct candidate {
    float score; /* class probability, times objectness where there is one */
    int class;
    int box; /* index into boxes */
};

/* Candidates of one image in the order of the rows; reusable from image to image, grows when it must.
 * Start from {0}, release with candidates_free. */
struct candidates {
    struct candidate *items;
    size_t count, capacity;
    float (*boxes)[4]; /* xyxy in input pixels */
    size_t n_boxes, box_capacity;
    int *rows; /* (n_boxes) the decoded row that each box is */
};
void candidates_free(struct candidates *c);

struct candidate_rule {
    float threshold;           /* score > threshold, strictly */
    bool multi_label;          /* every class above the threshold; else the best class of a box only */
    const bool *class_allowed; /* nc flags, borrowed; NULL: all */
};

/* Replaces the contents of `c`. Of an anchor head an objectness above the threshold is needed before the classes are
 * looked at. */
enum status candidates_from_head(struct candidates *c, const struct head_output *out, int image,
                                 const struct candidate_rule *rule);

/* The same from decoded rows: value k of row a at decoded[a*row_stride + k*value_stride]. */
enum status candidates_from_decoded(struct candidates *c, const struct head *head, const float *decoded, int rows,
                                    size_t row_stride, size_t value_stride, const struct candidate_rule *rule);

#endif
