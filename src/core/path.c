#include "core/path.h"

#include "core/mem.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *copy_range(const char *text, size_t n)
{
    char *copy = mem_alloc(n + 1, 1);
    if (copy) {
        memcpy(copy, text, n);
        copy[n] = 0;
    }
    return copy;
}

char *path_join(const char *folder, const char *name)
{
    if (name[0] == '/' || !folder[0])
        return mem_strdup(name);
    size_t n = strlen(folder), size = n + strlen(name) + 2;
    char *joined = mem_alloc(size, 1);
    if (joined)
        snprintf(joined, size, "%s%s%s", folder, folder[n - 1] == '/' ? "" : "/", name);
    return joined;
}

/* Append the names of `path` to `out` ("" or "/a/b"), which has room. */
static size_t append_names(char *out, size_t size, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (size && out[--size] != '/')
                ;
        } else if (n && !(n == 1 && path[0] == '.')) {
            out[size] = '/';
            memcpy(out + size + 1, path, n);
            size += n + 1;
        }
        path += n + (path[n] == '/');
    }
    out[size] = 0;
    return size;
}

char *path_absolute(const char *path)
{
    char here[PATH_MAX] = "/";
    if (path[0] != '/' && !getcwd(here, sizeof here))
        strcpy(here, "/"); /* the working directory was removed */
    char *out = mem_alloc(strlen(here) + strlen(path) + 3, 1);
    if (!out)
        return NULL;
    size_t size = append_names(out, path[0] == '/' ? 0 : append_names(out, 0, here), path);
    if (!size)
        strcpy(out, "/");
    return out;
}

char *path_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    return copy_range(path, slash == path ? 1 : (size_t)(slash - path));
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *path_extension(const char *path)
{
    const char *name = path_name(path), *dot = strrchr(name, '.');
    return dot && dot != name ? dot + 1 : "";
}

char *path_stem(const char *path)
{
    const char *name = path_name(path), *dot = strrchr(name, '.');
    return copy_range(name, dot && dot != name ? (size_t)(dot - name) : strlen(name));
}

bool path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool path_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum status path_make_folder(const char *path)
{
    char *copy = mem_strdup(path);
    if (!copy)
        return E_NOMEM;
    enum status rc = OK;
    for (char *p = copy + 1;; p++) {
        char c = *p;
        if (c && c != '/')
            continue;
        *p = 0;
        if (mkdir(copy, 0777) != 0 && !(errno == EEXIST && path_is_folder(copy))) {
            rc = fail_errno("%s: the folder cannot be made", copy);
            break;
        }
        *p = c;
        if (!c)
            break;
    }
    mem_free(copy);
    return rc;
}

enum status path_make_folder_below(const char *root, const char *below)
{
    enum status rc = OK;
    struct stat st;
    char *path = path_join(root, below);
    if (!path)
        return E_NOMEM;
    for (char *p = path + strlen(root) + 1; rc == OK && *below; p++) {
        char c = *p;
        if (c && c != '/')
            continue;
        *p = 0;
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            rc = fail_errno("%s: the folder cannot be made", path);
        else if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode)) /* a link could lead anywhere */
            rc = fail(E_IO, "%s: there is something else where a folder is to be made", path);
        *p = c;
        if (!c)
            break;
    }
    mem_free(path);
    return rc;
}

enum status path_try_folder(const char *path)
{
    char *at = mem_strdup(*path ? path : ".");
    enum status rc = at ? OK : E_NOMEM;
    while (rc == OK && !path_exists(at)) {
        char *up = path_parent(at);
        mem_free(at);
        at = up;
        rc = at ? OK : E_NOMEM;
    }
    if (rc == OK && !path_is_folder(at))
        rc = fail(E_IO, "%s: the folder cannot be made: %s is a file", path, at);
    else if (rc == OK && access(at, W_OK | X_OK) != 0)
        rc = fail_errno("%s: nothing can be written to the folder", at);
    mem_free(at);
    return rc;
}

