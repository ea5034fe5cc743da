/* A file with auxiliary branches for a network that has the main one alone: `--cfg gelan-c` with weights of yolov9-c.
 * Rows and parts of the head have other numbers there. Private to weights/. */
#ifndef Y9_WEIGHTS_MAIN_BRANCH_H
#define Y9_WEIGHTS_MAIN_BRANCH_H

#include "model/names.h"
#include "weights/bind.h"

struct main_branch {
    bind_name_fn *name; /* for bind_tensors, with this struct as context; NULL: the file's names are the network's */
    const struct graph *graph;
    struct table table; /* the file's own */
    struct names names;
    int head; /* the row of the file's head */
};

/* Only where `g` has one branch and the file has more. Release with main_branch_free, also after a failure. */
enum status main_branch_find(const struct checkpoint *c, const struct graph *g, struct main_branch *out);
void main_branch_free(struct main_branch *m);

#endif
