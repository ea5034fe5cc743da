/* YAML and JSON: what is read, what is refused, what is written. */
#include "core/file.h"
#include "core/log.h"
#include "formats/json.h"
#include "formats/yaml.h"
#include "formats/yaml_write.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void expect_sentence(const char *word)
{
    if (!strstr(fail_text(), word))
        fail_msg("expected \"%s\", got \"%s\"", word, fail_text());
}

static void yaml_types(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum yaml_type type;
    } cases[] = {
        {"1", YAML_INT},          {"-17", YAML_INT},        {"+3", YAML_INT},       {"0", YAML_INT},
        {"007", YAML_STRING},     {"1.5", YAML_FLOAT},      {".5", YAML_FLOAT},     {"1.", YAML_FLOAT},
        {"1e-3", YAML_FLOAT},     {"-1.0E+5", YAML_FLOAT},  {"1e", YAML_STRING},    {".", YAML_STRING},
        {"-", YAML_STRING},       {"0x1F", YAML_STRING},    {"1_000", YAML_STRING}, {".inf", YAML_FLOAT},
        {"-.Inf", YAML_FLOAT},    {".nan", YAML_FLOAT},     {"true", YAML_BOOL},    {"False", YAML_BOOL},
        {"YES", YAML_BOOL},       {"tRue", YAML_STRING},    {"off", YAML_BOOL},     {"~", YAML_NULL},
        {"null", YAML_NULL},      {"None", YAML_STRING},    {"'1'", YAML_STRING},   {"\"true\"", YAML_STRING},
        {"!!str 5", YAML_STRING}, {"nearest", YAML_STRING}, {"1.2.3", YAML_STRING}, {"2024-02-21", YAML_STRING},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        char text[64];
        struct yaml doc;
        snprintf(text, sizeof text, "[%s]", cases[i].text);
        if (strcmp(cases[i].text, "-") == 0)
            snprintf(text, sizeof text, "['-']");
        assert_int_equal(yaml_open_memory("types", text, strlen(text), &doc), OK);
        if (doc.root->items[0]->type != cases[i].type)
            fail_msg("%s resolved to %d", cases[i].text, doc.root->items[0]->type);
        yaml_close(&doc);
    }
}

static const char table[] = "# a network\n"
                            "nc: 80\n"
                            "depth_multiple: 1.0  # model depth\n"
                            "activation: nn.ReLU()\n"
                            "backbone:\n"
                            "  [\n"
                            "   [-1, 1, Silence, []],\n"
                            "   [-1, 1, Conv, [16, 3, 2]],  # 1-P1/2\n"
                            "   [[-1, 6], 1, Concat, [1]],\n"
                            "   [-1, 1, nn.Upsample, [None, 2, 'nearest']],\n"
                            "  ]\n"
                            "names: {0: red, 1: green}\n"
                            "flag: no\n";

static void yaml_table(void **state)
{
    (void)state;
    struct yaml doc;
    const struct yaml_node *node;
    int i;
    double d;
    bool b;
    const char *s;
    assert_int_equal(yaml_open_memory("net.yaml", table, strlen(table), &doc), OK);
    assert_int_equal(yaml_need(doc.root, "nc", &node), OK);
    assert_int_equal(yaml_get_int(node, "nc", 1, 1000, &i), OK);
    assert_int_equal(i, 80);
    assert_int_equal(node->line, 2);
    assert_int_equal(node->column, 5);
    assert_int_equal(yaml_get_int(node, "nc", 1, 79, &i), E_ARGUMENT);
    expect_sentence("net.yaml:2: nc must be in 1..79, it is 80");
    assert_int_equal(yaml_get_double(node, "nc", &d), OK);
    assert_true(d == 80);
    assert_int_equal(yaml_get_double(yaml_find(doc.root, "depth_multiple"), "depth", &d), OK);
    assert_true(d == 1);
    assert_int_equal(yaml_get_int(yaml_find(doc.root, "depth_multiple"), "depth", 0, 9, &i), OK); /* 1.0 */
    assert_int_equal(i, 1);
    assert_int_equal(yaml_get_double(yaml_find(doc.root, "activation"), "activation", &d), E_FORMAT);
    expect_sentence("net.yaml:4: activation must be a number");
    assert_int_equal(yaml_get_bool(yaml_find(doc.root, "flag"), "flag", &b), OK);
    assert_false(b);
    assert_int_equal(yaml_get_bool(yaml_find(doc.root, "nc"), "nc", &b), E_FORMAT);
    const struct yaml_node *rows = yaml_find(doc.root, "backbone");
    assert_int_equal(yaml_get_list(rows, "backbone", 1, 100), OK);
    assert_int_equal(yaml_get_list(rows, "backbone", 5, 100), E_FORMAT);
    assert_int_equal(rows->count, 4);
    assert_int_equal(rows->items[1]->line, 8);
    assert_int_equal(rows->items[0]->items[3]->count, 0);
    assert_int_equal(rows->items[2]->items[0]->type, YAML_LIST);
    const struct yaml_node *args = rows->items[3]->items[3];
    assert_true(args->items[0]->type == YAML_STRING && !args->items[0]->quoted && args->items[2]->quoted);
    assert_int_equal(yaml_get_string(args->items[2], "mode", &s), OK);
    assert_string_equal(s, "nearest");
    assert_int_equal(yaml_get_string(args, "args", &s), E_FORMAT);
    assert_int_equal(yaml_get_map(args, "args"), E_FORMAT);
    assert_string_equal(yaml_find(yaml_find(doc.root, "names"), "1")->text, "green");
    assert_null(yaml_find(doc.root, "absent"));
    assert_null(yaml_find(rows, "0"));
    assert_int_equal(yaml_need(doc.root, "absent", &node), E_FORMAT);
    yaml_close(&doc);
}

