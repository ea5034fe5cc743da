/* Checkpoints: the golden files, real files, hand-made ones, and every kind of malformed one. */
#include "core/clock.h"
#include "formats/pickle_yaml.h"
#include "support/golden_pt.h"
#include "support/make_files.h"
#include "support/shared.h"
#include "support/unit.h"
#include "weights/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect_sentence(const char *word)
{
    if (!strstr(fail_text(), word))
        fail_msg("expected \"%s\", got \"%s\"", word, fail_text());
}

static void golden(void **state)
{
    static const char *const cases[] = {"gelan-t-nc3", "yolov9-t-nc3", "tiny-last"};
    double worst = 0;
    (void)state;
    for (int i = 0; i < COUNT(cases); i++) {
        char pt[64], message[512];
        snprintf(pt, sizeof pt, "pt/%s.pt", cases[i]);
        if (golden_is_here(pt) || i == 2) { /* tests/golden has the small one */
            if (golden_pt(golden_file(pt), message, sizeof message, &worst))
                fail_msg("%s: %s", cases[i], message);
        }
    }
    print_message("largest error of a sum: %.3g of its tolerance\n", worst);
}

/* Whole networks: drawn ones here, and the real ones where they are. */
static void whole_files(void **state)
{
    static const char drawn[] = Y9_BINARY_DIR "/test_pt.drawn.safetensors";
    draw_weights(drawn);
    const struct {
        const char *path;
        int tensors, nc;
        enum checkpoint_kind kind;
    } files[] = {
        {drawn, 1118, 80, CHECKPOINT_SAFETENSORS}, /* without num_batches_tracked */
        {shared_file("weights/gelan-t-coco.pt"), 1339, 80, CHECKPOINT_TORCH},
        {shared_file("weights/gelan-t-coco-train.pt"), 1339, 80, CHECKPOINT_TORCH},
        {shared_file("weights/gelan-t-coco-g4w256.pt"), 1339, 80, CHECKPOINT_TORCH},
        {shared_file("reference/bccd/yolov9-t-bccd.pt"), 1772, 3, CHECKPOINT_TORCH},
        {shared_file("weights/gelan-t-coco-fused.safetensors"), 371, -1, CHECKPOINT_SAFETENSORS},
    };
    (void)state;
    for (int i = 0; i < COUNT(files); i++) {
        struct checkpoint ckpt;
        if (!files[i].path)
            continue;
        double start = clock_cpu_seconds();
        if (checkpoint_open(files[i].path, &ckpt) != OK)
            fail_msg("%s", fail_text());
        print_message("%s: %.1f ms\n", files[i].path, 1e3 * (clock_cpu_seconds() - start));
        assert_int_equal(ckpt.kind, files[i].kind);
        assert_int_equal(ckpt.model->count, files[i].tensors);
        assert_int_equal(ckpt.model->nc, files[i].nc);
        assert_int_equal(ckpt.model->n_names, MAX(files[i].nc, 0));
        assert_non_null(checkpoint_find(ckpt.model, "model.0.conv.weight"));
        assert_null(checkpoint_find(ckpt.model, "model.0.conv"));
        checkpoint_close(&ckpt);
    }
    unlink(drawn);
}

static void module_tree(void **state)
{
    (void)state;
    static const char *const names[] = {"model.0.weight", "model.0.bias", "model.0.counter",
                                        "model.1.weight", "model.1.bias", "model.1.counter"};
    struct buf file = {0};
    struct checkpoint ckpt;
    float values[6];
    make_module_checkpoint(&file);
    if (checkpoint_open_memory("made.pt", file.data, file.size, &ckpt) != OK)
        fail_msg("%s", fail_text());
    const struct checkpoint_model *model = ckpt.model;
    assert_int_equal(model->count, COUNT(names));
    for (int i = 0; i < COUNT(names); i++)
        assert_string_equal(model->tensors[i].name, names[i]);
    assert_true(model->tensors[0].requires_grad && model->tensors[0].role == CHECKPOINT_WEIGHT);
    assert_int_equal(model->tensors[1].role, CHECKPOINT_BIAS);
    assert_int_equal(model->tensors[2].role, CHECKPOINT_BUFFER);
    checkpoint_read_f32(checkpoint_find(model, "model.1.weight"), values);
    assert_true(values[0] == 8 && values[5] == 13);
    checkpoint_read_f32(checkpoint_find(model, "model.1.counter"), values);
    assert_true(values[0] == 20);
    assert_int_equal(model->nc, 2);
    assert_string_equal(model->names[0], "red");
    assert_string_equal(model->names[1], "green");
    assert_true(model->n_strides == 3 && model->strides[2] == 34);
    assert_string_equal(model->table_text, "nc: 2\nbackbone:\n  - [-1, 1, Conv, [16]]\n");
    assert_string_equal(ckpt.options_text, "save_dir: runs/exp\nimgsz: 640\n");
    assert_true(!ckpt.from_ema && ckpt.ema == NULL && ckpt.epoch == 3 && isnan(ckpt.best_fitness));
    assert_true(ckpt.n_groups == 2 && ckpt.groups[1].first == 2 && ckpt.groups[0].lr == 0.1);
    assert_true(ckpt.n_slots == 1 && ckpt.slots[0].index == 2);
    assert_string_equal(ckpt.slots[0].name, "model.0.weight"); /* two biases, then the weights */
    checkpoint_read_f32(&ckpt.slots[0].momentum, values);
    assert_true(values[0] == 40);
    checkpoint_close(&ckpt);
    buf_free(&file);
}

