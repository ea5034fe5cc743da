/* Which class a COCO category is. Where the data YAML has names, names decide and not the order. */
#include "core/class_match.h"
#include "core/class_names.h"
#include "core/terminal.h"
#include "data/coco.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CATEGORIES = LOADING_MAX_CLASSES };

static int compare_categories(const void *a, const void *b)
{
    const struct category *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

struct category *coco_find_category(const struct annotations *a, int64_t id)
{
    const struct category wanted = {.id = id};
    return bsearch(&wanted, a->categories, (size_t)a->n_categories, sizeof(wanted), compare_categories);
}

static enum status read_list(struct annotations *a)
{
    enum status rc = OK;
    const json_t *list;
    struct arena *arena = &a->l->d->arena;
    TRY(coco_list(a, "categories", &list));
    size_t n = json_array_size(list);
    if (n < 1 || n > MAX_CATEGORIES)
        return fail(E_FORMAT, "%s: %zu categories; 1 to %d are possible", a->file, n, MAX_CATEGORIES);
    a->categories = arena_alloc(arena, n, sizeof(*a->categories));
    TRY(a->categories ? OK : E_NOMEM);
    for (size_t i = 0; i < n; i++) {
        const json_t *c = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(c, "name"));
        const char *group = json_string_value(json_object_get(c, "supercategory"));
        struct category *category = &a->categories[i];
        TRY(coco_id(a, c, "categories", i, "id", &category->id));
        if (!name || category->id > INT32_MAX - MAX_CATEGORIES)
            TRY(fail(E_FORMAT, "%s: categories[%zu] has no name or too large an id", a->file, i));
        if (class_name_check(name) != OK)
            TRY(fail_prefix(E_FORMAT, "%s: categories[%zu]", a->file, i));
        TRY((category->name = arena_strdup(arena, name)) ? OK : E_NOMEM);
        TRY(!group || (category->group = arena_strdup(arena, group)) ? OK : E_NOMEM);
    }
    a->n_categories = (int)n;
    qsort(a->categories, n, sizeof(*a->categories), compare_categories);
    for (size_t i = 1; i < n; i++)
        if (a->categories[i].id == a->categories[i - 1].id)
            rc = fail(E_FORMAT, "%s: category id %lld stands twice", a->file, (long long)a->categories[i].id);
    return rc;
}

