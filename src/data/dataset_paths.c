/* From the words of a split to picture paths (SPEC 11.1). */
#include "core/file.h"
#include "core/path.h"
#include "data/loading.h"
#include "image/kinds.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_LIST_BYTES = 1 << 30, MAX_PICTURES = 1 << 26, MAX_PATH_BYTES = 4096 };

struct loading_picture *loading_add(struct loading *l)
{
    if (l->count == l->capacity) {
        size_t old = (size_t)l->capacity * sizeof(*l->pictures), capacity = (size_t)l->capacity * 2 + 256;
        if (capacity > MAX_PICTURES) {
            fail(E_LIMIT, "%s: more than %d pictures", l->yaml->file, MAX_PICTURES);
            return NULL;
        }
        void *grown = mem_grow(l->pictures, old, capacity * sizeof(*l->pictures));
        if (!grown)
            return NULL;
        l->pictures = grown;
        l->capacity = (int)capacity;
    }
    struct loading_picture *p = &l->pictures[l->count++];
    memset(p, 0, sizeof(*p));
    p->id = -1;
    return p;
}

/* .../images/a/b.jpg -> .../labels/a/b.txt; without an images folder the label lies beside the picture. */
static const char *label_path(struct arena *arena, const char *picture)
{
    static const char folder[] = "/images/";
    const char *last = NULL, *dot = path_extension(picture);
    size_t stem = *dot ? (size_t)(dot - 1 - picture) : strlen(picture);
    for (const char *at = strstr(picture, folder); at; at = strstr(at + 1, folder))
        last = at;
    if (!last && !strncmp(picture, folder + 1, sizeof(folder) - 2)) /* the path begins with images/ */
        return arena_printf(arena, "labels/%.*s.txt", (int)(stem - (sizeof(folder) - 2)), picture + sizeof(folder) - 2);
    if (!last)
        return arena_printf(arena, "%.*s.txt", (int)stem, picture);
    const char *rest = last + sizeof(folder) - 1;
    return arena_printf(arena, "%.*s/labels/%.*s.txt", (int)(last - picture), picture,
                        (int)(stem - (size_t)(rest - picture)), rest);
}

static enum status add_picture(struct loading *l, const char *path, const char *list, int line)
{
    struct loading_picture *p = loading_add(l);
    if (!p)
        return E_NOMEM;
    p->path = arena_strdup(&l->d->arena, path);
    p->label_path = p->path ? label_path(&l->d->arena, p->path) : NULL;
    p->list = list;
    p->line = line;
    return p->label_path ? OK : E_NOMEM;
}

static enum status add_folder(struct loading *l, const char *folder, int depth)
{
    char **names = NULL;
    int n = 0;
    enum status rc = OK;
    if (depth > MAX_DEPTH)
        return fail(E_LIMIT, "%s: folders are nested more than %d deep", folder, MAX_DEPTH);
    TRY(path_list(folder, &names, &n));
    for (int i = 0; i < n; i++) {
        if (names[i][0] == '.') /* hidden, or a shadow file of macOS */
            continue;
        char *path = path_join(folder, names[i]);
        rc = !path                         ? E_NOMEM
             : image_is_picture_name(path) ? add_picture(l, path, NULL, 0)
             : path_is_folder(path)        ? add_folder(l, path, depth + 1)
                                           : OK;
        mem_free(path);
        if (rc != OK)
            break;
    }
cleanup:
    path_list_free(names, n);
    return rc;
}

/* A line of a list: absolute, "./" from the list's folder, or from the working directory and else from the list's
 * folder. Heap. */
static char *listed_path(const char *folder, const char *line)
{
    if (!strncmp(line, "./", 2))
        return path_join(folder, line + 2);
    return path_exists(line) ? mem_strdup(line) : path_join(folder, line);
}

static enum status add_list(struct loading *l, const char *list)
{
    enum status rc = OK;
    struct buf text = {0};
    char *folder = path_parent(list), *path = NULL;
    const char *name = arena_strdup(&l->d->arena, list);
    TRY(folder && name ? OK : E_NOMEM);
    TRY(file_read_text(list, MAX_LIST_BYTES, &text));
    int number = 0;
    for (char *line = text.data, *end; line && line < text.data + text.size; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text.data + text.size - line));
        if (!end)
            end = text.data + text.size;
        *end = 0;
        number++;
        size_t length = strlen(line);
        while (length && strchr(" \t\r", line[length - 1]))
            line[--length] = 0;
        line += strspn(line, " \t");
        if (!*line)
            continue;
        if (length > MAX_PATH_BYTES) {
            rc = fail(E_FORMAT, "%s:%d: a path of %zu bytes", list, number, length);
            goto cleanup;
        }
        path = listed_path(folder, line);
        TRY(path ? OK : E_NOMEM);
        TRY(add_picture(l, path, name, number));
        mem_free(path);
        path = NULL;
    }
