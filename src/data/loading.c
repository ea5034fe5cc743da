#include "data/loading.h"

#include "core/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PICTURES = 1 << 26, MAX_NOTES = 100 };

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

enum status loading_note(struct loading *l, const char *format, ...)
{
    struct dataset_summary *s = &l->d->summary;
    char text[1024];
    va_list args;
    if (s->n_notes == MAX_NOTES)
        return OK;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!s->notes)
        s->notes = arena_alloc(&l->d->arena, MAX_NOTES, sizeof(*s->notes));
    const char *copy = arena_strdup(&l->d->arena, text);
    if (!s->notes || !copy)
        return E_NOMEM;
    ((const char **)s->notes)[s->n_notes++] = copy;
    return OK;
}

void loading_free(struct loading *l)
{
    for (int i = 0; i < l->count; i++) {
        label_rows_free(&l->pictures[i].rows);
        mem_free(l->pictures[i].problem);
    }
    mem_free(l->pictures);
}
