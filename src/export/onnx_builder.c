#include "export/onnx_builder.h"

#include "core/file.h"
#include "formats/half.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { MAX_ATTRIBUTES = 8 };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data of ONNX tensors is little-endian");

void onnx_builder_init(struct onnx_builder *b, int opset)
{
    *b = (struct onnx_builder){.opset = opset, .scratch_names = {"", ""}};
    arena_init(&b->arena);
    onnx__node_proto__init(&b->scratch);
    b->scratch.output = b->scratch_names;
}

void onnx_builder_free(struct onnx_builder *b)
{
    arena_free(&b->arena);
}

/* --- memory --- */

static void *allocate(struct onnx_builder *b, size_t count, size_t size)
{
    void *p = b->out_of_memory ? NULL : arena_alloc(&b->arena, count, size);
    b->out_of_memory |= !p;
    return p;
}

static void append(struct onnx_builder *b, struct onnx_list *list, void *item)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        void **items = allocate(b, capacity, sizeof *items);
        if (!items)
            return;
        if (list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    if (item)
        list->items[list->n++] = item;
}

static char *copy_text(struct onnx_builder *b, const char *text)
{
    char *copy = b->out_of_memory ? NULL : arena_strdup(&b->arena, text);
    b->out_of_memory |= !copy;
    return copy;
}

static bool taken(const struct onnx_builder *b, const char *name)
{
    for (size_t i = b->names.n; i-- > 0;) {
        if (!strcmp(b->names.items[i], name))
            return true;
    }
    return false;
}

/* "label/leaf", new; "" when memory is short. */
static char *new_name(struct onnx_builder *b, const char *label, const char *leaf)
{
    static char none[1] = "";
    char *name = b->out_of_memory ? NULL : arena_printf(&b->arena, "%s/%s", label, leaf);
    for (int k = 1; name && taken(b, name); k++)
        name = arena_printf(&b->arena, "%s/%s_%d", label, leaf, k);
    b->out_of_memory |= !name;
    append(b, &b->names, name);
    return name ? name : none;
}

/* --- nodes --- */

Onnx__NodeProto *onnx_add(struct onnx_builder *b, const struct onnx_op *op)
{
    Onnx__NodeProto *n = allocate(b, 1, sizeof *n);
    char **names = allocate(b, (size_t)op->n_in + 2, sizeof *names);
    void *attributes = allocate(b, MAX_ATTRIBUTES, sizeof(void *));
    if (!attributes)
        return &b->scratch;
    onnx__node_proto__init(n);
    n->op_type = (char *)op->type; /* literals */
    n->n_input = (size_t)op->n_in;
    n->input = names + 2;
    for (int i = 0; i < op->n_in; i++)
        n->input[i] = (char *)op->in[i]; /* names of the arena */
    n->n_output = 1;
    n->output = names;
    n->output[0] = op->out ? (char *)op->out : new_name(b, op->label, op->type);
    n->name = n->output[0];
    n->attribute = attributes;
    append(b, &b->nodes, n);
    return n;
}

Onnx__NodeProto *onnx_add_many(struct onnx_builder *b, const struct onnx_op *op, const char *const *outputs,
                               int n_outputs)
{
    Onnx__NodeProto *n = onnx_add(b, op);
    char **names = allocate(b, (size_t)n_outputs, sizeof *names);
    if (n == &b->scratch || !names)
        return &b->scratch;
    for (int i = 0; i < n_outputs; i++)
        names[i] = (char *)outputs[i]; /* literals */
    n->output = names;
    n->n_output = (size_t)n_outputs;
    return n;
}

const char *onnx_second(struct onnx_builder *b, const struct onnx_op *op)
{
    Onnx__NodeProto *n = onnx_add(b, op);
    if (n != &b->scratch) {
        n->output[1] = new_name(b, op->label, op->type);
        n->n_output = 2;
    }
    return n->output[1];
}

