/* yolo9 train from outside: killed with SIGKILL at ten random moments, also while it saves, and resumed each time with
 * other numbers of threads and workers, a run ends with the bytes of an undisturbed one. Ctrl-C saves and says how to
 * go on. Runs on a drawn data set. */
#include "support/folder.h"
#include "support/unit.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/rng.h"
#include "data/synth.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLS = 10 };

static char *in_folder(const char *name)
{
    char *path = path_join(folder, name);
    assert_non_null(path);
    return path;
}

/* Starts yolo9 with these words in the test's folder; messages go to the file `log`. */
static pid_t start(const char *const *words)
{
    char program[512];
    char *argv[64] = {program};
    snprintf(program, sizeof program, "%s/yolo9", Y9_BINARY_DIR);
    int n = 1;
    for (; words[n - 1]; n++)
        argv[n] = (char *)(uintptr_t)words[n - 1];
    argv[n] = NULL;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int log = chdir(folder) == 0 ? open("log", O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
        if (log >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0)
            execv(program, argv);
        _exit(127);
    }
    return child;
}

/* Waits at most `seconds`; the exit code, -1 when it still runs. */
static int wait_for(pid_t child, double seconds)
{
    double end = clock_seconds() + seconds;
    for (;;) {
        int status;
        pid_t done = waitpid(child, &status, WNOHANG);
        assert_true(done >= 0);
        if (done == child)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
        if (clock_seconds() >= end)
            return -1;
        usleep(2000);
    }
}

