/* Inside of export/: an ONNX graph under construction, over protobuf-c messages.
 *
 * Everything lives in the builder's arena but the bytes of large tensors, which are borrowed. Names are made unique
 * by the builder. Functions cannot fail half way: a builder that ran out of memory is marked, hands out scratch
 * messages and empty names, and onnx_builder_write says so. */
#ifndef Y9_EXPORT_ONNX_BUILDER_H
#define Y9_EXPORT_ONNX_BUILDER_H

#include "core/mem.h"

#include "onnx.pb-c.h"

#include <stdbool.h>

/* A growing list of pointers inside an arena. */
struct onnx_list {
    void **items;
    size_t n, capacity;
};

struct onnx_builder {
    struct arena arena;
    int opset;
    struct onnx_list nodes, tensors, inputs, outputs, metadata;
    struct onnx_list names; /* of values and tensors, so that each is new */
    Onnx__NodeProto scratch;
    char *scratch_names[2];
    const char *domain; /* of nodes that are not ONNX's own; NULL: there are none */
    bool out_of_memory;
};

void onnx_builder_init(struct onnx_builder *b, int opset);
void onnx_builder_free(struct onnx_builder *b);

/* Append a node; its outputs are named "label/Op", with _1, _2 ... where that is taken. Returns the first output. */
struct onnx_op {
    const char *type, *label;
    int n_in;
    const char *const *in; /* the array is copied, the names are not */
    const char *out;       /* a name for the output instead of the made one; NULL: none */
};
Onnx__NodeProto *onnx_add(struct onnx_builder *b, const struct onnx_op *op);
/* The same with these outputs. */
Onnx__NodeProto *onnx_add_many(struct onnx_builder *b, const struct onnx_op *op, const char *const *outputs,
                               int n_outputs);
/* The same for a node with two outputs of which the second is wanted. */
const char *onnx_second(struct onnx_builder *b, const struct onnx_op *op);
/* The same for nodes without attributes: the name of the output. */
const char *onnx_unary(struct onnx_builder *b, const char *type, const char *label, const char *x);
const char *onnx_binary(struct onnx_builder *b, const char *type, const char *label, const char *x, const char *y);
const char *onnx_concat(struct onnx_builder *b, const char *label, const char *const *in, int n_in, int axis);
const char *onnx_slice(struct onnx_builder *b, const char *label, const char *x, int axis, int first, int count);
const char *onnx_cast(struct onnx_builder *b, const char *label, const char *x, Onnx__TensorProto__DataType type);
const char *onnx_reshape(struct onnx_builder *b, const char *label, const char *x, const int64_t *dims, int rank);
const char *onnx_transpose(struct onnx_builder *b, const char *label, const char *x, const int64_t *axes, int rank);
static inline const char *onnx_out(const Onnx__NodeProto *n)
{
    return n->output[0];
}

/* The node is one of another domain than ONNX's. One such domain a file. */
void onnx_set_domain(struct onnx_builder *b, Onnx__NodeProto *n, const char *domain);

/* Give the output of a node another name, in the node and where it is read. */
void onnx_rename(struct onnx_builder *b, const char *from, const char *to);

void onnx_set_int(struct onnx_builder *b, Onnx__NodeProto *n, const char *name, int64_t value);
void onnx_set_ints(struct onnx_builder *b, Onnx__NodeProto *n, const char *name, const int64_t *values, int count);
void onnx_set_float(struct onnx_builder *b, Onnx__NodeProto *n, const char *name, float value);
void onnx_set_text(struct onnx_builder *b, Onnx__NodeProto *n, const char *name, const char *text);

/* Constants (initializers); values are copied. Rank 0 is a scalar. */
const char *onnx_ints(struct onnx_builder *b, const char *label, const int64_t *values, int count); /* rank 1 */
const char *onnx_int(struct onnx_builder *b, const char *label, int64_t value);                     /* rank 0 */
const char *onnx_floats(struct onnx_builder *b, const char *label, const float *values, int rank, const int64_t *dims);
/* Of any type, as its bytes lie in memory. */
const char *onnx_constant(struct onnx_builder *b, const char *label, Onnx__TensorProto__DataType type,
                          const void *values, size_t size, int rank, const int64_t *dims);
/* Rank 0, of the maps' type: float or, with --half, 16 bits. */
const char *onnx_number(struct onnx_builder *b, const char *label, Onnx__TensorProto__DataType type, float x);
/* A tensor whose little-endian bytes are borrowed until onnx_builder_write; its name is taken as it is. */
const char *onnx_borrow(struct onnx_builder *b, const char *name, Onnx__TensorProto__DataType type, const void *bytes,
                        size_t size, int rank, const int *shape);

/* Declare an input or output of the graph. A dimension below 0 is symbolic and named by `symbols`. */
void onnx_declare(struct onnx_builder *b, struct onnx_list *list, const char *name, Onnx__TensorProto__DataType type,
                  int rank, const int64_t *dims, const char *const *symbols);
void onnx_metadata(struct onnx_builder *b, const char *key, const char *value);

/* The whole model to a file, which appears when it is complete. Equal graphs give equal bytes. */
enum status onnx_builder_write(struct onnx_builder *b, const char *graph_name, const char *path);

#endif
