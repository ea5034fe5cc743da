/* The machine's memory: values, the stack, what grows. */
#include "formats/pickle_machine.h"

#include "core/mem.h"

#include <string.h>

enum {
    BLOCK_BYTES = 64 << 10, /* the first block; later ones double */
    BLOCK_MOST = 4 << 20,
    BUDGET_BASE = 1 << 20, /* bytes of memory for values, whatever the size */
    BUDGET_FACTOR = 64,    /* ... and for each byte that was read: a value takes 48 */
};

struct pickle_block {
    struct pickle_block *next;
    size_t size, used;
    unsigned char data[];
};

enum status machine_broken(const struct machine *m, const char *what)
{
    return fail(E_FORMAT, "%s: broken pickle at byte %zu: %s", m->name, (size_t)(m->p - m->start), what);
}

void *machine_take(struct machine *m, size_t bytes)
{
    struct pickle *out = m->out;
    size_t budget = BUDGET_BASE + BUDGET_FACTOR * (size_t)(m->p - m->start); /* grows with what was read */
    bytes = (bytes + 7) / 8 * 8;
    if (bytes > budget - out->memory) {
        m->fault = fail(E_LIMIT, "%s: the pickle takes more than %zu bytes of memory", m->name, budget);
        return NULL;
    }
    struct pickle_block *block = out->blocks;
    if (!block || block->size - block->used < bytes) {
        size_t size = MAX(bytes, MIN(MAX(out->memory, (size_t)BLOCK_BYTES), (size_t)BLOCK_MOST));
        block = mem_alloc(1, sizeof *block + size);
        if (!block) {
            m->fault = E_NOMEM;
            return NULL;
        }
        *block = (struct pickle_block){.next = out->blocks, .size = size};
        out->blocks = block;
    }
    void *p = block->data + block->used;
    block->used += bytes;
    out->memory += bytes;
    return p;
}

enum status machine_make(struct machine *m, enum pickle_type type, struct pickle_value **out)
{
    struct pickle_value *v = machine_take(m, sizeof *v);
    if (!v)
        return m->fault;
    *v = (struct pickle_value){.type = type};
    *out = v;
    return OK;
}

enum status machine_grow(void *array, size_t count, size_t *capacity)
{
    void *old;
    if (count < *capacity)
        return OK;
    memcpy(&old, array, sizeof old);
    size_t wanted = MAX((size_t)256, *capacity * 2);
    void *grown = mem_grow(old, *capacity * sizeof old, wanted * sizeof old);
    if (!grown)
        return E_NOMEM;
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return OK;
}

enum status machine_push(struct machine *m, struct pickle_value *v)
{
    enum status rc = machine_grow(&m->stack, m->depth, &m->stack_capacity);
    if (rc == OK)
        m->stack[m->depth++] = v;
    return rc;
}

enum status machine_append(struct machine *m, struct pickle_value *v, struct pickle_value *const *items, size_t count)
{
    if (count > v->capacity - v->count) {
        size_t capacity = MAX(v->count + count, (size_t)v->capacity * 2);
        struct pickle_value **grown = machine_take(m, capacity * sizeof *grown);
        if (!grown)
            return m->fault;
        if (v->count)
            memcpy(grown, v->items, v->count * sizeof *grown);
        v->items = grown;
        v->capacity = (uint32_t)capacity;
    }
    if (count)
        memcpy(v->items + v->count, items, count * sizeof *items);
    v->count += (uint32_t)count;
    return OK;
}

void pickle_free(struct pickle *pickle)
{
    while (pickle->blocks) {
        struct pickle_block *next = pickle->blocks->next;
        mem_free(pickle->blocks);
        pickle->blocks = next;
    }
    *pickle = (struct pickle){0};
}
