#include "detect/sources.h"

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "image/kinds.h"

#include <glob.h>
#include <string.h>
#include <strings.h>

enum { LIST_LIMIT = 256 << 20 };

/* Takes ownership of `path`, also on failure. */
static enum status add(struct sources *s, char *path)
{
    if (!path)
        return E_NOMEM;
    if (s->count % 256 == 0) {
        size_t old = (size_t)s->count * sizeof *s->paths;
        char **grown = mem_grow(s->paths, old, old + 256 * sizeof *s->paths);
        if (!grown) {
            mem_free(path);
            return E_NOMEM;
        }
        s->paths = grown;
    }
    s->paths[s->count++] = path;
    return OK;
}

static enum status add_folder(struct sources *s, const char *folder)
{
    char **names = NULL;
    int n = 0, before = s->count;
    enum status rc = path_list(folder, &names, &n);
    if (rc != OK)
        return rc;
    for (int i = 0; i < n; i++) {
        if (image_is_picture_name(names[i]))
            TRY(add(s, path_join(folder, names[i])));
        else
            s->other++;
    }
    if (s->count == before)
        rc = fail(E_IO, "%s: no pictures in this folder (%s)", folder, image_suffixes());
cleanup:
    path_list_free(names, n);
    return rc;
}

static enum status add_glob(struct sources *s, const char *pattern)
{
    glob_t found;
    int result = glob(pattern, 0, NULL, &found);
    if (result == GLOB_NOMATCH)
        return fail(E_IO, "%s: no such file", pattern);
    if (result != 0)
        return fail(E_IO, "%s: the pattern could not be read", pattern);
    enum status rc = OK;
    int before = s->count;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        if (image_is_picture_name(path) && !path_is_folder(path))
            TRY(add(s, mem_strdup(path)));
        else
            s->other++;
    }
    if (s->count == before)
        rc = fail(E_IO, "%s: no pictures among the %zu files it matches", pattern, (size_t)found.gl_pathc);
cleanup:
    globfree(&found);
    return rc;
}

static enum status add_list(struct sources *s, const char *list)
{
    struct buf text = {0};
    char *folder = NULL, *rest = NULL;
    int before = s->count;
    enum status rc = file_read_text(list, LIST_LIMIT, &text);
    if (rc != OK)
        return rc;
    if (!(folder = path_parent(list))) {
        rc = E_NOMEM;
        goto cleanup;
    }
    for (char *line = strtok_r(text.data, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        line += strspn(line, " \t");
        for (size_t n = strlen(line); n && strchr(" \t", line[n - 1]);)
            line[--n] = 0;
        if (*line)
            TRY(add(s, !strncmp(line, "./", 2) ? path_join(folder, line + 2) : mem_strdup(line)));
    }
    if (s->count == before)
        rc = fail(E_FORMAT, "%s: the list names no pictures", list);
cleanup:
    mem_free(folder);
    buf_free(&text);
    return rc;
}

enum status sources_expand(char *const *sources, int n, struct sources *out)
{
    enum status rc = OK;
    *out = (struct sources){0};
    for (int i = 0; i < n; i++) {
        const char *source = sources[i];
        if (path_is_folder(source))
            TRY(add_folder(out, source));
        else if (path_exists(source) && !strcasecmp(path_extension(source), "txt"))
            TRY(add_list(out, source));
        else if (path_exists(source))
            TRY(add(out, mem_strdup(source)));
        else
            TRY(add_glob(out, source));
    }
cleanup:
    if (rc != OK)
        sources_free(out);
    return rc;
}

void sources_free(struct sources *s)
{
    path_list_free(s->paths, s->count);
    *s = (struct sources){0};
}