static void refuse_yaml(const char *text, size_t size, const char *word)
{
    struct yaml doc;
    assert_int_not_equal(yaml_open_memory("bad.yaml", text, size, &doc), OK);
    expect_sentence("bad.yaml");
    expect_sentence(word);
    assert_null(doc.root);
}

/* Harmless ways to write a number. */
static void yaml_numbers(void **state)
{
    (void)state;
    struct yaml doc;
    int i;
    double d;
    const char *text = "{a: '3', b: 3e0, c: \"0.5\", d: 2.5, e: 1e99, f: 'x'}";
    assert_int_equal(yaml_open_memory("n.yaml", text, strlen(text), &doc), OK);
    assert_int_equal(yaml_get_int(yaml_find(doc.root, "a"), "a", 0, 9, &i), OK);
    assert_int_equal(i, 3);
    assert_int_equal(yaml_get_int(yaml_find(doc.root, "b"), "b", 0, 9, &i), OK);
    assert_int_equal(i, 3);
    assert_int_equal(yaml_get_double(yaml_find(doc.root, "c"), "c", &d), OK);
    assert_true(d == 0.5);
    assert_int_equal(yaml_get_int(yaml_find(doc.root, "d"), "d", 0, 9, &i), E_FORMAT);
    expect_sentence("n.yaml:1: d must be a whole number, it is 2.5");
    assert_int_equal(yaml_get_int(yaml_find(doc.root, "e"), "e", 0, 9, &i), E_ARGUMENT);
    assert_int_equal(yaml_get_double(yaml_find(doc.root, "f"), "f", &d), E_FORMAT);
    yaml_close(&doc);
}

static void yaml_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"a: &x [1]\nb: *x\n", "bad.yaml:2: aliases (*x)"},
        {"a: [1, 2\nb: 3\n", "bad.yaml:"},
        {"a: !!python/object:os.system [x]\n", "bad.yaml:1: the tag tag:yaml.org,2002:python/object:os.system"},
        {"a: !foo 1\n", "tag !foo"},
        {"[1, 2]: 3\n", "bad.yaml:1: a key must be plain text"},
        {"{a: 1}: 3\n", "key must be plain text"},
        {"~: 3\n", "without a key"},
        {"a: 1\n---\nb: 2\n", "more than one document"},
        {"a: \"x\\0y\"\n", "zero byte"},
        {"a: 'open\n", "bad.yaml:"},
        {"\xff\xfe\xff", "bad.yaml:"},
        {"a: \xc3\n", "bad.yaml:1"},
        {"a:\n\t- b\n", "bad.yaml:2"},
        {"%YAML 3.0\n---\na\n", "bad.yaml:"},
    };
    for (int i = 0; i < COUNT(cases); i++)
        refuse_yaml(cases[i].text, strlen(cases[i].text), cases[i].word);
    char deep[4001];
    memset(deep, '[', sizeof deep);
    refuse_yaml(deep, 4000, "nested deeper than 32");
    struct buf wide = {0};
    for (int i = 0; i < 400001; i++)
        assert_int_equal(buf_append(&wide, i ? "- 1\n" : "- 1\n", 4), OK);
    refuse_yaml(wide.data, wide.size, "more than 400000 values");
    buf_free(&wide);
    char *large = test_malloc((16 << 20) + 2);
    memset(large, ' ', (16 << 20) + 2);
    refuse_yaml(large, (16 << 20) + 1, "the limit is 16777216");
    test_free(large);
    struct yaml doc;
    for (size_t cut = 0; cut < strlen(table); cut++) { /* a cut either reads or is refused, and frees all */
        if (yaml_open_memory("cut.yaml", table, cut, &doc) != OK)
            expect_sentence("cut.yaml:");
        yaml_close(&doc);
    }
    assert_int_equal(yaml_open_memory("empty.yaml", "# nothing\n", 10, &doc), OK);
    assert_int_equal(doc.root->type, YAML_NULL);
    yaml_close(&doc);
    assert_int_equal(yaml_open("/nonexistent.yaml", &doc), E_IO);
}

