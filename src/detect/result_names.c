#include "detect/result_names.h"

#include "core/buf.h"
#include "core/file_name.h"
#include "core/path.h"
#include "core/text.h"
#include "image/encode.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* --- JSON --- */

/* Names that are not UTF-8 change; two of them might then be equal. */
static enum status check_distinct(const struct result_names *names, int n)
{
    const char **sorted = mem_alloc((size_t)n, sizeof *sorted);
    enum status rc = sorted ? OK : E_NOMEM;
    for (int i = 0; i < n && rc == OK; i++)
        sorted[i] = names[i].image;
    if (rc == OK)
        qsort(sorted, (size_t)n, sizeof *sorted, by_text);
    for (int i = 1; i < n && rc == OK; i++) {
        if (!strcmp(sorted[i], sorted[i - 1]))
            rc = fail(E_FORMAT, "%s: two pictures would have this name in JSON; one of them is not UTF-8: rename it",
                      sorted[i]);
    }
    mem_free(sorted);
    return rc;
}

static enum status name_for_json(const struct identity *id, struct arena *arena, struct result_names *out, int *odd)
{
    out->image = text_utf8(arena, id->name);
    out->image_id = text_utf8(arena, id->stem);
    *odd += out->image != id->name;
    return out->image && out->image_id ? OK : E_NOMEM;
}

/* --- files --- */

/* A picture from a folder "labels" or "crops" does not mix with the folders of that name in the run. */
static const char *reserved(const char *name)
{
    static const char *const folders[] = {"labels/", "crops/"};
    for (int i = 0; i < COUNT(folders); i++) {
        if (!strncmp(name, folders[i], strlen(folders[i])))
            return folders[i];
    }
    return NULL;
}

/* A picture whose suffix names no kind that can be written becomes a JPEG. */
static const char *name_picture(const char *name, struct arena *arena)
{
    const char *folder = reserved(name), *more = image_can_write(name) ? "" : ".jpg";
    if (!folder)
        return *more ? arena_printf(arena, "%s%s", name, more) : name;
    int n = (int)strlen(folder) - 1;
    return arena_printf(arena, "%.*s_%s%s", n, folder, name + n, more);
}

struct picture_name {
    const char *name;
    int index;
};

static int by_name(const void *a, const void *b)
{
    const struct picture_name *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : x->index - y->index;
}

/* "scan.jpg" that was scan, and a picture scan.jpg: the number of the picture in the run tells them apart. */
static enum status settle_pictures(struct result_names *names, int n, struct arena *arena)
{
    struct picture_name *sorted = mem_alloc((size_t)n, sizeof *sorted);
    enum status rc = sorted ? OK : E_NOMEM;
    for (bool again = true; again && rc == OK;) {
        again = false;
        for (int i = 0; i < n; i++)
            sorted[i] = (struct picture_name){names[i].picture, i};
        qsort(sorted, (size_t)n, sizeof *sorted, by_name);
        for (int i = 1; i < n && rc == OK; i++) {
            if (strcmp(sorted[i].name, sorted[i - 1].name) != 0)
                continue;
            const char *name = sorted[i].name, *suffix = path_extension(name);
            names[sorted[i].index].picture =
                arena_printf(arena, "%.*s~%d.%s", (int)(suffix - 1 - name), name, sorted[i].index + 1, suffix);
            rc = names[sorted[i].index].picture ? OK : E_NOMEM;
            again = true;
        }
    }
    mem_free(sorted);
    return rc;
}

/* Would the name's first crop, or a later one, be called as a later crop of another picture: "a_2", where there is a
 * picture "a"? `taken` (sorted) has all names and stems. */
static bool meets_crops(const char *name, const char *const *taken, size_t n)
{
    size_t length = strlen(name), end = length;
    while (end && strchr("0123456789", name[end - 1]))
        end--;
    if (end == length || end < 2 || name[end - 1] != '_')
        return false;
    char *first = mem_strdup(name);
    if (!first)
        return true;
    first[end - 1] = 0;
    const char *key = first;
    bool found = bsearch(&key, taken, n, sizeof *taken, by_text) != NULL;
    mem_free(first);
    return found;
}

static enum status name_crops(const struct identity *id, int n, struct arena *arena, struct result_names *names)
{
    enum status rc = OK;
    size_t count = 2 * (size_t)n;
    const char **taken = mem_alloc(count, sizeof *taken);
    TRY_CLEAN(taken ? OK : E_NOMEM);
    for (int i = 0; i < n; i++) {
        taken[2 * i] = id[i].name;
        taken[2 * i + 1] = id[i].stem;
    }
    qsort(taken, count, sizeof *taken, by_text);
    for (int i = 0; i < n; i++) {
        names[i].crop = id[i].stem;
        if (meets_crops(names[i].crop, taken, count))
            names[i].crop = id[i].name;
        if (meets_crops(names[i].crop, taken, count))
            names[i].crop = arena_printf(arena, "%s~%d", id[i].name, i + 1);
        TRY_CLEAN(names[i].crop ? OK : E_NOMEM);
    }
cleanup:
    mem_free(taken);
    return rc;
}

enum status result_names_find(const struct identity *identities, int n, struct arena *arena, struct result_names *out,
                              int *odd)
{
    int not_utf8 = 0;
    for (int i = 0; i < n; i++) {
        TRY(name_for_json(&identities[i], arena, &out[i], &not_utf8));
        out[i].picture = name_picture(identities[i].name, arena);
        out[i].stem = identities[i].stem;
        TRY(out[i].picture ? OK : E_NOMEM);
    }
    if (not_utf8)
        TRY(check_distinct(out, n));
    TRY(settle_pictures(out, n, arena));
    TRY(name_crops(identities, n, arena, out));
    if (odd)
        *odd = not_utf8;
    return OK;
}

enum status result_path(const char *root, const char *folder, const char *name, const char *ending, char **path)
{
    enum status rc = OK;
    struct buf below = {0}, whole = {0};
    struct stat st;
    char last[FILE_NAME_SIZE], stem[FILE_NAME_SIZE];
    const char *own = path_name(name), *suffix = path_extension(own);
    size_t length = strlen(own);
    *path = NULL;
    if (!*ending && *suffix) { /* a name that is cut keeps its suffix */
        ending = suffix - 1;
        length = (size_t)(ending - own);
    }
    snprintf(stem, sizeof stem, "%.*s", (int)length, own);
    TRY_CLEAN(
        buf_printf(&below, "%s%s%.*s", folder, *folder && own > name ? "/" : "", (int)MAX(own - name - 1, 0), name));
    if (below.size)
        TRY_CLEAN(path_make_folder_below(root, below.data));
    file_name_fit(stem, ending, last);
    TRY_CLEAN(buf_printf(&whole, "%s/%s%s%s", root, below.data, below.size ? "/" : "", last));
    if (lstat(whole.data, &st) == 0 && S_ISLNK(st.st_mode))
        TRY_CLEAN(fail(E_IO, "%s: is a link; results are not written through links", whole.data));
    *path = whole.data;
    whole = (struct buf){0};
cleanup:
    buf_free(&below);
    buf_free(&whole);
    return rc;
}
