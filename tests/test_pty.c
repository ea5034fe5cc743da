/* The program on terminals: no line of any verb is wider than they are, also after they were resized; and into a pipe
 * there are no control characters, and a line for every epoch. */
#include "support/unit.h"

#include "core/buf.h"
#include "core/terminal.h"
#include "data/synth.h"

#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/test_pty_with_a_rather_long_name_of_its_folder_XXXXXX";

static void enter_and_run(const char *words)
{
    char command[1024];
    snprintf(command, sizeof command, "exec '%s/yolo9' %s", Y9_BINARY_DIR, words);
    if (chdir(folder) == 0)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Runs yolo9 on a terminal of so many columns, which becomes `later` columns wide once `when` was shown (NULL: never).
 * *resized: bytes that were shown until the program must have noticed. */
static int run_on_terminal(const char *words, int columns, const char *when, int later, struct buf *out,
                           size_t *resized)
{
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    char chunk[4096];
    int terminal, status;
    bool grown = false;
    out->size = 0;
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    assert_true(child >= 0);
    if (child == 0) {
        setenv("TERM", "xterm", 1);
        enter_and_run(words);
    }
    for (ssize_t n; (n = read(terminal, chunk, sizeof chunk)) > 0;) {
        assert_int_equal(buf_append(out, chunk, (size_t)n), OK);
        if (when && !grown && strstr(out->data, when)) {
            size.ws_col = (unsigned short)later;
            assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
            grown = true;
            usleep(100000); /* what was on its way */
            struct pollfd waiting = {.fd = terminal, .events = POLLIN};
            if (poll(&waiting, 1, 0) == 1 && (n = read(terminal, chunk, sizeof chunk)) > 0)
                assert_int_equal(buf_append(out, chunk, (size_t)n), OK);
            *resized = out->size;
        }
    }
    close(terminal);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(!when || grown);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Every line, as a terminal shows it: a carriage return begins it again, "\033[K" takes no place. */
static void expect_within(const char *words, const char *text, int columns)
{
    char line[8192];
    size_t n = 0;
    for (const char *p = text; *p; p++) {
        if (!strncmp(p, "\033[K", 3)) {
            p += 2;
        } else if (*p == '\r' || *p == '\n') {
            line[n] = 0;
            if (text_columns(line) > columns)
                fail_msg("%s: %d columns on a terminal of %d: %s", words, text_columns(line), columns, line);
            n = 0;
        } else {
            assert_true(n + 1 < sizeof line);
            assert_true((unsigned char)*p >= 0x20);
            line[n++] = *p;
        }
    }
}

#define TRAIN \
    "train --cfg gelan-t --data set/data.yaml --img 32 --batch 2 --epochs 2 --project runs --name a --exist-ok"

static const char *const verbs[] = {
    TRAIN,
    "val --weights runs/a/weights/best.safetensors --data set/data.yaml --project runs --name v --batch 1",
    "quantize --weights runs/a/weights/best.safetensors --data set/data.yaml --images 4 --out q.safetensors",
    "export --weights runs/a/weights/best.safetensors --out w.onnx",
    "convert runs/a/weights/best.safetensors w.safetensors",
    "info",
    "info yolov9-t --rows",
    "info runs/a/weights/best.safetensors",
    "bench --weights runs/a/weights/best.safetensors --runs 1 --per-layer",
    "bench --cfg gelan-t --img 64 --runs 1 --train",
    "detect --weights runs/a/weights/best.safetensors set/images/val --project runs --name d --conf 0.0001",
    "doctor set --img 64 --project runs --name doctor",
};

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    static const int widths[] = {60, 80};
    struct buf out = {0};
    for (int w = 0; w < COUNT(widths); w++) {
        for (int i = 0; i < COUNT(verbs); i++) {
            int code = run_on_terminal(verbs[i], widths[w], NULL, 0, &out, NULL);
            if (code != 0)
                fail_msg("%s: exit code %d\n%s", verbs[i], code, out.data);
            expect_within(verbs[i], out.data, widths[w]);
            if (i == 0) {
                assert_non_null(strstr(out.data, "epoch 1/2"));
                assert_non_null(strstr(out.data, "[#"));
                assert_non_null(strstr(out.data, "run 0:"));
                assert_non_null(strstr(out.data, "\033[K  2/2")); /* a row an epoch, on a line of its own */
                assert_non_null(strstr(out.data, "\nbest epoch"));
            }
        }
    }
    buf_free(&out);
}

/* The comparison of families, the widest of the tables, shows every name in full where most terminals are so wide. */
static void families_fit_in_80_columns(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(run_on_terminal("info --families", 80, NULL, 0, &out, NULL), 0);
    expect_within("info --families", out.data, 80);
    assert_non_null(strstr(out.data, "\nyolov7-tiny "));
    buf_free(&out);
}

static void a_terminal_may_be_resized(void **state)
{
    (void)state;
    struct buf out = {0};
    size_t resized = 0;
    assert_int_equal(run_on_terminal(TRAIN " --epochs 4", 150, "epoch 1/4", 60, &out, &resized), 0);
    const char *rest = strchr(out.data + resized, '\r'); /* a line that begins after it */
    assert_non_null(rest);
    assert_non_null(strstr(rest, "epoch 4/4"));
    expect_within("train", rest, 60);
    buf_free(&out);
}

static void a_log_has_no_control_characters(void **state)
{
    (void)state;
    char words[1024], chunk[4096];
    struct buf out = {0};
    for (int i = 0; i < COUNT(verbs); i++) {
        snprintf(words, sizeof words, "cd '%s' && '%s/yolo9' %s 2>&1", folder, Y9_BINARY_DIR, verbs[i]);
        FILE *pipe = popen(words, "r");
        assert_non_null(pipe);
        out.size = 0;
        for (size_t n; (n = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
            assert_int_equal(buf_append(&out, chunk, n), OK);
        if (pclose(pipe) != 0)
            fail_msg("%s failed:\n%s", verbs[i], out.data);
        for (const char *p = out.data; *p; p++)
            if ((unsigned char)*p < 0x20 && *p != '\n')
                fail_msg("%s: a control character: %.40s", verbs[i], p);
        if (i == 0) {
            assert_non_null(strstr(out.data, "train: 4 of 4 pictures, "));
            assert_non_null(strstr(out.data, "\nepoch 1/2: box "));
            assert_non_null(strstr(out.data, "\nepoch 2/2: box "));
            assert_non_null(strstr(out.data, " mAP50 "));
        }
        if (strstr(verbs[i], "detect"))
            assert_non_null(strstr(out.data, "image 1/2 set/images/val/000004.jpg: 32x32 "));
    }
    buf_free(&out);
}

static int set_up(void **state)
{
    (void)state;
    char path[128];
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/set", folder);
    const struct synth_config set = {
        .folder = path, .images = 6, .classes = 2, .h = 64, .w = 64, .val_fraction = 0.34, .quiet = true};
    return synth_write(&set) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(families_fit_in_80_columns),
        cmocka_unit_test(a_terminal_may_be_resized),
        cmocka_unit_test(a_log_has_no_control_characters),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
