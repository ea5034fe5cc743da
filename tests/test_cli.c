/* The program from outside: exit codes, what goes to which stream, help of every verb. */
#include "core/buf.h"
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
    };
    struct buf out = {0};
    for (int i = 0; i < COUNT(cases); i++) {
        assert_int_equal(run(cases[i].arguments, true, &out), 2);
        assert_non_null(strstr(out.data, cases[i].says));
        assert_int_equal(run(cases[i].arguments, false, &out), 2);
        assert_int_equal(out.size, 0);
    }
    buf_free(&out);
}

static void failures_exit_1_with_a_sentence(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(run("info no-such-model.safetensors", true, &out), 1);
    assert_non_null(strstr(out.data, "no-such-model"));
    assert_int_equal(run("info yolov9-t --json /no/such/folder/x.json", true, &out), 1);
    assert_non_null(strstr(out.data, "/no/such/folder/x.json"));
    assert_int_equal(run("info 2>&1 >/dev/full #", true, &out), 1); /* output that did not arrive is a failure */
    assert_non_null(strstr(out.data, "standard output"));
    buf_free(&out);
}

static void every_verb_has_help_with_an_example(void **state)
{
    (void)state;
    static const char *const verbs[] = {
#define VERB(name) #name,
#include "cli/verbs.def"
#undef VERB
    };
    struct buf out = {0};
    char arguments[64];
    for (int i = 0; i < COUNT(verbs); i++) {
        snprintf(arguments, sizeof arguments, "%s --help", verbs[i]);
        assert_int_equal(run(arguments, false, &out), 0);
        snprintf(arguments, sizeof arguments, "  yolo9 %s", verbs[i]);
        if (!strstr(out.data, "Example:") || !strstr(out.data, arguments))
            fail_msg("%s --help has no example", verbs[i]);
        assert_int_equal(run("--help", false, &out), 0);
        assert_non_null(strstr(out.data, verbs[i]));
    }
    assert_int_equal(run("--version", false, &out), 0);
    assert_int_equal(strncmp(out.data, "yolo9 ", 6), 0);
    buf_free(&out);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_errors_exit_2_and_speak_on_stderr), cmocka_unit_test(failures_exit_1_with_a_sentence),
        cmocka_unit_test(every_verb_has_help_with_an_example),     cmocka_unit_test(info_of_weights_takes_their_head),
        cmocka_unit_test(info_json_is_alone_on_stdout_and_exact),
    };
    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
