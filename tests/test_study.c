/* yolo9 study from outside, on a drawn data set: the plan, the files, runs side by side, a study that is killed or
 * asked to stop and goes on, and runs that are not its own. */
#include "support/folder.h"
#include "support/shared.h"
#include "support/unit.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/path.h"
#include "formats/json.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PICTURES = 12, RUNS = 2 };

static const char *const run_names[RUNS] = {"bce-s0", "vfl-s0"};

#define STUDY                                                                                                         \
    "study", "cls", "--data", "set/data.yaml", "--img", "64", "--batch", "4", "--nominal-batch", "4", "--seeds", "1", \
        "--warmup-iterations", "3"

static pid_t start(const char *const *words)
{
    char program[512];
    char *argv[64] = {program};
    int n = 1;
    snprintf(program, sizeof program, "%s/yolo9", Y9_BINARY_DIR);
    for (; words[n - 1]; n++)
        argv[n] = (char *)(uintptr_t)words[n - 1];
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int log = open("log", O_WRONLY | O_CREAT | O_TRUNC, 0666);
        if (log >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0)
            execv(program, argv);
        _exit(127);
    }
    return child;
}

static int wait_for(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void read_text(const char *path, struct buf *out)
{
    assert_int_equal(file_read(path, 1 << 24, out), OK);
    assert_true(out->size > 0);
}

static void assert_says(const char *file, const char *words)
{
    struct buf text = {0};
    read_text(file, &text);
    if (!strstr(text.data, words))
        fail_msg("%s does not say '%s':\n%s", file, words, text.data);
    buf_free(&text);
}

static void succeed(const char *const *words)
{
    if (wait_for(start(words)) != 0)
        assert_says("log", "no failure");
}

static void assert_same(const char *a, const char *b)
{
    struct buf x = {0}, y = {0};
    read_text(a, &x);
    read_text(b, &y);
    if (x.size != y.size || memcmp(x.data, y.data, x.size) != 0)
        fail_msg("%s:\n%s\nis not %s:\n%s", a, x.data, b, y.data);
    buf_free(&x);
    buf_free(&y);
}

/* study.csv without its last column, which is a time. */
static void read_untimed(const char *project, struct buf *out)
{
    struct buf text = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/study.csv", project);
    read_text(path, &text);
    for (char *line = text.data; *line;) {
        char *end = strchr(line, '\n'), *comma = end;
        assert_non_null(end);
        while (*comma != ',')
            comma--;
        assert_int_equal(buf_printf(out, "%.*s\n", (int)(comma - line), line), OK);
        line = end + 1;
    }
    buf_free(&text);
}

/* Two projects hold the same study. */
static void assert_same_study(const char *a, const char *b)
{
    static const char *const files[] = {"results.csv", "weights/last.safetensors", "last.json"};
    struct buf x = {0}, y = {0};
    read_untimed(a, &x);
    read_untimed(b, &y);
    assert_string_equal(x.data, y.data);
    buf_free(&x);
    buf_free(&y);
    for (int r = 0; r < RUNS; r++) {
        for (int i = 0; i < COUNT(files); i++) {
            char one[128], other[128];
            snprintf(one, sizeof one, "%s/%s/%s", a, run_names[r], files[i]);
            snprintf(other, sizeof other, "%s/%s/%s", b, run_names[r], files[i]);
            assert_same(one, other);
        }
    }
}

static int make_set(void **state)
{
    if (folder_enter(state) != 0)
        return -1;
    draw_dataset("set", PICTURES);
    static const char *const whole[] = {STUDY, "--epochs", "2", "--project", "whole", NULL};
    succeed(whole);
    return 0;
}

static void a_dry_run_tells_and_writes_nothing(void **state)
{
    (void)state;
    static const char *const words[] = {STUDY, "--epochs", "2", "--project", "none", "--dry-run", NULL};
    succeed(words);
    assert_says("log", "2 runs: 2 rows x 1 seed, each 2 epochs of 3 batches");
    assert_says("log", "vfl (gelan-t): varifocal loss;");
    assert_says("log", "0 of 2 runs are done, 2 to go, 1 side by side: about 0:");
    assert_false(path_exists("none"));
}

static double last_of(const char *path, int column)
{
    struct buf text = {0};
    read_text(path, &text);
    char *line = text.data + text.size - 1;
    while (line > text.data && line[-1] != '\n')
        line--;
    for (; column; column--)
        line = strchr(line, ',') + 1;
    double value = strtod(line, NULL);
    buf_free(&text);
    return value;
}

/* The rows say what the runs' folders say, and what figures are exact. */
static void numbers_are_the_runs_own(void **state)
{
    (void)state;
    json_t *root = NULL, *last = NULL;
    assert_int_equal(json_read_file("whole/study.json", NULL, &root), OK);
    assert_string_equal(json_string_value(json_object_get(root, "study")), "cls");
    const json_t *rows = json_object_get(root, "rows");
    assert_int_equal(json_array_size(rows), RUNS);
    for (int r = 0; r < RUNS; r++) {
        const json_t *row = json_array_get(rows, (size_t)r);
        char path[128];
        assert_int_equal(json_integer_value(json_object_get(row, "params_deployed_80")), 2407632);
        assert_int_equal(json_integer_value(json_object_get(row, "params_training_80")), 2442640);
        assert_int_equal(json_integer_value(json_object_get(row, "epochs")), 2);
        assert_true(json_number_value(json_object_get(row, "step_cpu_ms")) > 0);
        const double map50 = json_number_value(json_object_get(row, "map50"));
        snprintf(path, sizeof path, "whole/%s/results.csv", run_names[r]);
        assert_true(fabs(last_of(path, 6) - map50) <= 1e-5 + 1e-4 * map50);
        snprintf(path, sizeof path, "whole/%s/last.json", run_names[r]);
        assert_int_equal(json_read_file(path, NULL, &last), OK);
        assert_true(fabs(json_number_value(json_object_get(last, "map50")) - map50) < 1e-6);
        json_decref(last);
    }
    json_decref(root);
    assert_says("whole/vfl-s0/opt.yaml", "cls_loss: vfl");
    assert_says("whole/bce-s0/opt.yaml", "cls_loss: bce");
    assert_says("whole/study.md", "| bce | 1 | ");
    assert_says("whole/study.md", "of one of them there is a single run, so the spread is not known");
}

/* Done runs are not trained again, and all files come out the same. */
static void a_second_time_changes_no_byte(void **state)
{
    (void)state;
    static const char *const words[] = {STUDY, "--epochs", "2", "--project", "whole", NULL};
    static const char *const files[] = {"whole/study.csv", "whole/study.json", "whole/study.md", "whole/study.svg"};
    struct buf before[COUNT(files)] = {{0}};
    for (int i = 0; i < COUNT(files); i++)
        read_text(files[i], &before[i]);
    succeed(words);
    assert_says("log", "all 2 runs are done");
    for (int i = 0; i < COUNT(files); i++) {
        struct buf after = {0};
        read_text(files[i], &after);
        assert_int_equal(after.size, before[i].size);
        assert_memory_equal(after.data, before[i].data, after.size);
        buf_free(&after);
        buf_free(&before[i]);
    }
}

static void side_by_side_is_the_same(void **state)
{
    (void)state;
    static const char *const words[] = {STUDY,    "--epochs", "2",         "--project", "both",
                                        "--jobs", "2",        "--threads", "2",         NULL};
    succeed(words);
    assert_same_study("whole", "both");
}

/* The process of a run that lost its parent saves and goes; then its folder is free. */
static void wait_until_free(const char *path)
{
    for (double end = clock_seconds() + 120; clock_seconds() < end; usleep(5000)) {
        int lock = open(path, O_RDONLY | O_DIRECTORY);
        bool is_free = lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0;
        if (lock >= 0)
            close(lock);
        if (is_free)
            return;
    }
    fail_msg("%s stays locked", path);
}

/* Killed as soon as the first run has its state, and then once more by SIGTERM while it goes on. */
static void killed_and_stopped_it_goes_on(void **state)
{
    (void)state;
    static const char *const words[] = {STUDY, "--epochs", "2", "--project", "cut", NULL};
    int status;
    pid_t child = start(words);
    for (double end = clock_seconds() + 300; !path_exists("cut/bce-s0/state.safetensors"); usleep(1000))
        assert_true(clock_seconds() < end);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    wait_until_free("cut/bce-s0");
    assert_false(path_exists("cut/study.csv"));

    child = start(words);
    for (double end = clock_seconds() + 300; !path_exists("cut/vfl-s0/state.safetensors"); usleep(1000))
        assert_true(clock_seconds() < end);
    kill(child, SIGTERM);
    assert_int_equal(wait_for(child), 128 + SIGTERM);
    assert_says("log", "the same command goes on");
    assert_true(path_exists("cut/study.csv")); /* the first row is finished */
    wait_until_free("cut/vfl-s0");

    succeed(words);
    assert_same_study("whole", "cut");
}

static void other_runs_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *const words[40];
        const char *sentence;
        int code;
    } cases[] = {
        {{STUDY, "--epochs", "3", "--project", "whole", NULL},
         "whole/bce-s0: it holds a run that is not this study's: epochs is 2 there and 3 here",
         1},
        {{STUDY, "--epochs", "2", "--hyp", "lr0=0.02", "--project", "whole", NULL},
         "lr0 is 0.01 there and 0.02 here",
         1},
        {{STUDY, "--epochs", "2", "--single-cls", "--project", "whole", NULL}, "single_cls is false there and true", 1},
        {{STUDY, "--epochs", "2", "--data", "set2/data.yaml", "--project", "whole", NULL},
         "its training pictures or labels are others",
         1},
        {{STUDY, "--rows", "bce", "mse", NULL}, "--rows mse is none of bce, vfl", 2},
        {{STUDY, "--report", "--epochs", "2", "--project", "empty", NULL}, "none of its 2 runs is finished", 1},
    };
    draw_dataset("set2", PICTURES + 1);
    for (int i = 0; i < COUNT(cases); i++) {
        assert_int_equal(wait_for(start(cases[i].words)), cases[i].code);
        assert_says("log", cases[i].sentence);
    }
}

