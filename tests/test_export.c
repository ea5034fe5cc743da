/* What stands in an exported ONNX file: read back with protobuf and looked through here, then ONNX's own checker,
 * where Python has it. test_export_run.c runs the files. */
#include "core/file.h"
#include "export/onnx.h"
#include "formats/half.h"
#include "model/builtin.h"
#include "model/model.h"
#include "support/programs.h"
#include "support/unit.h"

#include "onnx.pb-c.h"

#include <stdio.h>
#include <string.h>

enum { SIZE = 64, ANCHORS = 8 * 8 + 4 * 4 + 2 * 2 };

struct network {
    struct table table;
    struct graph graph;
    float *params;
    const char **names;
};

/* Every parameter starts with its own number. ACT_COUNT: the table's activation. */
static void open_network_with(struct network *n, const char *model, enum act act)
{
    struct graph training;
    struct model_options options;
    *n = (struct network){0};
    model_options_init(&options);
    if (table_open(model, &n->table) != OK)
        fail_msg("%s: %s", model, fail_text());
    if (act != ACT_COUNT)
        n->table.activation = act;
    if (model_build(&n->table, &options, &training, NULL) != OK || model_deploy(&n->table, &training, &n->graph) != OK)
        fail_msg("%s: %s", model, fail_text());
    graph_free(&training);
    n->params = mem_calloc(n->graph.param_floats, sizeof *n->params);
    n->names = mem_alloc((size_t)n->graph.head.nc, sizeof *n->names);
    assert_non_null(n->params);
    assert_non_null(n->names);
    for (int i = 0; i < n->graph.n_params; i++)
        n->params[n->graph.params[i].first] = (float)i;
    for (int k = 0; k < n->graph.head.nc; k++)
        n->names[k] = k == 1 ? "it's \\ a \"name\"" : k == 2 ? "it's" : "thing";
}

static void open_network(struct network *n, const char *model)
{
    open_network_with(n, model, ACT_COUNT);
}

static void close_network(struct network *n)
{
    mem_free(n->params);
    mem_free(n->names);
    graph_free(&n->graph);
    table_free(&n->table);
}

static struct onnx_options plain(const struct network *n)
{
    return (struct onnx_options){.n = 1,
                                 .h = SIZE,
                                 .w = SIZE,
                                 .opset = ONNX_OPSET,
                                 .conf = 0.25f,
                                 .iou = 0.45f,
                                 .max_det = 300,
                                 .model = n->table.name,
                                 .names = n->names};
}

static void write_network(const struct network *n, const struct onnx_options *o, const char *path)
{
    if (onnx_write(path, &n->graph, n->params, o) != OK)
        fail_msg("%s: %s", n->table.name, fail_text());
}

static Onnx__ModelProto *read_model(const char *path)
{
    struct file_map map;
    assert_int_equal(file_map_open(path, &map), OK);
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, map.size, map.data);
    file_map_close(&map);
    assert_non_null(m);
    return m;
}

/* --- looking through a file --- */

static const Onnx__TensorProto *find_tensor(const Onnx__GraphProto *g, const char *name)
{
    for (size_t i = 0; i < g->n_initializer; i++) {
        if (!strcmp(g->initializer[i]->name, name))
            return g->initializer[i];
    }
    return NULL;
}

static bool is_output(const Onnx__NodeProto *n, const char *name)
{
    for (size_t i = 0; i < n->n_output; i++) {
        if (!strcmp(n->output[i], name))
            return true;
    }
    return false;
}

/* Is `name` an input, a tensor, or written by one of the first `before` nodes? */
static bool defined(const Onnx__GraphProto *g, const char *name, size_t before)
{
    for (size_t i = before; i-- > 0;) {
        if (is_output(g->node[i], name))
            return true;
    }
    for (size_t i = 0; i < g->n_input; i++) {
        if (!strcmp(g->input[i]->name, name))
            return true;
    }
    return find_tensor(g, name);
}

static bool is_read(const Onnx__GraphProto *g, const char *name)
{
    for (size_t i = 0; i < g->n_node; i++) {
        for (size_t k = 0; k < g->node[i]->n_input; k++) {
            if (!strcmp(g->node[i]->input[k], name))
                return true;
        }
    }
    return false;
}

static bool is_result(const Onnx__GraphProto *g, const char *name)
{
    for (size_t i = 0; i < g->n_output; i++) {
        if (!strcmp(g->output[i]->name, name))
            return true;
    }
    return false;
}

