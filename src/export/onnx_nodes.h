/* One node of the graph as ONNX nodes; private to export/. */
#ifndef Y9_EXPORT_ONNX_NODES_H
#define Y9_EXPORT_ONNX_NODES_H

#include "export/onnx.h"
#include "export/onnx_builder.h"

struct onnx_export {
    struct onnx_builder b;
    const struct graph *g;
    const float *params;
    const struct onnx_options *o;
    Onnx__TensorProto__DataType type; /* of weights and maps */
    struct extent *extents;           /* of the values, at o->h x o->w */
    struct extent *doubled;           /* the same at twice that size, where the file is for all sizes; else NULL */
    enum status rc;                   /* a node cannot be written for all sizes: fail_text() names the first */
    const char **value, **param;      /* names; NULL: not yet in the file */
    const char *roi;                  /* Resize's empty input; NULL: not yet in the file */
    const char *limits[2];            /* ReLU6's 0 and 6; NULL: not yet in the file */
};

/* Name of value v in the file. Slices and concats are made when they are first read; nodes stand in execution order. */
const char *onnx_value_name(struct onnx_export *e, int v);
const char *onnx_param_name(struct onnx_export *e, int param);

/* Append what makes act(x) of the map x; returns the name of its output. */
const char *onnx_activation(struct onnx_export *e, const char *label, enum act act, const char *x);

/* Append the node; returns the name of its output. Whoever reads e->extents for it and finds that another size of the
 * picture would want other nodes sets e->rc where e->doubled is there. */
const char *onnx_node(struct onnx_export *e, const struct node *n);

#endif
