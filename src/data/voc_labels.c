/* Pascal VOC data sets: an XML file a picture. A split names the set's folder (Annotations/, JPEGImages/,
 * ImageSets/Main/<split>.txt), a list of ImageSets/Main, a folder of XML files, or a folder of pictures whose XML files
 * lie beside them or in Annotations/. */
#include "core/file.h"
#include "core/path.h"
#include "core/terminal.h"
#include "data/loading.h"
#include "data/voc_file.h"
#include "image/kinds.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_DEPTH = 16, MAX_LIST_BYTES = 1 << 30 };

static const char annotations[] = "Annotations";

static bool is_xml(const char *path)
{
    return !strcasecmp(path_extension(path), "xml");
}

/* .../JPEGImages/a.jpg, and the other places where the picture of .../Annotations/a.xml may be, for one ending. */
static char *picture_in(const char *folder, const char *pictures, const char *stem, const char *extension)
{
    struct buf path = {0};
    const char *last = NULL, *end = folder + strlen(folder);
    for (const char *at = folder; (at = strstr(at, annotations)); at++)
        if ((at == folder || at[-1] == '/') && (!at[sizeof(annotations) - 1] || at[sizeof(annotations) - 1] == '/'))
            last = at;
    enum status rc = OK;
    if (!pictures) /* beside the annotation */
        rc = buf_printf(&path, "%s/%s.%s", folder, stem, extension);
    else if (last)
        rc = buf_printf(&path, "%.*s%s%.*s/%s.%s", (int)(last - folder), folder, pictures,
                        (int)(end - last - (long)sizeof(annotations) + 1), last + sizeof(annotations) - 1, stem,
                        extension);
    else
        rc = buf_printf(&path, "%s/../%s/%s.%s", folder, pictures, stem, extension);
    char *copy = rc == OK ? mem_strdup(path.data) : NULL;
    buf_free(&path);
    return copy;
}

static const char *const picture_folders[] = {"JPEGImages", "images", "Images", NULL};
enum { ENDING_BYTES = 8 };

/* Ending number k: those of pictures in small letters, then in capitals; false: there are no more. */
static bool ending_of(int k, char ending[ENDING_BYTES])
{
    int n = 0;
    while (image_suffix(n))
        n++;
    if (k >= 2 * n)
        return false;
    snprintf(ending, ENDING_BYTES, "%s", image_suffix(k % n));
    for (char *p = ending; k >= n && *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return true;
}

/* The picture at place number k, counted through the endings of each folder; NULL: no such place, or short of memory.
 */
static char *picture_at(const char *folder, const char *stem, int k)
{
    char ending[ENDING_BYTES];
    int endings = 0;
    while (ending_of(endings, ending))
        endings++;
    if (k / endings >= COUNT(picture_folders) || !ending_of(k % endings, ending))
        return NULL;
    return picture_in(folder, picture_folders[k / endings], stem, ending);
}

/* The picture of an annotation: by its own name, in the usual places; *hint is where the one before was found. Heap;
 * one that is nowhere has the name that it would have in the first place. */
static char *find_picture(const char *xml, int *hint)
{
    char *folder = path_parent(xml), *stem = path_stem(xml), *found = NULL;
    if (folder && stem)
        found = picture_at(folder, stem, *hint);
    for (int k = 0; found && !path_exists(found); k++) {
        mem_free(found);
        found = picture_at(folder, stem, k);
        if (found && path_exists(found))
            *hint = k;
    }
    if (!found && folder && stem)
        found = picture_at(folder, stem, 0);
    mem_free(folder);
    mem_free(stem);
    return found;
}

static enum status add_annotation(struct loading *l, const char *xml, const char *list, int line)
{
    enum status rc = OK;
    struct loading_picture *p = loading_add(l);
    char *picture = find_picture(xml, &l->voc_hint);
    TRY_CLEAN(p && picture ? OK : E_NOMEM);
    p->path = arena_strdup(&l->d->arena, picture);
    p->voc = arena_strdup(&l->d->arena, xml);
    p->list = list;
    p->line = line;
    TRY_CLEAN(p->path && p->voc ? OK : E_NOMEM);
    l->annotations = l->voc = true;
    l->folders_only = false;
cleanup:
    mem_free(picture);
    return rc;
}

static enum status add_folder(struct loading *l, const char *folder, int depth)
{
    char **names = NULL, *path = NULL;
    int n = 0;
    enum status rc = OK;
    if (depth > MAX_DEPTH)
        return fail(E_LIMIT, "%s: folders are nested more than %d deep", folder, MAX_DEPTH);
    TRY_CLEAN(path_list(folder, &names, &n));
    for (int i = 0; i < n; i++) {
        if (names[i][0] == '.')
            continue;
        path = path_join(folder, names[i]);
        TRY_CLEAN(path ? OK : E_NOMEM);
        TRY_CLEAN(is_xml(path)           ? add_annotation(l, path, NULL, 0)
                  : path_is_folder(path) ? add_folder(l, path, depth + 1)
                                         : OK);
        mem_free(path);
        path = NULL;
    }
cleanup:
    mem_free(path);
    path_list_free(names, n);
    return rc;
}

/* A list of ImageSets/Main: a name without ending a line, and in lists of one class 1, 0 or -1 behind it. */
static enum status add_list(struct loading *l, const char *list, const char *folder)
{
    enum status rc = OK;
    struct buf text = {0}, xml = {0};
    const char *name = arena_strdup(&l->d->arena, list);
    int number = 0;
    TRY_CLEAN(name ? OK : E_NOMEM);
    TRY_CLEAN(file_read_text(list, MAX_LIST_BYTES, &text));
    for (char *line = text.data, *end; line && line < text.data + text.size; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text.data + text.size - line));
        if (!end)
            end = text.data + text.size;
        *end = 0;
        number++;
        line += strspn(line, " \t");
        line[strcspn(line, " \t")] = 0;
        if (!*line)
            continue;
        buf_free(&xml);
        TRY_CLEAN(buf_printf(&xml, "%s/%s.xml", folder, line));
        TRY_CLEAN(add_annotation(l, xml.data, name, number));
    }
