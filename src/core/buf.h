/* A growing byte buffer. `data` is always followed by a zero byte once something was appended, so text can be
 * read as a C string. Start from {0}; release with buf_free(). */
#ifndef Y9_CORE_BUF_H
#define Y9_CORE_BUF_H

#include "core/status.h"

struct buf {
    char *data;
    size_t size, capacity;
};

enum status buf_reserve(struct buf *b, size_t more);
enum status buf_append(struct buf *b, const void *bytes, size_t n);
enum status buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_free(struct buf *b);

#endif