/* Nodes stand in order, names are given once, and nothing is there that nobody reads. */
static void check_names(const Onnx__GraphProto *g)
{
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *n = g->node[i];
        for (size_t k = 0; k < n->n_input; k++) {
            if (!defined(g, n->input[k], i))
                fail_msg("%s reads %s, which is not there yet", n->name, n->input[k]);
        }
        for (size_t k = 0; k < n->n_output; k++) {
            if (defined(g, n->output[k], i))
                fail_msg("%s is written twice", n->output[k]);
        }
        if (!is_result(g, n->output[0]) && !is_read(g, n->output[n->n_output - 1]))
            fail_msg("nobody reads %s", n->output[0]);
    }
    for (size_t i = 0; i < g->n_initializer; i++) {
        if (!is_read(g, g->initializer[i]->name))
            fail_msg("nobody reads %s", g->initializer[i]->name);
        assert_ptr_equal(find_tensor(g, g->initializer[i]->name), g->initializer[i]);
    }
}

static size_t size_of(int32_t type)
{
    static const unsigned char size[] = {
        [ONNX__TENSOR_PROTO__DATA_TYPE__INT64] = 8,   [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT] = 4,
        [ONNX__TENSOR_PROTO__DATA_TYPE__INT32] = 4,   [ONNX__TENSOR_PROTO__DATA_TYPE__UINT8] = 1,
        [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16] = 2, [ONNX__TENSOR_PROTO__DATA_TYPE__INT8] = 1,
    };
    return type < COUNT(size) ? size[type] : 0;
}

static void check_sizes(const Onnx__GraphProto *g)
{
    for (size_t i = 0; i < g->n_initializer; i++) {
        const Onnx__TensorProto *t = g->initializer[i];
        size_t count = 1;
        for (size_t k = 0; k < t->n_dims; k++)
            count *= (size_t)t->dims[k];
        const size_t size = size_of(t->data_type);
        assert_true(size > 0);
        assert_int_equal(t->raw_data.len, count * size);
    }
}

/* Every parameter is there under its name, with its shape and first value. */
static void check_params(const struct network *n, const Onnx__GraphProto *g)
{
    for (int i = 0; i < n->graph.n_params; i++) {
        const struct param *p = &n->graph.params[i];
        const Onnx__TensorProto *t = find_tensor(g, p->name);
        if (!t && p->role == PARAM_DFL && !is_result(g, "output0"))
            continue; /* raw: nothing is decoded */
        if (!t)
            fail_msg("%s is missing", p->name);
        assert_int_equal(t->n_dims, p->rank);
        for (int k = 0; k < p->rank; k++)
            assert_int_equal(t->dims[k], p->shape[k]);
        float first;
        if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16) {
            uint16_t half;
            memcpy(&half, t->raw_data.data, sizeof half);
            first = f16_to_f32(half);
        } else if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT8) { /* the only one that is not 0: the largest */
            first = *t->raw_data.data == (i ? 127 : 0) ? (float)i : -1;
        } else if (t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32) { /* in units of two scales */
            int32_t whole;
            memcpy(&whole, t->raw_data.data, sizeof whole);
            first = whole > 0 ? (float)i : -1;
        } else {
            memcpy(&first, t->raw_data.data, sizeof first);
        }
        assert_true(first == (float)i);
    }
}

static const char *metadata(const Onnx__ModelProto *m, const char *key)
{
    for (size_t i = 0; i < m->n_metadata_props; i++) {
        if (!strcmp(m->metadata_props[i]->key, key))
            return m->metadata_props[i]->value;
    }
    fail_msg("no metadata %s", key);
    return "";
}

static void check_file(const struct network *n, const char *path)
{
    Onnx__ModelProto *m = read_model(path);
    check_names(m->graph);
    check_sizes(m->graph);
    check_params(n, m->graph);
    assert_string_equal(m->graph->input[0]->name, "images");
    assert_true(is_result(m->graph, "output0") || is_result(m->graph, "num_dets") ||
                (is_result(m->graph, "box_8") && is_result(m->graph, "cls_32")));
    for (size_t i = 0; i < m->graph->n_output; i++)
        assert_true(defined(m->graph, m->graph->output[i]->name, m->graph->n_node));
    assert_int_equal(atoi(metadata(m, "stride")), graph_largest_stride(&n->graph));
    assert_string_equal(metadata(m, "model"), n->table.name);
    onnx__model_proto__free_unpacked(m, NULL);
}

/* --- tests --- */

