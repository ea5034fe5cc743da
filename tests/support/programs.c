#include "support/programs.h"

#include "core/mem.h"
#include "support/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int program_run(const char *command, bool errors, struct buf *out)
{
    char line[8192], chunk[4096];
    int n = snprintf(line, sizeof line, "%s%s", command, errors ? " 2>&1 >/dev/null" : "");
    assert_true(n > 0 && (size_t)n < sizeof line);
    buf_free(out);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
        assert_int_equal(buf_append(out, chunk, got), OK);
    assert_int_equal(buf_append(out, "", 0), OK);
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

json_t *program_json(const char *command)
{
    struct buf out = {0};
    json_t *root = NULL;
    if (program_run(command, false, &out) == 0)
        root = json_loads(out.data, 0, NULL);
    buf_free(&out);
    return root;
}

const char *program_python(const char *modules)
{
    static const char *const candidates[] = {"/usr/bin/python3", "python3"};
    char command[512];
    for (int i = 0; i < COUNT(candidates); i++) {
        snprintf(
            command, sizeof command,
            "%s -c 'import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in sys.argv[1:]))' %s "
            ">/dev/null 2>&1",
            candidates[i], modules);
        if (system(command) == 0)
            return candidates[i];
    }
    print_message("skipped: no python3 that has %s\n", modules);
    return NULL;
}

bool program_onnxruntime(char *folder, size_t size)
{
    struct buf out = {0};
    bool ok = program_run(Y9_SOURCE_DIR "/scripts/install-onnxruntime 2>&1", false, &out) == 0;
    out.data[strcspn(out.data, "\n")] = 0;
    snprintf(folder, size, "%s", out.data);
    if (!ok)
        print_message("skipped: %s\n", folder);
    buf_free(&out);
    return ok;
}

void program_folder(char *path, size_t size)
{
    snprintf(path, size, "/tmp/yolo9-test-XXXXXX");
    assert_non_null(mkdtemp(path));
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

void program_remove(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
