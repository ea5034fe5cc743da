#include "cli/output.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* "2" of yolov9-t-1.2 is no ending. */
static bool is_ending(const char *word)
{
    bool letter = false;
    for (; *word; word++) {
        if (!isalnum((unsigned char)*word))
            return false;
        letter |= isalpha((unsigned char)*word) != 0;
    }
    return letter;
}

static enum status check_ending(const struct output *o)
{
    const char *ending = path_extension(o->path);
    if (!o->ending || !is_ending(ending) || !strcasecmp(ending, o->ending))
        return OK;
    char *stem = path_stem(o->path);
    enum status rc = fail(E_USAGE, "%s: what is written is %s, and its name should end in .%s: %s.%s", o->path, o->what,
                          o->ending, stem ? stem : "", o->ending);
    mem_free(stem);
    return rc;
}

static enum status check_inputs(const struct output *o)
{
    struct stat out, in;
    if (stat(o->path, &out) != 0)
        return OK;
    for (int i = 0; i < COUNT(o->inputs); i++) {
        if (o->inputs[i] && stat(o->inputs[i], &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return fail(E_ARGUMENT, "%s: this is the file that is read; name another one to write", o->path);
    }
    return OK;
}

static enum status check_place(const char *path)
{
    enum status rc = OK;
    struct file_writer w;
    struct stat st;
    size_t n = strlen(path);
    char *parent = path_parent(path);
    if (!parent)
        return E_NOMEM;
    if (!n || path[n - 1] == '/' || path_is_folder(path))
        TRY_CLEAN(fail(E_ARGUMENT, "%s: cannot be written: it is a folder; name a file in it", n ? path : "''"));
    if (!path_is_folder(parent))
        TRY_CLEAN(fail(E_IO, "%s: cannot be written: there is no folder %s", path, parent));
    if (stat(path, &st) == 0 && access(path, W_OK) != 0)
        TRY_CLEAN(fail_errno("%s: cannot be written", path));
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        goto cleanup; /* a device or a pipe: it is opened once, when there is something to write */
    TRY_CLEAN(file_writer_open(&w, path));
    file_writer_abort(&w);
cleanup:
    mem_free(parent);
    return rc;
}

enum status output_check(const struct output *o)
{
    if (!o->path || !strcmp(o->path, "-"))
        return OK;
    TRY(check_ending(o));
    TRY(check_inputs(o));
    TRY(check_place(o->path));
    return OK;
}

enum status output_check_run(const char *project, const char *name)
{
    enum status rc = OK;
    char *path = mem_strdup(*project ? project : ".");
    TRY_CLEAN(path ? OK : E_NOMEM);
    while (!path_exists(path)) {
        char *parent = path_parent(path);
        mem_free(path);
        path = parent;
        TRY_CLEAN(path ? OK : E_NOMEM);
    }
    if (!path_is_folder(path))
        TRY_CLEAN(fail(E_IO, "%s: is no folder: %s/%s cannot be made", path, project, name));
    if (access(path, W_OK | X_OK) != 0)
        TRY_CLEAN(fail_errno("%s/%s: the folder cannot be made: %s", project, name, path));
cleanup:
    mem_free(path);
    return rc;
}
