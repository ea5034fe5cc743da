#include "cli/cli.h"

#include "cli/interrupt.h"
#include "core/listing.h"
#include "core/terminal.h"
#include "formats/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum status output_json(const char *path, const json_t *root)
{
    const size_t flags = JSON_INDENT(1) | JSON_REAL_PRECISION(9);
    if (strcmp(path, "-") != 0)
        return json_write_file(path, root, flags);
    if (json_dumpf(root, stdout, flags) != 0)
        return fail_errno("standard output");
    putchar('\n');
    return OK;
}

void print(FILE *stream, const char *format, ...)
{
    struct buf text = {0};
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n >= 0 && buf_reserve(&text, (size_t)n + 1) == OK) {
        vsnprintf(text.data, (size_t)n + 1, format, again);
        terminal_print(stream, text.data);
    }
    va_end(again);
    va_end(args);
    buf_free(&text);
}

enum status print_listing(const struct listing *l)
{
    struct buf text = {0};
    enum status rc = listing_write(l, terminal_columns(STDOUT_FILENO), &text);
    if (rc == OK)
        terminal_print(stdout, text.data);
    buf_free(&text);
    return rc;
}

int verb_end(const char *verb, enum status rc)
{
    if (rc == OK)
        return EXIT_DONE;
    if (rc == E_FOUND)
        return EXIT_FAILED;
    print(stderr, "yolo9 %s: %s", verb, fail_text());
    if (rc == E_USAGE)
        return EXIT_USAGE;
    return rc == E_INTERRUPTED && interrupt_exit_code() ? interrupt_exit_code() : EXIT_FAILED;
}