static enum status open_tensor(const struct tensor_part *t, const void *data, size_t size, bool deflate, float *values)
{
    struct buf file = {0};
    struct checkpoint ckpt;
    make_checkpoint(&file, t, data, size, deflate);
    enum status rc = checkpoint_open_memory("made.pt", file.data, file.size, &ckpt);
    if (rc == OK)
        checkpoint_read_f32(&ckpt.model->tensors[0], values);
    checkpoint_close(&ckpt);
    buf_free(&file);
    return rc;
}

static void tensor_kinds(void **state)
{
    (void)state;
    float values[8];
    const float f32[6] = {0, 1, 2, NAN, 4, 5};
    struct tensor_part t = {"FloatStorage", "0", 6, 0, 2, {3, 2}, {1, 3}}; /* transposed */
    for (int deflate = 0; deflate < 2; deflate++) {
        assert_int_equal(open_tensor(&t, f32, sizeof f32, deflate, values), OK);
        assert_true(values[0] == 0 && isnan(values[1]) && values[2] == 1 && values[3] == 4 && values[5] == 5);
    }
    const uint16_t half[3] = {0x3c00, 0xc000, 0x7c00}, bf16[3] = {0x3f80, 0xc000, 0x7f80};
    const double f64[3] = {1, -2, INFINITY};
    const int64_t i64[3] = {1, -2, 7};
    const unsigned char bools[3] = {1, 0, 2};
    struct tensor_part row = {"HalfStorage", "0", 3, 0, 1, {3}, {1}};
    assert_int_equal(open_tensor(&row, half, sizeof half, false, values), OK);
    assert_true(values[0] == 1 && values[1] == -2 && isinf(values[2]));
    row.storage = "BFloat16Storage";
    assert_int_equal(open_tensor(&row, bf16, sizeof bf16, false, values), OK);
    assert_true(values[0] == 1 && values[1] == -2 && isinf(values[2]));
    row.storage = "DoubleStorage";
    assert_int_equal(open_tensor(&row, f64, sizeof f64, false, values), OK);
    assert_true(values[0] == 1 && values[1] == -2 && isinf(values[2]));
    row.storage = "LongStorage";
    assert_int_equal(open_tensor(&row, i64, sizeof i64, false, values), OK);
    assert_true(values[0] == 1 && values[1] == -2 && values[2] == 7);
    row.storage = "BoolStorage";
    assert_int_equal(open_tensor(&row, bools, sizeof bools, false, values), OK);
    assert_true(values[0] == 1 && values[1] == 0 && values[2] == 1);
    struct tensor_part none = {"FloatStorage", "0", 6, 0, 2, {0, 5}, {5, 1}};
    assert_int_equal(open_tensor(&none, f32, sizeof f32, false, values), OK);
}

static void refuse_tensor(struct tensor_part t, const char *word)
{
    float values[16], data[6] = {0};
    assert_int_not_equal(open_tensor(&t, data, sizeof data, false, values), OK);
    expect_sentence("made.pt");
    expect_sentence(word);
}

