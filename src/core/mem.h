/* Aligned memory, and an arena for things that die together.
 * Everything is aligned to 64 bytes (a cache line, an AVX-512 register). Release with mem_free(); NULL is fine. */
#ifndef Y9_CORE_MEM_H
#define Y9_CORE_MEM_H

#include "core/status.h"

enum { MEM_ALIGN = 64 };

/* `count * size` bytes; zeroed by mem_calloc. NULL (with a sentence) when it overflows or memory is short.
 * A count of zero returns a valid, freeable pointer. */
void *mem_alloc(size_t count, size_t size);
void *mem_calloc(size_t count, size_t size);
/* Grow a mem_alloc'ed block from old_bytes to new_bytes, keeping its contents. NULL leaves `p` as it was. */
void *mem_grow(void *p, size_t old_bytes, size_t new_bytes);
void mem_free(void *p);
/* A block for `count` elements that is kept from batch to batch: `p` itself where its *capacity is enough, else a new
 * one, and what it held is gone. NULL (with *capacity 0) when memory is short, or when nothing was ever asked for. */
void *mem_reserve(void *p, int *capacity, int count, size_t size);
/* The contents of these bytes are not needed any more: whole pages among them go back to the system, and what they hold
 * is undefined. The block they are part of stays allocated. */
void mem_discard(void *p, size_t bytes);
char *mem_strdup(const char *text);

/* Bump allocator: blocks of memory released all at once. */
struct arena {
    struct arena_block *head;
    size_t used, total;
};

void arena_init(struct arena *a);
void *arena_alloc(struct arena *a, size_t count, size_t size); /* zeroed; NULL when short of memory */
char *arena_strdup(struct arena *a, const char *text);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *a); /* leaves an empty arena that can be used again */

#endif
