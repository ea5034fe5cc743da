#include "core/log.h"

#include "core/clock.h"
#include "core/status.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Atomic int level = LOG_INFO;

void log_set_level(enum log_level l)
{
    level = l;
}

static void say(const char *prefix, const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, args);
    fprintf(stderr, "%s%s\n", prefix, text);
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

static void show(struct progress *p, double now)
{
    double elapsed = now - p->started;
    double rate = elapsed > 0 ? (double)p->done / elapsed : 0;
    double left = rate > 0 ? (double)(p->total - p->done) / rate : 0;
    int percent = p->total > 0 ? (int)(100 * p->done / p->total) : 100;
    if (!p->terminal) {
        fprintf(stderr, "%s: %ld/%ld (%d%%), %.1f/s, %.0f s left\n", p->label, p->done, p->total, percent, rate, left);
        return;
    }
    char bar[31];
    int filled = percent * 30 / 100;
    memset(bar, '.', 30);
    memset(bar, '#', (size_t)MIN(filled, 30));
    bar[30] = 0;
    fprintf(stderr, "\r%s: %3d%% [%s] %ld/%ld  %.1f/s  %d:%02d left ", p->label, percent, bar, p->done, p->total, rate,
            (int)left / 60, (int)left % 60);
    fflush(stderr);
}

void progress_start(struct progress *p, const char *label, long total)
{
    double now = clock_seconds();
    *p = (struct progress){.label = label, .total = total, .started = now, .shown = now, .terminal = isatty(2)};
}

void progress_step(struct progress *p, long done)
{
    double now = clock_seconds();
    p->done = done;
    if (level < LOG_INFO || now - p->shown < (p->terminal ? 0.1 : 10.0))
        return;
    p->shown = now;
    show(p, now);
}

void progress_end(struct progress *p)
{
    if (level < LOG_INFO || !p->terminal || p->shown == p->started)
        return;
    show(p, clock_seconds());
    fputc('\n', stderr);
}
