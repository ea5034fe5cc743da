/* Class names of a Pascal VOC set whose YAML has none. */
#include "core/mem.h"
#include "core/terminal.h"
#include "data/loading.h"
#include "data/voc_file.h"

#include <string.h>

struct sorted_names {
    const char **list;
    int n, capacity;
    struct arena *arena;
};

/* Sorted list of different names: a new one is put into its place (classes are few). */
static enum status add_name(struct sorted_names *s, const char *name)
{
    int low = 0, high = s->n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(s->list[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < s->n && !strcmp(s->list[low], name))
        return OK;
    if (s->n == LOADING_MAX_CLASSES)
        return fail(E_LIMIT, "more than %d class names in Pascal VOC annotations", LOADING_MAX_CLASSES);
    if (s->n == s->capacity) {
        int capacity = 2 * s->capacity + 64;
        void *grown =
            mem_grow((void *)s->list, (size_t)s->capacity * sizeof(*s->list), (size_t)capacity * sizeof(*s->list));
        if (!grown)
            return E_NOMEM;
        s->list = grown;
        s->capacity = capacity;
    }
    const char *copy = arena_strdup(s->arena, name);
    if (!copy)
        return E_NOMEM;
    memmove((void *)(s->list + low + 1), (const void *)(s->list + low), (size_t)(s->n - low) * sizeof(*s->list));
    s->list[low] = copy;
    s->n++;
    return OK;
}

static enum status collect(struct sorted_names *names, const struct loading *l)
{
    enum status rc = OK;
    struct voc_file v;
    for (int i = 0; i < l->count; i++) {
        if (!l->pictures[i].voc || voc_read_file(l->pictures[i].voc, &v) != OK)
            continue; /* told when the picture is checked */
        for (int k = 0; k < v.n_objects && rc == OK; k++)
            rc = add_name(names, v.objects[k].name);
        voc_free(&v);
        TRY(rc);
    }
    return rc;
}

enum status voc_collect_names(struct loading *l, enum dataset_split split)
{
    enum status rc = OK;
    struct dataset *d = l->d;
    struct sorted_names names = {.arena = &d->arena};
    TRY_CLEAN(collect(&names, l));
    for (int s = 0; s < SPLIT_COUNT; s++) {
        struct dataset other = {0};
        struct loading more = {.yaml = l->yaml, .options = l->options, .d = &other};
        if (s == (int)split || !l->yaml->split[s])
            continue;
        arena_init(&other.arena);
        if (loading_find(&more, (enum dataset_split)s) == OK) /* a split that is not there says so when it is loaded */
            rc = collect(&names, &more);
        loading_free(&more);
        arena_free(&other.arena);
        TRY_CLEAN(rc);
    }
    if (!names.n)
        TRY_CLEAN(fail(E_FORMAT, "%s: its annotations have no objects, and it has no names", l->yaml->file));
    if (l->yaml->nc && l->yaml->nc != names.n)
        TRY_CLEAN(fail(E_FORMAT, "%s: nc is %d, but the annotations of its splits name %d classes (%s ...)",
                       l->yaml->file, l->yaml->nc, names.n, names.list[0]));
    d->names = arena_alloc(&d->arena, (size_t)names.n, sizeof(*d->names));
    TRY_CLEAN(d->names ? OK : E_NOMEM);
    memcpy((void *)d->names, names.list, (size_t)names.n * sizeof(*d->names));
    d->nc = names.n;
    d->named = true;
    TRY_CLEAN(loading_note(l, "%s has no names: the annotations of all splits have %d %s, taken in alphabetical order",
                           l->yaml->file, d->nc, noun(d->nc, "class", "classes")));
cleanup:
    mem_free((void *)names.list);
    return rc;
}
