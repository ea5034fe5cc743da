#include "model/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void builder_init(struct builder *b, struct graph *graph, enum act act)
{
    *b = (struct builder){.graph = graph, .act = act};
}

size_t builder_enter(struct builder *b, const char *name)
{
    size_t mark = strlen(b->path);
    if (!*name)
        return mark;
    int n = snprintf(b->path + mark, sizeof b->path - mark, "%s%s", mark ? "." : "", name);
    if (n < 0 || (size_t)n >= sizeof b->path - mark)
        builder_fail(b, "a name is longer than %d characters", BUILDER_NAME);
    return mark;
}

size_t builder_enter_number(struct builder *b, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    return builder_enter(b, text);
}

void builder_leave(struct builder *b, size_t mark)
{
    b->path[mark] = 0;
}

const char *builder_join(const struct builder *b, const char *name, char *buffer)
{
    size_t length = strlen(b->path);
    memcpy(buffer, b->path, length + 1);
    if (*name && length + strlen(name) + 2 <= BUILDER_NAME)
        snprintf(buffer + length, BUILDER_NAME - length, "%s%s", length ? "." : "", name);
    if (!*buffer)
        snprintf(buffer, BUILDER_NAME, "out");
    return buffer;
}

int builder_fail(struct builder *b, const char *format, ...)
{
    if (b->failed)
        return 0;
    b->failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(b->fault, sizeof b->fault, format, args);
    va_end(args);
    return 0;
}

int builder_channels(const struct builder *b, int value)
{
    return b->failed || b->graph->out_of_memory ? 1 : b->graph->values[value].c;
}
