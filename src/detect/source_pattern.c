/* Patterns that the shell has not expanded: * ? [abc] within a name, "**" for any number of folders, "{a,b}" for
 * either. */
#include "core/path.h"
#include "core/terminal.h"
#include "detect/source_parts.h"
#include "image/kinds.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BRACES = 64, MAX_PATTERNS = 4096 };

/* --- braces --- */

/* The first "{...,...}" of the pattern: *open and *close are its braces; false: there is none. */
static bool find_braces(const char *pattern, const char **open, const char **close)
{
    for (const char *p = pattern; *p; p++) {
        int depth = 0;
        bool comma = false;
        if (*p == '\\' && p[1])
            p++;
        if (*p != '{')
            continue;
        for (const char *q = p; *q; q++) {
            depth += (*q == '{') - (*q == '}');
            comma |= *q == ',' && depth == 1;
            if (depth == 0 && comma) {
                *open = p;
                *close = q;
                return true;
            }
            if (depth == 0)
                break;
        }
    }
    return false;
}

static enum status expand_braces(const char *pattern, int depth, struct path_set *out)
{
    const char *open, *close;
    enum status rc = OK;
    if (depth > MAX_BRACES || out->count >= MAX_PATTERNS)
        return fail(E_LIMIT, "%s: too many braces in the pattern", pattern);
    if (!find_braces(pattern, &open, &close))
        return path_set_add(out, mem_strdup(pattern));
    const char *from = open + 1;
    int level = 0;
    for (const char *p = from; p <= close && rc == OK; p++) {
        level += (*p == '{') - (*p == '}' && p < close);
        if (level || (*p != ',' && p != close))
            continue;
        struct buf one = {0};
        rc = buf_printf(&one, "%.*s%.*s%s", (int)(open - pattern), pattern, (int)(p - from), from, close + 1);
        if (rc == OK)
            rc = expand_braces(one.data, depth + 1, out);
        buf_free(&one);
        from = p + 1;
    }
    return rc;
}

/* --- matching --- */

static enum status match(const char *pattern, int flags, struct path_set *out)
{
    glob_t found;
    enum status rc = OK;
    int result = glob(pattern, flags, NULL, &found);
    if (result == GLOB_NOMATCH)
        return OK;
    if (result != 0)
        return fail(result == GLOB_NOSPACE ? E_NOMEM : E_IO, "%s: the pattern could not be read", pattern);
    for (size_t i = 0; i < found.gl_pathc && rc == OK; i++)
        rc = path_set_add(out, mem_strdup(found.gl_pathv[i]));
    globfree(&found);
    return rc;
}

/* The first "**" that is a whole name of the pattern, or NULL. */
static const char *find_levels(const char *pattern)
{
    for (const char *p = pattern; (p = strstr(p, "**")); p += 2) {
        if ((p == pattern || p[-1] == '/') && (!p[2] || p[2] == '/'))
            return p;
    }
    return NULL;
}

/* folder + "/" + rest, where the folder's letters stand for themselves. */
static enum status pattern_below(const char *folder, const char *rest, struct buf *out)
{
    enum status rc = OK;
    for (const char *p = folder; *p && rc == OK; p++)
        rc = buf_printf(out, strchr("*?[]{}\\", *p) ? "\\%c" : "%c", *p);
    size_t n = strlen(folder);
    return rc == OK ? buf_printf(out, "%s%s", n && folder[n - 1] != '/' ? "/" : "", rest) : rc;
}

static enum status match_levels(struct sources *s, const char *pattern, struct path_set *out);

/* `rest` in every folder at and below `root`. */
static enum status match_below(struct sources *s, const char *root, const char *rest, struct path_set *out)
{
    struct path_set folders = {0};
    struct buf pattern = {0};
    enum status rc = source_folders(s, root, &folders);
    for (int i = 0; i < folders.count && rc == OK; i++) {
        buf_free(&pattern);
        rc = pattern_below(folders.paths[i], rest, &pattern);
        if (rc == OK)
            rc = match_levels(s, pattern.data, out);
    }
    buf_free(&pattern);
    path_set_free(&folders);
    return rc;
}

static enum status match_levels(struct sources *s, const char *pattern, struct path_set *out)
{
    enum status rc = OK;
    struct path_set roots = {0};
    const char *levels = find_levels(pattern), *rest;
    if (!levels)
        return match(pattern, 0, out);
    for (rest = levels; !strncmp(rest, "**", 2) && (!rest[2] || rest[2] == '/');)
        rest += rest[2] ? 3 : 2; /* one after another they mean the same as one */
    size_t n = (size_t)(levels - pattern);
    char *head = mem_strdup(pattern);
    TRY_CLEAN(head ? OK : E_NOMEM);
    head[n > 1 ? n - 1 : n] = 0; /* without the slash, unless it is the root */
    if (!*head)
        TRY_CLEAN(path_set_add(&roots, mem_strdup("")));
    else
        TRY_CLEAN(match(head, GLOB_ONLYDIR, &roots));
    for (int i = 0; i < roots.count; i++) {
        if (!*roots.paths[i] || path_is_folder(roots.paths[i]))
            TRY_CLEAN(match_below(s, roots.paths[i], *rest ? rest : "*", out));
    }
cleanup:
    mem_free(head);
    path_set_free(&roots);
    return rc;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum status source_add_pattern(struct sources *s, const char *pattern)
{
    struct path_set patterns = {0}, found = {0};
    int before = s->count, matched = 0;
    enum status rc = OK;
    TRY_CLEAN(expand_braces(pattern, 0, &patterns));
    for (int i = 0; i < patterns.count; i++)
        TRY_CLEAN(match_levels(s, patterns.paths[i], &found));
    if (found.count)
        qsort(found.paths, (size_t)found.count, sizeof(char *), by_text);
    for (int i = 0; i < found.count; i++) {
        const char *path = found.paths[i];
        if (i && !strcmp(path, found.paths[i - 1])) /* two ways to it within the pattern */
            continue;
        if (path_is_folder(path))
            continue;
        matched++;
        if (image_is_picture_name(path))
            TRY_CLEAN(sources_add(s, mem_strdup(path)));
        else
            sources_leave_out(s, LEFT_OTHER, path_name(path));
    }
    if (s->count == before)
        rc = !found.count ? fail(E_IO, "%s: no such file", pattern)
             : !matched   ? fail(E_IO, "%s: it matches folders only", pattern)
                          : fail(E_IO, "%s: no pictures among the %d file%s it matches", pattern, matched,
                                 noun(matched, "", "s"));
cleanup:
    path_set_free(&patterns);
    path_set_free(&found);
    return rc;
}