const char *onnx_unary(struct onnx_builder *b, const char *type, const char *label, const char *x)
{
    return onnx_out(onnx_add(b, &(struct onnx_op){type, label, 1, &x, NULL}));
}

const char *onnx_binary(struct onnx_builder *b, const char *type, const char *label, const char *x, const char *y)
{
    const char *in[] = {x, y};
    return onnx_out(onnx_add(b, &(struct onnx_op){type, label, 2, in, NULL}));
}

const char *onnx_concat(struct onnx_builder *b, const char *label, const char *const *in, int n_in, int axis)
{
    Onnx__NodeProto *n = onnx_add(b, &(struct onnx_op){"Concat", label, n_in, in, NULL});
    onnx_set_int(b, n, "axis", axis);
    return onnx_out(n);
}

const char *onnx_slice(struct onnx_builder *b, const char *label, const char *x, int axis, int first, int count)
{
    const char *in[] = {x, onnx_ints(b, label, &(int64_t){first}, 1), onnx_ints(b, label, &(int64_t){first + count}, 1),
                        onnx_ints(b, label, &(int64_t){axis}, 1)};
    return onnx_out(onnx_add(b, &(struct onnx_op){"Slice", label, COUNT(in), in, NULL}));
}

const char *onnx_cast(struct onnx_builder *b, const char *label, const char *x, Onnx__TensorProto__DataType type)
{
    Onnx__NodeProto *n = onnx_add(b, &(struct onnx_op){"Cast", label, 1, &x, NULL});
    onnx_set_int(b, n, "to", type);
    return onnx_out(n);
}

const char *onnx_reshape(struct onnx_builder *b, const char *label, const char *x, const int64_t *dims, int rank)
{
    return onnx_binary(b, "Reshape", label, x, onnx_ints(b, label, dims, rank));
}

const char *onnx_transpose(struct onnx_builder *b, const char *label, const char *x, const int64_t *axes, int rank)
{
    Onnx__NodeProto *n = onnx_add(b, &(struct onnx_op){"Transpose", label, 1, &x, NULL});
    onnx_set_ints(b, n, "perm", axes, rank);
    return onnx_out(n);
}

void onnx_set_domain(struct onnx_builder *b, Onnx__NodeProto *n, const char *domain)
{
    n->domain = (char *)domain; /* a literal */
    b->domain = domain;
}

void onnx_rename(struct onnx_builder *b, const char *from, const char *to)
{
    for (size_t i = 0; i < b->nodes.n; i++) {
        Onnx__NodeProto *n = b->nodes.items[i];
        for (size_t k = 0; k < n->n_output; k++)
            n->output[k] = strcmp(n->output[k], from) ? n->output[k] : (char *)to;
        for (size_t k = 0; k < n->n_input; k++)
            n->input[k] = strcmp(n->input[k], from) ? n->input[k] : (char *)to;
    }
}

static Onnx__AttributeProto *attribute(struct onnx_builder *b, Onnx__NodeProto *n, const char *name,
                                       Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *a = allocate(b, 1, sizeof *a);
    if (!a)
        return NULL;
    assert(n->n_attribute < MAX_ATTRIBUTES);
    onnx__attribute_proto__init(a);
    a->name = (char *)name; /* a literal */
    a->has_type = true;
    a->type = type;
    n->attribute[n->n_attribute++] = a;
    return a;
}

