#include "core/status.h"

#include "core/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE_SIZE = 1024, LONG_SENTENCE = 8192 };

static _Thread_local char sentence[SENTENCE_SIZE];

/* A sentence is one line, and of one that is too long (a very long path) both ends are kept: the fault stands last. */
static void keep(char *text)
{
    static const char gap[] = " ... ";
    const size_t half = (SENTENCE_SIZE - sizeof gap) / 2;
    text_one_line(text);
    size_t n = strlen(text);
    if (n < SENTENCE_SIZE)
        memcpy(sentence, text, n + 1);
    else
        snprintf(sentence, sizeof sentence, "%.*s%s%s", (int)half, text, gap, text + n - half);
}

enum status fail(enum status code, const char *format, ...)
{
    char text[LONG_SENTENCE]; /* arguments may point into the old sentence */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    keep(text);
    return code;
}

enum status fail_errno(const char *format, ...)
{
    int error = errno;
    char text[LONG_SENTENCE - 256]; /* room for the reason */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fail(error == ENOMEM ? E_NOMEM : E_IO, "%s: %s", text, strerror(error));
}

enum status fail_memory(const char *whose, size_t bytes)
{
    char amount[40] = "";
    if (bytes == SIZE_MAX)
        snprintf(amount, sizeof amount, ": more than can be addressed");
    else if (bytes)
        snprintf(amount, sizeof amount, ": %zu bytes", bytes);
    return fail(E_NOMEM, "%s%sout of memory%s", whose ? whose : "", whose ? ": " : "", amount);
}

enum status fail_prefix(enum status code, const char *format, ...)
{
    char prefix[SENTENCE_SIZE / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    return fail(code, "%s: %s", prefix, sentence);
}

const char *fail_text(void)
{
    return sentence;
}
