/* The program from outside: exit codes, what goes to which stream, help of every verb. */
#include "cli/cli.h"
#include "cli/options_json.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "formats/json.h"
#include "support/shared.h"
#include "support/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs yolo9 with these arguments (shell words); the exit code, and one stream. */
static int run(const char *arguments, bool errors, struct buf *out)
{
    char command[1024], chunk[4096];
    snprintf(command, sizeof command, "%s/yolo9 %s %s", Y9_BINARY_DIR, arguments,
             errors ? "2>&1 >/dev/null" : "2>/dev/null");
    buf_free(out);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
        assert_int_equal(buf_append(out, chunk, n), OK);
    assert_int_equal(buf_append(out, "", 0), OK);
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void usage_errors_exit_2_and_speak_on_stderr(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *says;
    } cases[] = {
        {"", "Usage:"},
        {"inof", "did you mean info?"},
        {"zzz", "yolo9 help lists the verbs"},
        {"info --jsn x", "did you mean --json?"},
        {"info --img 0", "between 1 and"},
        {"info --img big", "whole numbers are needed"},
        {"help trian", "did you mean train?"},
        {"help train now", "yolo9 train has no parts"},
        {"figure", "Usage: yolo9 figure WHAT"},
        {"figure zzz", "yolo9 figure --help lists what there is"},
        {"info no-such-network", "no network of this name"},
        {"info yolov9-tt", "did you mean yolov9-t?"},
        {"info yolov8", "did you mean yolov8n?"}, /* not yolov7, which is as near */
        {"detect", "no pictures"},
        {"detect a.jpg", "--weights is needed"},
        {"detect --weights '' a.jpg", "--weights is needed"},
        {"detect --augment a.jpg", "--augment is not offered"},
        {"detect a.pt b.pt c.jpg", "two weight files"},
        {"detect /dev/null --cfg gelan-tt", "did you mean gelan-t?"},
        {"val", "--data is needed"},
        {"val --data /dev/null", "--weights is needed"},
        {"val --task study", "must be val, train, test or speed"},
        {"val --save-hybrid", "--save-hybrid is not offered"},
        {"val --precision fp15", "must be fp32, bf16 or int8"},
        {"val --data " Y9_SOURCE_DIR "/src", "no YAML file in this folder"},
        {"val --data " Y9_SOURCE_DIR "/models", "which of "},
        {"train --data /dev/null", "is needed"},
        {"train --cfg gelan-t", "--data"},
        {"train --cfg gelan-u --data /dev/null", "did you mean gelan"},
        {"train --cfg gelan-t --data /dev/null --optimizer adamx", "must be SGD, Adam, AdamW, LION or auto"},
        {"train --cfg gelan-t --data /dev/null --assign late", "must be independent, lead or coarse-to-fine"},
        {"train --cfg gelan-t --data /dev/null --cos-lr --fixed-lr", "only one can be chosen"},
        {"train --cfg gelan-t --data /dev/null --assigner late", "must be auto, tal, tal-inside or simota"},
        {"train --cfg gelan-t --data /dev/null --hyp lr0=x", "no number"},
        {"train --cfg gelan-t --data /dev/null --hyp mixupp=0", "did you mean mixup?"},
        {"train --cfg gelan-t --data /dev/null --evolve", "--evolve is not offered"},
        {"convert a.pt", "two files are needed"},
        {"quantize", "are needed"},
        {"quantize --clip best", "must be minmax, percentile or mse"},
        {"export", "--weights or --cfg is needed"},
        {"export --cfg gelan-t --include engine", "must be onnx"},
        {"export --cfg gelan-t --nms --raw", "--raw"},
        {"export --cfg gelan-t --nms --raw", "--raw writes"},
        {"export --cfg gelan-t --nms sometimes", "efficient"},
        {"export --cfg gelan-t --format c --batch 2", "--batch has no meaning for --format c"},
        {"convert a.pt b.pt --deploy", "--deploy is for safetensors"},
        {"export --cfg gelan-t --int8", "yolo9 quantize"},
        {"bench", "--weights or --cfg is needed"},
        {"synth", "--out is needed"},
        {"version 2", "unexpected word"},
        {"synth /no/a /no/b", "unexpected word '/no/b': --out is /no/a already"},
        {"help train val", "unexpected word 'val'"},
        {"doctor", "--data is needed"},
        {"figure network", "which network?"},
        {"figure network --weights /dev/null --nc 3", "--nc is for a table"},
        {"figure network yolov9-tt", "did you mean yolov9-t?"},
        {"figure models --no-published", "nothing to draw"},
    };
    struct buf out = {0};
    for (int i = 0; i < COUNT(cases); i++) {
        int code = run(cases[i].arguments, true, &out);
        if (code != 2 || !strstr(out.data, cases[i].says))
            fail_msg("yolo9 %s: code %d, '%s', not '%s'", cases[i].arguments, code, out.data, cases[i].says);
        assert_int_equal(run(cases[i].arguments, false, &out), 2);
        assert_int_equal(out.size, 0);
    }
    buf_free(&out);
}