static void malformed_tensors(void **state)
{
    (void)state;
    refuse_tensor((struct tensor_part){"FloatStorage", "0", 7, 0, 1, {6}, {1}}, "7 elements in 24 bytes");
    refuse_tensor((struct tensor_part){"DoubleStorage", "0", 6, 0, 1, {6}, {1}}, "6 elements in 24 bytes");
    refuse_tensor((struct tensor_part){"FloatStorage", "0", -1, 0, 1, {6}, {1}}, "a storage of -1 elements");
    refuse_tensor((struct tensor_part){"FloatStorage", "9", 6, 0, 1, {6}, {1}}, "net/data/9, is missing");
    refuse_tensor((struct tensor_part){"FloatStorage", "0", 6, 1, 1, {6}, {1}}, "element 6 of a storage of 6");
    refuse_tensor((struct tensor_part){"FloatStorage", "0", 6, -1, 1, {6}, {1}}, "not a tensor");
    refuse_tensor((struct tensor_part){"FloatStorage", "0", 6, 0, 2, {2, 3}, {4, 1}}, "element 6 of");
    refuse_tensor((struct tensor_part){"FloatStorage", "0", 6, 0, 1, {6}, {-1}}, "broken shape");
    refuse_tensor((struct tensor_part){"FloatStorage", "0", 6, 0, 1, {-6}, {1}}, "broken shape");
    refuse_tensor((struct tensor_part){"FloatStorage", "0", 6, 0, 1, {1000000000}, {0}}, "1000000000 elements");
    refuse_tensor((struct tensor_part){"FloatStorage", "0", 6, 0, 3, {2000000000, 2000000000, 2000000000}, {0, 0, 0}},
                  "overflows");
    refuse_tensor((struct tensor_part){"FloatStorage", "0", 6, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1}}, "9 dimensions");
    refuse_tensor((struct tensor_part){"UntypedStorage", "0", 6, 0, 1, {6}, {1}}, "torch.UntypedStorage");
    refuse_tensor((struct tensor_part){"Tensor", "0", 6, 0, 1, {6}, {1}}, "torch type Tensor");
}

/* `p` is a whole pickle; it must be refused with a sentence that contains `word`. Takes the buffer. */
static void refuse_pickle(struct buf *p, const char *word)
{
    struct pickle pickle;
    assert_int_not_equal(pickle_read("bad.pkl", p->data, p->size, &pickle), OK);
    expect_sentence("bad.pkl");
    expect_sentence(word);
    assert_null(pickle.root);
    buf_free(p);
}

static void refuse_operations(const char *operations, size_t size, const char *word)
{
    struct buf p = {0};
    assert_int_equal(buf_append(&p, operations, size), OK);
    refuse_pickle(&p, word);
}

#define REFUSE(text, word) refuse_operations("\x80\x02" text, sizeof("\x80\x02" text) - 1, word)

/* What a pickle may not name, spelled in each way a pickle can name and call. */
static void hostile_pickles(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"os", "system"},
        {"posix", "system"},
        {"nt", "system"},
        {"builtins", "eval"},
        {"builtins", "exec"},
        {"__builtin__", "eval"},
        {"builtins", "getattr"},
        {"builtins", "open"},
        {"builtins", "__import__"},
        {"subprocess", "Popen"},
        {"pickle", "loads"},
        {"torch.storage", "_load_from_bytes"},
        {"torch", "load"},
        {"torch.hub", "load"},
        {"numpy", "load"},
        {"shutil", "rmtree"},
        {"webbrowser", "open"},
        {"operator", "methodcaller"},
        {"functools", "partial"},
        {"modelsx", "y"},
        {"models", "yolo"},
        {"torch", "Size Tensor"},
        {"torch", ""},
        {"", ""},
        {"builtins", " "},
        {"torch", "HalfStorage "},
        {"collections", "Ordered"},
    };
    for (int i = 0; i < COUNT(names); i++) {
        struct buf p = {0};
        char sentence[128];
        snprintf(sentence, sizeof sentence, "%s.%s", names[i][0], names[i][1]);
        pickle_begin(&p);
        pickle_put_global(&p, names[i][0], names[i][1]);
        pickle_put_text(&p, "id");
        pickle_op(&p, "\x85R.");
        refuse_pickle(&p, sentence);
        pickle_begin(&p);
        pickle_put_text(&p, names[i][0]);
        pickle_put_text(&p, names[i][1]);
        pickle_op(&p, "\x93)\x81.");
        refuse_pickle(&p, sentence);
    }
    REFUSE("(S'echo'\nios\nsystem\n.", "operation 0x53"); /* protocol 0 text */
    REFUSE("(ios\nsystem\n.", "operation 0x69");          /* INST */
    REFUSE("(Vx\no.", "operation 0x56");
    REFUSE("\x82\x01.", "operation 0x82"); /* EXT1: the extension registry */
    REFUSE("cmodels.common\nConv\n)\x92.", "operation 0x92");
    REFUSE("X\x02\0\0\0hi)R.", "no class is made");
    REFUSE("cmodels.common\nConv\n]R.", "not a tuple");
    REFUSE("cmodels.common\nConv\n)R)R.", "no class is made"); /* calling what a call gave */
    REFUSE("ccollections\nOrdered\0Dict\n.", "zero byte");
}

