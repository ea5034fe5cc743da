#include "core/class_names.h"

#include <stdlib.h>
#include <string.h>

enum status class_name_check(const char *name)
{
    size_t n = strlen(name);
    if (!n)
        return fail(E_FORMAT, "a class name is empty");
    if (n > CLASS_NAME_MAX_BYTES)
        return fail(E_FORMAT, "the class name '%.40s...' has %zu bytes, %d are possible", name, n,
                    CLASS_NAME_MAX_BYTES);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return fail(E_FORMAT, "the class name '%.*s' has a control character behind it", (int)i, name);
    return OK;
}

struct class_key {
    const char *name;
    int class;
};

static int compare_keys(const void *a, const void *b)
{
    const struct class_key *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : x->class < y->class ? -1 : x->class > y->class;
}

void class_name_loosen(const char *name, char *out)
{
    size_t n = 0;
    for (const char *at = name; *at; at++) {
        if (strchr(" \t_-", *at)) {
            if (n && out[n - 1] != ' ')
                out[n++] = ' ';
        } else {
            out[n++] = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
        }
    }
    n -= n && out[n - 1] == ' ';
    out[n] = 0;
}

enum status class_index_make(const char *const *names, int n, struct arena *arena, struct class_index *out)
{
    *out = (struct class_index){.n = n, .first_twin = -1, .second_twin = -1};
    out->exact = arena_alloc(arena, (size_t)n + 1, sizeof *out->exact);
    out->loose = arena_alloc(arena, (size_t)n + 1, sizeof *out->loose);
    if (!out->exact || !out->loose)
        return E_NOMEM;
    for (int i = 0; i < n; i++) {
        char *loose = arena_strdup(arena, names[i]);
        if (!loose)
            return E_NOMEM;
        class_name_loosen(names[i], loose);
        out->exact[i] = (struct class_key){names[i], i};
        out->loose[i] = (struct class_key){loose, i};
    }
    if (n) {
        qsort(out->exact, (size_t)n, sizeof *out->exact, compare_keys);
        qsort(out->loose, (size_t)n, sizeof *out->loose, compare_keys);
    }
    for (int i = 1; i < n && out->first_twin < 0; i++)
        if (!strcmp(out->exact[i].name, out->exact[i - 1].name)) {
            out->first_twin = out->exact[i - 1].class;
            out->second_twin = out->exact[i].class;
        }
    return OK;
}

/* The only key of this name. */
static int find_key(const struct class_key *keys, int n, const char *name)
{
    int low = 0, high = n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (strcmp(keys[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == n || strcmp(keys[low].name, name) != 0)
        return -1;
    return low + 1 < n && !strcmp(keys[low + 1].name, name) ? -1 : keys[low].class;
}

int class_index_find(const struct class_index *index, const char *name, bool *exactly)
{
    char loose[CLASS_NAME_MAX_BYTES + 1];
    int class = find_key(index->exact, index->n, name);
    if (exactly)
        *exactly = class >= 0;
    if (class >= 0 || strlen(name) > CLASS_NAME_MAX_BYTES)
        return class;
    class_name_loosen(name, loose);
    return find_key(index->loose, index->n, loose);
}
