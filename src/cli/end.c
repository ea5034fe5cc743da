#include "cli/cli.h"

#include <stdio.h>

int verb_end(const char *verb, enum status rc)
{
    if (rc == OK)
        return EXIT_DONE;
    fprintf(stderr, "yolo9 %s: %s\n", verb, fail_text());
    return EXIT_FAILED;
}
