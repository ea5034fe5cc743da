/* From the words of a split to picture paths (SPEC 11.1). */
#include "core/file.h"
#include "core/mem.h"
#include "core/path.h"
#include "core/terminal.h"
#include "data/loading.h"
#include "image/kinds.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_DEPTH = 16, MAX_LIST_BYTES = 1 << 30, MAX_PATH_BYTES = 4096 };

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
    TRY_CLEAN(path_list(folder, &names, &n));
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

/* Bytes that no text has: a picture or another binary file that was named as a list. */
static bool is_binary(const struct buf *text)
{
    for (size_t i = 0; i < MIN(text->size, (size_t)4096); i++)
        if ((unsigned char)text->data[i] < ' ' && !strchr("\t\n\v\f", text->data[i]))
            return true;
    return memchr(text->data, 0, text->size) != NULL;
}

/* A list that is being read. Leading parts that lead nowhere are dropped, as many from every line. */
struct list_file {
    const char *name;
    struct places places; /* its own folder first */
    int drop;             /* parts; 0: not needed up to now */
    long dropped;         /* lines */
};

/* The picture of a line; one that is not there is kept as the list's folder has it, and counted as absent later. */
static enum status add_line(struct loading *l, struct list_file *g, const char *line, int number)
{
    enum status rc = OK;
    char *path = places_find(&g->places, line, 0);
    int drop = g->drop;
    if (!path && drop)
        path = places_find(&g->places, line, drop);
    else if (!path && (drop = 1) && (path = places_search(&g->places, line, &drop))) {
        g->drop = drop;
        TRY_CLEAN(loading_note(l, "%s: '%.*s' leads nowhere and is left out of its lines: %s is used for %s", g->name,
                               (int)(place_rest(line, drop) - line), line, path, line));
    }
    if (!path)
        path = place_join(g->places.folders[0], place_rest(line, 0));
    TRY_CLEAN(path ? add_picture(l, path, g->name, number) : E_NOMEM);
cleanup:
    mem_free(path);
    return rc;
}

static enum status add_list(struct loading *l, const char *list)
{
    enum status rc = OK;
    struct buf text = {0};
    char *folder = path_parent(list);
    struct list_file g = {.name = arena_strdup(&l->d->arena, list)};
    TRY_CLEAN(folder && g.name ? OK : E_NOMEM);
    places_add(&g.places, folder);
    for (int i = 0; i < l->places.n; i++)
        places_add(&g.places, l->places.folders[i]);
    places_add(&g.places, ".");
    TRY_CLEAN(file_read_text(list, MAX_LIST_BYTES, &text));
    if (is_binary(&text))
        TRY_CLEAN(fail(E_FORMAT,
                       "%s: neither a folder, a picture (by its ending), an annotation file nor a text that lists "
                       "pictures",
                       list));
    int number = 0;
    for (char *line = text.data, *end; line && line < text.data + text.size; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text.data + text.size - line));
        if (!end)
            end = text.data + text.size;
        *end = 0;
        number++;
        size_t length = strlen(line);
        while (length && strchr(" \t", line[length - 1]))
            line[--length] = 0;
        line += strspn(line, " \t");
        if (length > MAX_PATH_BYTES)
            TRY_CLEAN(fail(E_FORMAT, "%s:%d: a path of %zu bytes", list, number, length));
        if (*line)
            TRY_CLEAN(add_line(l, &g, line, number));
    }
cleanup:
    mem_free(folder);
    buf_free(&text);
    return rc;
}

static bool has_extension(const char *path, const char *extension)
{
    return !strcasecmp(path_extension(path), extension);
}

static enum status not_both(const char *path)
{
    return fail(E_FORMAT, "%s: a split is either annotation files or pictures with label files, not both", path);
}

/* One entry of a split, at a path that exists. */
static enum status add_entry(struct loading *l, const char *path, const char *split)
{
    bool taken = false;
    if (!l->count || l->voc)
        TRY(voc_add_entry(l, path, split, &taken));
    if (taken)
        return OK;
    if (has_extension(path, "json") && !path_is_folder(path))
        return l->voc || (l->count && !l->annotations) ? not_both(path) : loading_add_annotations(l, path);
    if (l->annotations)
        return not_both(path);
    if (path_is_folder(path))
        return add_folder(l, path, 0);
    l->folders_only = false;
    return image_is_picture_name(path) ? add_picture(l, path, NULL, 0) : add_list(l, path);
    return OK;
}

static const char *entry_text(const struct yaml_node *split, int i)
{
    return split->type == YAML_LIST ? split->items[i]->text : split->text;
}

/* `path: .` is the YAML's own folder. */
static bool is_home(const char *path)
{
    path = place_rest(path, 0);
    return !*path || !strcmp(path, ".");
}

/* The folders that a split's relative entries are tried in (SPEC 11.1, project rule): `path` from the YAML's folder,
 * `path` from the working directory, and where `path` itself is not here, the YAML's folder. */
static enum status find_places(struct loading *l)
{
    const struct dataset_yaml *yaml = l->yaml;
    struct arena *arena = &l->d->arena;
    const char *path = place_rest(yaml->path ? yaml->path : ".", 0);
    if (is_home(path)) {
        places_add(&l->places, yaml->folder);
        places_add(&l->places, ".");
        return OK;
    }
    char *from_yaml = place_join(yaml->folder, path);
    const char *copy = from_yaml ? arena_strdup(arena, from_yaml) : NULL;
    mem_free(from_yaml);
    if (!copy)
        return E_NOMEM;
    places_add(&l->places, copy);
    places_add(&l->places, path);
    if (path_exists(copy) || path_exists(path))
        return OK;
    places_add(&l->places, yaml->folder);
    return OK;
}

