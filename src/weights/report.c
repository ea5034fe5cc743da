#include "weights/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 3 };

enum status report_add(struct weights_report *r, enum mismatch kind, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    r->count[kind]++;
    return buf_printf(&r->names[kind], "%s\n", line);
}

enum status report_summary(const struct weights_report *r, struct buf *out)
{
    static const char *const words[MISMATCH_COUNT] = {"missing in the file", "in the file but not in the network",
                                                      "of another shape"};
    TRY(buf_printf(out, "%d of %d tensors taken", r->taken, r->wanted));
    for (int kind = 0; kind < MISMATCH_COUNT; kind++) {
        if (!r->count[kind])
            continue;
        TRY(buf_printf(out, "; %d %s:", r->count[kind], words[kind]));
        const char *line = r->names[kind].data;
        int shown = 0;
        for (; shown < SHOWN && line && *line; shown++) {
            size_t n = strcspn(line, "\n");
            TRY(buf_printf(out, "%s %.*s", shown ? "," : "", (int)n, line));
            line += n + 1;
        }
        if (r->count[kind] > shown)
            TRY(buf_printf(out, " and %d more", r->count[kind] - shown));
    }
    return OK;
}

void report_free(struct weights_report *r)
{
    for (int kind = 0; kind < MISMATCH_COUNT; kind++)
        buf_free(&r->names[kind]);
    *r = (struct weights_report){0};
}
