#include "core/buf.h"

#include "core/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum status buf_reserve(struct buf *b, size_t more)
{
    if (more > SIZE_MAX / 4 - b->size)
        return fail_memory(NULL, more);
    size_t need = b->size + more + 1;
    if (need <= b->capacity)
        return OK;
    size_t capacity = MAX(need, MAX(b->capacity * 2, (size_t)256));
    char *grown = mem_grow(b->data, b->size, capacity);
    if (!grown)
        return E_NOMEM;
    b->data = grown;
    b->capacity = capacity;
    b->data[b->size] = 0;
    return OK;
}

enum status buf_append(struct buf *b, const void *bytes, size_t n)
{
    enum status rc = buf_reserve(b, n);
    if (rc != OK)
        return rc;
    if (n)
        memcpy(b->data + b->size, bytes, n);
    b->size += n;
    b->data[b->size] = 0;
    return OK;
}

enum status buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return fail(E_ARGUMENT, "text could not be formatted");
    enum status rc = buf_reserve(b, (size_t)n);
    if (rc != OK)
        return rc;
    va_start(args, format);
    vsnprintf(b->data + b->size, (size_t)n + 1, format, args);
    va_end(args);
    b->size += (size_t)n;
    return OK;
}

void buf_free(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){0};
}
