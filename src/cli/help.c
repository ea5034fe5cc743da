/* yolo9 help [VERB]: the verbs of the program, or the options of one. */
#include "cli/help.h"

#include "cli/cli.h"

#include <stdio.h>

void help_overview(FILE *stream)
{
    fprintf(stream, "yolo9: YOLOv9 in C: train, evaluate, run.\n\n"
                    "Usage: yolo9 VERB [options] [arguments]\n\nVerbs:\n");
    for (int i = 0; verbs[i]; i++)
        fprintf(stream, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    fprintf(stream, "\nyolo9 help VERB (or yolo9 VERB --help) lists the options of a verb.\n"
                    "Exit codes: 0 done, 1 failed, 2 the command line is wrong.\n");
}

static const struct option_spec options_table[] = {
    {"verb", NULL, OPTION_STRING, NULL, "the verb to explain; without one the verbs are listed", .value = VALUE_NAME},
};

static enum status run(const struct options *o)
{
    const char *name = option_string(o, "verb");
    if (!name) {
        help_overview(stdout);
        return OK;
    }
    const struct verb_spec *verb = verb_find(name);
    if (!verb)
        return E_USAGE;
    options_help(verb, stdout);
    return OK;
}

const struct verb_spec verb_help = {
    .name = "help",
    .summary = "the verbs, or the options of one",
    .positional = "verb",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 help train",
    .run = run,
};
