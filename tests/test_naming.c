/* Checkpoints of other programs: the same network in every dress gives the same tensors under the same names, and what
 * is no network of ours is refused with what it is. */
#include "support/golden_net.h"
#include "support/make_network.h"
#include "support/programs.h"
#include "support/shared.h"
#include "support/unit.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "weights/naming.h"
#include "weights/rename.h"
#include "weights/weights.h"

#include <stdio.h>
#include <string.h>

static const char table_text[] = "nc: 2\nbackbone:\n- [-1, 1, Conv, [8, 3, 2]]\n- [-1, 1, Conv, [8, 3, 2]]\n"
                                 "- [-1, 1, Conv, [8, 3, 2]]\n- [-1, 1, Conv, [8, 3, 2]]\n- [-1, 1, Conv, [8, 3, 2]]\n"
                                 "head:\n- [[2, 3, 4], 1, DDetect, [nc]]\n";
static char folder[256], table[300], file[300];
static struct weights net;
static float *average;

static int set_up(void **state)
{
    (void)state;
    program_folder(folder, sizeof folder);
    snprintf(table, sizeof table, "%s/small.yaml", folder);
    snprintf(file, sizeof file, "%s/made.pt", folder);
    if (file_write(table, table_text, sizeof table_text - 1) != OK || weights_random(table, 0, 5, &net) != OK)
        return 1;
    average = mem_alloc(net.training.param_floats, sizeof *average);
    for (size_t i = 0; average && i < net.training.param_floats; i++)
        average[i] = net.params[i] + 1;
    return average ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    mem_free(average);
    weights_free(&net);
    program_remove(folder);
    return 0;
}

static void assert_values(const struct checkpoint_model *m, const float *wanted)
{
    const struct graph *g = &net.training;
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        const struct checkpoint_tensor *t = checkpoint_find(m, p->name);
        if (!t || t->count != p->count)
            fail_msg("%s is missing", p->name);
        float *values = mem_alloc(t->count, sizeof *values);
        assert_non_null(values);
        checkpoint_read_f32(t, values);
        assert_memory_equal(values, wanted + p->first, t->count * sizeof *values);
        mem_free(values);
    }
}

/* The dress changes nothing: `wanted` values under official names, and no other tensors. */
static void expect_network(const struct network_dress *dress, const float *wanted)
{
    struct buf made = {0};
    struct checkpoint c;
    make_network(&made, &net.training, net.params, average, dress);
    if (checkpoint_open_memory("made.pt", made.data, made.size, &c) != OK)
        fail_msg("%s", fail_text());
    assert_int_equal(c.model->count, net.training.n_params);
    assert_int_equal(c.from_ema, wanted == average);
    assert_values(c.model, wanted);
    checkpoint_close(&c);
    buf_free(&made);
}

static void dicts_in_dicts(void **state)
{
    (void)state;
    static const struct network_dress dresses[] = {
        {.keys = {NULL}},
        {.keys = {"state_dict"}},
        {.keys = {"model_state_dict"}},
        {.keys = {"net"}},
        {.keys = {"weights"}},
        {.keys = {"params"}},
        {.keys = {"model", "state_dict"}},
        {.keys = {"model", "module", "net"}},
        {.keys = {"my_own_key"}}, /* the only network in the file */
        {.keys = {"state_dict"}, .stray = "criterion.weight"},
        {.keys = {"model"}, .stray = "model.criterion.weight"},
    };
    for (int i = 0; i < COUNT(dresses); i++)
        expect_network(&dresses[i], net.params);
}

static void prefixes(void **state)
{
    (void)state;
    static const struct network_dress dresses[] = {
        {.prefix = "module."},
        {.prefix = "_orig_mod."},
        {.prefix = "module._orig_mod."},
        {.prefix = "model."}, /* Lightning's */
        {.prefix = "net.student."},
        {.skip = 6},                      /* rows without "model." */
        {.skip = 6, .prefix = "module."}, /* and behind another word */
        {.keys = {"state_dict"}, .prefix = "model.module."},
        {.keys = {"model"}, .prefix = "module.", .counters = true},
        {.counters = true},
    };
    for (int i = 0; i < COUNT(dresses); i++)
        expect_network(&dresses[i], net.params);
}

