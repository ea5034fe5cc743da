/* Which label file belongs to a picture, and what to say when none is there. */
#include "core/path.h"
#include "core/terminal.h"
#include "data/loading.h"

#include <stdlib.h>
#include <string.h>

static const char images[] = "/images/";

/* Behind the last folder images of the path; NULL: there is none. */
static const char *behind_images(const char *path)
{
    const char *last = !strncmp(path, images + 1, sizeof(images) - 2) ? path + sizeof(images) - 2 : NULL;
    for (const char *at = strstr(path, images); at; at = strstr(at + 1, images))
        last = at + sizeof(images) - 1;
    return last;
}

static const char *label_text(struct arena *arena, const char *picture)
{
    const char *rest = behind_images(picture), *dot = path_extension(picture);
    size_t stem = *dot ? (size_t)(dot - 1 - picture) : strlen(picture);
    if (!rest)
        return arena_printf(arena, "%.*s.txt", (int)stem, picture);
    size_t before = (size_t)(rest - picture) - (sizeof(images) - 2); /* up to the slash before it */
    return arena_printf(arena, "%.*slabels/%.*s.txt", (int)before, picture, (int)(stem - (size_t)(rest - picture)),
                        rest);
}

const char *label_path(struct arena *arena, const char *picture)
{
    if (behind_images(picture))
        return label_text(arena, picture);
    char *whole = path_absolute(picture); /* the folder may stand above the working directory */
    const char *path = !whole ? NULL : label_text(arena, behind_images(whole) ? whole : picture);
    mem_free(whole);
    return path;
}

/* frame.jpg -> frame.txt in the same folder. */
static const char *path_beside(struct arena *arena, const char *picture)
{
    const char *dot = path_extension(picture);
    return arena_printf(arena, "%.*s.txt", (int)(*dot ? (size_t)(dot - 1 - picture) : strlen(picture)), picture);
}

/* The nearest folder above the picture that holds a folder of this name; heap, NULL: there is none. */
static char *folder_with(const char *picture, const char *name)
{
    enum { LEVELS = 8 };
    char *at = path_parent(picture), *found = NULL;
    for (int i = 0; i < LEVELS && at && !found; i++) {
        char *folder = path_join(at, name), *up = NULL;
        if (folder && path_is_folder(folder))
            found = mem_strdup(at);
        else if (strcmp(at, ".") != 0 && strcmp(at, "/") != 0)
            up = path_parent(at);
        mem_free(folder);
        mem_free(at);
        at = up;
    }
    mem_free(at);
    return found;
}

/* A folder that is called nearly as it must be. */
static enum status say_misnamed(struct loading *l, const char *picture)
{
    static const char *const nearly[] = {"Labels", "LABELS", "label", "Label"};
    char *home = NULL;
    int i = 0;
    while (i < COUNT(nearly) && !(home = folder_with(picture, nearly[i])))
        i++;
    enum status rc = !home ? OK
                           : loading_note(l,
                                          "the folder %s/%s is there, but not used: label files are looked for in a "
                                          "folder called labels beside the one called images",
                                          home, nearly[i]);
    mem_free(home);
    return rc;
}

static enum status say_where(struct loading *l, const struct loading_picture *p)
{
    enum status rc = OK;
    char *home = folder_with(p->path, "labels");
    TRY_CLEAN(loading_note(l, "no label file was found; the first one looked for is %s", p->label_path));
    if (!home) {
        TRY_CLEAN(say_misnamed(l, p->path));
        goto cleanup;
    }
    const char *rest = p->path + (strcmp(home, ".") ? strlen(home) + 1 : 0);
    size_t part = strcspn(rest, "/");
    TRY_CLEAN(loading_note(l,
                           "the folder %s/labels is there: its files are used for pictures in %s/images, with the same "
                           "sub-folders and names (NAME.jpg: NAME.txt)%s%.*s",
                           home, home, rest[part] ? "; these pictures lie in " : "", rest[part] ? (int)part : 0, rest));
cleanup:
    mem_free(home);
    return rc;
}

static int compare_labels(const void *a, const void *b)
{
    const struct loading_picture *x = *(struct loading_picture *const *)a, *y = *(struct loading_picture *const *)b;
    return strcmp(x->label_path, y->label_path);
}

/* a.jpg and a.png have one label file: it counts for both, which is hardly meant. */
static enum status say_shared(struct loading *l)
{
    enum status rc = OK;
    int shared = 0;
    const struct loading_picture *example = NULL;
    struct loading_picture **order = mem_alloc((size_t)l->count, sizeof(struct loading_picture *));
    if (!order)
        return E_NOMEM;
    for (int i = 0; i < l->count; i++)
        order[i] = &l->pictures[i];
    qsort(order, (size_t)l->count, sizeof(struct loading_picture *), compare_labels);
    for (int i = 1; i < l->count; i++) {
        if (strcmp(order[i]->label_path, order[i - 1]->label_path) != 0 || !path_exists(order[i]->label_path))
            continue;
        example = shared++ ? example : order[i];
    }
    if (shared)
        rc = loading_note(l, "%d label file%s used for two pictures that differ in their ending only (%s)", shared,
                          shared == 1 ? " is" : "s are", example->label_path);
    mem_free(order);
    return rc;
}

enum status label_paths_settle(struct loading *l)
{
    enum status rc = OK;
    int found = 0, beside = 0, example = -1;
    struct arena scratch;
    arena_init(&scratch);
    for (int i = 0; i < l->count; i++) {
        const struct loading_picture *p = &l->pictures[i];
        if (path_exists(p->label_path)) {
            found++;
            continue;
        }
        const char *path = path_beside(&scratch, p->path);
        TRY_CLEAN(path ? OK : E_NOMEM);
        if (strcmp(path, p->label_path) != 0 && path_exists(path)) {
            example = beside++ ? example : i;
        }
    }
    if (!found && !beside) {
        int annotated = 0;
        TRY_CLEAN(voc_take_pictures(l, &annotated));
        if (!annotated)
            TRY_CLEAN(say_where(l, &l->pictures[0]));
        goto cleanup;
    }
    for (int i = 0; i < l->count && !found; i++)
        TRY_CLEAN((l->pictures[i].label_path = path_beside(&l->d->arena, l->pictures[i].path)) ? OK : E_NOMEM);
    if (!found)
        TRY_CLEAN(loading_note(l, "label files lie beside their pictures and are used (%s)",
                               l->pictures[example].label_path));
    else if (beside)
        TRY_CLEAN(loading_note(l, "%d label file%s beside %s not used, because label files lie in labels/ (%s)", beside,
                               noun(beside, "", "s"), noun(beside, "its picture is", "pictures are"),
                               path_beside(&scratch, l->pictures[example].path)));
    TRY_CLEAN(say_shared(l));
cleanup:
    arena_free(&scratch);
    return rc;
}