static void check_with_onnx(const char *folder, int count, const char *dims)
{
    char command[1024];
    const char *python = program_python("onnx");
    if (!python)
        return;
    snprintf(command, sizeof command, "%s " Y9_SOURCE_DIR "/tests/export/check.py %s/*.onnx", python, folder);
    json_t *report = program_json(command);
    if (!report)
        fail_msg("ONNX's checker refuses a file");
    assert_int_equal(json_array_size(report), count);
    for (int i = 0; i < count; i++) {
        char *text = json_dumps(json_array_get(report, (size_t)i), JSON_COMPACT);
        if (dims)
            assert_string_equal(text, dims);
        else
            print_message("%s\n", text);
        free(text);
    }
    json_decref(report);
}

/* The output has three boxes a cell, and the same form as that of the other heads. */
static void check_anchor_file(const struct network *n, const char *path)
{
    Onnx__ModelProto *m = read_model(path);
    int boxes = 0;
    for (int l = 0; l < n->graph.branch[0].n_levels; l++)
        boxes += 3 * (SIZE / n->graph.stride[l]) * (SIZE / n->graph.stride[l]);
    assert_int_equal(m->graph->n_output, 1);
    const Onnx__TensorShapeProto *shape = m->graph->output[0]->type->tensor_type->shape;
    assert_int_equal(shape->n_dim, 3);
    assert_int_equal(shape->dim[1]->dim_value, 84);
    assert_int_equal(shape->dim[2]->dim_value, boxes);
    onnx__model_proto__free_unpacked(m, NULL);
}

static void every_network_exports(void **state)
{
    (void)state;
    char folder[64], path[128], dims[64];
    int count = 0;
    program_folder(folder, sizeof folder);
    for (const struct builtin_table *t = builtin_tables; t->name; t++) {
        struct network n;
        bool scaled = t > builtin_tables && t->text == t[-1].text;
        if (t->study || scaled || strstr(t->text, "\nbase:")) /* another one's rows */
            continue;
        open_network(&n, t->name);
        struct onnx_options o = plain(&n);
        o.half = n.graph.param_floats > 10000000; /* the disk's share of this test */
        snprintf(path, sizeof path, "%s/%s.onnx", folder, t->name);
        write_network(&n, &o, path);
        check_file(&n, path);
        if (n.graph.head.kind == HEAD_ANCHORS) { /* more boxes */
            check_anchor_file(&n, path);
            assert_int_equal(remove(path), 0);
        } else {
            count++;
        }
        close_network(&n);
    }
    snprintf(dims, sizeof dims, "{\"output0\":[1,84,%d]}", ANCHORS);
    assert_true(count >= 14);
    check_with_onnx(folder, count, dims);
    program_remove(folder);
}

/* Every option and every operator set, on the smallest network and on the one with CBFuse. */
static void every_option_exports(void **state)
{
    (void)state;
    static const struct {
        bool dynamic, half, raw, eight_bit;
        enum onnx_nms_kind nms;
        int n, opset;
    } cases[] = {
        {.nms = NMS_ONNX, .n = 1, .opset = 12},
        {.dynamic = true, .n = 1, .opset = 12},
        {.dynamic = true, .half = true, .nms = NMS_ONNX, .n = 1, .opset = 12},
        {.half = true, .nms = NMS_ONNX, .n = 1, .opset = 13},
        {.n = 3, .opset = 11},
        {.dynamic = true, .nms = NMS_ONNX, .n = 4, .opset = 11},
        {.dynamic = true, .n = 1, .opset = 14},
        {.nms = NMS_ONNX, .n = 4, .opset = 15},
        {.dynamic = true, .nms = NMS_ONNX, .n = 1, .opset = 16},
        {.dynamic = true, .half = true, .nms = NMS_ONNX, .n = 1, .opset = 17},
        {.raw = true, .n = 1, .opset = 12},
        {.raw = true, .dynamic = true, .half = true, .n = 1, .opset = 12},
        {.nms = NMS_EFFICIENT, .n = 4, .opset = 12},
        {.nms = NMS_EFFICIENT, .dynamic = true, .n = 1, .opset = 17},
        {.eight_bit = true, .n = 1, .opset = 13},
        {.eight_bit = true, .dynamic = true, .nms = NMS_ONNX, .n = 1, .opset = 17},
    };
    char folder[64], path[128];
    struct network n;
    program_folder(folder, sizeof folder);
    open_network(&n, "gelan-t");
    for (int i = 0; i < n.graph.n_nodes; i++) {
        if (n.graph.nodes[i].op == OP_CONV2D)
            n.graph.nodes[i].u.conv.quant = (struct conv_quant){.on = i % 7 != 3, .scale = 0.02f, .zero = 20};
    }
    for (int i = 0; i < COUNT(cases); i++) {
        struct onnx_options o = plain(&n);
        o.dynamic = cases[i].dynamic;
        o.half = cases[i].half;
        o.nms = cases[i].nms;
        o.eight_bit = cases[i].eight_bit;
        o.raw = cases[i].raw;
        o.n = cases[i].n;
        o.opset = cases[i].opset;
        snprintf(path, sizeof path, "%s/%02d.onnx", folder, i);
        write_network(&n, &o, path);
        check_file(&n, path);
    }
    check_with_onnx(folder, COUNT(cases), NULL);
    close_network(&n);
    program_remove(folder);
}