cleanup:
    buf_free(&text);
    buf_free(&xml);
    return rc;
}

/* A folder that holds XML files and no pictures. */
static bool holds_annotations(const char *folder)
{
    char **names = NULL;
    int n = 0, xml = 0, pictures = 0;
    if (path_list(folder, &names, &n) != OK)
        return false;
    for (int i = 0; i < n; i++) {
        xml += names[i][0] != '.' && is_xml(names[i]);
        pictures += names[i][0] != '.' && image_is_picture_name(names[i]);
    }
    path_list_free(names, n);
    return xml > 0 && pictures == 0;
}

/* The whole data set: the list of the split, else all annotations. */
static enum status add_set(struct loading *l, const char *root, const char *folder, const char *split)
{
    enum status rc = OK;
    struct buf list = {0};
    TRY_CLEAN(buf_printf(&list, "%s/ImageSets/Main/%s.txt", root, split));
    if (path_exists(list.data))
        TRY_CLEAN(add_list(l, list.data, folder));
    else
        TRY_CLEAN(add_folder(l, folder, 0));
    if (!path_exists(list.data))
        TRY_CLEAN(loading_note(l, "%s is not there: all annotations of %s are used", list.data, folder));
cleanup:
    buf_free(&list);
    return rc;
}

enum status voc_add_entry(struct loading *l, const char *path, const char *split, bool *taken)
{
    enum status rc = OK;
    char *inner = path_join(path, annotations), *parent = path_parent(path), *up = parent ? path_parent(parent) : NULL;
    char *top = up ? path_parent(up) : NULL, *listed = NULL;
    bool main_list = parent && up && !strcmp(path_name(parent), "Main") && !strcmp(path_name(up), "ImageSets");
    *taken = true;
    TRY_CLEAN(inner && parent && up && top ? OK : E_NOMEM);
    listed = place_join(top, annotations);
    TRY_CLEAN(listed ? OK : E_NOMEM);
    if (path_is_folder(path) && path_is_folder(inner))
        rc = add_set(l, path, inner, split);
    else if (path_is_folder(path) && holds_annotations(path))
        rc = add_folder(l, path, 0);
    else if (!path_is_folder(path) && main_list && path_is_folder(listed))
        rc = add_list(l, path, listed);
    else if (!path_is_folder(path) && is_xml(path))
        rc = add_annotation(l, path, NULL, 0);
    else
        *taken = false;
cleanup:
    mem_free(inner);
    mem_free(parent);
    mem_free(up);
    mem_free(top);
    mem_free(listed);
    return rc;
}

