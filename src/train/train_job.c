#include "train/train_job.h"

#include <stdarg.h>
#include <stdio.h>

void job_say(const struct train_job *j, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (j->request->events.text)
        j->request->events.text(j->request->events.context, line);
}
