/* Tensors of a checkpoint into a parameter block, by name and shape. Private to weights/. */
#ifndef Y9_WEIGHTS_BIND_H
#define Y9_WEIGHTS_BIND_H

#include "graph/graph.h"
#include "weights/checkpoint.h"
#include "weights/report.h"

/* File name of parameter i; NULL: the file cannot have it. */
typedef const char *bind_name_fn(void *context, int param, char *buffer, size_t size);

/* name NULL: the parameters' own names. Values that are not finite are refused (E_NUMERIC names the tensor). DFL
 * vectors that the file lacks are 0, 1, 2 ...; num_batches_tracked and cached anchors are passed over. */
enum status bind_tensors(const struct checkpoint *c, const struct graph *g, float *params, bind_name_fn *name,
                         void *context, struct weights_report *report);

/* How many parameters of `g` the file has under these names, whatever their shapes. */
int bind_count(const struct checkpoint *c, const struct graph *g, bind_name_fn *name, void *context);

#endif