static enum status count_uses(struct annotations *a)
{
    const json_t *list;
    TRY(coco_list(a, "annotations", &list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        int64_t id;
        TRY(coco_id(a, json_array_get(list, i), "annotations", i, "category_id", &id));
        struct category *category = coco_find_category(a, id);
        if (!category)
            TRY(fail(E_FORMAT, "%s: annotations[%zu] has category %lld, which is not listed", a->file, i,
                     (long long)id));
        category->uses++;
    }
    return OK;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Without names in the YAML every category becomes a class, in the order of the ids, but one that has no annotations
 * and only groups others (Roboflow puts the project's name first, as supercategory of all). */
static enum status make_classes(struct annotations *a)
{
    enum status rc = OK;
    struct dataset *d = a->l->d;
    struct arena scratch;
    int n_groups = 0, nc = 0;
    arena_init(&scratch);
    const char **groups = arena_alloc(&scratch, (size_t)a->n_categories, sizeof(*groups));
    const char **names = arena_alloc(&d->arena, (size_t)a->n_categories, sizeof(*names));
    TRY_CLEAN(groups && names ? OK : E_NOMEM);
    for (int i = 0; i < a->n_categories; i++) {
        const struct category *c = &a->categories[i];
        if (c->group && strcmp(c->group, c->name) != 0)
            groups[n_groups++] = c->group;
    }
    qsort(groups, (size_t)n_groups, sizeof(*groups), compare_texts);
    for (int i = 0; i < a->n_categories; i++) {
        struct category *c = &a->categories[i];
        bool only_groups =
            !c->uses && n_groups && bsearch(&c->name, groups, (size_t)n_groups, sizeof(*groups), compare_texts);
        c->class = only_groups ? -1 : nc;
        if (only_groups)
            TRY_CLEAN(
                loading_note(a->l, "category '%s' groups others and has no annotations: it is no class", c->name));
        else
            names[nc++] = c->name;
    }
    if (a->l->yaml->nc && a->l->yaml->nc != nc)
        TRY_CLEAN(fail(E_FORMAT, "%s: %d categories are classes, but nc is %d in %s", a->file, nc, a->l->yaml->nc,
                       a->l->yaml->file));
    d->names = names;
    d->nc = nc;
    d->named = true;
cleanup:
    arena_free(&scratch);
    return rc;
}

/* What cannot be mapped, and the first class that has no category. */
static enum status refuse(const struct annotations *a, const struct category *c, const bool *taken)
{
    const struct dataset *d = a->l->d;
    int free_class = 0;
    while (free_class < d->nc && taken[free_class])
        free_class++;
    if (free_class == d->nc)
        return fail(E_FORMAT, "%s: category '%s' (%ld annotation%s) is not among the %d class names of %s", a->file,
                    c->name, c->uses, noun(c->uses, "", "s"), d->nc, a->l->yaml->file);
    return fail(E_FORMAT,
                "%s: category '%s' (%ld annotation%s) is not among the %d class names of %s, and its class '%s' has "
                "no category",
                a->file, c->name, c->uses, noun(c->uses, "", "s"), d->nc, a->l->yaml->file, d->names[free_class]);
}

/* Some used category has no class of its name: the order decides, but only where it contradicts no name
 * (core/class_match.h), and it is said. Categories without annotations are passed over unless all are as many as the
 * classes. */
static enum status map_by_order(struct annotations *a, const bool *taken, struct arena *scratch)
{
    const struct dataset *d = a->l->d;
    const struct category *unknown = NULL;
    const bool whole = a->n_categories == d->nc;
    struct buf words = {0};
    enum class_match match;
    enum status rc = OK;
    int n = 0;
    const char **names = arena_alloc(scratch, (size_t)a->n_categories, sizeof(*names));
    struct category **order = arena_alloc(scratch, (size_t)a->n_categories, sizeof(struct category *));
    int *map = arena_alloc(scratch, (size_t)a->n_categories, sizeof(*map));
    TRY_CLEAN(names && order && map ? OK : E_NOMEM);
    for (int i = 0; i < a->n_categories; i++) {
        struct category *c = &a->categories[i];
        if (c->class < 0 && c->uses && !unknown)
            unknown = c;
        if (!whole && !c->uses && c->class < 0)
            continue;
        names[n] = c->name;
        order[n++] = c;
    }
    const struct class_list from = {a->file, names, n}, to = {a->l->yaml->file, d->names, d->nc};
    if (n != d->nc || class_names_match(&from, &to, map, &match, &words) != OK)
        TRY_CLEAN(refuse(a, unknown, taken));
    for (int i = 0; i < n; i++)
        order[i]->class = map[i];
    if (words.size)
        TRY_CLEAN(loading_note(a->l, "%s", words.data));
cleanup:
    buf_free(&words);
    return rc;
}

static enum status map_by_name(struct annotations *a)
{
    enum status rc = OK;
    struct dataset *d = a->l->d;
    struct class_index index;
    struct arena scratch;
    int loose = 0, example = 0, unused = 0, first_unused = 0;
    bool complete = true;
    arena_init(&scratch);
    bool *taken = arena_alloc(&scratch, (size_t)d->nc, sizeof(*taken));
    TRY_CLEAN(taken ? class_index_make(d->names, d->nc, &scratch, &index) : E_NOMEM);
    if (index.first_twin >= 0)
        TRY_CLEAN(fail(E_FORMAT, "%s: classes %d and %d are both called '%s': categories cannot be told apart",
                       a->l->yaml->file, index.first_twin, index.second_twin, d->names[index.first_twin]));
    for (int i = 0; i < a->n_categories; i++) {
        struct category *c = &a->categories[i];
        bool exactly;
        c->class = class_index_find(&index, c->name, &exactly);
        complete &= c->class >= 0 || !c->uses;
        if (c->class < 0 && !c->uses && !unused++)
            first_unused = i;
        if (c->class < 0)
            continue;
        if (taken[c->class])
            TRY_CLEAN(fail(E_FORMAT, "%s: two categories are class '%s', one of them '%s'", a->file, d->names[c->class],
                           c->name));
        taken[c->class] = true;
        example = !exactly && !loose++ ? i : example;
    }
    if (!complete) {
        TRY_CLEAN(map_by_order(a, taken, &scratch));
        goto cleanup;
    }
    if (unused)
        TRY_CLEAN(loading_note(a->l, "%d categor%s without annotations %s no class ('%s'%s)", unused,
                               noun(unused, "y", "ies"), noun(unused, "is", "are"), a->categories[first_unused].name,
                               unused > 1 ? " ..." : ""));
    if (loose)
        TRY_CLEAN(loading_note(a->l,
                               "category '%s' is taken as class '%s' (upper and lower case, blanks, '_' and '-' do not "
                               "count)%s",
                               a->categories[example].name, d->names[a->categories[example].class],
                               loose > 1 ? ", and others so" : ""));
cleanup:
    arena_free(&scratch);
    return rc;
}

/* COCO ids of the classes; one without a category gets an id of its own behind all others. */
static enum status keep_ids(struct annotations *a)
{
    struct dataset *d = a->l->d;
    int *ids = arena_alloc(&d->arena, (size_t)d->nc, sizeof(*ids));
    int64_t next = a->categories[a->n_categories - 1].id + 1;
    if (!ids)
        return E_NOMEM;
    for (int c = 0; c < d->nc; c++)
        ids[c] = -1;
    for (int i = 0; i < a->n_categories; i++)
        if (a->categories[i].class >= 0)
            ids[a->categories[i].class] = (int)a->categories[i].id;
    for (int c = 0; c < d->nc; c++)
        if (ids[c] < 0)
            ids[c] = (int)next++;
    if (!d->category_ids) {
        d->category_ids = ids;
        return OK;
    }
    for (int c = 0; c < d->nc; c++)
        if (d->category_ids[c] != ids[c])
            return loading_note(a->l, "%s: class '%s' has category id %d, in the file before it was %d, which stays",
                                a->file, d->names[c], ids[c], d->category_ids[c]);
    return OK;
}

enum status coco_read_categories(struct annotations *a)
{
    bool named = a->l->yaml->named || a->l->d->category_ids;
    TRY(read_list(a));
    TRY(count_uses(a));
    TRY(named ? map_by_name(a) : make_classes(a));
    TRY(a->l->d->nc ? keep_ids(a) : OK);
    return OK;
}