static void write_sample(struct yaml_writer *w)
{
    yaml_begin_map(w, NULL, false);
    yaml_put_int(w, "nc", 80);
    yaml_put_double(w, "lr0", 0.01);
    yaml_put_bool(w, "flag", true);
    yaml_put_null(w, "nothing");
    yaml_begin_list(w, "backbone", false);
    yaml_begin_list(w, NULL, true);
    yaml_put_int(w, NULL, -1);
    yaml_put_string(w, NULL, "nn.Upsample");
    yaml_begin_list(w, NULL, false); /* flow all the same: it lies inside flow */
    yaml_put_string(w, NULL, "None");
    yaml_put_string(w, NULL, "a, b");
    yaml_end(w);
    yaml_begin_map(w, NULL, true);
    yaml_put_int(w, "k", 1);
    yaml_end(w);
    yaml_end(w);
    yaml_end(w);
    yaml_begin_map(w, "names", false);
    yaml_put_string(w, "0", "red");
    yaml_end(w);
    yaml_begin_list(w, "empty", false);
    yaml_end(w);
    yaml_begin_list(w, "nested", false);
    yaml_begin_map(w, NULL, false);
    yaml_put_int(w, "a", 1);
    yaml_put_int(w, "b", 2);
    yaml_end(w);
    yaml_begin_list(w, NULL, false);
    yaml_put_int(w, NULL, 3);
    yaml_begin_map(w, NULL, false);
    yaml_end(w);
    yaml_end(w);
    yaml_end(w);
    yaml_end(w);
}

static void yaml_written(void **state)
{
    (void)state;
    struct yaml_writer w;
    struct buf out = {0};
    yaml_begin(&w, &out);
    write_sample(&w);
    assert_int_equal(yaml_finish(&w), OK);
    assert_string_equal(out.data, "nc: 80\n"
                                  "lr0: 0.01\n"
                                  "flag: true\n"
                                  "nothing: null\n"
                                  "backbone:\n"
                                  "  - [-1, nn.Upsample, [None, 'a, b'], {k: 1}]\n"
                                  "names:\n"
                                  "  '0': red\n"
                                  "empty: []\n"
                                  "nested:\n"
                                  "  - a: 1\n"
                                  "    b: 2\n"
                                  "  - - 3\n"
                                  "    - {}\n");
    struct yaml doc;
    assert_int_equal(yaml_open_memory("written", out.data, out.size, &doc), OK);
    assert_int_equal(yaml_find(doc.root, "nested")->items[1]->items[1]->type, YAML_MAP);
    yaml_close(&doc);
    buf_free(&out);
}

