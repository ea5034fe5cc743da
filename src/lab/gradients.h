/* Which head sends which gradient where: the loss's gradient taken apart by head branch, and by the size of the objects
 * that it is about. Network, loss, assignment and backward pass are those of training; batches come from its loader.
 *
 * The loss is a sum over branches, and a branch's part is a sum over anchor points. Its gradient in the raw maps of the
 * heads is made once, as a training step makes it, with the weights of the branches in it. Of that everything is set to
 * zero but the anchor points of one branch that answer for objects of one size (or for none: background), and the
 * network's backward pass is run from there. It is linear, so these parts add up to the gradient of training, and no
 * assignment changes: an object is left out of a part, it does not become background in it.
 *
 * Gradients are those of the loss divided by the number of pictures in the batch. Nothing is trained. */
#ifndef Y9_LAB_GRADIENTS_H
#define Y9_LAB_GRADIENTS_H

#include "data/loader.h"
#include "lab/tally.h"
#include "model/model.h"
#include "train/loss.h"

/* Of a target box in pixels of the network's input, as COCO has them: below 32^2, below 96^2, larger. */
enum object_size { SIZE_SMALL, SIZE_MEDIUM, SIZE_LARGE, SIZE_NONE /* background */, OBJECT_SIZES };
extern const char *const object_size_names[OBJECT_SIZES];
enum object_size object_size_of(double area);

/* "main", "auxiliary"; of several auxiliary ones "auxiliary 1" ... */
const char *branch_name(int branch, int n_branches);

struct gradient_row {
    char module[32];
    enum row_use use;
    double params;                   /* trained elements */
    struct tally norm[MAX_BRANCHES]; /* of the gradient that a branch alone sends into the row's parameters */
    struct tally whole;              /* of all branches together */
    /* Between the main branch's gradient and a branch's, -1 to 1; batches where one of them is zero do not count. */
    struct tally cosine[MAX_BRANCHES];
};

/* What one branch and size send to one level of the pyramid. */
struct level_part {
    struct tally head; /* norm of the gradient in the branch's raw map of this level */
    struct tally map;  /* and in the backbone's map: there all levels of the branch are added up */
    long positives; /* anchor points (of an anchor head: boxes) of the branch's level that answer for such an object */
};

struct gradient_level {
    int stride;
    /* The last row of the backbone that makes maps of this stride and is reached by every branch; -1: there is none. */
    int row;
    struct level_part part[MAX_BRANCHES][OBJECT_SIZES];
};

struct gradients {
    int n_rows, n_branches, n_levels;
    struct gradient_row *rows;
    struct gradient_level level[MAX_LEVELS];
    long objects[OBJECT_SIZES]; /* labels in the batches; of SIZE_NONE 0 */
    int pictures;
    struct tally loss[LOSS_ITEMS];
};

struct gradients_options {
    const struct table *table;
    const struct graph *graph; /* training form */
    const struct model_row *rows;
    const float *params; /* its block; stays as it is */
    struct loss_config loss;
    struct loader_config loader; /* the first `batches` batches of its epoch 0 */
    bool mosaic;                 /* in that epoch */
    int batches;
    const int *class_of; /* the network's class of each of the dataset's; NULL: the same numbers */
    struct team *team;   /* borrowed */
};

/* Released with gradients_free, also after a failure. E_SHAPE where a branch has other levels than the main branch. */
enum status gradients_run(const struct gradients_options *o, struct gradients *out);
void gradients_free(struct gradients *g);

#endif