static void malformed_pickles(void **state)
{
    (void)state;
    struct pickle pickle;
    struct buf p = {0};
    assert_int_not_equal(pickle_read("none", "", 0, &pickle), OK);
    assert_int_not_equal(pickle_read("text", "I1\n.", 4, &pickle), OK);
    REFUSE("", "ends too early");
    REFUSE("N", "ends too early");
    REFUSE(".", "values left over");
    REFUSE("NN.", "values left over");
    REFUSE("(N.", "values left over");
    REFUSE("0.", "stack is empty");
    REFUSE("2.", "stack is empty");
    REFUSE("a.", "stack is empty");
    REFUSE("Na.", "stack is empty");
    REFUSE("NNa.", "takes none");
    REFUSE(")Na.", "takes none");
    REFUSE("]NNs.", "takes none");
    REFUSE("}(Nu.", "key without a value");
    REFUSE("(Nd.", "key without a value");
    REFUSE("e.", "no mark");
    REFUSE("(e.", "stack is empty");
    REFUSE("]((e.", "stack is empty"); /* nothing between the two marks */
    REFUSE("t.", "no mark");
    REFUSE("N\x86.", "stack is empty");
    REFUSE("(N\x86.", "stack is empty"); /* not across a mark */
    REFUSE("NNb.", "has none");
    REFUSE("Q.", "stack is empty");
    REFUSE("h\x01.", "unknown value");
    REFUSE("j\xff\xff\xff\xff.", "unknown value");
    REFUSE("Nr\xff\xff\xff\xff.", "absurd number");
    REFUSE("q\x01.", "stack is empty");
    REFUSE("X\xff\xff\xff\xff.", "ends too early");
    REFUSE("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "ends too early");
    REFUSE("\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", "ends too early");
    REFUSE("\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01.", "of 9 bytes");
    REFUSE("\x95\xff\0\0\0\0\0\0\0.", "ends too early");
    REFUSE("\x80\x09N.", "protocol 9");
    REFUSE("cmodels.common\nConv", "ends too early");
    REFUSE("G\0\0.", "ends too early");
    REFUSE("c_codecs\nencode\nX\x03\0\0\0\xe2\x82\xacX\6\0\0\0latin1\x86R.", "latin-1 cannot hold");
    REFUSE("ccollections\nOrderedDict\n]N\x61\x85R.", "not made from pairs");
    REFUSE("ccollections\nOrderedDict\nN\x85R.", "not made from a list");
    /* A set made again and again from one long list: few bytes must not become much memory. */
    pickle_begin(&p);
    pickle_op(&p, "]q\x01(");
    for (int i = 0; i < 20000; i++)
        pickle_op(&p, "N");
    pickle_op(&p, "e0]");
    pickle_put_global(&p, "__builtin__", "set");
    pickle_op(&p, "q\x02"
                  "0");
    for (int i = 0; i < 20000; i++)
        pickle_op(&p, "h\x02h\x01\x85Ra");
    pickle_op(&p, ".");
    refuse_pickle(&p, "bytes of memory");
    make_module_pickle(&p);
    for (size_t cut = 0; cut < p.size; cut++)
        assert_int_not_equal(pickle_read("cut", p.data, cut, &pickle), OK);
    buf_free(&p);
}

static const struct pickle_value *read_ok(struct pickle *pickle, const char *bytes, size_t size)
{
    if (pickle_read("ok.pkl", bytes, size, pickle) != OK)
        fail_msg("%s", fail_text());
    return pickle->root;
}

#define READ(text) read_ok(&pickle, "\x80\x02" text, sizeof("\x80\x02" text) - 1)

static void pickle_values(void **state)
{
    (void)state;
    struct pickle pickle;
    const struct pickle_value *v = READ("\x8a\x03\xff\xff\xff.");
    assert_true(v->type == PICKLE_INT && v->integer == -1);
    pickle_free(&pickle);
    v = READ("\x8a\0.");
    assert_true(v->type == PICKLE_INT && v->integer == 0);
    pickle_free(&pickle);
    v = READ("\x8a\x08\0\0\0\0\0\0\0\x80.");
    assert_true(v->integer == INT64_MIN);
    pickle_free(&pickle);
    v = READ("G\x7f\xf8\0\0\0\0\0\0.");
    assert_true(v->type == PICKLE_FLOAT && isnan(v->real));
    pickle_free(&pickle);
    v = READ("(K\x01M\x02\x01J\xff\xff\xff\xff\x88Nt.");
    assert_true(v->type == PICKLE_TUPLE && v->count == 5 && v->items[1]->integer == 258 && v->items[2]->integer == -1);
    pickle_free(&pickle);
    v = READ("c_codecs\nencode\nX\x04\0\0\0\xc2\xb0\xc3\xbfX\6\0\0\0latin1\x86R.");
    assert_true(v->type == PICKLE_BYTES && v->count == 2 && memcmp(v->text, "\xb0\xff", 2) == 0);
    pickle_free(&pickle);
    v = READ("ccollections\nOrderedDict\n](X\x01\0\0\0aK\x07\x86"
             "e\x85R.");
    assert_true(v->type == PICKLE_DICT && pickle_find(v, "a")->integer == 7 && !pickle_find(v, "b"));
    pickle_free(&pickle);
    v = READ("\x8c\x01x\x94\x8f(h\0K\x01\x90\x95\x01\0\0\0\0\0\0\0\x86.");
    assert_true(v->items[1]->type == PICKLE_SET && v->items[1]->count == 2);
    pickle_free(&pickle);
    v = READ("((N1NN(NNtt.");
    assert_true(v->type == PICKLE_TUPLE && v->count == 3 && v->items[2]->count == 2);
    pickle_free(&pickle);
    /* An object keeps class, arguments, state and entries. */
    v = READ("cmodels.common\nConv\nK\x05\x85R}X\x01\0\0\0xK\x09sbX\x01\0\0\0kK\x02s.");
    assert_true(v->type == PICKLE_OBJECT && pickle_is_global(v->callee, "models.common", "Conv"));
    assert_true(v->args->items[0]->integer == 5 && pickle_attribute(v, "x")->integer == 9);
    assert_true(pickle_find(v, "k")->integer == 2);
    pickle_free(&pickle);
}

/* Deep and endless values are read in a loop and refused by those that walk them. */
static void deep_pickles(void **state)
{
    (void)state;
    struct pickle pickle;
    struct buf p = {0}, text = {0};
    enum { DEEP = 1000000 };
    pickle_begin(&p);
    for (int i = 0; i < DEEP; i++)
        pickle_op(&p, "]");
    for (int i = 0; i < DEEP - 1; i++)
        pickle_op(&p, "a");
    pickle_op(&p, ".");
    assert_int_equal(pickle_read("deep", p.data, p.size, &pickle), OK);
    assert_int_equal(pickle_to_yaml(pickle.root, &text), E_LIMIT);
    pickle_free(&pickle);
    buf_free(&p);
    const struct pickle_value *v = READ("]q\x01h\x01"
                                        "a."); /* a list that holds itself */
    assert_ptr_equal(v->items[0], v);
    assert_int_equal(pickle_to_yaml(v, &text), E_LIMIT);
    pickle_free(&pickle);
    pickle_begin(&p); /* 2^15 leaves from 15 lists */
    pickle_op(&p, "]q\x01");
    for (int i = 0; i < 15; i++)
        pickle_op(&p, "0](h\x01h\x01h\x01h\x01"
                      "eq\x01");
    pickle_op(&p, ".");
    assert_int_equal(pickle_read("wide", p.data, p.size, &pickle), OK);
    assert_int_equal(pickle_to_yaml(pickle.root, &text), E_LIMIT);
    expect_sentence("more than 200000");
    pickle_free(&pickle);
    buf_free(&p);
    enum { LONG = 100000 }; /* one text of 100 kB, 500 times */
    char *letters = mem_alloc(LONG, 1);
    assert_non_null(letters);
    memset(letters, 'k', LONG);
    pickle_begin(&p);
    pickle_op(&p, "(X\xa0\x86\1");
    assert_int_equal(buf_append(&p, "", 1), OK);
    assert_int_equal(buf_append(&p, letters, LONG), OK);
    mem_free(letters);
    for (int i = 0; i < 500; i++)
        pickle_op(&p, "2");
    pickle_op(&p, "l.");
    assert_int_equal(pickle_read("long", p.data, p.size, &pickle), OK);
    buf_free(&text);
    assert_int_equal(pickle_to_yaml(pickle.root, &text), E_LIMIT);
    assert_in_range(text.size, 1 << 20, (1 << 20) + 2 * LONG);
    expect_sentence("bytes as text");
    pickle_free(&pickle);
    buf_free(&p);
    buf_free(&text);
}

static void endless_modules(void **state)
{
    (void)state;
    struct buf p = {0}, file = {0};
    struct checkpoint ckpt;
    pickle_begin(&p); /* {'model': m} with m._modules['a'] = m */
    pickle_op(&p, "}");
    pickle_put_text(&p, "model");
    pickle_put_global(&p, "models.yolo", "DetectionModel");
    pickle_op(&p, ")\x81q\x01}");
    pickle_put_text(&p, "_modules");
    pickle_op(&p, "}");
    pickle_put_text(&p, "a");
    pickle_op(&p, "h\x01ssbs.");
    const struct zip_part parts[] = {{.name = "x/data.pkl", .data = p.data, .size = p.size}};
    make_zip(&file, parts, 1, false);
    assert_int_equal(checkpoint_open_memory("endless.pt", file.data, file.size, &ckpt), E_LIMIT);
    expect_sentence("deeper than");
    buf_free(&p);
    buf_free(&file);
}

static void refuse_zip(const struct zip_part *parts, int count, const char *word)
{
    struct buf file = {0};
    struct torch_file torch;
    make_zip(&file, parts, count, false);
    assert_int_not_equal(torch_file_open_memory("bad.zip", file.data, file.size, &torch), OK);
    expect_sentence("bad.zip");
    expect_sentence(word);
    buf_free(&file);
}

static void malformed_zips(void **state)
{
    (void)state;
    static const char pickle[] = "\x80\x02N.";
    static char zeros[1 << 20];
    const struct zip_part good = {.name = "x/data.pkl", .data = pickle, .size = sizeof pickle - 1};
    struct zip_part parts[3] = {good, {.name = "x/data/0", .data = zeros, .size = 100}, good};
    refuse_zip(parts, 0, "no data.pkl");
    refuse_zip(parts + 1, 1, "no data.pkl");
    refuse_zip(parts, 3, "two members named");
    parts[2].name = "y/data.pkl";
    refuse_zip(parts, 3, "two pickles");
    parts[0].xor_crc = 1;
    refuse_zip(parts, 2, "damaged");
    parts[0] = good;
    parts[0].claim_size = 1000000;
    refuse_zip(parts, 2, "claims 1000000 bytes");
    parts[0].claim_packed = 1000000;
    refuse_zip(parts, 2, "ends after");
    parts[0] = good;
    parts[0].claim_method = 12;
    refuse_zip(parts, 2, "method 12");
    parts[0] = good;
    parts[0].flags = 1;
    refuse_zip(parts, 2, "encrypted");
    parts[0] = good;
    parts[0].local_name = "y/data.pkl";
    refuse_zip(parts, 2, "another local header");
    parts[0] = good;
    parts[1].shift_offset = -1;
    refuse_zip(parts, 2, "no local header");
    parts[1].shift_offset = 0;
    /* A member inside another one: its bytes would count twice. */
    struct buf inner = {0}, file = {0};
    struct torch_file torch;
    make_zip(&inner, &good, 1, false);
    struct zip_part nested[2] = {{.name = "x/outer", .data = inner.data, .size = inner.size},
                                 {.name = "x/data.pkl", .data = pickle, .size = sizeof pickle - 1}};
    nested[1].shift_offset = -(int32_t)(inner.size);
    refuse_zip(nested, 2, "overlap");
    buf_free(&inner);
    /* Bombs: a claim beyond what deflate can do, one beyond the limit, and an honest large member. */
    parts[0] = good;
    parts[0].deflate = true;
    parts[0].claim_size = 100000000;
    refuse_zip(parts, 1, "claims 100000000 bytes");
    parts[0].claim_size = 1000;
    refuse_zip(parts, 1, "does not inflate");
    parts[0] = (struct zip_part){.name = "x/data.pkl", .data = zeros, .size = sizeof zeros, .deflate = true};
    refuse_zip(parts, 1, "not a pickle");
    struct zipfile zip;
    const unsigned char *data;
    make_zip(&file, parts, 1, false);
    assert_int_equal(zipfile_open_memory("bomb.zip", file.data, file.size, sizeof zeros - 1, &zip), OK);
    assert_int_equal(zipfile_read(&zip, &zip.members[0], &data), E_LIMIT);
    expect_sentence("inflates to 1048576 bytes, the limit for the archive is 1048575");
    zipfile_close(&zip);
    assert_int_equal(zipfile_open_memory("large.zip", file.data, file.size, sizeof zeros, &zip), OK);
    assert_int_equal(zipfile_read(&zip, &zip.members[0], &data), OK);
    assert_memory_equal(data, zeros, sizeof zeros);
    zipfile_close(&zip);
    buf_free(&file);
    /* The old layout, and what is no checkpoint at all. */
    assert_int_equal(torch_file_open_memory("old.pt", "\x80\x02\x8a\x0al\xfc\x9c", 7, &torch), E_FORMAT);
    expect_sentence("bare pickle");
    struct checkpoint ckpt;
    assert_int_equal(checkpoint_open_memory("x.txt", "hello, world", 12, &ckpt), E_FORMAT);
    expect_sentence("neither");
    assert_int_equal(checkpoint_open_memory("x.txt", "", 0, &ckpt), E_FORMAT);
    assert_int_equal(checkpoint_open("/nonexistent.pt", &ckpt), E_IO);
    assert_int_equal(checkpoint_open("/", &ckpt), E_IO);
}

static void large_zip_records(void **state)
{
    (void)state;
    static const char pickle[] = "\x80\x02K\x07.";
    const struct zip_part parts[] = {{.name = "x/data.pkl", .data = pickle, .size = sizeof pickle - 1, .zip64 = true},
                                     {.name = "x/version", .data = "3\n", .size = 2, .zip64 = true}};
    for (int end64 = 0; end64 < 2; end64++) {
        struct buf file = {0};
        struct torch_file torch;
        make_zip(&file, parts, COUNT(parts), end64);
        if (torch_file_open_memory("64.pt", file.data, file.size, &torch) != OK)
            fail_msg("%s", fail_text());
        assert_int_equal(torch.pickle.root->integer, 7);
        assert_string_equal(torch.prefix, "x/");
        torch_file_close(&torch);
        for (size_t cut = 0; cut < file.size; cut++)
            assert_int_not_equal(torch_file_open_memory("cut", file.data, cut, &torch), OK);
        buf_free(&file);
    }
}

/* Every byte of a small checkpoint changed in turn: read or refused, never worse. Sanitizers watch. */
static void flipped_bytes(void **state)
{
    (void)state;
    struct buf file = {0};
    int read = 0, refused = 0;
    make_module_checkpoint(&file);
    for (size_t i = 0; i < file.size; i++) {
        static const unsigned char masks[] = {0x01, 0x80, 0xff};
        for (int m = 0; m < COUNT(masks); m++) {
            struct checkpoint ckpt;
            file.data[i] = (char)(file.data[i] ^ masks[m]);
            if (checkpoint_open_memory("flip.pt", file.data, file.size, &ckpt) == OK)
                read++;
            else
                refused++;
            checkpoint_close(&ckpt);
            file.data[i] = (char)(file.data[i] ^ masks[m]);
        }
    }
    print_message("%d read, %d refused\n", read, refused);
    assert_true(refused > read);
    for (size_t cut = 0; cut < file.size; cut++) {
        struct checkpoint ckpt;
        assert_int_not_equal(checkpoint_open_memory("cut.pt", file.data, cut, &ckpt), OK);
    }
    buf_free(&file);
}

static void truncated_files(void **state)
{
    static const char drawn[] = Y9_BINARY_DIR "/test_pt.cut.safetensors";
    const char *const paths[] = {golden_file("pt/tiny-last.pt"), drawn};
    (void)state;
    draw_weights(drawn);
    for (int f = 0; f < COUNT(paths); f++) {
        struct file_map map;
        assert_int_equal(file_map_open(paths[f], &map), OK);
        for (size_t i = 0; i < 50; i++) {
            struct checkpoint ckpt;
            size_t cut = map.size * i / 50;
            unsigned char *bytes = test_malloc(cut + 1); /* of its own, so that a sanitizer sees the end */
            memcpy(bytes, map.data, cut);
            assert_int_not_equal(checkpoint_open_memory("cut", bytes, cut, &ckpt), OK);
            expect_sentence("cut: ");
            test_free(bytes);
        }
        file_map_close(&map);
    }
    unlink(drawn);
}

static void own_safetensors(void **state)
{
    (void)state;
    const char *path = Y9_BINARY_DIR "/test_pt.tmp.safetensors";
    const float w[4] = {1, 2, 3, 4}, e[4] = {5, 6, 7, 8};
    struct safetensor_source sources[] = {
        {.name = "model.0.conv.weight", .dtype = DTYPE_F32, .rank = 4, .shape = {2, 2, 1, 1}, .data = w},
        {.name = "ema.model.0.conv.weight", .dtype = DTYPE_F32, .rank = 4, .shape = {2, 2, 1, 1}, .data = e},
        {.name = "ema.other", .dtype = DTYPE_F32, .rank = 1, .shape = {4}, .data = e},
    };
    struct safetensors_text texts[] = {
        {"yolo9.form", "training"},       {"yolo9.table", "nc: 2\n"}, {"yolo9.names", "[\"red\",\"gr\\u00fcn\"]"},
        {"yolo9.strides", "[8,16,32.0]"}, {"yolo9.epoch", "12"},      {"yolo9.best_fitness", "0.25"},
        {"yolo9.updates", "99"},          {"other", "text"},
    };
    struct checkpoint ckpt;
    float values[4];
    assert_int_equal(safetensors_write(path, sources, COUNT(sources), texts, COUNT(texts)), OK);
    if (checkpoint_open(path, &ckpt) != OK)
        fail_msg("%s", fail_text());
    assert_true(ckpt.from_ema && ckpt.model == ckpt.ema && ckpt.ema->count == 1 && ckpt.raw->count == 2);
    checkpoint_read_f32(checkpoint_find(ckpt.model, "model.0.conv.weight"), values);
    assert_true(values[0] == 5);
    checkpoint_read_f32(checkpoint_find(ckpt.raw, "model.0.conv.weight"), values);
    assert_true(values[0] == 1 && ckpt.model->tensors[0].stride[0] == 2);
    assert_string_equal(ckpt.form, "training");
    assert_string_equal(ckpt.model->table_text, "nc: 2\n");
    assert_true(ckpt.model->nc == 2 && strcmp(ckpt.model->names[1], "gr\xc3\xbcn") == 0);
    assert_true(ckpt.model->n_strides == 3 && ckpt.model->strides[2] == 32);
    assert_true(ckpt.epoch == 12 && ckpt.updates == 99 && ckpt.best_fitness == 0.25);
    assert_string_equal(checkpoint_metadata(&ckpt, "other"), "text");
    checkpoint_close(&ckpt);
    static const char *const bad[][2] = {
        {"yolo9.names", "{}"},        {"yolo9.names", "[1]"},  {"yolo9.names", "[\"a\""}, {"yolo9.strides", "[0]"},
        {"yolo9.strides", "[\"8\"]"}, {"yolo9.epoch", "many"}, {"yolo9.epoch", "\"1\""},  {"yolo9.updates", "1e300"},
    };
    for (int i = 0; i < COUNT(bad); i++) {
        struct safetensors_text text = {bad[i][0], bad[i][1]};
        assert_int_equal(safetensors_write(path, sources, 1, &text, 1), OK);
        assert_int_equal(checkpoint_open(path, &ckpt), E_FORMAT);
        expect_sentence(bad[i][0]);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(whole_files),
        cmocka_unit_test(module_tree),
        cmocka_unit_test(tensor_kinds),
        cmocka_unit_test(pickle_values),
        cmocka_unit_test(own_safetensors),
        cmocka_unit_test(malformed_tensors),
        cmocka_unit_test(hostile_pickles),
        cmocka_unit_test(malformed_pickles),
        cmocka_unit_test(deep_pickles),
        cmocka_unit_test(endless_modules),
        cmocka_unit_test(malformed_zips),
        cmocka_unit_test(large_zip_records),
        cmocka_unit_test(flipped_bytes),
        cmocka_unit_test(truncated_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