static void averages_win(void **state)
{
    (void)state;
    static const struct network_dress dresses[] = {
        {.keys = {"model"}, .average_keys = {"ema"}},
        {.keys = {"state_dict"}, .average_keys = {"model_ema", "module"}},
        {.keys = {"model"}, .average_keys = {"ema_state_dict"}, .prefix = "module."},
        {.keys = {"state_dict"}, .prefix = "model.", .average_prefix = "ema.ema_model."},
        {.keys = {"state_dict"}, .prefix = "model.", .average_prefix = "ema_model."},
        {.keys = {"state_dict"}, .average_prefix = "ema."},
        {.keys = {"model", "state_dict"}, .average_keys = {"ema"}, .average_inside = true},
    };
    for (int i = 0; i < COUNT(dresses); i++)
        expect_network(&dresses[i], average);
    const struct network_dress incomplete = {
        .keys = {"state_dict"}, .prefix = "model.", .average_prefix = "ema_model.", .average_lacks = 3};
    expect_network(&incomplete, net.params);
    struct buf made = {0}; /* averages without names are no network: the raw weights are used */
    struct checkpoint c;
    make_network(&made, &net.training, net.params, NULL, &(struct network_dress){.keys = {"model"}, .list = "ema"});
    assert_int_equal(checkpoint_open_memory("made.pt", made.data, made.size, &c), OK);
    assert_false(c.from_ema);
    checkpoint_close(&c);
    buf_free(&made);
    const struct network_dress beside = {.keys = {"model"}, .average_keys = {"ema"}, .average_lacks = 3};
    expect_network(&beside, net.params);
}

static void expect_refusal(struct buf *made, const char *word, const char *more)
{
    struct checkpoint c;
    assert_int_not_equal(checkpoint_open_memory("made.pt", made->data, made->size, &c), OK);
    if (!strstr(fail_text(), "made.pt") || !strstr(fail_text(), word) || !strstr(fail_text(), more))
        fail_msg("expected \"%s\" and \"%s\", got \"%s\"", word, more, fail_text());
    assert_null(c.model);
    buf_free(made);
}

static void two_networks_are_refused(void **state)
{
    (void)state;
    struct buf made = {0};
    const struct network_dress two = {.prefix = "student.", .average_prefix = "teacher."};
    make_network(&made, &net.training, net.params, average, &two);
    expect_refusal(&made, "two networks", "'student.' and 'teacher.'");
    const struct network_dress keys = {.keys = {"generator"}, .average_keys = {"discriminator"}};
    make_network(&made, &net.training, net.params, average, &keys);
    expect_refusal(&made, "its keys: epoch, generator, discriminator", "more than one");
}

static void networks_of_others_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *const names[3];
        const char *word;
    } cases[] = {
        {{"model.22.cv2.0.2.weight", "model.22.proto.cv1.conv.weight"}, "instance masks"},
        {{"model.23.cv2.0.2.weight", "model.23.one2one_cv2.0.2.weight"}, "YOLOv10"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct buf made = {0};
        make_named(&made, cases[i].names);
        expect_refusal(&made, cases[i].word, "");
    }
}

/* A file that opens, and of which no network can be made. */
static void expect_no_network(struct buf *made, const char *word)
{
    struct weights w;
    assert_int_equal(file_write(file, made->data, made->size), OK);
    assert_int_not_equal(weights_load(file, NULL, &w, NULL), OK);
    if (!strstr(fail_text(), "made.pt") || !strstr(fail_text(), word))
        fail_msg("expected \"%s\", got \"%s\"", word, fail_text());
    buf_free(made);
}

/* Tensors in rows of a network that its table does not know: it is another one, and not half of it. Whoever names the
 * table himself has chosen. */
