#include "core/text.h"

#include <stdio.h>
#include <string.h>

const char *text_utf8(struct arena *arena, const char *text)
{
    const char *p = text;
    for (int n; *p && (n = text_decode(p, NULL)); p += n)
        ;
    if (!*p)
        return text;
    char *out = arena_alloc(arena, strlen(text) * 3 + 1, 1), *to = out;
    if (!out)
        return NULL;
    for (p = text; *p;) {
        int n = text_decode(p, NULL);
        if (n == 0 || *p == '%') {
            to += sprintf(to, "%%%02X", (unsigned char)*p++);
        } else {
            memcpy(to, p, (size_t)n);
            to += n;
            p += n;
        }
    }
    return out;
}