/* What a network of one activation has of its operator: as many as convolutions with it. */
static void check_activation(const struct network *n, const Onnx__GraphProto *g, const char *type, enum act act)
{
    int wanted = 0, found = 0;
    for (int i = 0; i < n->graph.n_nodes; i++)
        wanted += n->graph.nodes[i].op == OP_CONV2D && n->graph.nodes[i].u.conv.act == act;
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *node = g->node[i];
        if (strcmp(node->op_type, type))
            continue;
        found++;
        if (act == ACT_LEAKY)
            assert_true(node->n_attribute == 1 && !strcmp(node->attribute[0]->name, "alpha") &&
                        node->attribute[0]->f == 0.1f);
        if (act == ACT_RELU6)
            assert_true(node->n_input == 3 && find_tensor(g, node->input[2])->data_type ==
                                                  find_tensor(g, n->graph.params[0].name)->data_type);
    }
    if (!wanted || found != wanted)
        fail_msg("%s: %d of %d nodes are %s", act_name(act), found, wanted, type);
}

static void every_activation_exports(void **state)
{
    (void)state;
    static const struct {
        enum act act;
        const char *type;
    } cases[] = {{ACT_RELU, "Relu"}, {ACT_RELU6, "Clip"}, {ACT_LEAKY, "LeakyRelu"}, {ACT_HARDSWISH, "HardSigmoid"}};
    char folder[64], path[128];
    program_folder(folder, sizeof folder);
    for (int i = 0; i < 2 * COUNT(cases); i++) {
        struct network n;
        open_network_with(&n, "gelan-t", cases[i / 2].act);
        struct onnx_options o = plain(&n);
        o.half = i % 2;
        o.opset = ONNX_OPSET_FIRST;
        snprintf(path, sizeof path, "%s/%02d.onnx", folder, i);
        write_network(&n, &o, path);
        check_file(&n, path);
        Onnx__ModelProto *m = read_model(path);
        check_activation(&n, m->graph, cases[i / 2].type, cases[i / 2].act);
        onnx__model_proto__free_unpacked(m, NULL);
        close_network(&n);
    }
    check_with_onnx(folder, 2 * COUNT(cases), NULL);
    program_remove(folder);
}

static void equal_graphs_give_equal_bytes(void **state)
{
    (void)state;
    char folder[64], path[2][128];
    struct network n;
    struct file_map map[2];
    program_folder(folder, sizeof folder);
    for (int i = 0; i < 2; i++) {
        open_network(&n, "gelan-t");
        struct onnx_options o = plain(&n);
        o.nms = NMS_ONNX;
        snprintf(path[i], sizeof path[i], "%s/%d.onnx", folder, i);
        write_network(&n, &o, path[i]);
        assert_int_equal(file_map_open(path[i], &map[i]), OK);
        close_network(&n);
    }
    assert_int_equal(map[0].size, map[1].size);
    assert_memory_equal(map[0].data, map[1].data, map[0].size);
    file_map_close(&map[0]);
    file_map_close(&map[1]);
    program_remove(folder);
}

static const Onnx__AttributeProto *attribute(const Onnx__NodeProto *n, const char *name)
{
    for (size_t i = 0; i < n->n_attribute; i++) {
        if (!strcmp(n->attribute[i]->name, name))
            return n->attribute[i];
    }
    fail_msg("%s has no %s", n->op_type, name);
    return NULL;
}