static void kill_and_wait(pid_t child, int signal_number)
{
    int status;
    kill(child, signal_number);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void assert_log(const char *words)
{
    struct buf text = {0};
    char *path = in_folder("log");
    assert_int_equal(file_read(path, 1 << 24, &text), OK);
    if (!text.data || !strstr(text.data, words))
        fail_msg("the log does not say '%s':\n%s", words, text.data ? text.data : "");
    buf_free(&text);
    mem_free(path);
}

#define OPTIONS                                                                                                     \
    "train", "--cfg", "yolov9-t", "--data", "set/data.yaml", "--img", "64", "--batch", "3", "--nominal-batch", "9", \
        "--epochs", "4", "--project", "runs", "--noplots", "--save-minutes", "0.0002"

static double run_whole(void)
{
    static const char *const words[] = {OPTIONS, "--name", "whole", "--threads", "1", "--workers", "0", NULL};
    double begun = clock_seconds();
    int code = wait_for(start(words), 600);
    if (code != 0)
        assert_log("no failure");
    return clock_seconds() - begun;
}

static void same_bytes(const char *file)
{
    char name[128];
    struct buf a = {0}, b = {0};
    snprintf(name, sizeof name, "runs/whole/%s", file);
    char *whole = in_folder(name);
    snprintf(name, sizeof name, "runs/cut/%s", file);
    char *cut = in_folder(name);
    assert_int_equal(file_read(whole, 1 << 30, &a), OK);
    assert_int_equal(file_read(cut, 1 << 30, &b), OK);
    if (a.size != b.size || memcmp(a.data, b.data, a.size) != 0)
        fail_msg("%s is not what the undisturbed run wrote", file);
    buf_free(&a);
    buf_free(&b);
    mem_free(whole);
    mem_free(cut);
}

static void assert_no_temporary(const char *name)
{
    char *path = in_folder(name), **names;
    int n;
    assert_int_equal(path_list(path, &names, &n), OK);
    for (int i = 0; i < n; i++)
        assert_null(strstr(names[i], ".tmp"));
    path_list_free(names, n);
    mem_free(path);
}

static void ten_kills_change_no_byte(void **state)
{
    (void)state;
    static const char *const first[] = {OPTIONS, "--name", "cut", "--threads", "2", "--workers", "2", NULL};
    struct rng rng = rng_seed((uint64_t)getpid(), (uint64_t)(clock_seconds() * 1e6), 0);
    double whole = run_whole();
    char *options = in_folder("runs/cut/opt.yaml"), *state_file = in_folder("runs/cut/state.safetensors");
    const char *const *words = first;
    int kills = 0, code = -1;
    for (int tries = 0; code != 0; tries++) {
        char threads[4], workers[4];
        const char *const resume[] = {"train", "--resume",  "runs/cut", "--threads",
                                      threads, "--workers", workers,    NULL};
        snprintf(threads, sizeof threads, "%d", 1 + tries % 3);
        snprintf(workers, sizeof workers, "%d", tries % 4);
        if (path_exists(options))
            words = resume;
        bool begun = path_exists(state_file);
        pid_t child = start(words);
        code = wait_for(child, kills < KILLS ? rng_range(&rng, 0.02, 0.6 * whole) : 600);
        if (code > 0)
            assert_log("no failure");
        if (code < 0) {
            kill_and_wait(child, SIGKILL);
            kills += begun || path_exists(state_file); /* one before the first state proves nothing */
        }
        assert_true(tries < 1000);
    }
    print_message("an undisturbed run took %.1f s; %d kills\n", whole, kills);
    same_bytes("results.csv");
    same_bytes("weights/last.safetensors");
    same_bytes("weights/best.safetensors");
    assert_no_temporary("runs/cut");
    assert_no_temporary("runs/cut/weights");

    static const char *const again[] = {"train", "--resume", "runs/cut/weights/last.safetensors", NULL};
    assert_int_equal(wait_for(start(again), 60), 0);
    assert_log("finished");
    same_bytes("weights/last.safetensors");
    mem_free(options);
    mem_free(state_file);
}

static void an_interrupt_saves_and_says_how_to_go_on(void **state)
{
    (void)state;
    static const char *const words[] = {OPTIONS, "--name", "stopped", NULL};
    char *saved = in_folder("runs/stopped/state.safetensors"), *path = in_folder("log");
    pid_t child = start(words);
    for (int i = 0; i < 30000 && !path_exists(saved); i++)
        usleep(2000);
    int code = wait_for(child, 0.05);
    assert_int_equal(code, -1);
    kill(child, SIGINT);
    assert_int_equal(wait_for(child, 120), 128 + SIGINT);
    assert_log("yolo9 train --resume runs/stopped");
    assert_true(path_exists(saved));
    static const char *const resume[] = {"train", "--resume", "--project", "runs", NULL}; /* the newest */
    assert_int_equal(wait_for(start(resume), 600), 0);
    assert_log("results are in runs/stopped");
    mem_free(saved);
    mem_free(path);
}

static void two_processes_do_not_share_a_run(void **state)
{
    (void)state;
    static const char *const words[] = {OPTIONS, "--name", "shared", NULL};
    static const char *const resume[] = {"train", "--resume", "runs/shared", NULL};
    char *saved = in_folder("runs/shared/state.safetensors");
    pid_t child = start(words);
    for (int i = 0; i < 30000 && !path_exists(saved); i++)
        usleep(2000);
    kill(child, SIGSTOP);
    assert_int_equal(wait_for(start(resume), 60), 1);
    assert_log("another process trains in this folder");
    kill_and_wait(child, SIGKILL);
    mem_free(saved);
}

/* A run that two_processes_do_not_share_a_run left behind, killed. */
static void a_resumed_run_keeps_its_classes_and_needs_its_state(void **state)
{
    (void)state;
    static const char *const resume[] = {"train", "--resume", "runs/shared", NULL};
    struct buf text = {0};
    char *yaml = in_folder("set/data.yaml"), *saved = in_folder("runs/shared/state.safetensors");
    char *last = in_folder("runs/shared/weights/last.safetensors");
    assert_int_equal(file_read(yaml, 1 << 20, &text), OK);
    char *disc = strstr(text.data, "disc"), *star = strstr(text.data, "star");
    assert_true(disc && star);
    struct buf changed = {0};
    assert_int_equal(buf_append(&changed, text.data, text.size), OK);
    memcpy(changed.data + (disc - text.data), "star", 4);
    memcpy(changed.data + (star - text.data), "disc", 4);
    assert_int_equal(file_write(yaml, changed.data, changed.size), OK);
    assert_int_equal(wait_for(start(resume), 60), 1);
    assert_log("the classes stand in another order");
    assert_int_equal(file_write(yaml, text.data, text.size), OK);
    assert_int_equal(file_write(last, "x", 1), OK);
    assert_int_equal(unlink(saved), 0);
    assert_int_equal(wait_for(start(resume), 60), 1);
    assert_log("has weights but no state.safetensors");
    buf_free(&text);
    buf_free(&changed);
    mem_free(yaml);
    mem_free(saved);
    mem_free(last);
}

static int setup(void **state)
{
    folder_make(state);
    char *set = path_join(folder, "set");
    const struct synth_config synth = {
        .folder = set, .images = 12, .classes = 2, .h = 96, .w = 96, .val_fraction = 0.25, .quiet = true};
    int rc = set && synth_write(&synth) == OK ? 0 : -1;
    mem_free(set);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_kills_change_no_byte),
        cmocka_unit_test(an_interrupt_saves_and_says_how_to_go_on),
        cmocka_unit_test(two_processes_do_not_share_a_run),
        cmocka_unit_test(a_resumed_run_keeps_its_classes_and_needs_its_state),
    };
    return cmocka_run_group_tests(tests, setup, folder_remove);
}
