/* Inside of gradients.c: the gradient in the raw maps of the heads, and which part of it is about objects of which
 * size. */
#ifndef Y9_LAB_GRADIENT_PARTS_H
#define Y9_LAB_GRADIENT_PARTS_H

#include "lab/gradients.h"

/* Of one branch, kept from batch to batch; starts as {0}. */
struct head_parts {
    struct head_output out; /* of the network, whose gradient is overwritten */
    int boxes;              /* a cell */
    float *whole;           /* (n, anchors, channels) the gradient as the loss made it */
    unsigned char *size;    /* (n, anchors, boxes) enum object_size of what it answers for */
    int whole_capacity, size_capacity;
};
void head_parts_free(struct head_parts *h);

/* After loss_run on `branches`: keep each one's gradient, and find out whom each anchor point answers for. `targets` as
 * in loss_run. */
enum status head_parts_take(struct head_parts *parts, const struct head_output *branches, int n_branches,
                            const struct loss *loss, const float *targets);

/* Gradients of all branches become zero, but for that part of one branch. */
void head_parts_show(struct head_parts *parts, int n_branches, int branch, enum object_size size);

/* Of that part, for each level of the branch: the number of anchor points, and the norm of the gradient. */
void head_parts_measure(const struct head_parts *h, enum object_size size, long positives[MAX_LEVELS],
                        double norm[MAX_LEVELS]);

#endif