static void failures_exit_1_with_a_sentence(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(run("val --data /no/such.yaml", true, &out), 1);
    assert_non_null(strstr(out.data, "/no/such.yaml: No such file"));
    assert_int_equal(run("detect /no/such.pt a.jpg", true, &out), 1);
    assert_non_null(strstr(out.data, "/no/such.pt: No such file"));
    assert_int_equal(run("train --cfg /no/gelan-u.yaml --data /dev/null", true, &out), 1);
    assert_non_null(strstr(out.data, "no such file, and no network of this name"));
    assert_int_equal(run("info no-such-model.safetensors", true, &out), 1);
    assert_non_null(strstr(out.data, "no-such-model"));
    assert_int_equal(run("info yolov9-t --json /no/such/folder/x.json", true, &out), 1);
    assert_non_null(strstr(out.data, "/no/such/folder/x.json"));
    assert_int_equal(run("info 2>&1 >/dev/full #", true, &out), 1); /* output that did not arrive is a failure */
    assert_non_null(strstr(out.data, "standard output"));
    buf_free(&out);
}

/* The commands of the official README, and every option of the official scripts that is not refused (SPEC 15). */
static void official_commands_are_understood(void **state)
{
    (void)state;
    static const struct {
        const struct verb_spec *verb;
        const char *line;
    } cases[] = {
        {&verb_train,
         "--workers 8 --device 0 --batch 16 --data data/coco.yaml --img 640 --cfg models/detect/yolov9-c.yaml "
         "--weights= --name yolov9-c --hyp hyp.scratch-high.yaml --min-items 0 --epochs 500 --close-mosaic 15"},
        {&verb_train,
         "--sync-bn --batch-size -1 --imgsz 640 --rect --nosave --noval --noautoanchor --noplots --bucket= "
         "--cache --image-weights --multi-scale --single-cls --optimizer LION --project p --exist-ok "
         "--cos-lr --flat-cos-lr --fixed-lr --label-smoothing 0.1 --patience 9 --freeze 1 2 --save-period 1 "
         "--seed 1 --local_rank -1 --entity x --upload_dataset --bbox_interval 1 --artifact_alias latest"},
        {&verb_train, "--resume --cache disk"},
        {&verb_val, "--data data/coco.yaml --img 640 --batch 32 --conf 0.001 --iou 0.7 --device 0 --weights w.pt "
                    "--save-json --name yolov9_c_640_val"},
        {&verb_val, "--imgsz 640 --batch-size 1 --conf-thres 0 --iou-thres 1 --max-det 9 --task speed --workers 8 "
                    "--single-cls --verbose --save-txt --save-conf --project p --exist-ok --half --dnn --min-items 1"},
        {&verb_detect,
         "--source data/images/horses.jpg --img 640 --device 0 --weights w.pt --name yolov9_c_640_detect"},
        {&verb_detect,
         "--data d.yaml --imgsz 640 480 --conf-thres 0.1 --iou-thres 0.1 --max-det 9 --view-img --save-txt "
         "--save-conf --save-crop --nosave --classes 0 2 --agnostic-nms --visualize --update --project p "
         "--exist-ok --line-thickness 3 --hide-labels --hide-conf --half --dnn --vid-stride 1"},
        {&verb_export, "--weights w.pt --imgsz 640 --include onnx --simplify --inplace --dynamic"},
        {&verb_export, "--data d.yaml --batch-size 1 --device cpu --half --keras --optimize --opset 12 --verbose "
                       "--workspace 4 --nms --topk-all 100 --iou-thres 0.45 --conf-thres 0.25 --include onnx"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        char copy[800], *argv[100], *save = NULL;
        int argc = 0;
        struct option_help help;
        struct options *o;
        snprintf(copy, sizeof copy, "verb %s", cases[i].line);
        for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
            argv[argc++] = word;
        if (options_parse(cases[i].verb, argc, argv, &o, &help) != OK)
            fail_msg("yolo9 %s %s: %s", cases[i].verb->name, cases[i].line, fail_text());
        options_free(o);
    }
}

static void put(const char *path, const char *text)
{
    assert_int_equal(file_write(path, text, strlen(text)), OK);
}

/* --data takes the folder of a dataset: data.yaml before others, else the only YAML file there. */
static void a_folder_stands_for_its_yaml(void **state)
{
    (void)state;
    static const char folder[] = Y9_BINARY_DIR "/tests/cli_data";
    struct buf out = {0};
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s' && mkdir '%s' '%s/sub.yaml'", folder, folder, folder);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "val --results /dev/null --data '%s'", folder);
    assert_int_equal(run(command, true, &out), 2); /* a folder is no YAML file, whatever its name is */
    put(Y9_BINARY_DIR "/tests/cli_data/only.yml", "names: 1\n");
    assert_int_equal(run(command, true, &out), 1);
    assert_non_null(strstr(out.data, "dataset: " Y9_BINARY_DIR "/tests/cli_data/only.yml"));
    assert_non_null(strstr(out.data, "cli_data/only.yml:1: "));
    put(Y9_BINARY_DIR "/tests/cli_data/hyp.yaml", "lr0: 1\n");
    assert_int_equal(run(command, true, &out), 2);
    assert_non_null(strstr(out.data, "which of hyp.yaml, only.yml?"));
    put(Y9_BINARY_DIR "/tests/cli_data/data.yaml", "names: 1\n");
    assert_int_equal(run(command, true, &out), 1);
    assert_non_null(strstr(out.data, "cli_data/data.yaml:1: "));
    buf_free(&out);
}

static void every_verb_has_help_with_an_example(void **state)
{
    (void)state;
    struct buf out = {0};
    char arguments[64];
    for (int i = 0; verbs[i]; i++) {
        snprintf(arguments, sizeof arguments, "%s --help", verbs[i]->name);
        assert_int_equal(run(arguments, false, &out), 0);
        snprintf(arguments, sizeof arguments, "  yolo9 %s", verbs[i]->name);
        if (!strstr(out.data, "Example:") || !strstr(out.data, arguments))
            fail_msg("%s --help has no example", verbs[i]->name);
        assert_int_equal(run("--help", false, &out), 0);
        assert_non_null(strstr(out.data, verbs[i]->name));
    }
    assert_int_equal(run("--version", false, &out), 0);
    assert_int_equal(strncmp(out.data, "yolo9 ", 6), 0);
    assert_int_equal(run("version", false, &out), 0);
    assert_int_equal(strncmp(out.data, "yolo9 ", 6), 0);
    assert_int_equal(run("help train", false, &out), 0);
    assert_non_null(strstr(out.data, "--epochs N"));
    buf_free(&out);
}

/* Every line of a help within 80 columns, without a tab or a colour; JSON names the same options. */
static void check_help(const struct verb_spec *verb)
{
    char *text = NULL;
    size_t size = 0, k;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    options_help(verb, stream);
    fclose(stream);
    for (const char *p = text; *p; p += strcspn(p, "\n") + 1) {
        if (strcspn(p, "\n") > 80)
            fail_msg("yolo9 %s --help: a long line: %.*s", verb->name, (int)strcspn(p, "\n"), p);
    }
    assert_null(strpbrk(text, "\t\033"));
    json_t *root = options_json(verb);
    assert_non_null(root);
    const json_t *list = json_object_get(root, "options"), *option;
    assert_int_equal(json_array_size(list), verb->n_options);
    json_array_foreach(list, k, option)
    {
        char word[80];
        snprintf(word, sizeof word, "--%s", json_string_value(json_object_get(option, "name")));
        assert_non_null(strstr(text, word));
    }
    json_decref(root);
    free(text);
}

static void help_fits_and_json_agrees(void **state)
{
    (void)state;
    for (int i = 0; verbs[i]; i++) {
        check_help(verbs[i]);
        for (int k = 0; verbs[i]->parts && verbs[i]->parts[k]; k++)
            check_help(verbs[i]->parts[k]);
    }
}

static double figure(const json_t *root, const char *form, const char *what)
{
    return json_number_value(json_object_get(json_object_get(root, form), what));
}

static void info_json_is_alone_on_stdout_and_exact(void **state)
{
    (void)state;
    struct buf out = {0};
    json_t *root;
    assert_int_equal(run("info yolov9-c --json -", false, &out), 0);
    assert_int_equal(json_read_memory("info", out.data, out.size, NULL, &root), OK);
    assert_string_equal(json_string_value(json_object_get(root, "model")), "yolov9-c");
    assert_true(figure(root, "training", "params") == 51182080);
    assert_true(figure(root, "deployed", "params") == 25288768);
    assert_true(figure(root, "training", "gflops") > 238.64 && figure(root, "training", "gflops") < 238.66);
    assert_true(figure(root, "deployed", "gflops") > 102.13 && figure(root, "deployed", "gflops") < 102.15);

    double params = 0, auxiliary = 0;
    const json_t *rows = json_object_get(root, "rows"), *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        params += json_number_value(json_object_get(row, "params"));
        auxiliary += figure(row, "auxiliary", "params");
    }
    assert_int_equal(json_array_size(rows), 39);
    assert_true(params == 51182080);
    /* what remains differs from the deployed form by BN and the folded branches only: SPEC 5's gelan-c, unfused */
    assert_true(params - auxiliary == 25498752);
    json_decref(root);
    buf_free(&out);
}

