#include "support/verb_runs.h"

#include "core/buf.h"
#include "core/file.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

int verb_run(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "%s/yolo9 %s >log.txt 2>&1", Y9_BINARY_DIR, arguments);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void assert_log(const char *says)
{
    struct buf text = {0};
    assert_ok(file_read("log.txt", 1 << 20, &text));
    if (!text.data || !strstr(text.data, says))
        fail_msg("'%s', not '%s'", text.data, says);
    buf_free(&text);
}
