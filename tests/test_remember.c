/* What weights remember of their training, from the outside: the image size that every verb takes from them, the names
 * of classes that decide over their order, and files that are equal where trainings were. */
#include "support/programs.h"
#include "support/unit.h"

#include "core/buf.h"
#include "core/file.h"
#include "data/synth.h"
#include "formats/json.h"
#include "weights/weights.h"

#include <stdio.h>
#include <string.h>

static char folder[256];

/* What yolo9 said on both streams, run in the test's folder. */
static void run(const char *arguments, int code, struct buf *said)
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && %s/yolo9 %s 2>&1", folder, Y9_BINARY_DIR, arguments);
    said->size = 0;
    int is = program_run(command, false, said);
    if (is != code)
        fail_msg("yolo9 %s: code %d, wanted %d: %s", arguments, is, code, said->data ? said->data : "");
}

/* ... with the exit code, and these words in it (NULL: ends them); a word behind '!' must not be there. */
static void expect(const char *arguments, int code, const char *const *words)
{
    struct buf said = {0};
    run(arguments, code, &said);
    for (; *words; words++) {
        bool wanted = **words != '!';
        if ((strstr(said.data ? said.data : "", *words + !wanted) != NULL) != wanted)
            fail_msg("yolo9 %s: \"%s\" in: %s", arguments, *words, said.data ? said.data : "");
    }
    buf_free(&said);
}

#define SAYS(...)         \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }
#define TRAIN "train --data d/data.yaml --batch 4 --epochs 1 --noplots --threads 1 --project out "

static void write_yaml(const char *name, const char *names)
{
    char path[300], text[200];
    snprintf(path, sizeof path, "%s/d/%s", folder, name);
    int n = snprintf(text, sizeof text, "train: images/train\nval: images/val\nnames: [%s]\n", names);
    assert_int_equal(file_write(path, text, (size_t)n), OK);
}

/* A network with a fourth level, of stride 64. */
static void write_coarse(void)
{
    static const char text[] = "nc: 3\n"
                               "anchors: [[6,6], [24,24], [48,48], [60,60]]\n"
                               "backbone:\n"
                               "  - [-1, 1, Conv, [8, 3, 4]]\n"
                               "  - [-1, 1, Conv, [8, 3, 2]]\n"
                               "  - [-1, 1, Conv, [8, 3, 2]]\n"
                               "  - [-1, 1, Conv, [8, 3, 2]]\n"
                               "  - [-1, 1, Conv, [8, 3, 2]]\n"
                               "head:\n"
                               "  - [[1, 2, 3, 4], 1, IDetect, [nc, anchors]]\n";
    char path[300];
    snprintf(path, sizeof path, "%s/coarse.yaml", folder);
    assert_int_equal(file_write(path, text, sizeof text - 1), OK);
}

static int set_up(void **state)
{
    (void)state;
    char path[300];
    program_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/d", folder);
    const struct synth_config config = {
        .folder = path, .images = 5, .classes = 3, .h = 96, .w = 96, .val_fraction = 0.2, .quiet = true};
    if (synth_write(&config) != OK)
        return 1;
    write_yaml("mixed.yaml", "cross, disc, star");
    write_yaml("other.yaml", "cross, disc, spark");
    write_yaml("renamed.yaml", "disc, star, plus");
    write_yaml("four.yaml", "disc, star, cross, ring");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    program_remove(folder);
    return 0;
}

static void training_rounds_and_is_repeated_byte_for_byte(void **state)
{
    (void)state;
    struct buf a = {0}, b = {0};
    char path[300];
    expect(TRAIN "--cfg gelan-t --img 90 --name a", 0, SAYS("--img 90 becomes 96: sides are multiples of 32"));
    expect(TRAIN "--cfg gelan-t --img 96 --name b --workers 0 --save-minutes 0 --cache ram", 0, SAYS("!becomes"));
    snprintf(path, sizeof path, "%s/out/a/weights/last.safetensors", folder);
    assert_int_equal(file_read(path, (size_t)1 << 28, &a), OK);
    snprintf(path, sizeof path, "%s/out/b/weights/last.safetensors", folder);
    assert_int_equal(file_read(path, (size_t)1 << 28, &b), OK);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    buf_free(&a);
    buf_free(&b);
}