void onnx_set_int(struct onnx_builder *b, Onnx__NodeProto *n, const char *name, int64_t value)
{
    Onnx__AttributeProto *a = attribute(b, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    if (!a)
        return;
    a->has_i = true;
    a->i = value;
}

void onnx_set_float(struct onnx_builder *b, Onnx__NodeProto *n, const char *name, float value)
{
    Onnx__AttributeProto *a = attribute(b, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (!a)
        return;
    a->has_f = true;
    a->f = value;
}

void onnx_set_ints(struct onnx_builder *b, Onnx__NodeProto *n, const char *name, const int64_t *values, int count)
{
    Onnx__AttributeProto *a = attribute(b, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    int64_t *copy = a ? allocate(b, (size_t)count, sizeof *copy) : NULL;
    if (!copy)
        return;
    memcpy(copy, values, (size_t)count * sizeof *copy);
    a->n_ints = (size_t)count;
    a->ints = copy;
}

void onnx_set_text(struct onnx_builder *b, Onnx__NodeProto *n, const char *name, const char *text)
{
    Onnx__AttributeProto *a = attribute(b, n, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    if (!a)
        return;
    a->has_s = true;
    a->s = (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text}; /* a literal */
}

/* --- tensors --- */

static Onnx__TensorProto *tensor(struct onnx_builder *b, Onnx__TensorProto__DataType type, int rank)
{
    Onnx__TensorProto *t = allocate(b, 1, sizeof *t);
    int64_t *dims = allocate(b, (size_t)rank + 1, sizeof *dims);
    if (!dims)
        return NULL;
    onnx__tensor_proto__init(t);
    t->n_dims = (size_t)rank;
    t->dims = dims;
    t->has_data_type = true;
    t->data_type = type;
    t->has_raw_data = true;
    append(b, &b->tensors, t);
    return t;
}

static const char *constant(struct onnx_builder *b, const char *label, Onnx__TensorProto__DataType type,
                            const void *values, size_t size, int rank, const int64_t *dims)
{
    Onnx__TensorProto *t = tensor(b, type, rank);
    void *copy = t ? allocate(b, size + 1, 1) : NULL;
    if (!copy)
        return "";
    if (size)
        memcpy(copy, values, size);
    if (rank)
        memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
    t->raw_data = (ProtobufCBinaryData){size, copy};
    t->name = new_name(b, label, "Constant");
    return t->name;
}

const char *onnx_ints(struct onnx_builder *b, const char *label, const int64_t *values, int count)
{
    return constant(b, label, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, values, (size_t)count * sizeof *values, 1,
                    &(int64_t){count});
}

const char *onnx_int(struct onnx_builder *b, const char *label, int64_t value)
{
    return constant(b, label, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, &value, sizeof value, 0, NULL);
}

const char *onnx_floats(struct onnx_builder *b, const char *label, const float *values, int rank, const int64_t *dims)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    return constant(b, label, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, values, count * sizeof *values, rank, dims);
}

const char *onnx_number(struct onnx_builder *b, const char *label, Onnx__TensorProto__DataType type, float x)
{
    const uint16_t half = f32_to_f16(x);
    const bool whole = type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    return constant(b, label, type, whole ? (const void *)&x : &half, whole ? sizeof x : sizeof half, 0, NULL);
}

const char *onnx_constant(struct onnx_builder *b, const char *label, Onnx__TensorProto__DataType type,
                          const void *values, size_t size, int rank, const int64_t *dims)
{
    return constant(b, label, type, values, size, rank, dims);
}

const char *onnx_borrow(struct onnx_builder *b, const char *name, Onnx__TensorProto__DataType type, const void *bytes,
                        size_t size, int rank, const int *shape)
{
    Onnx__TensorProto *t = tensor(b, type, rank);
    char *copy = copy_text(b, name);
    if (!t || !copy)
        return "";
    for (int i = 0; i < rank; i++)
        t->dims[i] = shape[i];
    t->raw_data = (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)bytes};
    t->name = copy;
    append(b, &b->names, copy);
    return copy;
}

/* --- the model around it --- */

void onnx_declare(struct onnx_builder *b, struct onnx_list *list, const char *name, Onnx__TensorProto__DataType type,
                  int rank, const int64_t *dims, const char *const *symbols)
{
    Onnx__ValueInfoProto *info = allocate(b, 1, sizeof *info);
    Onnx__TypeProto *kind = allocate(b, 1, sizeof *kind);
    Onnx__TypeProto__Tensor *t = allocate(b, 1, sizeof *t);
    Onnx__TensorShapeProto *shape = allocate(b, 1, sizeof *shape);
    Onnx__TensorShapeProto__Dimension *dim = allocate(b, (size_t)rank, sizeof *dim), **pointers = NULL;
    pointers = allocate(b, (size_t)rank, sizeof *pointers);
    if (!pointers)
        return;
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(kind);
    onnx__type_proto__tensor__init(t);
    onnx__tensor_shape_proto__init(shape);
    for (int i = 0; i < rank; i++) {
        onnx__tensor_shape_proto__dimension__init(&dim[i]);
        if (dims[i] >= 0) {
            dim[i].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
            dim[i].dim_value = dims[i];
        } else {
            dim[i].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
            dim[i].dim_param = (char *)symbols[i];
        }
        pointers[i] = &dim[i];
    }
    shape->n_dim = (size_t)rank;
    shape->dim = pointers;
    t->has_elem_type = true;
    t->elem_type = type;
    t->shape = shape;
    kind->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    kind->tensor_type = t;
    info->name = (char *)name;
    info->type = kind;
    append(b, list, info);
    append(b, &b->names, info->name);
}

void onnx_metadata(struct onnx_builder *b, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *entry = allocate(b, 1, sizeof *entry);
    char *copy = copy_text(b, value);
    if (!entry || !copy)
        return;
    onnx__string_string_entry_proto__init(entry);
    entry->key = (char *)key; /* a literal */
    entry->value = copy;
    append(b, &b->metadata, entry);
}

struct stream {
    ProtobufCBuffer base;
    FILE *file;
};

static void stream_append(ProtobufCBuffer *buffer, size_t size, const uint8_t *bytes)
{
    fwrite(bytes, 1, size, ((struct stream *)buffer)->file); /* a short write sets ferror, which commit reports */
}

enum status onnx_builder_write(struct onnx_builder *b, const char *graph_name, const char *path)
{
    enum status rc = OK;
    struct file_writer writer = {0};
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, other = opset, *opsets[] = {&opset, &other};
    if (b->out_of_memory)
        return fail_memory(path, 0);
    graph.name = (char *)graph_name;
    graph.n_node = b->nodes.n;
    graph.node = (Onnx__NodeProto **)b->nodes.items;
    graph.n_initializer = b->tensors.n;
    graph.initializer = (Onnx__TensorProto **)b->tensors.items;
    graph.n_input = b->inputs.n;
    graph.input = (Onnx__ValueInfoProto **)b->inputs.items;
    graph.n_output = b->outputs.n;
    graph.output = (Onnx__ValueInfoProto **)b->outputs.items;
    opset.domain = "";
    opset.has_version = true;
    opset.version = b->opset;
    model.has_ir_version = true;
    model.ir_version = b->opset < 15 ? 7 : 8; /* the oldest that knows the operators */
    model.producer_name = "yolo9";
    other.domain = (char *)b->domain;
    other.has_version = true;
    other.version = 1;
    model.n_opset_import = b->domain ? 2 : 1;
    model.opset_import = opsets;
    model.graph = &graph;
    model.n_metadata_props = b->metadata.n;
    model.metadata_props = (Onnx__StringStringEntryProto **)b->metadata.items;
    size_t size = onnx__model_proto__get_packed_size(&model);
    if (size > INT32_MAX)
        return fail(E_LIMIT, "%s: the model takes %zu bytes, a protobuf file holds at most 2 GB", path, size);
    TRY_CLEAN(file_writer_open(&writer, path));
    struct stream stream = {{stream_append}, writer.stream};
    onnx__model_proto__pack_to_buffer(&model, &stream.base);
    TRY_CLEAN(file_writer_commit(&writer));
cleanup:
    file_writer_abort(&writer);
    return rc;
}
