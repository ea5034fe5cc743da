#include "core/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static _Atomic int level = LOG_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of these two, which belong together */
static log_sink *listener;
static void *listener_context;

void log_set_sink(log_sink *sink, void *context)
{
    pthread_mutex_lock(&lock);
    listener = sink;
    listener_context = context;
    pthread_mutex_unlock(&lock);
}

void log_set_level(enum log_level l)
{
    level = l;
}

static void say(enum log_level at, const char *format, va_list args)
{
    char text[2048];
    pthread_mutex_lock(&lock);
    log_sink *sink = listener;
    void *context = listener_context;
    pthread_mutex_unlock(&lock);
    if (!sink)
        return;
    vsnprintf(text, sizeof text, format, args);
    sink(context, at, text);
}

enum log_level log_level(void)
{
    return (enum log_level)level;
}

#define LOG_FUNCTION(name, at)         \
    void name(const char *format, ...) \
    {                                  \
        if (level < (at))              \
            return;                    \
        va_list args;                  \
        va_start(args, format);        \
        say(at, format, args);         \
        va_end(args);                  \
    }
LOG_FUNCTION(log_warn, LOG_WARN)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_debug, LOG_DEBUG)