static void what_is_remembered(void **state)
{
    (void)state;
    char path[300];
    struct checkpoint c;
    json_t *recipe;
    snprintf(path, sizeof path, "%s/out/a/weights/best.safetensors", folder);
    assert_int_equal(checkpoint_open(path, &c), OK);
    assert_true(c.img_h == 96 && c.img_w == 96);
    assert_string_equal(c.network, "gelan-t");
    assert_string_equal(c.model->names[2], "cross");
    assert_int_equal(json_read_memory("recipe", c.recipe, strlen(c.recipe), NULL, &recipe), OK);
    assert_int_equal(json_integer_value(json_object_get(recipe, "epochs")), 1);
    assert_int_equal(json_integer_value(json_object_get(recipe, "batch_size")), 4);
    assert_true(json_number_value(json_object_get(json_object_get(recipe, "hyp"), "lr0")) == 0.01);
    static const char *const not_there[] = {"data", "cfg", "weights", "threads", "workers", "project", "name"};
    for (int i = 0; i < COUNT(not_there); i++)
        assert_null(json_object_get(recipe, not_there[i]));
    json_decref(recipe);
    checkpoint_close(&c);
}

static void verbs_take_the_size_from_the_weights(void **state)
{
    (void)state;
#define FROM "--img 96 from the weights"
    expect("detect --weights out/a/weights/best.safetensors d/images/val --nosave", 0, SAYS(FROM, ": 96x96 "));
    expect("val --weights out/a/weights/best.safetensors --data d/data.yaml --noplots", 0, SAYS(FROM, "!warning"));
    expect("bench --weights out/a/weights/best.safetensors --runs 1", 0, SAYS(FROM, "96x96"));
    expect("bench --weights out/a/weights/best.safetensors --runs 1 --train", 0, SAYS(FROM, "96x96"));
    expect("quantize --weights out/a/weights/best.safetensors --data d/data.yaml --out q.safetensors --images 2 "
           "--trials 1",
           0, SAYS(FROM, "!warning"));
    expect("convert out/a/weights/best.safetensors half.safetensors --deploy --half", 0, SAYS("gelan-t"));
    expect("export --weights half.safetensors --out a.onnx", 0, SAYS(FROM, "96x96"));
    expect("detect --weights q.safetensors d/images/val --nosave", 0, SAYS(FROM, ": 96x96 "));
    expect("detect --weights out/a/state.safetensors d/images/val --nosave", 1, SAYS("!" FROM));
    expect("info --weights q.safetensors", 0,
           SAYS("written by   yolo9", "network      gelan-t\n", "96 x 96", "3: disc, star, cross", "1 epoch, batch 4",
                "averaged (EMA)", "8 bits"));
#undef FROM
}

/* A network of one's own activation, through every file that is made of it. */
static void an_activation_is_remembered(void **state)
{
    (void)state;
    static const char table[] = "base: gelan-t\nactivation: nn.LeakyReLU(0.1)\n";
    char path[300];
    snprintf(path, sizeof path, "%s/leaky.yaml", folder);
    assert_int_equal(file_write(path, table, sizeof table - 1), OK);
    expect(TRAIN "--cfg leaky.yaml --img 64 --name leaky", 0, SAYS("leaky"));
    expect("info --weights out/leaky/weights/last.safetensors", 0, SAYS("activation   leaky ReLU 0.1\n"));
    expect("convert out/leaky/weights/last.safetensors leaky.safetensors --deploy", 0, SAYS("leaky"));
    expect("info --weights leaky.safetensors", 0, SAYS("activation   leaky ReLU 0.1\n"));
    expect("quantize --weights out/leaky/weights/last.safetensors --data d/data.yaml --out leaky8.safetensors "
           "--images 2 --trials 1",
           0, SAYS("8 bits"));
    expect("info --weights leaky8.safetensors --json -", 0, SAYS("\"leaky ReLU 0.1\": ", "!SiLU"));
    expect("info --weights out/a/weights/last.safetensors", 0, SAYS("activation   SiLU\n"));
}