/* Every string and number reads back as itself, in block and in flow style. */
static void yaml_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "a",
        "1",
        "1.5",
        "true",
        "No",
        "null",
        "~",
        "y",
        "-",
        "- a",
        "a: b",
        "a #b",
        "#",
        "'",
        "\"",
        "it's",
        "line\nbreak",
        "tab\there",
        "trail ",
        " lead",
        "caf\xc3\xa9",
        "\xf0\x9f\x9a\x80",
        "[x",
        "{",
        "a, b",
        "&x",
        "*x",
        "!t",
        "%d",
        "@a",
        "`",
        "|",
        ">",
        "?",
        ":",
        "a\\b",
        "\x01\x7f",
        "\xc2\x85",
        "\xe2\x80\xa8",
        "1e5",
        ".inf",
        "0x10",
        "2024-02-21",
        "=",
        "<<",
        "...",
        "---",
        "runs/train/exp",
        "C:\\x",
        "\xef\xbb\xbf",
        "a'b\nc\"d",
    };
    static const double numbers[] = {0,    -0.0, 0.1,  1e-5, 1e300, 5e-324,   DBL_MAX, 1.0 / 3, 3,
                                     -2e7, 1e15, 1e16, 1e17, 1e22,  123456.5, 0.937,   5e-4};
    for (int flow = 0; flow < 2; flow++) {
        struct yaml_writer w;
        struct buf out = {0};
        struct yaml doc;
        yaml_begin(&w, &out);
        yaml_begin_map(&w, NULL, flow);
        for (int i = 0; i < COUNT(texts); i++)
            yaml_put_string(&w, texts[i], texts[i]);
        yaml_begin_list(&w, "numbers", flow);
        for (int i = 0; i < COUNT(numbers); i++)
            yaml_put_double(&w, NULL, numbers[i]);
        yaml_put_double(&w, NULL, INFINITY);
        yaml_put_int(&w, NULL, LLONG_MIN);
        yaml_end(&w);
        yaml_end(&w);
        assert_int_equal(yaml_finish(&w), OK);
        if (yaml_open_memory("round", out.data, out.size, &doc) != OK)
            fail_msg("%s in:\n%s", fail_text(), out.data);
        for (int i = 0; i < COUNT(texts); i++) {
            assert_string_equal(doc.root->keys[i]->text, texts[i]);
            assert_string_equal(doc.root->items[i]->text, texts[i]);
            assert_int_equal(doc.root->items[i]->type, YAML_STRING);
        }
        const struct yaml_node *list = doc.root->items[COUNT(texts)];
        for (int i = 0; i < COUNT(numbers); i++) {
            double back;
            assert_int_equal(yaml_get_double(list->items[i], "number", &back), OK);
            assert_int_equal(list->items[i]->type, YAML_FLOAT);
            assert_memory_equal(&back, &numbers[i], sizeof back);
        }
        double infinite;
        assert_int_equal(yaml_get_double(list->items[COUNT(numbers)], "number", &infinite), E_ARGUMENT);
        assert_string_equal(list->items[COUNT(numbers) + 1]->text, "-9223372036854775808");
        yaml_close(&doc);
        buf_free(&out);
    }
    struct yaml_writer w;
    struct buf out = {0};
    yaml_begin(&w, &out);
    yaml_put_string(&w, NULL, "bad \xff");
    assert_int_equal(yaml_finish(&w), E_ARGUMENT);
    yaml_begin(&w, &out);
    for (int i = 0; i < YAML_WRITE_DEPTH + 5; i++)
        yaml_begin_list(&w, NULL, true);
    assert_int_equal(yaml_finish(&w), E_LIMIT);
    buf_free(&out);
}

/* A simple key ends within 1,024 characters; longer ones are written with a question mark, wherever they stand. */
static void yaml_long_keys(void **state)
{
    (void)state;
    static const char *const fill[] = {"k", "\xc3\xa9", "\x01", "'"};
    for (int variant = 0; variant < 2 * COUNT(fill); variant++) {
        bool flow = variant % 2;
        struct yaml_writer w;
        struct buf out = {0}, key = {0};
        struct yaml doc;
        for (int i = 0; i < 1500; i++)
            assert_int_equal(buf_append(&key, fill[variant / 2], strlen(fill[variant / 2])), OK);
        yaml_begin(&w, &out);
        yaml_begin_list(&w, NULL, flow);
        yaml_begin_map(&w, NULL, flow);
        yaml_put_string(&w, key.data, "first");
        yaml_begin_map(&w, "short", flow);
        yaml_begin_list(&w, key.data, flow);
        yaml_put_int(&w, NULL, 7);
        yaml_end(&w);
        yaml_end(&w);
        yaml_put_string(&w, "last", key.data);
        yaml_end(&w);
        yaml_end(&w);
        assert_int_equal(yaml_finish(&w), OK);
        if (yaml_open_memory("long", out.data, out.size, &doc) != OK)
            fail_msg("%s", fail_text());
        const struct yaml_node *map = doc.root->items[0], *inner = map->items[1];
        assert_int_equal(map->count, 3);
        assert_string_equal(map->keys[0]->text, key.data);
        assert_string_equal(map->items[0]->text, "first");
        assert_string_equal(inner->keys[0]->text, key.data);
        assert_string_equal(inner->items[0]->items[0]->text, "7");
        assert_string_equal(map->items[2]->text, key.data);
        yaml_close(&doc);
        buf_free(&out);
        buf_free(&key);
    }
}

