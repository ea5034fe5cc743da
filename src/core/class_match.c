#include "core/class_match.h"
#include "core/terminal.h"

#include "core/class_names.h"

#include <string.h>

enum { SHOWN = 3 };

bool class_names_known(const struct class_list *list)
{
    for (int i = 0; i < list->n; i++) {
        const char *name = list->names[i];
        if (!*name || name[strspn(name, "0123456789")])
            return true;
    }
    return false;
}

enum status class_names_find(const struct class_list *from, const struct class_list *to, int *places)
{
    struct arena memory;
    struct class_index index;
    arena_init(&memory);
    enum status rc = class_index_make(to->names, to->n, &memory, &index);
    for (int i = 0; i < from->n && rc == OK; i++)
        places[i] = class_index_find(&index, from->names[i], NULL);
    arena_free(&memory);
    return rc;
}

/* "; only in best.pt: person, bicycle, car and 77 more" */
static enum status append_missing(struct buf *out, const struct class_list *list, const int *places)
{
    int n = 0;
    for (int i = 0; i < list->n; i++)
        n += places[i] < 0;
    if (!n)
        return OK;
    TRY(buf_printf(out, "; only in %s:", list->source));
    for (int i = 0, shown = 0; i < list->n && shown < SHOWN; i++) {
        if (places[i] < 0)
            TRY(buf_printf(out, "%s %.60s", shown++ ? "," : "", list->names[i]));
    }
    if (n > SHOWN)
        TRY(buf_printf(out, " and %d more", n - SHOWN));
    return OK;
}

/* Both sides have names, and not the same ones: E_SHAPE with what differs. */
static enum status refuse(const struct class_list *from, const struct class_list *to, const int *places,
                          const int *back)
{
    enum status rc = OK;
    struct buf text = {0};
    if (from->n != to->n)
        TRY_CLEAN(buf_printf(&text, "%s knows %d %s, %s has %d", from->source, from->n,
                             noun(from->n, "class", "classes"), to->source, to->n));
    for (int i = 0; from->n == to->n && i < from->n && !text.size; i++) {
        if (places[i] >= 0 && places[i] != i)
            TRY_CLEAN(buf_printf(&text, "%.60s is class %d in %s and class %d in %s, and other names differ",
                                 from->names[i], i, from->source, places[i], to->source));
    }
    TRY_CLEAN(append_missing(&text, from, places));
    TRY_CLEAN(append_missing(&text, to, back));
    rc = fail(E_SHAPE, "%s", text.data);
cleanup:
    buf_free(&text);
    return rc;
}

/* Every class has its own place. */
static bool is_permutation(const int *places, const int *back, int n)
{
    for (int i = 0; i < n; i++) {
        if (places[i] < 0 || back[places[i]] != i)
            return false;
    }
    return true;
}

static enum status tell_renamed(const struct class_list *from, const struct class_list *to, const int *map,
                                struct buf *words)
{
    int n = 0, first = -1;
    for (int i = from->n - 1; i >= 0; i--) {
        if (map[i] != i) {
            first = i;
            n++;
        }
    }
    return buf_printf(words,
                      "%d of %d classes have other names in %s than in %s: class %d is %.60s there and %.60s "
                      "here, taken as the same",
                      n, from->n, from->source, to->source, first, from->names[first], to->names[first]);
}

static enum status match_names(const struct class_list *from, const struct class_list *to, int *map, int *back,
                               enum class_match *match, struct buf *words)
{
    bool elsewhere = false, same = true;
    TRY(class_names_find(from, to, map));
    TRY(class_names_find(to, from, back));
    if (from->n != to->n)
        return refuse(from, to, map, back);
    for (int i = 0; i < from->n; i++) {
        if (!strcmp(from->names[i], to->names[i])) /* also where the name stands twice */
            map[i] = back[i] = i;
        same &= map[i] == i;
        elsewhere |= map[i] != i && (map[i] >= 0 || back[i] >= 0);
    }
    if (!same && is_permutation(map, back, from->n)) {
        *match = CLASSES_REORDERED;
        return buf_printf(words, "%s and %s have the same %d classes in another order: matched by name", from->source,
                          to->source, from->n);
    }
    if (elsewhere)
        return refuse(from, to, map, back);
    *match = same ? CLASSES_SAME : CLASSES_RENAMED;
    if (!same)
        TRY(tell_renamed(from, to, map, words));
    for (int i = 0; i < from->n; i++)
        map[i] = i;
    return OK;
}

enum status class_names_match(const struct class_list *from, const struct class_list *to, int *map,
                              enum class_match *match, struct buf *words)
{
    *match = CLASSES_SAME;
    if (class_names_known(from) && class_names_known(to)) {
        int *back = mem_alloc((size_t)to->n, sizeof *back);
        enum status rc = back ? match_names(from, to, map, back, match, words) : E_NOMEM;
        mem_free(back);
        return rc;
    }
    if (from->n != to->n)
        return fail(E_SHAPE, "%s knows %d %s, %s has %d", from->source, from->n, noun(from->n, "class", "classes"),
                    to->source, to->n);
    for (int i = 0; i < from->n; i++)
        map[i] = i;
    return OK;
}
