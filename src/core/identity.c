#include "core/identity.h"

#include "core/path.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIGITS = 18 }; /* fit into int64_t */

struct picture {
    const char *path; /* absolute, normal */
    size_t length;
    int index; /* of the run */
    int64_t number;
    const char *name, *stem;
};

/* Order by the path's end: equal names lie together, then equal folders before them. A slash sorts before all. */
static int compare_ends(const void *a, const void *b)
{
    const struct picture *x = a, *y = b;
    size_t n = MIN(x->length, y->length);
    for (size_t i = 1; i <= n; i++) {
        unsigned char p = (unsigned char)x->path[x->length - i], q = (unsigned char)y->path[y->length - i];
        if (p != q)
            return p == '/' ? -1 : q == '/' ? 1 : p < q ? -1 : 1;
    }
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* How many whole names at the ends of both are equal; the paths differ. */
static int common_names(const struct picture *x, const struct picture *y)
{
    int slashes = 0;
    for (size_t i = 1; i <= MIN(x->length, y->length); i++) {
        if (x->path[x->length - i] != y->path[y->length - i])
            break;
        slashes += x->path[x->length - i] == '/';
    }
    return slashes;
}

/* The last `names` names of the path, or all of them. */
static const char *trailing(const struct picture *p, int names)
{
    const char *at = p->path + p->length;
    while (at > p->path + 1) {
        if (at[-1] == '/' && --names == 0)
            break;
        at--;
    }
    return at;
}

static int64_t stem_number(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    const char *dot = strrchr(name, '.');
    size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    return digits && digits == stem && digits <= MOST_DIGITS ? strtoll(name, NULL, 10) : -1;
}

static enum status name_pictures(struct picture *p, int n, struct arena *arena)
{
    for (int i = 0; i < n; i++) {
        int before = i > 0 ? common_names(&p[i], &p[i - 1]) : 0;
        int behind = i + 1 < n ? common_names(&p[i], &p[i + 1]) : 0;
        const char *name = trailing(&p[i], MAX(before, behind) + 1), *extension = path_extension(name);
        p[i].name = arena_strdup(arena, name);
        p[i].stem = *extension ? arena_printf(arena, "%.*s", (int)(extension - 1 - name), name) : p[i].name;
        p[i].number = stem_number(path_name(name));
        if (!p[i].name || !p[i].stem)
            return E_NOMEM;
    }
    return OK;
}

/* A text that a picture's files could be called by. */
struct label {
    const char *text;
    int picture;
};

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->text, ((const struct label *)b)->text);
}

/* A stem that another picture has as stem or name gives way to the name, which is unique. */
static enum status settle_stems(struct picture *p, int n)
{
    struct label *labels = mem_alloc((size_t)n * 2, sizeof *labels);
    if (!labels)
        return E_NOMEM;
    for (int i = 0; i < n; i++) {
        labels[2 * i] = (struct label){p[i].stem, i};
        labels[2 * i + 1] = (struct label){p[i].name, i};
    }
    qsort(labels, (size_t)n * 2, sizeof *labels, compare_labels);
    for (int i = 0, end; i < 2 * n; i = end) {
        bool shared = false;
        for (end = i + 1; end < 2 * n && !strcmp(labels[end].text, labels[i].text); end++)
            shared |= labels[end].picture != labels[i].picture;
        for (int k = i; k < end && shared; k++)
            p[labels[k].picture].stem = p[labels[k].picture].name;
    }
    mem_free(labels);
    return OK;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = (*(struct picture *const *)a)->number, y = (*(struct picture *const *)b)->number;
    return x < y ? -1 : x > y;
}

/* A number that two pictures have is none. */
static enum status settle_numbers(struct picture *p, int n)
{
    struct picture **order = mem_alloc((size_t)n, sizeof(struct picture *));
    if (!order)
        return E_NOMEM;
    for (int i = 0; i < n; i++)
        order[i] = &p[i];
    qsort(order, (size_t)n, sizeof(struct picture *), compare_numbers);
    for (int i = 0, end; i < n; i = end) {
        int64_t number = order[i]->number;
        for (end = i + 1; end < n && order[end]->number == number; end++)
            order[end]->number = -1;
        if (end > i + 1)
            order[i]->number = -1;
    }
    mem_free(order);
    return OK;
}

/* Equal neighbours become one: distinct[] holds one of each, group[i] its place for the sorted all[i]. */
static int merge_equals(const struct picture *all, int n, struct picture *distinct, int *group)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (!count || strcmp(all[i].path, distinct[count - 1].path) != 0)
            distinct[count++] = all[i];
        group[i] = count - 1;
    }
    return count;
}

enum status identities_find(const char *const *paths, int n, struct arena *arena, struct identity *out)
{
    enum status rc = OK;
    struct arena scratch;
    arena_init(&scratch);
    struct picture *all = arena_alloc(&scratch, (size_t)n + 1, sizeof *all);
    struct picture *distinct = arena_alloc(&scratch, (size_t)n + 1, sizeof *distinct);
    int *group = arena_alloc(&scratch, (size_t)n + 1, sizeof *group);
    TRY(all && distinct && group ? OK : E_NOMEM);
    for (int i = 0; i < n; i++) {
        char *path = path_absolute(paths[i]);
        all[i] = (struct picture){.path = path ? arena_strdup(&scratch, path) : NULL, .index = i};
        mem_free(path);
        TRY(all[i].path ? OK : E_NOMEM);
        all[i].length = strlen(all[i].path);
    }
    if (n)
        qsort(all, (size_t)n, sizeof *all, compare_ends);
    int count = merge_equals(all, n, distinct, group);
    TRY(name_pictures(distinct, count, arena));
    if (count) {
        TRY(settle_stems(distinct, count));
        TRY(settle_numbers(distinct, count));
    }
    for (int i = 0; i < n; i++) {
        const struct picture *p = &distinct[group[i]];
        out[all[i].index] = (struct identity){p->name, p->stem, p->number, p->index};
    }
cleanup:
    arena_free(&scratch);
    return rc;
}
