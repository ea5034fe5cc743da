#include "cli/cli.h"

#include "cli/interrupt.h"
#include "formats/json.h"

#include <stdio.h>
#include <string.h>

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

int verb_end(const char *verb, enum status rc)
{
    if (rc == OK)
        return EXIT_DONE;
    fprintf(stderr, "yolo9 %s: %s\n", verb, fail_text());
    return rc == E_INTERRUPTED && interrupt_exit_code() ? interrupt_exit_code() : EXIT_FAILED;
}