static void a_network_with_more_is_another(void **state)
{
    (void)state;
    struct weights w, read;
    char more[300];
    snprintf(more, sizeof more, "%s/more.safetensors", folder);
    struct safetensors st;
    assert_int_equal(weights_random("gelan-t", 2, 1, &w), OK);
    assert_int_equal(weights_save(more, &w, false, false), OK);
    weights_free(&w);
    assert_int_equal(safetensors_open(more, &st), OK);
    struct safetensor_source *all = mem_calloc((size_t)st.count + 1, sizeof *all);
    assert_non_null(all);
    for (int i = 0; i < st.count; i++) {
        const struct safetensor *t = &st.tensors[i];
        all[i] = (struct safetensor_source){.name = t->name, .dtype = t->dtype, .rank = t->rank, .data = t->data};
        memcpy(all[i].shape, t->shape, sizeof t->shape);
    }
    all[st.count] = (struct safetensor_source){
        .name = "model.21.attention.weight", .dtype = DTYPE_F32, .rank = 1, .shape = {1}, .data = net.params};
    assert_int_equal(safetensors_write(file, all, st.count + 1, st.metadata, st.n_metadata), OK);
    assert_int_equal(weights_load(file, NULL, &read, NULL), E_SHAPE);
    assert_non_null(strstr(fail_text(), "in the file but not in the network: model.21.attention.weight"));
    assert_int_equal(weights_load(file, "gelan-t", &read, NULL), OK);
    weights_free(&read);
    mem_free(all);
    safetensors_close(&st);
}

static void no_detector_says_what_it_is(void **state)
{
    (void)state;
    struct buf made = {0};
    make_named(&made, (const char *[]){"features.0.weight", "classifier.bias", NULL});
    expect_no_network(&made, "no detection head; the first of its 2 tensors is features.0.weight");
    make_named(&made, (const char *[]){"model.2.m.0.cv1.conv.weight", "model.22.cv2.0.2.weight", NULL});
    expect_no_network(&made, "");
    make_named(&made, (const char *[]){"model.24.m.0.weight", "model.24.anchors", NULL});
    expect_no_network(&made, "");
    make_named(&made, (const char *[]){"model.2.m.0.cv1.conv.weight", "model.8.m.0.m.0.cv1.conv.weight",
                                       "model.23.cv2.0.2.weight", NULL});
    expect_no_network(&made, "a YOLO11 network");
    make_ultralytics(&made, &net.training, net.params, 96, &(struct object_dress){.module = "C3k2"});
    expect_no_network(&made, "row 0: there is no module C3k2 (the network's table is in the file, by the Ultralytics "
                             "package 8.3.0)");
    make_network(&made, &net.training, net.params, NULL, &(struct network_dress){.keys = {"model"}});
    expect_no_network(&made, "no built-in table has its head at row 5 with 1 branch; --cfg FILE.yaml gives the table");
    const struct zip_part script[] = {{.name = "net/data.pkl", .data = "\x80\x02}.", .size = 4},
                                      {.name = "net/code/__torch__/net.py", .data = "x", .size = 1}};
    make_zip(&made, script, COUNT(script), false);
    expect_refusal(&made, "TorchScript", "state dict");
    char tar[512] = {0};
    memcpy(tar + 257, "ustar", 5);
    assert_int_equal(buf_append(&made, tar, sizeof tar), OK);
    expect_refusal(&made, "2017", "too old");
}

