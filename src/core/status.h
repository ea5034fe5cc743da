/* core/: what every other folder stands on: errors, memory, files, texts, threads, processor features. It knows nothing
 * of pictures or networks.
 *
 * Status codes and the sentence that explains the last failure.
 *
 * A function that can fail returns `enum status`; the place where the fault is found calls fail() with one
 * sentence that names the file and the fault, and every caller forwards the code with TRY(). Nothing below
 * cli/ prints or exits. The sentence is kept per thread. */
#ifndef Y9_CORE_STATUS_H
#define Y9_CORE_STATUS_H

#include <stddef.h>

enum status {
    OK = 0,
    E_NOMEM,       /* memory could not be had */
    E_IO,          /* the operating system refused: open, read, write, rename ... */
    E_FORMAT,      /* bytes are not what their format promises */
    E_UNSUPPORTED, /* well formed, but this program does not handle it */
    E_ARGUMENT,    /* a caller's or user's value is out of range */
    E_SHAPE,       /* tensors or tables that do not fit each other */
    E_LIMIT,       /* larger than a stated limit */
    E_INTERRUPTED, /* the user asked to stop */
    E_NUMERIC,     /* NaN or infinity where numbers are needed */
    E_FOUND,       /* the work is done and told: something is wrong with what was looked at; from cli/ only */
    E_USAGE,       /* the command line is wrong; the exit code is 2 */
};

#define COUNT(a)  ((int)(sizeof(a) / sizeof((a)[0])))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* Keep the sentence for fail_text() and return `code`. Sentences carry no newline and no final dot; control characters
 * that come from outside (in a file's name) become "?". */
enum status fail(enum status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Like fail(E_IO, ...) with ": strerror(errno)" appended. */
enum status fail_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* E_NOMEM: "<whose>: out of memory: <bytes> bytes". `whose` (a file's name) may be NULL, `bytes` 0 where nobody knows
 * and SIZE_MAX where there are too many to count. What mem.h and buf.h hand out fails with it already: their callers
 * only return E_NOMEM. */
enum status fail_memory(const char *whose, size_t bytes);

/* Put "<prefix>: " in front of the kept sentence and return `code`: a caller adds the file's name. */
enum status fail_prefix(enum status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The last sentence of this thread; "" if none. Owned by the thread, valid until its next fail(). */
const char *fail_text(void);

/* Forward a failure, from where nothing is to be released. */
#define TRY(expression)                        \
    do {                                       \
        const enum status try_ = (expression); \
        if (try_ != OK)                        \
            return try_;                       \
    } while (0)

/* Forward a failure to where the function releases what it holds: needs `enum status rc` and a label `cleanup`. */
#define TRY_CLEAN(expression)          \
    do {                               \
        if ((rc = (expression)) != OK) \
            goto cleanup;              \
    } while (0)

#endif
