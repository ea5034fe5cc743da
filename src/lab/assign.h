/* Which anchor points answer for which object of one photo, in every head branch and with every assigner that its kind
 * of head is trained with. The targets are the loss's own (train/loss.h): it is run once for each way of assigning. */
#ifndef Y9_LAB_ASSIGN_H
#define Y9_LAB_ASSIGN_H

#include "lab/labelled_photo.h"
#include "train/loss.h"

struct assign_object {
    int class;
    float xyxy[4];           /* pixels of the input */
    double photo_w, photo_h; /* pixels of the photo */
    const char *size;        /* by its area in the photo, as COCO has them: "small", "medium", "large" */
};

struct assign_point {
    int object, level;
    float x, y;  /* centre of its cell, pixels of the input */
    float score; /* its target: of the class, of an anchor box its objectness */
    float iou;   /* what the assigner went by: CIoU from 0 up, SimOTA's IoU */
};

/* What one branch gets from one assigner. */
struct assign_view {
    const char *assigner; /* "independent", "lead-guided", "coarse-to-fine"; "SimOTA, text", "SimOTA, code" */
    char head[24];        /* "main", "auxiliary", of several "auxiliary 1" */
    bool main;
    int top_k;
    struct assign_point *points;
    int n;
    int same_as; /* the first view with the same points; its own number: none before it has them */
};
enum { ASSIGN_MOST_VIEWS = 12 };

/* The way of the task-aligned assigner in one branch, each branch by itself. */
struct assign_steps {
    int view, branch;              /* its view with independent assigners */
    struct loss_assignment result; /* with its trace */
};

struct assign_figure {
    struct assign_object *objects;
    int n_objects;
    struct assign_view views[ASSIGN_MOST_VIEWS];
    int n_views;
    struct assign_steps steps[MAX_BRANCHES]; /* main branch first; none of SimOTA */
    int n_steps;
    struct head_output shape; /* levels; its logits are gone */
    float (*places)[2];       /* (cells) x, y of their centres */
    int *levels;              /* (cells) */
    struct loss *loss;        /* that `steps` are of */
};

/* Runs `graph` (training form, with its running statistics; or the deployed form, which has the main branch alone) on
 * the photo, and the loss `config` on what comes out. Released with assign_figure_free, also after a failure. */
enum status assign_figure_make(const struct graph *graph, float *params, const struct loss_config *config,
                               const struct labelled_photo *photo, struct team *team, struct assign_figure *out);
void assign_figure_free(struct assign_figure *f);

/* Points of an object in a view; level -1: of all levels. Means are NAN of none. */
struct assign_sum {
    int points;
    double mean_score, max_score, mean_iou, max_iou;
};
struct assign_sum assign_sum_of(const struct assign_view *v, int object, int level);

/* Points of a view that answer for the same object in the main branch by the same assigner. */
enum status assign_shared(const struct assign_figure *f, int view, int *points);

#endif