/* a.jpg -> a.xml beside it, or .../Annotations/a.xml where it lies in .../JPEGImages. */
static const char *annotation_of(struct arena *arena, const char *picture)
{
    char *folder = path_parent(picture), *stem = path_stem(picture), *home = folder ? path_parent(folder) : NULL;
    const char *path = NULL;
    if (folder && stem && home) {
        path = arena_printf(arena, "%s/%s.xml", folder, stem);
        if (path && !path_exists(path))
            path = arena_printf(arena, "%s/%s/%s.xml", home, annotations, stem);
        if (path && !path_exists(path))
            path = NULL;
    }
    mem_free(folder);
    mem_free(stem);
    mem_free(home);
    return path;
}

enum status voc_take_pictures(struct loading *l, int *found)
{
    struct arena *arena = &l->d->arena;
    int first = -1;
    *found = 0;
    for (int i = 0; i < l->count; i++) {
        l->pictures[i].voc = annotation_of(arena, l->pictures[i].path);
        if (l->pictures[i].voc && !(*found)++)
            first = i;
    }
    if (!*found)
        return OK;
    for (int i = 0; i < l->count; i++)
        l->pictures[i].label_path = NULL;
    l->annotations = l->voc = true;
    return loading_note(l, "labels come from Pascal VOC annotations (%s)", l->pictures[first].voc);
}

/* --- labels of one picture --- */

static enum status take_object(const struct loading *l, const struct loading_picture *p, const struct voc_object *from,
                               struct dataset_object *o)
{
    const double *c = from->corners;
    bool exactly = true;
    *o = (struct dataset_object){.class = 0};
    if (!l->options->single_class)
        o->class = class_index_find(&l->classes, from->name, &exactly);
    if (o->class < 0)
        return fail(E_FORMAT, "%s: object '%.60s' is not among the %d class names of %s", p->voc, from->name, l->d->nc,
                    l->yaml->file);
    o->cxcywh[0] = (float)(c[0] - 1); /* pixels are counted from 1, and the last one belongs to the box */
    o->cxcywh[1] = (float)(c[1] - 1);
    o->cxcywh[2] = (float)(c[2] - c[0] + 1);
    o->cxcywh[3] = (float)(c[3] - c[1] + 1);
    return OK;
}

/* The annotation may be of another picture than the one that has its name. */
static enum status check_filename(const struct loading_picture *p, const struct voc_file *v)
{
    const char *told = path_name(v->filename);
    if (!*told || !image_is_picture_name(told) || !strcmp(told, path_name(p->path)))
        return OK;
    char *folder = path_parent(p->path), *other = folder ? path_join(folder, told) : NULL;
    enum status rc = !other ? E_NOMEM
                     : path_exists(other)
                         ? fail(E_FORMAT, "%s: it says that it is of %s, but by its name it belongs to %s", p->voc,
                                told, path_name(p->path))
                         : OK;
    mem_free(folder);
    mem_free(other);
    return rc;
}

enum status voc_take_labels(const struct loading *l, struct loading_picture *p)
{
    enum status rc = OK;
    struct voc_file v;
    TRY_CLEAN(voc_read_file(p->voc, &v));
    p->told_w = v.w;
    p->told_h = v.h;
    TRY_CLEAN(check_filename(p, &v));
    p->rows.objects = v.n_objects ? mem_alloc((size_t)v.n_objects, sizeof(*p->rows.objects)) : NULL;
    TRY_CLEAN(p->rows.objects || !v.n_objects ? OK : E_NOMEM);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < v.n_objects; i++) {
            if (v.objects[i].difficult != (round == 1))
                continue;
            TRY_CLEAN(take_object(l, p, &v.objects[i], &p->rows.objects[p->rows.n_objects]));
            p->rows.n_objects++;
            p->n_crowds += round;
        }
cleanup:
    voc_free(&v);
    return rc;
}
