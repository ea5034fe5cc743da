/* What is written where: outputs that cannot be are refused before the work begins, nothing of the user's is replaced
 * that was not named, and what fails or is interrupted leaves nothing behind. */
#include "support/unit.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "data/synth.h"
#include "formats/json.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/test_outputs_XXXXXX";

static rlim_t largest_file; /* that yolo9 may write; 0: any */

/* Starts yolo9 in the test's folder; both streams go to the file `log`. */
static pid_t start(const char *words)
{
    char command[1024];
    snprintf(command, sizeof command, "exec '%s/yolo9' %s >log 2>&1", Y9_BINARY_DIR, words);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {largest_file, largest_file};
        signal(SIGXFSZ, SIG_IGN); /* a write that is too much fails, as on a full disk */
        if (largest_file)
            setrlimit(RLIMIT_FSIZE, &limit);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return child;
}

static int end_of(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_log(const char *words, const char *says)
{
    struct buf text = {0};
    assert_int_equal(file_read("log", 1 << 20, &text), OK);
    if (!text.data || !strstr(text.data, says))
        fail_msg("%s: the output does not say '%s':\n%s", words, says, text.data ? text.data : "");
    buf_free(&text);
}

static void expect(const char *words, int code, const char *says)
{
    int got = end_of(start(words));
    expect_log(words, says);
    if (got != code)
        fail_msg("%s: exit code %d, not %d", words, got, code);
}

/* Names under a folder, all levels; the log left out. */
static int count_names(const char *path)
{
    char **names;
    int n, all = 0;
    assert_int_equal(path_list(path, &names, &n), OK);
    for (int i = 0; i < n; i++) {
        char *child = path_join(path, names[i]);
        all += strcmp(names[i], "log") != 0;
        if (path_is_folder(child))
            all += count_names(child);
        mem_free(child);
    }
    path_list_free(names, n);
    return all;
}

static void make_inputs(const char *weights, int pictures)
{
    const struct synth_config set = {
        .folder = "set", .images = pictures, .classes = 2, .h = 64, .w = 64, .val_fraction = 0.5, .quiet = true};
    assert_int_equal(synth_write(&set), OK);
    (void)weights;
    expect("train --cfg gelan-t --data set/data.yaml --img 32 --batch 8 --epochs 1 --noplots --project made --name a",
           0, "results are in made/a");
    assert_int_equal(rename("made/a/weights/best.safetensors", weights), 0);
}

#define VAL      "val --weights w.safetensors --data set/data.yaml "
#define QUANTIZE "quantize --weights w.safetensors --data set/data.yaml --images 2 "
#define TRAIN    "train --cfg gelan-t --data set/data.yaml --img 32 --batch 8 --epochs 1 --noplots "

static void outputs_that_cannot_be_are_refused_before_the_work(void **state)
{
    (void)state;
    static const struct {
        const char *words, *says;
    } cases[] = {
        {"convert w.safetensors w.onnx", "should end in .safetensors: w.safetensors"},
        {"convert w.safetensors w.bin", "should end in .safetensors"},
        {"convert w.safetensors ./w.safetensors", "the file that is read"},
        {"convert w.safetensors set", "set: cannot be written: it is a folder"},
        {"convert w.safetensors no/w.safetensors", "there is no folder no"},
        {"export --weights w.safetensors --out w.safetensors", "should end in .onnx"},
        {"export --weights w.safetensors --out out.txt", "should end in .onnx: out.onnx"},
        {"export --weights w.safetensors --out no/w.onnx", "there is no folder no"},
        {"export --weights w.safetensors --out set/", "it is a folder"},
        {QUANTIZE "--out q.onnx", "should end in .safetensors"},
        {QUANTIZE "--out w.safetensors", "the file that is read"},
        {QUANTIZE "--out no/q.safetensors", "there is no folder no"},
        {QUANTIZE "--out q.safetensors --json set/data.yaml", "the file that is read"},
        {QUANTIZE "--out q.safetensors --json no/q.json", "there is no folder no"},
        {VAL "--json no/val.json", "there is no folder no"},
        {VAL "--json set/data.yaml", "the file that is read"},
        {VAL "--project w.safetensors", "is no folder"},
        {TRAIN "--project w.safetensors/runs", "is no folder"},
        {"bench --cfg gelan-t --json no/bench.json", "there is no folder no"},
        {"bench --train --cfg gelan-t --json no/bench.json", "there is no folder no"},
        {"info gelan-t --json no/info.json", "there is no folder no"},
        {"synth --out set", "not empty"},
        {"synth --out w.safetensors", "w.safetensors"},
    };
    int before = count_names(".");
    for (int i = 0; i < COUNT(cases); i++) {
        bool usage = strstr(cases[i].says, "should end in") != NULL; /* wrong whatever lies on the disk */
        expect(cases[i].words, usage ? 2 : 1, cases[i].says);
        if (count_names(".") != before)
            fail_msg("%s leaves something behind", cases[i].words);
    }
}

static void only_what_is_named_is_replaced(void **state)
{
    (void)state;
    expect("export --weights w.safetensors --img 32", 0, "w.onnx: gelan-t, 2 classes");
    assert_int_equal(file_write("w.onnx", "mine", 4), OK);
    expect("export --weights w.safetensors --img 32", 1, "w.onnx: there is a file of this name already");
    struct buf text = {0};
    assert_int_equal(file_read("w.onnx", 100, &text), OK);
    assert_int_equal(text.size, 4);
    buf_free(&text);
    expect("export --weights w.safetensors --img 32 --out w.onnx", 0, "w.onnx: gelan-t, 2 classes");
    expect("convert w.safetensors copy", 0, "copy: training form"); /* no ending contradicts nothing */
    expect("export --weights w.safetensors --img 32 --out /dev/full", 1, "/dev/full: cannot be written: No space left");
    expect("convert w.safetensors /dev/full", 1, "/dev/full: cannot be written: No space left");
    unlink("w.onnx");
    unlink("copy");
}

static void a_failed_start_leaves_no_run(void **state)
{
    (void)state;
    expect("train --cfg gelan-t --data nowhere.yaml --project runs", 1, "nowhere.yaml");
    expect("val --weights nothing.safetensors --data set/data.yaml --project runs", 1, "nothing.safetensors");
    expect(VAL "--results w.safetensors --project runs", 1, "w.safetensors");
    assert_false(path_exists("runs/exp"));
    largest_file = 65536;
    expect(TRAIN "--project runs", 1, "state.safetensors: cannot be written");
    largest_file = 0;
    assert_false(path_exists("runs/exp"));
}

static void exist_ok_keeps_the_weights_of_an_older_run(void **state)
{
    (void)state;
    expect(TRAIN "--project runs --name same", 0, "results are in runs/same");
    expect(TRAIN "--project runs --name same --exist-ok", 0, "weights/best.old.safetensors");
    assert_true(path_exists("runs/same/weights/best.old.safetensors"));
    assert_true(path_exists("runs/same/weights/best.safetensors"));
    expect(TRAIN "--project runs --name same", 0, "results are in runs/same2");
}

/* Sends the signal once the progress shows, by the file that then exists, or after some milliseconds. */
static int interrupt(const char *words, const char *when_there, int milliseconds, int signal_number)
{
    pid_t child = start(words);
    for (int i = 0; when_there && i < 30000 && !path_exists(when_there); i++)
        usleep(1000);
    usleep(1000 * (useconds_t)milliseconds);
    kill(child, signal_number);
    return end_of(child);
}

static void an_interrupted_val_tells_what_it_has(void **state)
{
    (void)state;
    const char *words = VAL "--img 320 --batch 1 --threads 1 --project runs --name cut --save-txt --json val.json";
    json_t *root;
    assert_int_equal(interrupt(words, "runs/cut", 50, SIGTERM), 143);
    expect_log(words, "of 60 pictures alone");
    expect_log(words, "yolo9 val: stopped after ");
    assert_int_equal(json_read_file("val.json", NULL, &root), OK);
    assert_true(json_is_true(json_object_get(root, "partial")));
    json_int_t seen = json_integer_value(json_object_get(root, "images"));
    assert_int_equal(json_integer_value(json_object_get(root, "images_wanted")), 60);
    char **names;
    int n;
    assert_true(seen > 0 && seen < 60);
    assert_int_equal(path_list("runs/cut/labels", &names, &n), OK);
    for (int i = 0; i < n; i++)
        assert_null(strstr(names[i], ".tmp"));
    assert_true(n <= seen);
    path_list_free(names, n);
    json_decref(root);
}

static void other_interrupted_verbs_leave_nothing(void **state)
{
    (void)state;
    int before = count_names(".");
    assert_int_equal(
        interrupt("synth --out drawn --images 100000 --img 64", "drawn/images/train/000063.jpg", 0, SIGINT), 130);
    expect_log("synth", "none of them is kept");
    assert_int_equal(interrupt(QUANTIZE "--out q.safetensors --img 640 --images 60", NULL, 700, SIGINT), 130);
    assert_int_equal(interrupt("bench --cfg yolov9-e --json bench.json --runs 1000", NULL, 500, SIGTERM), 143);
    assert_int_equal(count_names("."), before);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) != 0)
        return -1;
    make_inputs("w.safetensors", 120);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_that_cannot_be_are_refused_before_the_work),
        cmocka_unit_test(only_what_is_named_is_replaced),
        cmocka_unit_test(a_failed_start_leaves_no_run),
        cmocka_unit_test(exist_ok_keeps_the_weights_of_an_older_run),
        cmocka_unit_test(an_interrupted_val_tells_what_it_has),
        cmocka_unit_test(other_interrupted_verbs_leave_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
