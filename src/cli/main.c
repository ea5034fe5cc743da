/* yolo9 VERB [options] [arguments]: finds the verb, runs it, and sees that its output arrived. */
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "core/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word) {
        help_overview(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h"))
        word = "help";
    if (!strcmp(word, "--version") || !strcmp(word, "-V"))
        word = "version";
    const struct verb_spec *verb = verb_find(word);
    if (verb)
        return verb_main(verb, argc - 1, argv + 1);
    print(stderr, "yolo9: %s", fail_text());
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    log_set_sink(terminal_log, NULL);
    interrupt_start();
    int code = run(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_DONE) {
        print(stderr, "yolo9: standard output: %s", strerror(errno));
        return EXIT_FAILED;
    }
    return code;
}
