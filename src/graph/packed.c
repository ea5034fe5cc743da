#include "graph/packed.h"

#include "core/mem.h"

void packed_store_init(struct packed_store *s)
{
    *s = (struct packed_store){0};
    pthread_mutex_init(&s->lock, NULL);
}

void packed_store_free(struct packed_store *s)
{
    for (int i = 0; i < s->count; i++) {
        mem_free(s->items[i].data[0]);
        mem_free(s->items[i].data[1]);
    }
    mem_free(s->items);
    pthread_mutex_destroy(&s->lock);
}

static enum status add(struct packed_store *s, int node, const struct call *c)
{
    if (s->count == s->capacity) {
        size_t old = (size_t)s->capacity * sizeof *s->items;
        struct packed_weights *grown = mem_grow(s->items, old, old * 2 + 256 * sizeof *grown);
        if (!grown)
            return E_NOMEM;
        s->items = grown;
        s->capacity = s->capacity * 2 + 256;
    }
    struct packed_weights w = {.node = node, .variant = c->variant};
    for (int i = 0; i < 2; i++) {
        w.floats[i] = c->packed_floats[i];
        if (w.floats[i] && !(w.data[i] = mem_alloc(w.floats[i], sizeof(float)))) {
            mem_free(w.data[0]);
            return E_NOMEM;
        }
    }
    s->items[s->count++] = w;
    return OK;
}

enum status packed_store_find(struct packed_store *s, int node, const struct call *c, int *index)
{
    for (int i = 0; i < s->count; i++) {
        if (s->items[i].node == node && s->items[i].variant == c->variant) {
            *index = i;
            return OK;
        }
    }
    *index = s->count;
    return add(s, node, c);
}

size_t packed_store_bytes(const struct packed_store *s)
{
    size_t floats = 0;
    for (int i = 0; i < s->count; i++)
        floats += s->items[i].floats[0] + s->items[i].floats[1];
    return floats * sizeof(float);
}
