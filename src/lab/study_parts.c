#include "lab/study_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void study_say(const struct study *s, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (s->config.events.text)
        s->config.events.text(s->config.events.context, line);
}

long study_batches(const struct study *s)
{
    const int batch = s->config.options->batch;
    return (s->n_train + batch - 1) / batch;
}

void study_wait(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}
