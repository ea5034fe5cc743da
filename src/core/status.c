#include "core/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SENTENCE_SIZE = 1024 };

static _Thread_local char sentence[SENTENCE_SIZE];

enum status fail(enum status code, const char *format, ...)
{
    char text[SENTENCE_SIZE]; /* arguments may point into the old sentence */
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(sentence, text, sizeof text);
    return code;
}

enum status fail_errno(const char *format, ...)
{
    int error = errno;
    char text[SENTENCE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fail(error == ENOMEM ? E_NOMEM : E_IO, "%s: %s", text, strerror(error));
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
