/* What a network costs, in training and in deployed form, row by row. */
#ifndef Y9_MODEL_FIGURES_H
#define Y9_MODEL_FIGURES_H

#include "model/model.h"

struct cost {
    double params, gflops;
};

struct row_cost {
    const char *module, *tag, *from, *args;
    enum row_use use;
    struct port maps;            /* values of the training form that it hands on; a head: none */
    struct cost cost, auxiliary; /* auxiliary: the part of it that the main branch does not need */
};

/* All figures of one model; strings are the graph's and the table's. */
struct figures {
    struct table table;
    struct graph training, deployed;
    struct cost whole, left; /* training form, deployed form */
    struct row_cost *rows;
    int n_rows, h, w;
    int n_convolutions, n_eight_bit; /* of the deployed form; how many of them a weight file has in 8 bits */
};

void figures_free(struct figures *r);
/* Of a table, which goes over to *r, for images of h x w, rounded up to the network's stride: r->h x r->w. On failure
 * *r is empty. */
enum status figures_count(struct table table, const struct model_options *options, int h, int w, struct figures *r);
/* Of a network by its name or its table's path. */
enum status figures_build(const char *model, const struct model_options *options, int h, int w, struct figures *r);
/* What training alone needs. */
struct cost figures_auxiliary(const struct figures *r);

#endif