/* A report takes what is there, also when rows are missing. */
static void a_report_trains_nothing(void **state)
{
    (void)state;
    static const char *const one[] = {STUDY, "--epochs", "2", "--project", "part", "--rows", "vfl", NULL};
    static const char *const report[] = {STUDY, "--epochs", "2", "--project", "part", "--report", NULL};
    succeed(one);
    assert_int_equal(remove("part/vfl-s0/last.json"), 0); /* as a run of `yolo9 train` leaves it */
    succeed(report);
    assert_true(path_exists("part/vfl-s0/last.json"));
    assert_false(path_exists("part/bce-s0"));
    assert_says("part/study.md", "1 of 2 runs are finished");
    assert_says("part/study.md", "| bce | 0 | ");
}

/* Splits and concats of gelan-t: 74 maps are copied where they are real, and the result has the same bits (else the
 * verb fails). */
static void split_moves_maps(void **state)
{
    (void)state;
    static const char *const words[] = {"study",  "split", "--cfg",     "gelan-t", "--img", "64",
                                        "--runs", "1",     "--project", "split",   NULL};
    static const char *const unknown[] = {"study", "split", "--cfg", "gelan-x", "--project", "split", NULL};
    json_t *root = NULL;
    succeed(words);
    assert_int_equal(json_read_file("split/split/split.json", NULL, &root), OK);
    const json_t *row = json_array_get(json_object_get(root, "rows"), 0);
    assert_int_equal(json_integer_value(json_object_get(row, "copies")), 74);
    assert_true(json_number_value(json_object_get(row, "megabytes")) > 0.3);
    assert_true(json_number_value(json_object_get(row, "copies_ms")) > 0);
    json_decref(root);
    assert_says("split/split/split.md", "| gelan-t | 64 | 74 |");
    assert_int_not_equal(wait_for(start(unknown)), 0);
    assert_says("log", "gelan-x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dry_run_tells_and_writes_nothing),
        cmocka_unit_test(numbers_are_the_runs_own),
        cmocka_unit_test(a_second_time_changes_no_byte),
        cmocka_unit_test(side_by_side_is_the_same),
        cmocka_unit_test(killed_and_stopped_it_goes_on),
        cmocka_unit_test(other_runs_are_refused),
        cmocka_unit_test(a_report_trains_nothing),
        cmocka_unit_test(split_moves_maps),
    };
    return cmocka_run_group_tests_name("study", tests, make_set, folder_remove);
}