/* What TensorRT's plugin is given: boxes (n, rows, 4) and scores (n, rows, nc) in, four outputs of fixed sizes. */
static void tensorrt_gets_its_node(void **state)
{
    (void)state;
    static const char *const outputs[] = {"num_dets", "det_boxes", "det_scores", "det_classes"};
    char folder[64], path[128];
    struct network n;
    program_folder(folder, sizeof folder);
    open_network(&n, "gelan-t");
    struct onnx_options o = plain(&n);
    o.nms = NMS_EFFICIENT;
    o.n = 4;
    snprintf(path, sizeof path, "%s/trt.onnx", folder);
    write_network(&n, &o, path);
    Onnx__ModelProto *m = read_model(path);
    const Onnx__GraphProto *g = m->graph;
    const Onnx__NodeProto *last = g->node[g->n_node - 1];
    assert_string_equal(last->op_type, "EfficientNMS_TRT");
    assert_string_equal(last->domain, "TRT");
    assert_int_equal(m->n_opset_import, 2);
    assert_int_equal(last->n_output, 4);
    assert_int_equal(g->n_output, 4);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(last->output[i], outputs[i]);
        assert_string_equal(g->output[i]->name, outputs[i]);
        assert_int_equal(g->output[i]->type->tensor_type->shape->dim[0]->dim_value, 4);
    }
    assert_int_equal(g->output[1]->type->tensor_type->shape->dim[1]->dim_value, o.max_det);
    assert_int_equal(attribute(last, "box_coding")->i, 1);
    assert_int_equal(attribute(last, "background_class")->i, -1);
    assert_int_equal(attribute(last, "max_output_boxes")->i, o.max_det);
    assert_int_equal(attribute(last, "score_activation")->i, 0);
    assert_true(attribute(last, "score_threshold")->f == o.conf && attribute(last, "iou_threshold")->f == o.iou);
    onnx__model_proto__free_unpacked(m, NULL);
    close_network(&n);
    program_remove(folder);
}

static void names_are_what_python_would_print(void **state)
{
    (void)state;
    char folder[64], path[128];
    struct network n;
    program_folder(folder, sizeof folder);
    open_network(&n, "gelan-t");
    struct onnx_options o = plain(&n);
    snprintf(path, sizeof path, "%s/names.onnx", folder);
    write_network(&n, &o, path);
    Onnx__ModelProto *m = read_model(path);
    const char *begin = "{0: 'thing', 1: 'it\\'s \\\\ a \"name\"', 2: \"it's\", 3: 'thing', ";
    assert_int_equal(strncmp(metadata(m, "names"), begin, strlen(begin)), 0);
    assert_string_equal(metadata(m, "imgsz"), "[64, 64]");
    assert_string_equal(metadata(m, "task"), "detect");
    assert_string_equal(metadata(m, "batch"), "1");
    assert_string_equal(metadata(m, "stride"), "32");
    assert_string_equal(metadata(m, "model"), "gelan-t");
    assert_string_equal(metadata(m, "description"), "gelan-t, 80 classes");
    assert_non_null(metadata(m, "author"));
    assert_non_null(metadata(m, "license"));
    onnx__model_proto__free_unpacked(m, NULL);
    close_network(&n);
    program_remove(folder);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct network n;
    open_network(&n, "gelan-t");
    const struct onnx_options good = plain(&n);
    struct onnx_options o = good;
    o.h = 80;
    assert_int_equal(onnx_write("/no/such/folder/x.onnx", &n.graph, n.params, &o), E_ARGUMENT);
    o = good;
    o.opset = 10;
    assert_int_equal(onnx_write("/no/such/folder/x.onnx", &n.graph, n.params, &o), E_ARGUMENT);
    o = good;
    o.nms = NMS_ONNX;
    o.raw = true;
    assert_int_equal(onnx_write("/no/such/folder/x.onnx", &n.graph, n.params, &o), E_ARGUMENT);
    o = good;
    o.eight_bit = true;
    assert_int_equal(onnx_write("/no/such/folder/x.onnx", &n.graph, n.params, &o), E_ARGUMENT);
    assert_int_equal(onnx_write("/no/such/folder/x.onnx", &n.graph, n.params, &good), E_IO);
    o = good;
    o.half = true;
    n.params[n.graph.params[3].first] = 65536;
    assert_int_equal(onnx_write("/no/such/folder/x.onnx", &n.graph, n.params, &o), E_NUMERIC);
    assert_non_null(strstr(fail_text(), n.graph.params[3].name));
    close_network(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_network_exports),         cmocka_unit_test(every_option_exports),
        cmocka_unit_test(equal_graphs_give_equal_bytes), cmocka_unit_test(names_are_what_python_would_print),
        cmocka_unit_test(every_activation_exports),      cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(tensorrt_gets_its_node),
    };
    return cmocka_run_group_tests_name("export", tests, NULL, NULL);
}
