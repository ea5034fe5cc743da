#include "core/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t round_up(size_t bytes)
{
    return (bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
}

void *mem_alloc(size_t count, size_t size)
{
    if (size && count > (SIZE_MAX - 2 * MEM_ALIGN) / size) {
        fail_memory(NULL, SIZE_MAX);
        return NULL;
    }
    size_t bytes = MAX(round_up(count * size), (size_t)MEM_ALIGN);
    void *p = aligned_alloc(MEM_ALIGN, bytes);
    if (!p)
        fail_memory(NULL, bytes);
    return p;
}

void *mem_calloc(size_t count, size_t size)
{
    void *p = mem_alloc(count, size);
    if (p)
        memset(p, 0, count * size);
    return p;
}

void *mem_grow(void *p, size_t old_bytes, size_t new_bytes)
{
    void *grown = mem_alloc(new_bytes, 1);
    if (!grown)
        return NULL;
    if (p)
        memcpy(grown, p, MIN(old_bytes, new_bytes));
    mem_free(p);
    return grown;
}

void mem_free(void *p)
{
    free(p);
}

void *mem_reserve(void *p, int *capacity, int count, size_t size)
{
    if (count <= *capacity)
        return p;
    mem_free(p);
    p = mem_alloc((size_t)count, size);
    *capacity = p ? count : 0;
    return p;
}

void mem_discard(void *p, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = (page - (uintptr_t)p % page) % page;
    if (bytes >= skip + page)
        madvise((char *)p + skip, (bytes - skip) / page * page, MADV_DONTNEED);
}

char *mem_strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = mem_alloc(n, 1);
    if (copy)
        memcpy(copy, text, n);
    return copy;
}

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    _Alignas(MEM_ALIGN) unsigned char data[];
};

enum { ARENA_BLOCK = 64 * 1024 };

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
    if (size && count > (SIZE_MAX / 2) / size) {
        fail_memory(NULL, SIZE_MAX);
        return NULL;
    }
    size_t bytes = round_up(count * size);
    if (!a->head || a->head->size - a->head->used < bytes) {
        size_t block_size = MAX(bytes, (size_t)ARENA_BLOCK);
        struct arena_block *block = mem_alloc(1, sizeof *block + block_size);
        if (!block)
            return NULL;
        block->next = a->head;
        block->size = block_size;
        block->used = 0;
        a->head = block;
        a->total += block_size;
    }
    void *p = a->head->data + a->head->used;
    a->head->used += bytes;
    a->used += bytes;
    memset(p, 0, bytes);
    return p;
}

char *arena_strdup(struct arena *a, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = arena_alloc(a, n, 1);
    if (copy)
        memcpy(copy, text, n);
    return copy;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1, 1);
    if (!text)
        return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}

void arena_free(struct arena *a)
{
    while (a->head) {
        struct arena_block *next = a->head->next;
        mem_free(a->head);
        a->head = next;
    }
    *a = (struct arena){0};
}
