/* What a checkpoint's tensors say about its model (SPEC 14.1): head widths and groups always come from them, and a
 * checkpoint without a table is recognised among the built-in ones. Official names are assumed: rows as "model.N.". */
#ifndef Y9_MODEL_MATCH_H
#define Y9_MODEL_MATCH_H

#include "model/model.h"

struct tensor_shape {
    const char *name; /* borrowed */
    int rank, shape[4];
};

struct match {
    enum head_kind kind; /* what the head of the tensors is */
    int head_row, n_branches;
    int channels;                 /* HEAD_ANCHORS: of a raw map */
    bool fused;                   /* no BN: folded into biased convolutions, RepConvN merged */
    struct model_options options; /* nc, reg_max and every branch's widths and groups */
    const char *table;            /* built-in name; NULL from match_head */
};

/* The head's part. Finds the head's row by its tensors; `source` is the checkpoint's name for sentences. */
enum status match_head(const char *source, const struct tensor_shape *tensors, int n, struct match *out);

/* The number of classes of an anchor head with so many boxes a cell; 0 where its channels do not fit. */
void match_anchor_classes(struct match *m, int boxes);

/* Also the table: same rows, names and body shapes; head widths and groups are free. Of several tables that fit, one of
 * the family `prefer` (NULL: any) is taken, else the first. E_UNSUPPORTED says which built-in table came closest and
 * where it differs. */
enum status match_table(const char *source, const struct tensor_shape *tensors, int n, const struct family *prefer,
                        struct match *out);

#endif
