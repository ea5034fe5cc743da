/* yolo9 help [VERB]: the verbs of the program, or the options of one. */
#include "cli/help.h"

#include "cli/cli.h"
#include "cli/completion.h"
#include "cli/manual.h"
#include "cli/options_json.h"

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

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_MAN, FORMAT_BASH, FORMAT_ZSH, FORMAT_FISH };
static const char *const formats[] = {[FORMAT_TEXT] = "text",
                                      [FORMAT_JSON] = "json",
                                      [FORMAT_MAN] = "man",
                                      [FORMAT_BASH] = "bash",
                                      [FORMAT_ZSH] = "zsh",
                                      [FORMAT_FISH] = "fish",
                                      NULL};

static const struct option_spec options_table[] = {
    {"verb", NULL, OPTION_STRINGS, NULL, "the verb to explain, and its part; without one the verbs are listed",
     .value = VALUE_VERB},
    {"format", NULL, OPTION_STRING, "text",
     "man is a manual page; bash, zsh and fish are completions of all verbs for these shells", .choices = formats},
};

static enum status print_json(const struct verb_spec *verb)
{
    enum status rc = OK;
    json_t *root = verb ? options_json(verb) : json_array();
    for (int i = 0; !verb && verbs[i]; i++)
        json_array_append_new(root, options_json(verbs[i]));
    TRY_CLEAN(root ? OK : fail_memory(NULL, 0));
    TRY_CLEAN(output_json("-", root));
cleanup:
    json_decref(root);
    return rc;
}

/* "train", or "figure features": a verb, then one of its parts. */
static enum status find_verb(const struct options *o, const struct verb_spec **verb)
{
    int n;
    const char *const *words = option_strings(o, "verb", &n);
    *verb = NULL;
    for (int i = 0; i < n; i++) {
        if (*verb && !(*verb)->parts)
            return fail(E_USAGE, "unexpected word '%s': yolo9 %s has no parts", words[i], (*verb)->name);
        *verb = *verb ? verb_find_part(*verb, words[i]) : verb_find(words[i]);
        if (!*verb)
            return E_USAGE;
    }
    return OK;
}

static enum status run(const struct options *o)
{
    const struct verb_spec *verb;
    TRY(find_verb(o, &verb));
    switch ((enum format)option_choice(o, "format")) {
    case FORMAT_TEXT:
        verb ? options_help(verb, stdout) : help_overview(stdout);
        return OK;
    case FORMAT_JSON:
        return print_json(verb);
    case FORMAT_MAN:
        verb ? manual_verb(verb, stdout) : manual_program(stdout);
        return OK;
    case FORMAT_BASH:
        completion_bash(stdout);
        return OK;
    case FORMAT_ZSH:
        completion_zsh(stdout);
        return OK;
    case FORMAT_FISH:
        completion_fish(stdout);
        return OK;
    }
    return OK;
}

const struct verb_spec verb_help = {
    .name = "help",
    .summary = "the verbs, or the options of one; manuals and completions",
    .positional = "verb",
    .options = options_table,
    .n_options = COUNT(options_table),
    .example = "yolo9 help train\n"
               "yolo9 help --format bash >~/.local/share/bash-completion/completions/yolo9\n"
               "yolo9 help detect --format man | man -l -",
    .run = run,
};
