#include "core/log.h"

#include "core/terminal.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static _Atomic int level = LOG_INFO;

void log_set_level(enum log_level l)
{
    level = l;
}

static void say(const char *prefix, const char *format, va_list args)
{
    char text[2048];
    int n = snprintf(text, sizeof text, "%s", prefix);
    vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    terminal_print(stderr, text);
}

enum log_level log_level(void)
{
    return (enum log_level)level;
}

#define LOG_FUNCTION(name, at, prefix) \
    void name(const char *format, ...) \
    {                                  \
        if (level < (at))              \
            return;                    \
        va_list args;                  \
        va_start(args, format);        \
        say(prefix, format, args);     \
        va_end(args);                  \
    }
LOG_FUNCTION(log_warn, LOG_WARN, "warning: ")
LOG_FUNCTION(log_info, LOG_INFO, "")
LOG_FUNCTION(log_debug, LOG_DEBUG, "debug: ")