static void what_is_no_checkpoint_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *word;
    } cases[] = {
        {"", "the file is empty"},
        {"\n<!DOCTYPE html><html>404</html>", "a web page"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"},
        {"{\"error\": \"rate limit\"}", "a JSON text"},
        {"\x08\x07\x12\x07pytorch", "an ONNX model"},
        {"\x1F\x8B\x08 and so on", "gzip"},
        {"\x89HDF\r\n", "HDF5"},
        {"something else", "neither a PyTorch checkpoint nor a safetensors file"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        struct buf made = {0};
        assert_int_equal(buf_append(&made, cases[i].bytes, strlen(cases[i].bytes)), OK);
        expect_refusal(&made, cases[i].word, "");
    }
}

static void objects_of_ultralytics(void **state)
{
    (void)state;
    struct buf made = {0};
    struct checkpoint c;
    make_ultralytics(&made, &net.training, net.params, 96, &(struct object_dress){.bare = true});
    assert_int_equal(checkpoint_open_memory("made.pt", made.data, made.size, &c), OK);
    assert_values(c.model, net.params);
    assert_string_equal(c.package, "the Ultralytics package");
    assert_true(
        pickle_is_harmless("ultralytics.yolo.utils", "IterableSimpleNamespace")); /* as its first year had them */
    checkpoint_close(&c);
    buf_free(&made);
    for (int fused = 0; fused < 2; fused++) {
        make_ultralytics(&made, &net.training, net.params, 96,
                         &(struct object_dress){.forward = fused ? "forward_fuse" : NULL});
        if (checkpoint_open_memory("made.pt", made.data, made.size, &c) != OK)
            fail_msg("%s", fail_text());
        assert_values(c.model, net.params);
        assert_string_equal(c.package, "the Ultralytics package 8.3.0");
        assert_int_equal(c.model->nc, 2);
        assert_string_equal(c.model->names[1], "thing1");
        assert_string_equal(c.model->family, "ultralytics");
        assert_true(c.img_h == 96 && c.img_w == 96);
        checkpoint_close(&c);
        buf_free(&made);
    }
}

static void no_attribute_but_forward(void **state)
{
    (void)state;
    struct buf made = {0};
    make_ultralytics(&made, &net.training, net.params, 96, &(struct object_dress){.forward = "system"});
    expect_refusal(&made, "__builtin__.getattr for system", "refused");
    make_ultralytics(&made, &net.training, net.params, 96,
                     &(struct object_dress){
                         .task = "SegmentationModel",
                     });
    expect_refusal(&made, "instance masks", "Ultralytics");
}

/* Without a table inside, a built-in network is found by its tensors, whatever else lies beside them. */
static void a_built_in_network_is_found(void **state)
{
    (void)state;
    struct weights w, read;
    struct buf made = {0};
    assert_int_equal(weights_random("gelan-t", 3, 1, &w), OK);
    make_ultralytics(&made, &w.training, w.params, 160, &(struct object_dress){0});
    assert_int_equal(file_write(file, made.data, made.size), OK);
    buf_free(&made);
    if (weights_load(file, NULL, &read, NULL) != OK)
        fail_msg("%s", fail_text());
    assert_string_equal(read.table.name, "yolov9t"); /* what that package calls gelan-t's rows */
    assert_memory_equal(read.params, w.params, w.training.param_floats * sizeof(float));
    assert_true(read.img_h == 160 && read.nc == 3 && !strcmp(read.names[0], "thing0"));
    weights_free(&read);
    make_network(&made, &w.training, w.params, NULL,
                 &(struct network_dress){.keys = {"state_dict"}, .prefix = "model.", .counters = true});
    assert_int_equal(file_write(file, made.data, made.size), OK);
    buf_free(&made);
    if (weights_load(file, NULL, &read, NULL) != OK)
        fail_msg("%s", fail_text());
    assert_string_equal(read.table.name, "gelan-t");
    weights_free(&read);
    weights_free(&w);
}

/* The objects of the convolutions' activations are the truth: SPPF of newer releases has none in its first one, which
 * neither names nor shapes tell, and what no table can say is refused. */
static void activations_are_the_objects(void **state)
{
    (void)state;
    static const struct {
        struct object_dress dress;
        const char *sentence; /* NULL: it is read */
        enum act act, first;  /* of row 0; of the SPPF's first convolution */
    } cases[] = {
        {{.act = "SiLU"}, NULL, ACT_SILU, ACT_SILU},
        {{.act = "ReLU"}, NULL, ACT_RELU, ACT_RELU},
        {{.act = "SiLU", .other = "Identity", .place = "model.9.cv1."}, NULL, ACT_SILU, ACT_NONE},
        {{.act = "SiLU", .other = "Identity", .place = "model.2.cv1."}, "row 2 has no activation, which only an SPPF"},
        {{.act = "SiLU", .other = "Identity", .place = "model.2.cv2."}, "model.2.cv2 has none, others nn.SiLU()"},
        {{.act = "SiLU", .other = "ReLU", .place = "model.9.cv1."}, "model.9.cv1 has nn.ReLU()"},
        {{.act = "Softsign"}, "nn.Softsign()"},
    };
    struct weights w, read;
    assert_int_equal(weights_random("yolov8n", 3, 1, &w), OK);
    for (int i = 0; i < COUNT(cases); i++) {
        struct buf made = {0};
        make_ultralytics(&made, &w.training, w.params, 160, &cases[i].dress);
        assert_int_equal(file_write(file, made.data, made.size), OK);
        buf_free(&made);
        enum status rc = weights_load(file, NULL, &read, NULL);
        assert_int_equal(rc, cases[i].sentence ? E_UNSUPPORTED : OK);
        if (cases[i].sentence && !strstr(fail_text(), cases[i].sentence))
            fail_msg("%d: %s", i, fail_text());
        if (cases[i].sentence)
            continue;
        assert_string_equal(read.table.name, "yolov8n");
        const struct graph *g = &read.training;
        for (int k = 0; k < g->n_nodes; k++) {
            if (g->nodes[k].op == OP_BN_ACT && !strcmp(g->nodes[k].name, "model.9.cv1"))
                assert_int_equal(g->nodes[k].u.bn_act.act, cases[i].first);
            else if (g->nodes[k].op == OP_BN_ACT)
                assert_int_equal(g->nodes[k].u.bn_act.act, cases[i].act);
        }
        weights_free(&read);
    }
    weights_free(&w);
}

/* Dicts of tensors find their size of YOLOv8, with classes of their own. */
static void every_size_of_yolov8_is_found(void **state)
{
    (void)state;
    static const char *const names[] = {"yolov8n", "yolov8s",
                                        "yolov8m"}; /* l and x: as in test_model, by shapes alone */
    for (int i = 0; i < COUNT(names); i++) {
        struct weights w, read;
        struct buf made = {0};
        assert_int_equal(weights_random(names[i], 7, 1, &w), OK);
        make_network(&made, &w.training, w.params, NULL, &(struct network_dress){.keys = {"model"}, .prefix = ""});
        assert_int_equal(file_write(file, made.data, made.size), OK);
        buf_free(&made);
        if (weights_load(file, NULL, &read, NULL) != OK)
            fail_msg("%s", fail_text());
        assert_string_equal(read.table.name, names[i]);
        assert_int_equal(read.nc, 7);
        weights_free(&read);
        if (i == 0) { /* folded, as that package exports its objects */
            assert_int_equal(weights_deploy(&w), OK);
            make_ultralytics(&made, &w.deployed, w.deployed_params, 96,
                             &(struct object_dress){.forward = "forward_fuse"});
            assert_int_equal(file_write(file, made.data, made.size), OK);
            buf_free(&made);
            if (weights_load(file, NULL, &read, NULL) != OK)
                fail_msg("%s", fail_text());
            assert_string_equal(read.table.name, names[i]);
            assert_null(read.params);
            assert_memory_equal(read.deployed_params, w.deployed_params, w.deployed.param_floats * sizeof(float));
            weights_free(&read);
        }
        weights_free(&w);
    }
}

/* A file with a table but without the network's name, as the official .pt is: its tensors name it, and not the file,
 * which may be called anything. */
static void a_file_is_called_anything(void **state)
{
    (void)state;
    static const char key[] = "yolo9.network";
    struct weights w, read;
    struct buf made = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/yolov9-c.safetensors", folder);
    assert_int_equal(weights_random("gelan-t", 3, 1, &w), OK);
    assert_int_equal(weights_save(path, &w, false, false), OK);
    weights_free(&w);
    assert_int_equal(file_read(path, 1 << 26, &made), OK);
    char *name = memmem(made.data, made.size, key, strlen(key));
    assert_non_null(name);
    name[0] = 'x'; /* a key that nobody asks for */
    assert_int_equal(file_write(path, made.data, made.size), OK);
    buf_free(&made);
    if (weights_load(path, NULL, &read, NULL) != OK)
        fail_msg("%s", fail_text());
    assert_string_equal(read.table.name, "gelan-t");
    weights_free(&read);
}

/* A network with the main branch alone takes it out of a file that has both. */
static void the_main_branch_of_both(void **state)
{
    (void)state;
    struct weights both, main;
    struct buf made = {0};
    struct checkpoint c;
    struct weights_report report = {0};
    assert_int_equal(weights_random("yolov9-t", 3, 1, &both), OK);
    both.params[0] += 1;
    make_network(&made, &both.training, both.params, NULL, &(struct network_dress){.keys = {"model"}});
    assert_int_equal(file_write(file, made.data, made.size), OK);
    if (weights_load(file, "gelan-t", &main, NULL) != OK)
        fail_msg("%s", fail_text());
    assert_int_equal(weights_deploy(&both), OK);
    assert_int_equal(weights_deploy(&main), OK);
    assert_int_equal(main.deployed.param_floats, both.deployed.param_floats);
    assert_memory_equal(main.deployed_params, both.deployed_params, main.deployed.param_floats * sizeof(float));
    assert_int_equal(checkpoint_open_memory("made.pt", made.data, made.size, &c), OK);
    memset(main.params, 0, main.training.param_floats * sizeof(float));
    assert_int_equal(weights_transfer(&c, &main.training, main.params, NULL, &report), OK);
    assert_int_equal(report.taken, main.training.n_params);
    assert_int_equal(weights_deploy(&main), OK);
    assert_memory_equal(main.deployed_params, both.deployed_params, main.deployed.param_floats * sizeof(float));
    checkpoint_close(&c);
    report_free(&report);
    weights_free(&main);
    weights_free(&both);
    buf_free(&made);
}

/* A built-in table with another width of its first row, at `path`. */
static void write_wider(const char *model, const char *path)
{
    struct buf text = {0};
    char from[300], *row;
    snprintf(from, sizeof from, "%s/models/%s.yaml", Y9_SOURCE_DIR, model);
    assert_int_equal(file_read_text(from, 1 << 20, &text), OK);
    assert_non_null(row = strstr(text.data, "[16, 3, 2]"));
    row[2] = '7'; /* 17, which becomes 24 */
    assert_int_equal(file_write(path, text.data, text.size), OK);
    buf_free(&text);
}

/* The same out of a file of MultimediaTechLab whose table nobody here has. */
static void the_main_branch_of_a_table_of_ones_own(void **state)
{
    (void)state;
    struct weights both, main;
    struct buf made = {0};
    char training[300], deployed[300];
    snprintf(training, sizeof training, "%s/training.yaml", folder);
    snprintf(deployed, sizeof deployed, "%s/deployed.yaml", folder);
    write_wider("yolov9-t", training);
    write_wider("gelan-t", deployed);
    assert_int_equal(weights_random(training, 3, 1, &both), OK);
    make_network(&made, &both.training, both.params, NULL,
                 &(struct network_dress){.keys = {"model"}, .rename = name_of_multimedia});
    assert_int_equal(file_write(file, made.data, made.size), OK);
    if (weights_load(file, deployed, &main, NULL) != OK)
        fail_msg("%s", fail_text());
    assert_int_equal(weights_deploy(&both), OK);
    assert_int_equal(weights_deploy(&main), OK);
    assert_int_equal(main.deployed.param_floats, both.deployed.param_floats);
    assert_memory_equal(main.deployed_params, both.deployed_params, main.deployed.param_floats * sizeof(float));
    weights_free(&main);
    weights_free(&both);
    buf_free(&made);
}

/* The start of fine-tuning: outputs of classes from the file's rows, or left as they were. */
static void class_outputs_move(void **state)
{
    (void)state;
    const struct graph *g = &net.training;
    struct buf made = {0};
    struct checkpoint c;
    struct weights_report report = {0};
    float *start = mem_calloc(g->param_floats, sizeof *start);
    assert_non_null(start);
    make_network(&made, g, net.params, NULL, &(struct network_dress){.keys = {"model"}});
    assert_int_equal(checkpoint_open_memory("made.pt", made.data, made.size, &c), OK);
    assert_int_equal(weights_transfer(&c, g, start, (int[]){1, -1}, &report), OK);
    assert_int_equal(report.taken, g->n_params);
    for (int i = 0; i < g->n_params; i++) {
        const struct param *p = &g->params[i];
        const float *is = start + p->first, *was = net.params + p->first;
        size_t row = p->count / 2;
        bool output = strstr(p->name, ".cv3.") && (strstr(p->name, ".2.weight") || strstr(p->name, ".2.bias"));
        assert_memory_equal(is, output ? was + row : was, row * sizeof *is);
        for (size_t k = row; k < p->count; k++)
            assert_true(is[k] == (output ? 0 : was[k]));
    }
    report_free(&report);
    checkpoint_close(&c);
    buf_free(&made);
    mem_free(start);
}

#define ONE    \
    {          \
        22, -1 \
    } /* head, and no auxiliary one */
static void names_of_other_implementations(void **state)
{
    (void)state;
    static const struct {
        rename_fn *rename;
        const char *theirs, *ours; /* ours NULL: not needed */
        struct rename_heads heads;
    } cases[] = {
        {rename_multimedia, "0.conv.weight", "model.0.conv.weight", ONE},
        {rename_multimedia, "3.conv.bn.bias", "model.3.cv1.bn.bias", ONE}, /* AConv */
        {rename_multimedia, "3.conv.conv.weight", "model.3.cv1.conv.weight", ONE},
        {rename_multimedia, "4.conv2.0.conv3.bn.weight", "model.4.cv2.0.cv3.bn.weight", ONE},
        {rename_multimedia, "4.conv2.1.conv.weight", "model.4.cv2.1.conv.weight", ONE},
        {rename_multimedia, "4.conv3.0.bottleneck.1.conv1.conv2.conv.weight", "model.4.cv3.0.m.1.cv1.conv2.conv.weight",
         ONE},
        {rename_multimedia, "4.conv3.0.bottleneck.1.conv2.bn.bias", "model.4.cv3.0.m.1.cv2.bn.bias", ONE},
        {rename_multimedia, "9.conv5.conv.weight", "model.9.cv5.conv.weight", ONE},
        {rename_multimedia, "22.heads.2.anchor_conv.0.conv.weight", "model.22.cv2.2.0.conv.weight", ONE},
        {rename_multimedia, "22.heads.0.class_conv.2.bias", "model.22.cv3.0.2.bias", ONE},
        {rename_multimedia, "22.heads.0.anc2vec.anc2vec.weight", NULL, ONE},
        {rename_multimedia, "23.conv1.conv.weight", NULL, ONE}, /* the auxiliary branch */
        {rename_multimedia, "99999999999999999999.conv.weight", NULL, ONE},
        {rename_multimedia, "0", NULL, ONE},
        {rename_multimedia, "0..conv", NULL, ONE},
        {rename_multimedia,
         "21.conv4.conv.weight",
         "model.21.cv4.conv.weight",
         {22, 30}}, /* both branches of t and s */
        {rename_multimedia, "22.heads.1.class_conv.2.bias", "model.29.cv5.1.2.bias", {22, 30}},
        {rename_multimedia, "23.conv1.conv.weight", "model.22.cv1.conv.weight", {22, 30}},
        {rename_multimedia, "30.heads.1.anchor_conv.0.bn.bias", "model.29.cv2.1.0.bn.bias", {22, 30}},
        {rename_multimedia, "31.conv.weight", NULL, {22, 30}},
        {rename_multimedia, "0.conv.weight", "model.1.conv.weight", {22, 38}}, /* ... of m and c */
        {rename_multimedia, "22.heads.0.anchor_conv.2.weight", "model.38.cv4.0.2.weight", {22, 38}},
        {rename_multimedia, "25.conv.bias", "model.25.conv.bias", {22, 38}},
        {rename_multimedia, "38.heads.2.class_conv.1.conv.weight", "model.38.cv3.2.1.conv.weight", {22, 38}},
        {rename_multimedia, "23.conv.weight", NULL, {22, 34}}, /* of nobody that is known */
        {rename_libre, "backbone.conv0.conv.weight", "model.0.conv.weight", ONE},
        {rename_libre, "backbone.down2.cv.bn.bias", "model.3.cv1.bn.bias", ONE},
        {rename_libre, "neck.elan_down2.cv2.0.m.0.cv1.conv1.conv.weight", "model.21.cv2.0.m.0.cv1.conv1.conv.weight",
         ONE},
        {rename_libre, "head.cv3.1.2.bias", "model.22.cv3.1.2.bias", ONE},
        {rename_libre, "optimizer.step", NULL, ONE},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        char got[128];
        bool needed = cases[i].rename(cases[i].theirs, cases[i].heads, got, sizeof got);
        if (needed != (cases[i].ours != NULL) || (needed && strcmp(got, cases[i].ours) != 0))
            fail_msg("%s became %s", cases[i].theirs, needed ? got : "nothing");
        char small[12]; /* no room is no name */
        assert_false(cases[i].rename(cases[i].theirs, cases[i].heads, small, sizeof small));
    }
    static const struct {
        const char *main, *both;
        int head;
    } branches[] = {
        {"model.21.cv4.conv.weight", "model.21.cv4.conv.weight", 29},
        {"model.22.cv2.1.0.conv.weight", "model.29.cv4.1.0.conv.weight", 29},
        {"model.22.cv3.0.2.bias", "model.38.cv5.0.2.bias", 38},
        {"model.0.conv.weight", "model.1.conv.weight", 38},
        {"model.23.conv.weight", NULL, 38},
        {"model.0.conv.weight", NULL, 30}, /* of nobody that is known */
    };
    for (int i = 0; i < COUNT(branches); i++) {
        char got[128];
        bool there = rename_main_branch(branches[i].main, branches[i].head, got, sizeof got);
        if (there != (branches[i].both != NULL) || (there && strcmp(got, branches[i].both) != 0))
            fail_msg("%s became %s", branches[i].main, there ? got : "nothing");
    }
}

/* What the other packages themselves compute with their files: one case of tests/golden, and all that are at hand. */
static void answers_of_other_packages(void **state)
{
    (void)state;
    static const char *const cases[] = {"ul-v9t-mini",  "ul-v9c-mini-fused",      "ul-tiny-last", "ul81-cb-tiny",
                                        "mtl-v9t-mini", "mtl-v9t-mini-lightning", "mtl-v9c-mini", "libre-v9t-mini"};
    for (int i = 0; i < COUNT(cases); i++) {
        char name[64], message[512];
        double worst = 0;
        snprintf(name, sizeof name, "golden_wild/pt/%s.safetensors", cases[i]);
        const char *path = shared_file(name);
        if (!path && strcmp(cases[i], "libre-v9t-mini") != 0)
            continue;
        if (golden_checkpoint(path ? path : golden_file("pt/libre-v9t-mini.safetensors"), message, sizeof message,
                              &worst))
            fail_msg("%s: %s", cases[i], message);
        print_message("%s: largest error %.3g of its tolerance\n", cases[i], worst);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dicts_in_dicts),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(averages_win),
        cmocka_unit_test(two_networks_are_refused),
        cmocka_unit_test(networks_of_others_are_refused),
        cmocka_unit_test(a_network_with_more_is_another),
        cmocka_unit_test(no_detector_says_what_it_is),
        cmocka_unit_test(what_is_no_checkpoint_is_named),
        cmocka_unit_test(objects_of_ultralytics),
        cmocka_unit_test(no_attribute_but_forward),
        cmocka_unit_test(a_built_in_network_is_found),
        cmocka_unit_test(activations_are_the_objects),
        cmocka_unit_test(every_size_of_yolov8_is_found),
        cmocka_unit_test(a_file_is_called_anything),
        cmocka_unit_test(the_main_branch_of_both),
        cmocka_unit_test(the_main_branch_of_a_table_of_ones_own),
        cmocka_unit_test(class_outputs_move),
        cmocka_unit_test(names_of_other_implementations),
        cmocka_unit_test(answers_of_other_packages),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
