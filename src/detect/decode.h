/* From a branch's raw logits to candidates for NMS (SPEC 3, forward in eval mode).
 *
 * Two forms. decode_image() is the whole picture, every anchor point's box and class scores, as golden files and
 * other people's runtimes give it. candidates_from_head() is what detection uses: it reads the class logits against
 * logit(threshold) first and decodes boxes of the surviving anchor points only; the result is the same. */
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

/* Everything of one image: dst is [anchor points][4 + nc]: cx, cy, w, h in input pixels, then class scores.
 * The head has 4*reg_max + nc channels. */
void decode_image(const struct head_output *head, int image, int nc, float *dst);

/* --- candidates --- */
struct candidate {
    float score; /* class probability */
    int class;
    int box; /* index into boxes */
};

/* Candidates of one image in anchor-major order; reusable from image to image, grows when it must.
 * Start from {0}, release with candidates_free. */
struct candidates {
    struct candidate *items;
    size_t count, capacity;
    float (*boxes)[4]; /* xyxy in input pixels */
    size_t n_boxes, box_capacity;
};
void candidates_free(struct candidates *c);

struct candidate_rule {
    float threshold;           /* score > threshold, strictly */
    bool multi_label;          /* every class above the threshold; else the best class of an anchor point only */
    const bool *class_allowed; /* nc flags, borrowed; NULL: all */
};

/* Replaces the contents of `c`. */
enum status candidates_from_head(struct candidates *c, const struct head_output *head, int image, int nc,
                                 const struct candidate_rule *rule);

/* The same from decoded values: channel k of anchor point a at decoded[a*anchor_stride + k*channel_stride], channels
 * cx, cy, w, h, then nc scores. */
enum status candidates_from_decoded(struct candidates *c, const float *decoded, int anchors, int nc,
                                    size_t anchor_stride, size_t channel_stride, const struct candidate_rule *rule);

#endif
