/* detect/: from a photo to boxes on it: sources, the network's output decoded, NMS, results and their names.
 *
 * The detection pipeline, one straight line: photo -> letterbox -> forward -> decode -> NMS -> boxes on the photo.
 * detector_run walks it for one picture; its steps are there for batches, and for inputs that are no pictures. */
#ifndef Y9_DETECT_DETECTOR_H
#define Y9_DETECT_DETECTOR_H

#include "detect/boxes.h"
#include "detect/nms.h"
#include "image/letterbox.h"

struct detector_config {
    int h, w;  /* network input, multiples of the largest stride; rect: at most this */
    bool rect; /* the smallest rectangle of such multiples instead of the whole h x w */
    /* boxes go back by the border in whole pixels, as the Ultralytics package does; else by its exact half */
    bool whole_border;
    float conf; /* score > conf */
    double iou; /* NMS threshold */
    int max_det;
    bool agnostic, multi_label;
    const int *classes; /* keep these only (n_classes > 0); borrowed during create */
    int n_classes;
    bool exact; /* direct convolution only */
    enum precision precision;
    struct team *team;           /* borrowed */
    struct packed_store *packed; /* net_config */
    bool params_gone;            /* `params` is memory without values: `packed` must have all that is read */
    struct nms_trace *trace; /* gets what became of each candidate of the last picture; borrowed, NULL: nobody looks */
};

struct detector;

/* `graph` is a deployed form (one branch), `params` its parameters; both borrowed. */
enum status detector_create(const struct graph *graph, float *params, const struct detector_config *config,
                            struct detector **out);
void detector_destroy(struct detector *d);
/* Make ready for pictures, one and (batch > 1) so many at a time: plans, packed weights. `give_up`: what of `params`
 * was packed is given up on the way, so that their memory goes back early; *params_unused: nothing reads them any more,
 * and they may be freed. Does nothing with rect, whose shapes come with the pictures; a detector works without this
 * call too. E_ARGUMENT: the parameters are gone and something is not packed yet. */
enum status detector_settle(struct detector *d, int batch, bool give_up, bool *params_unused);

/* What may change between two runs; the rest of the configuration stays as it was. Scores and IoU in 0 .. 1, max_det at
 * least 1. E_NOMEM leaves everything as it was. */
enum status detector_set_thresholds(struct detector *d, float conf, double iou, int max_det);
void detector_set_agnostic(struct detector *d, bool agnostic);
enum status detector_set_classes(struct detector *d, const int *classes, int n); /* n 0: all */
const struct detector_config *detector_config(const struct detector *d);

/* A photo made ready for the network. Start from {0}; release with detector_input_free. */
struct detector_input {
    struct image pixels;
    struct letterbox box;
};
void detector_input_free(struct detector_input *in);
/* Touches nothing of the detector but its configuration: may run in other threads while the detector works. */
enum status detector_prepare(const struct detector *d, const struct pixels *photo, struct detector_input *in);

struct detector_times {
    double net, nms; /* seconds: forward; decode + NMS + mapping back */
};

/* Detections by falling score, boxes in pixels of the photo, not rounded. *detections is the detector's, valid until
 * the next call of detector_boxes. */
enum status detector_run(struct detector *d, const struct detector_input *in, const struct detection **detections,
                         int *count, struct detector_times *times);

/* --- its steps --- */
/* Plan n inputs of h x w: write them to *input, floats of 0 .. 1 in the order red, green, blue. */
enum status detector_begin(struct detector *d, int n, int h, int w, struct tensor *input);
void detector_forward(struct detector *d);
/* Detections in input `image` of what detector_forward saw, as above. */
enum status detector_boxes(struct detector *d, int image, const struct letterbox *box,
                           const struct detection **detections, int *count);
struct head_output detector_output(const struct detector *d); /* of detector_forward */

struct net *detector_net(struct detector *d); /* for benches, and to look at the logits of the last run */
/* What the last run chose from; the detector's, boxes in pixels of the network's input. */
const struct candidates *detector_candidates(const struct detector *d);
/* How boxes go from the network's input to the photo. */
struct box_map detector_map(const struct detector *d, const struct letterbox *box);

#endif
