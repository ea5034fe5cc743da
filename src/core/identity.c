#include "core/identity.h"

#include "core/path.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIGITS = 18 }; /* fit into int64_t */

struct indexed_picture {
    const char *path; /* absolute, normal */
    size_t length;
    int index; /* of the run */
    int64_t number;
    const char *name, *stem;
};

/* Order by the path's end: equal names lie together, then equal folders before them. A slash sorts before all. */
static int compare_ends(const void *a, const void *b)
{
    const struct indexed_picture *x = a, *y = b;
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
static int common_names(const struct indexed_picture *x, const struct indexed_picture *y)
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
static const char *trailing(const struct indexed_picture *p, int names)
{
    const char *at = p->path + p->length;
    while (at > p->path + 1) {
        if (at[-1] == '/' && --names == 0)
            break;
        at--;
    }
    return at;
}

int64_t identity_number(const char *path)
{
    const char *name = path_name(path);
    size_t digits = strspn(name, "0123456789");
    const char *dot = strrchr(name, '.');
    size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    return digits && digits == stem && digits <= MOST_DIGITS ? strtoll(name, NULL, 10) : -1;
}

static enum status name_pictures(struct indexed_picture *p, int n, struct arena *arena)
{
    for (int i = 0; i < n; i++) {
        int before = i > 0 ? common_names(&p[i], &p[i - 1]) : 0;
        int behind = i + 1 < n ? common_names(&p[i], &p[i + 1]) : 0;
        const char *name = trailing(&p[i], MAX(before, behind) + 1), *extension = path_extension(name);
        p[i].name = arena_strdup(arena, name);
        p[i].stem = *extension ? arena_printf(arena, "%.*s", (int)(extension - 1 - name), name) : p[i].name;
        p[i].number = identity_number(name);
        if (!p[i].name || !p[i].stem)
            return E_NOMEM;
    }
    return OK;
}

/* A text that a picture's files could be called by. */
struct label_key {
    const char *text;
    int picture;
};

static int compare_labels(const void *a, const void *b)
{
    return strcmp(((const struct label_key *)a)->text, ((const struct label_key *)b)->text);
}

/* A stem that another picture has as stem or name gives way to the name, which is unique. */
static enum status settle_stems(struct indexed_picture *p, int n)
{
    struct label_key *labels = mem_alloc((size_t)n * 2, sizeof *labels);
    if (!labels)
        return E_NOMEM;
    for (int i = 0; i < n; i++) {
        labels[2 * i] = (struct label_key){p[i].stem, i};
        labels[2 * i + 1] = (struct label_key){p[i].name, i};
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
    int64_t x = (*(struct indexed_picture *const *)a)->number, y = (*(struct indexed_picture *const *)b)->number;
    return x < y ? -1 : x > y;
}

/* A number that two pictures have is none. */
static enum status settle_numbers(struct indexed_picture *p, int n)
{
    struct indexed_picture **order = mem_alloc((size_t)n, sizeof(struct indexed_picture *));
    if (!order)
        return E_NOMEM;
    for (int i = 0; i < n; i++)
        order[i] = &p[i];
    qsort(order, (size_t)n, sizeof(struct indexed_picture *), compare_numbers);
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
static int merge_equals(const struct indexed_picture *all, int n, struct indexed_picture *distinct, int *group)
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
    struct indexed_picture *all = arena_alloc(&scratch, (size_t)n + 1, sizeof *all);
    struct indexed_picture *distinct = arena_alloc(&scratch, (size_t)n + 1, sizeof *distinct);
    int *group = arena_alloc(&scratch, (size_t)n + 1, sizeof *group);
    TRY_CLEAN(all && distinct && group ? OK : E_NOMEM);
    for (int i = 0; i < n; i++) {
        char *path = path_absolute(paths[i]);
        all[i] = (struct indexed_picture){.path = path ? arena_strdup(&scratch, path) : NULL, .index = i};
        mem_free(path);
        TRY_CLEAN(all[i].path ? OK : E_NOMEM);
        all[i].length = strlen(all[i].path);
    }
    if (n)
        qsort(all, (size_t)n, sizeof *all, compare_ends);
    int count = merge_equals(all, n, distinct, group);
    TRY_CLEAN(name_pictures(distinct, count, arena));
    if (count) {
        TRY_CLEAN(settle_stems(distinct, count));
        TRY_CLEAN(settle_numbers(distinct, count));
    }
    for (int i = 0; i < n; i++) {
        const struct indexed_picture *p = &distinct[group[i]];
        out[all[i].index] = (struct identity){p->name, p->stem, p->number, p->index};
    }
cleanup:
    arena_free(&scratch);
    return rc;
}

/* A text read from its end, slashes before all other bytes in the order. */
struct identity_key {
    const char *text;
    int index;
};

static void turn(const char *text, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = text[n - 1 - i] == '/' ? '\1' : text[n - 1 - i];
    out[n] = 0;
}

static char *turned_copy(struct arena *arena, const char *text, size_t n)
{
    char *out = arena_alloc(arena, n + 1, 1);
    if (out)
        turn(text, n, out);
    return out;
}

static int compare_index_keys(const void *a, const void *b)
{
    const struct identity_key *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

enum status identity_index_make(const char *const *paths, int n, struct arena *arena, struct identity_index *out)
{
    *out = (struct identity_index){.n = n};
    out->names = arena_alloc(arena, (size_t)n + 1, sizeof *out->names);
    out->stems = arena_alloc(arena, (size_t)n + 1, sizeof *out->stems);
    if (!out->names || !out->stems)
        return E_NOMEM;
    for (int i = 0; i < n; i++) {
        char *path = path_absolute(paths[i]);
        if (!path)
            return E_NOMEM;
        const char *extension = path_extension(path);
        size_t length = strlen(path);
        out->names[i] = (struct identity_key){turned_copy(arena, path, length), i};
        out->stems[i] =
            (struct identity_key){turned_copy(arena, path, *extension ? (size_t)(extension - 1 - path) : length), i};
        mem_free(path);
        if (!out->names[i].text || !out->stems[i].text)
            return E_NOMEM;
    }
    if (n) {
        qsort(out->names, (size_t)n, sizeof *out->names, compare_index_keys);
        qsort(out->stems, (size_t)n, sizeof *out->stems, compare_index_keys);
    }
    return OK;
}

/* Keys that begin with the turned text and a slash behind it lie together; the shortest comes first. */
static int find_end(const struct identity_key *keys, int n, const char *turned, size_t length)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strncmp(keys[middle].text, turned, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == n || strncmp(keys[low].text, turned, length) != 0)
        return IDENTITY_UNKNOWN;
    bool more = low + 1 < n && !strncmp(keys[low + 1].text, turned, length);
    bool whole = !keys[low].text[length]; /* nothing stands before the text: it is the path itself */
    bool twin = more && !strcmp(keys[low + 1].text, keys[low].text);
    return more && (!whole || twin) ? IDENTITY_AMBIGUOUS : keys[low].index;
}

int identity_index_find(const struct identity_index *index, const char *text)
{
    char turned[PATH_MAX + 1];
    while (!strncmp(text, "./", 2))
        text += 2;
    text += *text == '/';
    size_t n = strlen(text);
    if (!n || n >= PATH_MAX)
        return IDENTITY_UNKNOWN;
    turn(text, n, turned);
    turned[n] = '\1'; /* the slash before it */
    turned[n + 1] = 0;
    int found = find_end(index->names, index->n, turned, n + 1);
    return found == IDENTITY_UNKNOWN ? find_end(index->stems, index->n, turned, n + 1) : found;
}
