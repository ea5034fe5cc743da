/* Names of parameters, in one place. Three dialects of one tensor:
 *
 *   training   model.38.cv4.0.0.conv.weight       row of the table, BN beside it, RepConvN as conv1 and conv2
 *   converted  model.22.cv2.0.0.conv.weight       kept rows renumbered, the main branch named as branch 1 (SPEC 6.4)
 *   deployed   model.22.cv2.0.0.conv.weight/.bias converted, BN folded, RepConvN merged to `conv` (SPEC 6.3) */
#ifndef Y9_MODEL_NAMES_H
#define Y9_MODEL_NAMES_H

#include "model/rows.h"

struct names {
    int n_rows;
    const struct head_class *head;
    int *row; /* training row -> converted row; -1: gone */
};

enum status names_init(const struct table *t, struct names *out);
void names_free(struct names *n);

/* Training name -> converted name, written into buffer; NULL if the parameter is gone (or the name is no name of
 * this table). */
const char *names_convert(const struct names *n, const char *name, char *buffer, size_t size);

/* The other way: converted name -> training name; NULL if it is no name of the main branch. */
const char *names_restore(const struct names *n, const char *name, char *buffer, size_t size);

/* Training name of a weight or bias -> deployed name: a deploy_rename_fn, `names` is a struct names. */
const char *names_deploy(void *names, const char *name, char *buffer, size_t size);

/* The merge of RepConvN alone: "cv1.conv1.conv.weight" -> "cv1.conv.weight". For bare modules. */
const char *names_merge(void *unused, const char *name, char *buffer, size_t size);

/* Name of training parameter p in a fused checkpoint that keeps its rows: "X.bn.bias" -> "X.conv.bias", RepConvN
 * merged; NULL if fusion leaves nothing of it. */
const char *names_fused(const struct param *p, char *buffer, size_t size);

/* Row of "model.<row>.<rest>" and *rest; -1 if it is no such name. */
int names_row(const char *name, const char **rest);

#endif