static void a_size_that_is_given_wins(void **state)
{
    (void)state;
    expect(
        "val --weights out/a/weights/best.safetensors --data d/data.yaml --noplots --img 50", 0,
        SAYS("--img 50 becomes 64", "warning: the weights were trained at --img 96, this is 64", "!from the weights"));
    expect("quantize --weights out/a/weights/best.safetensors --data d/data.yaml --out r.safetensors --images 2 "
           "--trials 1 --img 64 96",
           0, SAYS("warning: the weights were trained at --img 96, this is 64 96"));
    expect("detect --weights out/a/weights/best.safetensors d/images/val --nosave --img 33 64", 0,
           SAYS("--img 33 64 becomes 64:", "!warning", ": 64x64 "));
    expect("info gelan-t --img 100", 0, SAYS("--img 100 becomes 128", "128 x 128"));
    expect("bench --cfg gelan-t --runs 1 --img 40", 0, SAYS("--img 40 becomes 64", "64x64"));
    write_coarse();
    expect("bench --cfg coarse.yaml --runs 1 --img 70", 0, SAYS("--img 70 becomes 128: sides are multiples of 64"));
    expect("bench --cfg coarse.yaml --train --runs 1 --img 70", 0, SAYS("--img 70 becomes 128", "128x128"));
    expect(TRAIN "--cfg coarse.yaml --img 70 --name c", 0,
           SAYS("--img 70 becomes 128: sides are multiples of 64", "!multiples of 32"));
    expect("export --cfg coarse.yaml --img 70 --out coarse.onnx", 0, SAYS("--img 70 becomes 128", "1x3x128x128"));
    expect("info coarse.yaml gelan-t --img 96", 0,
           SAYS("coarse: counted for 128 x 128, as its sides are multiples of 64", "!gelan-t: counted"));
    expect("detect --weights half.safetensors d/images/val --img -32", 2, SAYS("--img"));
    expect("val --weights half.safetensors --data d/data.yaml --img 0", 2, SAYS("--img"));
    expect("export --weights half.safetensors --img 100000", 2, SAYS("--img"));
}

/* The files that val wrote, one detection after the other: the classes of the second are those of the first by `map`.
 */
static void compare_predictions(const char *first, const char *second, const int *map)
{
    json_t *a, *b;
    char path[300];
    snprintf(path, sizeof path, "%s/out/%s/half_predictions.json", folder, first);
    assert_int_equal(json_read_file(path, NULL, &a), OK);
    snprintf(path, sizeof path, "%s/out/%s/half_predictions.json", folder, second);
    assert_int_equal(json_read_file(path, NULL, &b), OK);
    assert_true(json_array_size(a) > 0 && json_array_size(a) == json_array_size(b));
    for (size_t i = 0; i < json_array_size(a); i++) {
        const json_t *x = json_array_get(a, i), *y = json_array_get(b, i);
        assert_true(json_equal(json_object_get(x, "bbox"), json_object_get(y, "bbox")));
        assert_int_equal(map[json_integer_value(json_object_get(x, "category_id"))],
                         json_integer_value(json_object_get(y, "category_id")));
    }
    json_decref(a);
    json_decref(b);
}

#define VAL "val --weights half.safetensors --save-json --conf 0.0001 --noplots --project out "

static void names_decide_in_val(void **state)
{
    (void)state;
    expect(VAL "--data d/data.yaml --name straight", 0, SAYS("!order", "!other names"));
    expect(VAL "--data d/mixed.yaml --name mixed", 0, SAYS("the same 3 classes in another order: matched by name"));
    compare_predictions("straight", "mixed", (int[]){1, 2, 0});
    expect(VAL "--data d/other.yaml --name other", 1, SAYS("other names differ", "star", "spark"));
    expect(VAL "--data d/renamed.yaml --name renamed", 0, SAYS("warning: 1 of 3 classes have other names"));
    compare_predictions("straight", "renamed", (int[]){0, 1, 2});
    expect(VAL "--data d/four.yaml --name four", 1,
           SAYS("knows 3 classes, d/four.yaml has 4", "only in d/four.yaml: ring"));
}

#define TUNE "train --weights out/a/weights/best.safetensors --batch 4 --epochs 1 --noplots --noval --threads 1 "

static void fine_tuning_says_what_it_took(void **state)
{
    (void)state;
    expect(TUNE "--data d/mixed.yaml --img 96", 0,
           SAYS("another order: 3 of 3 take their outputs by name", "!trained at"));
    expect(
        TUNE "--data d/other.yaml --img 64", 0,
        SAYS("2 of 3 take their outputs by name, the others start anew", "was trained at --img 96, this run is at 64"));
    expect(TUNE "--data d/four.yaml --img 96", 0,
           SAYS("knows 3 classes (disc ...), here are 4 (disc ...)", "start anew"));
    expect(TUNE "--data d/data.yaml --img 96 --cfg yolov9-t", 0, SAYS("!outputs"));
    expect(TUNE "--data d/data.yaml --img 96 --cfg gelan-s", 0,
           SAYS("warning: the start is as good as random: only", "which are of gelan-t"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_rounds_and_is_repeated_byte_for_byte),
        cmocka_unit_test(what_is_remembered),
        cmocka_unit_test(verbs_take_the_size_from_the_weights),
        cmocka_unit_test(an_activation_is_remembered),
        cmocka_unit_test(a_size_that_is_given_wins),
        cmocka_unit_test(names_decide_in_val),
        cmocka_unit_test(fine_tuning_says_what_it_took),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