static void the_last_of_equal_keys_holds(void **state)
{
    (void)state;
    static const char text[] = "a: 1\nb: {x: 1, y: 2, x: 3}\nc: 4\na: [5]\n";
    struct yaml doc;
    log_set_level(LOG_QUIET);
    assert_int_equal(yaml_open_memory("twice.yaml", text, strlen(text), &doc), OK);
    log_set_level(LOG_INFO);
    assert_int_equal(doc.n_repeated, 2);
    assert_int_equal(doc.root->count, 3);
    assert_int_equal(doc.root->repeated->line, 4);
    assert_string_equal(doc.root->keys[0]->text, "b");
    assert_int_equal(yaml_find(doc.root, "a")->type, YAML_LIST);
    const struct yaml_node *b = yaml_find(doc.root, "b");
    assert_int_equal(b->count, 2);
    assert_string_equal(b->keys[1]->text, "x");
    assert_string_equal(b->items[1]->text, "3");
    assert_null(yaml_find(doc.root, "c")->repeated);
    yaml_close(&doc);
}

static void options_of_an_official_run(void **state)
{
    (void)state;
    static const char text[] = "weights: ''\n"
                               "cfg: models/detect/yolov9-t.yaml\n"
                               "hyp:\n  lr0: 0.01\n  fl_gamma: 0.0\n"
                               "epochs: 40\nrect: false\nevolve: null\nbucket: ''\n"
                               "freeze:\n- 0\nsave_period: -1\nartifact_alias: latest\n";
    struct yaml doc;
    double lr0;
    assert_int_equal(yaml_open_memory("opt.yaml", text, sizeof text - 1, &doc), OK);
    assert_int_equal(yaml_get_double(yaml_find(yaml_find(doc.root, "hyp"), "lr0"), "lr0", &lr0), OK);
    assert_true(lr0 == 0.01);
    yaml_close(&doc);
}

static void refuse_json(const char *text, const struct json_limits *limits, const char *word)
{
    json_t *root;
    assert_int_not_equal(json_read_memory("bad.json", text, strlen(text), limits, &root), OK);
    assert_null(root);
    expect_sentence("bad.json");
    expect_sentence(word);
}

static void json_limits(void **state)
{
    (void)state;
    const struct json_limits tight = {.bytes = 40, .values = 4, .depth = 2};
    json_t *root;
    refuse_json("", NULL, "empty");
    refuse_json("{\"a\":1,\n\"a\":2}", NULL, "bad.json:2: duplicate");
    refuse_json("[[[1]]]", &tight, "nested deeper than 2");
    refuse_json("[1,2,3,4,5]", &tight, "more than 4 values");
    refuse_json("[                                            1]", &tight, "the limit is 40");
    refuse_json("[1] x", NULL, "bad.json:1");
    refuse_json("[1", NULL, "bad.json:1");
    refuse_json("\"\\", NULL, "bad.json:1");
    refuse_json("\"\xff\"", NULL, "bad.json:1");
    refuse_json("[1e999]", NULL, "bad.json:1");
    refuse_json("[99999999999999999999999]", NULL, "bad.json:1");
    assert_int_equal(json_read_memory("ok", "[\"[[[[\\\"[[,,,,,\"]", 17, &tight, &root), OK);
    assert_int_equal(json_array_size(root), 1);
    json_decref(root);
    char *deep = test_malloc(1000001);
    memset(deep, '[', 1000000);
    deep[1000000] = 0;
    refuse_json(deep, NULL, "nested deeper");
    test_free(deep);
}

static void json_written(void **state)
{
    (void)state;
    const char *path = Y9_BINARY_DIR "/test_formats.tmp.json";
    json_t *root = json_pack("{s:[i,f],s:s}", "list", 1, 0.5, "name", "caf\xc3\xa9"), *back;
    assert_int_equal(json_write_file(path, root, JSON_INDENT(2)), OK);
    assert_int_equal(json_read_file(path, NULL, &back), OK);
    assert_true(json_equal(root, back));
    json_decref(back);
    json_decref(root);
    unlink(path);
    assert_int_equal(json_read_file(path, NULL, &back), E_IO);
    assert_null(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_of_equal_keys_holds),
        cmocka_unit_test(yaml_types),
        cmocka_unit_test(yaml_table),
        cmocka_unit_test(yaml_numbers),
        cmocka_unit_test(yaml_malformed),
        cmocka_unit_test(yaml_written),
        cmocka_unit_test(yaml_round_trip),
        cmocka_unit_test(yaml_long_keys),
        cmocka_unit_test(options_of_an_official_run),
        cmocka_unit_test(json_limits),
        cmocka_unit_test(json_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