static void info_of_weights_takes_their_head(void **state)
{
    (void)state;
    static const char weights[] = Y9_BINARY_DIR "/gelan-t-drawn.safetensors";
    draw_weights(weights); /* as COCO's gelan-t: a dense box tower, a class tower of 80 channels */
    char arguments[512];
    struct buf out = {0};
    json_t *root;
    snprintf(arguments, sizeof arguments, "info --weights %s --json -", weights);
    assert_int_equal(run(arguments, false, &out), 0);
    assert_int_equal(json_read_memory("info", out.data, out.size, NULL, &root), OK);
    assert_true(figure(root, "training", "params") == 2128720); /* SPEC 5, T variants */
    assert_true(figure(root, "deployed", "params") == 2094000);
    assert_true(figure(root, "deployed", "gflops") > 8.2275 && figure(root, "deployed", "gflops") < 8.2277);
    json_decref(root);
    snprintf(arguments, sizeof arguments, "info --weights %s", weights);
    assert_int_equal(run(arguments, false, &out), 0);
    assert_non_null(strstr(out.data, "2,001,840 parameters, 7.71 GFLOPs")); /* the paper's figures explained */
    unlink(weights);
    buf_free(&out);
}

/* bench says what ran each kind of convolution, and why; of a matrix unit that is emulated, too. */
static void bench_names_its_choices(void **state)
{
    (void)state;
    struct buf out = {0};
    const char *arguments = "bench --cfg gelan-t --img 64 --runs 1 --threads 1";
    char exact[128];
    snprintf(exact, sizeof exact, "%s --exact", arguments);
    assert_int_equal(run(exact, false, &out), 0);
    assert_non_null(strstr(out.data, "kernels for "));
    assert_non_null(strstr(out.data, "3x3 s2"));
    assert_non_null(strstr(out.data, " --exact\n"));
    assert_null(strstr(out.data, "F(4x4)"));
    assert_int_equal(run(arguments, false, &out), 0);
    assert_non_null(strstr(out.data, "F(4x4), 36 products in place of 144"));
#if defined(__x86_64__)
    char *const level = getenv("Y9_CPU") ? mem_strdup(getenv("Y9_CPU")) : NULL;
    setenv("Y9_CPU", "amxemulated", 1);
    arguments = "bench --cfg gelan-t --img 64 --runs 1 --threads 1 --precision bf16";
    assert_int_equal(run(arguments, false, &out), 0);
    assert_null(strstr(out.data, "matrix unit")); /* not without Y9_EMULATE */
    setenv("Y9_EMULATE", "1", 1);
    assert_int_equal(run(arguments, false, &out), 0);
    assert_non_null(strstr(out.data, "amxemulated"));
    assert_non_null(strstr(out.data, "there is a matrix unit"));
    unsetenv("Y9_EMULATE");
    level ? setenv("Y9_CPU", level, 1) : unsetenv("Y9_CPU");
    mem_free(level);
#endif
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_errors_exit_2_and_speak_on_stderr),
        cmocka_unit_test(failures_exit_1_with_a_sentence),
        cmocka_unit_test(every_verb_has_help_with_an_example),
        cmocka_unit_test(help_fits_and_json_agrees),
        cmocka_unit_test(a_folder_stands_for_its_yaml),
        cmocka_unit_test(official_commands_are_understood),
        cmocka_unit_test(bench_names_its_choices),
        cmocka_unit_test(info_of_weights_takes_their_head),
        cmocka_unit_test(info_json_is_alone_on_stdout_and_exact),
    };
    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
