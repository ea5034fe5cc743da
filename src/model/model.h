/* model/: network tables -> blocks -> graph: what a network is made of, what its parameters are called and begin with.
 *
 * Table -> graph. The training form holds everything: BN live, RepConvN as two convolutions, auxiliary branch and
 * heads present; model_deploy makes the inference form of it. */
#ifndef Y9_MODEL_MODEL_H
#define Y9_MODEL_MODEL_H

#include "model/head.h"
#include "model/modules.h"
#include "model/table.h"

/* What a dataset or a checkpoint's tensors choose; it wins over the table. */
struct model_options {
    int nc;      /* 0: the table's */
    int reg_max; /* 0: the table's, else 16 */
    struct head_shape head[MAX_BRANCHES];
};
void model_options_init(struct model_options *o); /* nothing chosen */

enum row_use {
    ROW_MAIN,      /* the main branch reaches it: part of inference */
    ROW_AUXILIARY, /* only auxiliary branches reach it: training only */
    ROW_UNUSED,    /* no branch reaches it */
};

/* What became of a table's row. */
struct model_row {
    const char *module, *tag; /* tag may be NULL */
    const char *from;         /* "-1, 6" */
    const char *args;         /* resolved: "64, 128, 128, 64, 1", input channels first */
    enum row_use use;
    size_t params;    /* trained elements and DFL vectors */
    struct port maps; /* values it hands on; a head: none */
};

/* Build the training form. `out` is initialised here and released with graph_free. *rows (NULL: not wanted) has
 * out->n_rows entries owned by the graph. Faults are "source:line: sentence". */
enum status model_build(const struct table *t, const struct model_options *options, struct graph *out,
                        const struct model_row **rows);

/* The inference form of a training form that was built from `t`, with the official deployed names. */
enum status model_deploy(const struct table *t, const struct graph *training, struct graph *out);

/* Elements of trained parameters and DFL vectors, as the official code counts: of one row, or of all (row -1). */
size_t model_count_params(const struct graph *g, int row);
/* Entries of the official state_dict of a training form: running statistics and num_batches_tracked included. */
int model_count_state(const struct graph *g);
/* Convolution FLOPs for an h x w image; by_row (g->n_rows, may be NULL) gets each row's share. */
enum status model_count_flops(const struct graph *g, int h, int w, double *by_row, double *total);

#endif