/* Where all entries of the split are, in one place; found[] is filled with heap paths. */
static bool find_entries(const struct loading *l, const struct yaml_node *node, int n, bool drop_any, char **found,
                         int *place)
{
    for (*place = 0; *place < l->places.n; ++*place) {
        struct places one = {0};
        int i = 0;
        places_add(&one, l->places.folders[*place]);
        for (; i < n; i++) {
            const char *entry = entry_text(node, i);
            int drop = 0;
            found[i] = places_find(&one, entry, 0);
            for (; !found[i] && !strncmp(place_rest(entry, drop), "../", 3);)
                found[i] = places_find(&one, entry, ++drop); /* Roboflow: one level too many */
            if (!found[i] && drop_any)
                found[i] = places_search(&one, entry, &drop);
            if (!found[i])
                break;
        }
        if (i == n)
            return true;
        while (i > 0)
            mem_free(found[--i]);
        memset(found, 0, (size_t)n * sizeof(*found));
    }
    return false;
}

static enum status entries_missing(const struct loading *l, const struct yaml_node *node, int n, const char *name)
{
    const char *missing = entry_text(node, 0);
    for (int i = 0; i < n; i++) {
        char *path = places_find(&l->places, entry_text(node, i), 0);
        if (!path) {
            missing = entry_text(node, i);
            break;
        }
        mem_free(path);
    }
    char *where = places_text(&l->places);
    fail(E_IO, "%s:%d: %s %s does not exist (looked in %s%s)", l->yaml->file, node->line, name, missing,
         where ? where : "", strchr(missing, '/') ? ", also without its leading folders" : "");
    mem_free(where);
    return E_IO;
}

static enum status add_entries(struct loading *l, const struct yaml_node *node, int n, const char *name)
{
    enum status rc = OK;
    int place;
    char **found = mem_calloc((size_t)n, sizeof(*found));
    if (!found)
        return E_NOMEM;
    bool exact = find_entries(l, node, n, false, found, &place);
    if (!exact && !find_entries(l, node, n, true, found, &place))
        TRY_CLEAN(entries_missing(l, node, n, name));
    if (l->yaml->path && l->places.n > 1 && l->places.folders[place] == l->yaml->folder && !is_home(l->yaml->path))
        TRY_CLEAN(loading_note(l, "path %s does not exist: the folder of %s is used", l->yaml->path, l->yaml->file));
    for (int i = 0; i < n; i++) {
        if (!exact)
            TRY_CLEAN(loading_note(l, "%s %s does not exist: %s is used", name, entry_text(node, i), found[i]));
        TRY_CLEAN(add_entry(l, found[i], name));
    }
cleanup:
    for (int i = 0; i < n; i++)
        mem_free(found[i]);
    mem_free(found);
    return rc;
}

static int compare_pictures(const void *a, const void *b)
{
    const struct loading_picture *x = a, *y = b;
    if (!x->label_path && !y->label_path && x->id != y->id) /* annotations with ids */
        return x->id < y->id ? -1 : 1;
    int order = strcmp(x->path, y->path);
    return order ? order : x->line < y->line ? -1 : x->line > y->line;
}

/* Pictures by their identity. One that is named twice is one picture, except where annotations give it two ids. */
static enum status identify(struct loading *l)
{
    enum status rc = OK;
    int kept = 0, repeated = 0;
    const char **paths = mem_alloc((size_t)l->count, sizeof(*paths));
    struct identity *identities = mem_alloc((size_t)l->count, sizeof(*identities));
    TRY_CLEAN(paths && identities ? OK : E_NOMEM);
    for (int i = 0; i < l->count; i++)
        paths[i] = l->pictures[i].path;
    TRY_CLEAN(identities_find(paths, l->count, &l->d->arena, identities));
    for (int i = 0; i < l->count; i++) {
        bool again = identities[i].first != i;
        repeated += again;
        if (again && l->pictures[i].id < 0)
            continue;
        l->pictures[i].identity = identities[i];
        l->pictures[kept++] = l->pictures[i];
    }
    l->count = kept;
    if (l->annotations && !l->voc && repeated)
        TRY_CLEAN(
            loading_note(l, "%d picture%s listed again under another id", repeated, noun(repeated, " is", "s are")));
    else
        l->d->summary.repeated = repeated;
cleanup:
    mem_free(paths);
    mem_free(identities);
    return rc;
}

enum status loading_find(struct loading *l, enum dataset_split split)
{
    const struct yaml_node *node = l->yaml->split[split];
    const char *name = dataset_split_name(split);
    if (!node)
        return fail(E_ARGUMENT, "%s: it has no split %s", l->yaml->file, name);
    int n = node->type == YAML_LIST ? node->count : 1;
    l->folders_only = true;
    TRY(find_places(l));
    TRY(add_entries(l, node, n, name));
    if (l->count == 0)
        return fail(E_FORMAT, "%s: no pictures in split %s (%s%s)", l->yaml->file, name, entry_text(node, 0),
                    n > 1 ? " ..." : "");
    qsort(l->pictures, (size_t)l->count, sizeof(*l->pictures), compare_pictures);
    TRY(identify(l));
    if (!l->annotations)
        TRY(label_paths_settle(l));
    return OK;
}