cleanup:
    mem_free(path);
    mem_free(folder);
    buf_free(&text);
    return rc;
}

static bool has_extension(const char *path, const char *extension)
{
    return !strcmp(path_extension(path), extension);
}

/* One entry of a split, at a path that exists. */
static enum status add_entry(struct loading *l, const char *path)
{
    if (path_is_folder(path)) {
        if (l->annotations)
            return fail(E_FORMAT, "%s: a split is either annotation files or pictures with label files, not both",
                        path);
        return add_folder(l, path, 0);
    }
    if (has_extension(path, "json")) {
        if (l->count && !l->annotations)
            return fail(E_FORMAT, "%s: a split is either annotation files or pictures with label files, not both",
                        path);
        return loading_add_annotations(l, path);
    }
    if (l->annotations)
        return fail(E_FORMAT, "%s: a split is either annotation files or pictures with label files, not both", path);
    l->folders_only = false;
    return add_list(l, path);
}

/* root/entry, or without leading "../"s where only that exists; NULL: neither is there. Heap. */
static char *existing(const char *root, const char *entry)
{
    while (!strncmp(entry, "./", 2))
        entry += 2;
    for (;; entry += 3) {
        bool here = !strcmp(root, ".") && entry[0] != '/';
        char *path = here ? mem_strdup(*entry ? entry : ".") : path_join(root, entry);
        if (!path || path_exists(path))
            return path;
        mem_free(path);
        if (strncmp(entry, "../", 3) != 0)
            return NULL;
    }
}

static const char *entry_text(const struct yaml_node *split, int i)
{
    return split->type == YAML_LIST ? split->items[i]->text : split->text;
}

/* The folders that relative entries are tried in (SPEC 11.1, project rule). Heap strings; the second may be NULL. */
static enum status split_roots(const struct dataset_yaml *yaml, char *roots[2])
{
    const char *path = yaml->path ? yaml->path : ".";
    while (!strncmp(path, "./", 2))
        path += 2;
    bool here = !strcmp(path, ".") || !*path;
    roots[0] = here ? mem_strdup(yaml->folder) : path_join(yaml->folder, path);
    roots[1] = here ? mem_strdup(".") : path[0] == '/' ? NULL : mem_strdup(path);
    return roots[0] && (roots[1] || path[0] == '/') ? OK : E_NOMEM;
}

static int compare_pictures(const void *a, const void *b)
{
    const struct loading_picture *x = a, *y = b;
    if (!x->label_path && !y->label_path) /* annotations */
        return x->id < y->id ? -1 : x->id > y->id;
    int order = strcmp(x->path, y->path);
    return order ? order : x->line < y->line ? -1 : x->line > y->line;
}

enum status loading_find(struct loading *l, enum dataset_split split)
{
    const struct dataset_yaml *yaml = l->yaml;
    const struct yaml_node *node = yaml->split[split];
    const char *name = dataset_split_name(split), *missing = NULL;
    char *roots[2] = {NULL, NULL}, *path = NULL;
    enum status rc = OK;
    int root = -1;
    if (!node)
        return fail(E_ARGUMENT, "%s: it has no split %s", yaml->file, name);
    int n = node->type == YAML_LIST ? node->count : 1;
    TRY(split_roots(yaml, roots));
    for (int r = 0; r < 2 && roots[r] && root < 0; r++) {
        root = r;
        for (int i = 0; i < n && root >= 0; i++) {
            path = existing(roots[r], entry_text(node, i));
            if (!path) {
                root = -1;
                missing = missing ? missing : entry_text(node, i);
            }
            mem_free(path);
        }
    }
    path = NULL;
    if (root < 0) {
        rc = missing[0] == '/' || !roots[1] || !strcmp(roots[0], roots[1])
                 ? fail(E_IO, "%s:%d: %s %s does not exist (looked in %s)", yaml->file, node->line, name, missing,
                        roots[0])
                 : fail(E_IO, "%s:%d: %s %s does not exist, neither in %s nor in %s", yaml->file, node->line, name,
                        missing, roots[0], roots[1]);
        goto cleanup;
    }
    l->folders_only = true;
    for (int i = 0; i < n; i++) {
        path = existing(roots[root], entry_text(node, i));
        TRY(path ? OK : fail(E_IO, "%s: it vanished", entry_text(node, i)));
        TRY(add_entry(l, path));
        mem_free(path);
        path = NULL;
    }
    if (l->count == 0)
        rc = fail(E_FORMAT, "%s: no pictures in split %s (%s%s)", yaml->file, name, entry_text(node, 0),
                  n > 1 ? " ..." : "");
    else
        qsort(l->pictures, (size_t)l->count, sizeof(*l->pictures), compare_pictures);
cleanup:
    mem_free(path);
    mem_free(roots[0]);
    mem_free(roots[1]);
    return rc;
}