enum status path_make_run(const char *project, const char *name, bool exist_ok, char **out)
{
    size_t size = strlen(project) + strlen(name) + 24;
    char *path = mem_alloc(size, 1);
    if (!path)
        return E_NOMEM;
    snprintf(path, size, "%s%s%s", project, project[0] ? "/" : "", name);
    char *parent = path_parent(path); /* the name may have folders of its own */
    enum status rc = parent ? path_make_folder(parent) : E_NOMEM;
    mem_free(parent);
    for (int i = 2; rc == OK; i++) {
        /* mkdir, not a look before it, decides: two runs started together get two folders */
        if (mkdir(path, 0777) == 0)
            break;
        if (errno != EEXIST)
            rc = fail_errno("%s: the folder cannot be made", path);
        else if (exist_ok && path_is_folder(path))
            break;
        else
            snprintf(path, size, "%s%s%s%d", project, project[0] ? "/" : "", name, i);
    }
    if (rc != OK) {
        mem_free(path);
        path = NULL;
    }
    *out = path;
    return rc;
}

void path_remove_empty(const char *folder)
{
    char **names;
    int n;
    if (path_list(folder, &names, &n) != OK)
        return;
    for (int i = 0; i < n; i++) {
        char *path = path_join(folder, names[i]);
        if (path)
            rmdir(path); /* fails for files and for folders that hold something */
        mem_free(path);
    }
    path_list_free(names, n);
    rmdir(folder);
}

/* --- what lies in a folder --- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct path_entry *)a)->name, ((const struct path_entry *)b)->name);
}

static enum path_kind kind_of_mode(mode_t mode)
{
    return S_ISREG(mode) ? PATH_FILE : S_ISDIR(mode) ? PATH_FOLDER : PATH_OTHER;
}

/* What a link leads to; one that leads nowhere counts as a file, whose reader says so. */
static enum path_kind entry_kind(DIR *dir, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type == DT_REG)
        return PATH_FILE;
    if (entry->d_type == DT_DIR)
        return PATH_FOLDER;
    return fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 ? kind_of_mode(st.st_mode) : PATH_FILE;
}

/* Without `kinds` no file is looked at. */
static enum status list_folder(const char *folder, bool kinds, struct path_entry **entries, int *count)
{
    enum status rc = OK;
    struct path_entry *list = NULL;
    int n = 0, capacity = 0;
    *entries = NULL;
    *count = 0;
    DIR *dir = opendir(folder);
    if (!dir)
        return fail_errno("%s", folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (n == capacity) {
            void *grown = mem_grow(list, (size_t)n * sizeof *list, ((size_t)capacity * 2 + 64) * sizeof *list);
            TRY_CLEAN(grown ? OK : E_NOMEM);
            list = grown;
            capacity = capacity * 2 + 64;
        }
        list[n] = (struct path_entry){mem_strdup(entry->d_name), kinds ? entry_kind(dir, entry) : PATH_FILE};
        TRY_CLEAN(list[n].name ? OK : E_NOMEM);
        n++;
    }
    if (n)
        qsort(list, (size_t)n, sizeof *list, by_name);
    *entries = list;
    *count = n;
    list = NULL;
cleanup:
    if (list)
        path_entries_free(list, n);
    closedir(dir);
    return rc;
}

enum status path_entries(const char *folder, struct path_entry **entries, int *count)
{
    return list_folder(folder, true, entries, count);
}

void path_entries_free(struct path_entry *entries, int count)
{
    for (int i = 0; i < count; i++)
        mem_free(entries[i].name);
    mem_free(entries);
}

enum status path_list(const char *folder, char ***names, int *count)
{
    struct path_entry *entries;
    int n;
    *names = NULL;
    *count = 0;
    enum status rc = list_folder(folder, false, &entries, &n);
    if (rc != OK)
        return rc;
    char **list = mem_alloc((size_t)n, sizeof *list);
    if (!list) {
        path_entries_free(entries, n);
        return E_NOMEM;
    }
    for (int i = 0; i < n; i++)
        list[i] = entries[i].name;
    mem_free(entries);
    *names = list;
    *count = n;
    return OK;
}

void path_list_free(char **names, int count)
{
    for (int i = 0; i < count; i++)
        mem_free(names[i]);
    mem_free(names);
}
