#include "support/folder.h"

#include "support/programs.h"

#include <stdio.h>
#include <unistd.h>

char folder[64];

const char *folder_path(const char *name)
{
    static char path[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

int folder_make(void **state)
{
    (void)state;
    program_folder(folder, sizeof folder);
    return 0;
}

int folder_enter(void **state)
{
    folder_make(state);
    return chdir(folder);
}

int folder_remove(void **state)
{
    (void)state;
    program_remove(folder);
    return 0;
}
