/* A network over a dataset's split: batch -> forward -> NMS -> boxes on the photo -> evaluation (SPEC 10.1, 12). Used
 * by `yolo9 val` and by the trainer after each epoch. */
#ifndef Y9_EVAL_VALIDATE_H
#define Y9_EVAL_VALIDATE_H

#include "data/loader.h"
#include "eval/evaluation.h"
#include "graph/net.h"

#include <signal.h>

struct validate_config {
    int branch;         /* head branch whose boxes count: 0 of a deployed form */
    int nc;             /* of the network */
    float conf;         /* 0.001 */
    double iou;         /* 0.7 */
    int max_det;        /* 300 */
    const int *classes; /* (nc) the dataset's class that each of the network's is; NULL: the same */
    bool single_cls;    /* every detection is class 0, classes suppress each other */
    bool progress;      /* a bar on standard error */
    /* not 0: the pass ends after this batch, as if there were no more pictures; may be NULL */
    const volatile sig_atomic_t *stop;
};

/* Seconds, summed over pictures; read and letterbox were spent by the loader's workers. */
struct validate_times {
    double read, letterbox, net, nms;
};

/* One picture's result, in photo pixels; everything is borrowed for the call. */
struct validated {
    const struct batch *batch;
    int place; /* in the batch */
    const struct dataset_image *image;
    const struct detection *detections;
    int count;
};
typedef enum status validated_fn(void *context, const struct validated *v);

/* One pass over the loader's pictures; results are added to `e`. `each` (may be NULL) sees every picture.
 * `dataset` is the loader's. */
enum status validate(struct net *net, struct loader *loader, const struct dataset *dataset,
                     const struct validate_config *config, struct evaluation *e, struct validate_times *times,
                     validated_fn *each, void *context);

#endif
