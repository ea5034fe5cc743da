/* For readers that take a path: the input as a file in a folder of its own, which is removed at the end. */
#ifndef Y9_FUZZ_INPUT_FILE_H
#define Y9_FUZZ_INPUT_FILE_H

#include "core/log.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char input_folder[32];

static void input_folder_remove(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", input_folder);
    if (system(command) != 0)
        fprintf(stderr, "%s: not removed\n", input_folder);
}

/* Write the file `name` into the folder; returns its path, of which at most eight are valid at a time. */
static const char *input_file(const char *name, const void *data, size_t size)
{
    static char paths[8][96];
    static int next;
    char *path = paths[next++ % 8];
    if (!input_folder[0]) {
        strcpy(input_folder, "/tmp/yolo9-fuzz-XXXXXX");
        if (!mkdtemp(input_folder))
            abort();
        atexit(input_folder_remove);
        log_set_level(LOG_QUIET); /* notes of readers */
    }
    snprintf(path, sizeof paths[0], "%s/%s", input_folder, name);
    /* Not file_write, whose fsync would be the slowest part, and no O_TRUNC, after which ext4 flushes as well. */
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    if (file < 0 || write(file, data, size) != (ssize_t)size || ftruncate(file, (off_t)size) != 0 || close(file) != 0)
        abort();
    return path;
}

#endif
